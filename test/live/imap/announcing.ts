/** A server that says of itself what it is told to: a proxy that changes the capabilities it announces, and nothing else. */
import { connect, createServer, type Socket } from "node:net";
import { onTestFinished } from "vitest";
import { listen } from "../../net/loopback.js";

/** `* CAPABILITY …`, and the code of a greeting or of a login. */
const ANNOUNCED = /^(\* |\S+ OK \[|\* OK \[)CAPABILITY ([^\]\r\n]*)/gm;

/**
 * Listens on a port of 127.0.0.1 until the test is over. What it passes on it must read: its sessions are in the clear, and
 * it takes COMPRESS out.
 *
 * @param words Is given the capabilities, and gives those that are announced.
 */
export function announcing(
  server: { host: string; port: number },
  words: (all: string[]) => string[],
): Promise<number> {
  const change = (said: string) =>
    said.replace(ANNOUNCED, (_, before: string, all: string) => {
      const told = words(all.split(" ")).filter((word) => !word.startsWith("COMPRESS="));
      return `${before}CAPABILITY ${told.join(" ")}`;
    });
  return listen(
    createServer((client) => {
      const far = connect(server);
      onTestFinished(() => void far.destroy());
      client.pipe(far);
      far.on("error", () => client.destroy());
      client.on("close", () => far.destroy());
      passLines(far, client, change);
    }),
  );
}

/** Whole lines alone are passed on: all that a server says ends with one, also behind a literal. */
function passLines(from: Socket, to: Socket, change: (lines: string) => string): void {
  let rest = "";
  from.on("data", (chunk: Buffer) => {
    const said = rest + chunk.toString("latin1");
    const end = said.lastIndexOf("\n") + 1;
    rest = said.slice(end);
    to.write(change(said.slice(0, end)), "latin1");
  });
  from.on("end", () => to.end(rest, "latin1"));
}
