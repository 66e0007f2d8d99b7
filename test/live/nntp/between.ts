/** Something between a client and a server that leaves capabilities out, as a server would that has not got them. */
import net from "node:net";
import { listen } from "../../net/loopback.js";

/**
 * Passes all lines on, but for what is to be hidden of the server's: words, or whole lines. Not for TLS, nor compressed. It ends with
 * the test. @returns the port to connect to.
 */
export function hiding(host: string, port: number, hidden: RegExp): Promise<number> {
  const server = net.createServer((client) => {
    const there = net.connect({ host, port, noDelay: true });
    client.setNoDelay(true);
    client.on("error", () => there.destroy()).on("close", () => there.destroy());
    there.on("error", () => client.destroy()).on("close", () => client.end());
    client.pipe(there);
    let rest = "";
    there.on("data", (bytes) => {
      // Only in whole lines can words be seen, wherever they were cut on the way.
      const text = rest + bytes.toString("latin1");
      const end = text.lastIndexOf("\n") + 1;
      rest = text.slice(end);
      if (end > 0) client.write(Buffer.from(text.slice(0, end).replace(hidden, ""), "latin1"));
    });
  });
  return listen(server);
}
