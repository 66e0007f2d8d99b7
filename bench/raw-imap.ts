/** IMAP by a bare socket: what a server gives at most, to somebody who looks at nothing but the end. */
import type { Socket } from "node:net";
import { rawConnect } from "./raw-nntp.js";

/** Bytes of the end that are looked at: longer than any server's last word. */
const TAIL = 512;
const LAST_LINE = /(?:^|\r\n)raw OK [^\r\n]*\r\n$/;

/** A connection that is logged in, and has that mailbox selected, if any. */
export async function rawImap(
  place: { host: string; port: number },
  { user, password }: { user: string; password: string },
  mailbox?: string,
): Promise<Socket> {
  const socket = await rawConnect(place);
  await rawTagged(socket, [Buffer.from(`raw LOGIN "${user}" "${password}"\r\n`)]);
  if (mailbox !== undefined) await rawTagged(socket, [Buffer.from(`raw SELECT ${mailbox}\r\n`)]);
  return socket;
}

/** Sends bytes, the last command among which has the tag `raw`; resolves to the octets up to its OK. */
export function rawTagged(socket: Socket, bytes: readonly Buffer[]): Promise<number> {
  return new Promise((resolve, reject) => {
    let octets = 0;
    let tail = "";
    const take = (chunk: Buffer) => {
      octets += chunk.length;
      const last = chunk.toString("latin1", Math.max(0, chunk.length - TAIL));
      tail = (tail + last).slice(-TAIL);
      if (!LAST_LINE.test(tail)) return;
      socket.off("data", take).off("error", reject);
      resolve(octets);
    };
    socket.on("data", take).once("error", reject);
    socket.cork();
    for (const each of bytes) socket.write(each);
    socket.uncork();
  });
}
