/** SMTP by a bare socket: what a server gives at most to one connection without CHUNKING, to somebody who parses nothing. */
import { connect, type Socket } from "node:net";

const LF = 10;

/** A message, complete and stuffed, and its envelope. */
export interface RawMail {
  readonly from: string;
  readonly to: string;
  readonly message: Buffer;
}

/** A connection that was greeted, and has said EHLO. */
export async function rawSmtp(server: { host: string; port: number }): Promise<Socket> {
  const socket = connect({ host: server.host, port: server.port, noDelay: true });
  const answer = () =>
    new Promise<void>((resolve, reject) => {
      socket.once("data", () => resolve());
      socket.once("error", reject);
    });
  await answer();
  socket.write("EHLO bench.example.org\r\n");
  await answer();
  return socket;
}

/**
 * Sends a message so many times: a round trip for each, in one write of one Buffer that was made beforehand. Replies are
 * counted by their line ends, and not looked at.
 */
export function rawSend(socket: Socket, { from, to, message }: RawMail, count: number): Promise<void> {
  const commands = Buffer.from(`MAIL FROM:<${from}>\r\nRCPT TO:<${to}>\r\nDATA\r\n`);
  const last = Buffer.concat([message, Buffer.from(".\r\n")]);
  const both = Buffer.concat([last, commands]);
  return new Promise((resolve, reject) => {
    let left = count;
    let awaited = 3;
    const take = (chunk: Buffer) => {
      for (let at = chunk.indexOf(LF); at !== -1; at = chunk.indexOf(LF, at + 1)) awaited--;
      if (awaited > 0) return;
      if (left === 0) {
        socket.off("data", take).off("error", reject);
        resolve();
        return;
      }
      left--;
      awaited = left > 0 ? 4 : 1;
      socket.write(left > 0 ? both : last);
    };
    socket.on("data", take).once("error", reject);
    socket.write(commands);
  });
}
