/** Feeds articles to a server as another server does: MODE STREAM, then TAKETHIS after TAKETHIS (RFC 4644). */
import { once } from "node:events";
import { connect } from "node:net";
import { createInterface } from "node:readline";

export interface Fed {
  /** Message-id, with its brackets. */
  readonly id: string;
  /** With CRLF line ends, not yet dot-stuffed. */
  readonly bytes: Buffer;
}

/**
 * Sends all of them on one connection, in order, without waiting for answers in between.
 * Resolves to the answers to those that were not taken, as "439 <id>", by message-id.
 */
export async function feed(host: string, port: number, articles: Iterable<Fed>): Promise<Map<string, string>> {
  const socket = connect({ host, port, noDelay: true });
  const answers = createInterface(socket)[Symbol.asyncIterator]();
  const next = async () => String((await answers.next()).value);
  await next();
  socket.write("MODE STREAM\r\n");
  if (!(await next()).startsWith("203")) throw new Error("this server takes no streaming feeds");
  const refused = new Map<string, string>();
  await Promise.all([
    send(socket, articles),
    (async () => {
      for await (const line of answers) {
        const [code, id] = line.split(" ");
        if (code === "205") return;
        if (code !== "239") refused.set(String(id), line);
      }
      throw new Error(`the feed broke off after ${refused.size} refusals`);
    })(),
  ]);
  socket.destroy();
  return refused;
}

async function send(socket: ReturnType<typeof connect>, articles: Iterable<Fed>): Promise<void> {
  let sent = 0;
  let batch: Buffer[] = [];
  const flush = async () => {
    if (!socket.write(Buffer.concat(batch))) await once(socket, "drain");
    batch = [];
  };
  for (const { id, bytes } of articles) {
    batch.push(Buffer.from(`TAKETHIS ${id}\r\n`, "latin1"), stuffed(bytes), Buffer.from(".\r\n"));
    if (++sent % 100 === 0) await flush();
  }
  batch.push(Buffer.from("QUIT\r\n"));
  await flush();
}

/** Lines that begin with a dot get another one (RFC 3977 §3.1.1). */
function stuffed(bytes: Buffer): Buffer {
  if (!bytes.includes("\r\n.")) return bytes;
  return Buffer.from(bytes.toString("latin1").replaceAll("\r\n.", "\r\n.."), "latin1");
}
