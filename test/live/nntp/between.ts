/** Something between a client and a server that leaves capabilities out, as a server would that has not got them. */
import net from "node:net";
import { listen } from "../../net/loopback.js";

/**
 * Passes every byte on, but for words of the server that are to be hidden: whole lines, or words of a line. Plain text
 * only. It ends with the test. @returns the port to connect to.
 */
export function hiding(host: string, port: number, hidden: RegExp): Promise<number> {
  const server = net.createServer((client) => {
    const there = net.connect({ host, port, noDelay: true });
    client.setNoDelay(true);
    client.on("error", () => there.destroy()).on("close", () => there.destroy());
    there.on("error", () => client.destroy()).on("close", () => client.end());
    client.pipe(there);
    // Answers to CAPABILITIES are small and come in one piece, or in two that are cut behind the status line.
    there.on("data", (bytes) => client.write(Buffer.from(bytes.toString("latin1").replace(hidden, ""), "latin1")));
  });
  return listen(server);
}
