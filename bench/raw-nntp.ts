/** NNTP by a bare socket: what a server gives at most, to somebody who looks at nothing but the end. */
import { connect, type Socket } from "node:net";

/** A connection that was greeted. */
export async function rawConnect(server: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  await new Promise<void>((resolve, reject) => {
    socket.once("data", () => resolve());
    socket.once("error", reject);
  });
  return socket;
}

/** Sends commands in one write; resolves to the octets of the answer up to its `ends`-th dot line. */
export function rawCommand(socket: Socket, command: string, end = "\r\n.\r\n", ends = 1): Promise<number> {
  const terminator = Buffer.from(end);
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let found = 0;
    let tail = Buffer.alloc(0);
    const take = (chunk: Buffer) => {
      bytes += chunk.length;
      if (ends === 1) {
        tail = Buffer.concat([tail, chunk.subarray(-terminator.length)]).subarray(-terminator.length);
        if (tail.equals(terminator)) done();
        return;
      }
      const joined = Buffer.concat([tail, chunk]);
      for (let at = joined.indexOf(terminator); at !== -1; at = joined.indexOf(terminator, at + 1)) found++;
      tail = Buffer.from(joined.subarray(-(terminator.length - 1)));
      if (found >= ends) done();
    };
    const done = () => {
      socket.off("data", take).off("error", reject);
      resolve(bytes);
    };
    socket.on("data", take).once("error", reject);
    socket.write(command);
  });
}
