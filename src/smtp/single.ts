/** A message by single commands: DATA and BDAT as the caller says them. */
import type { PolywireError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import type { Source } from "../client/sink.js";
import { openSource } from "../net/stream.js";
import { type Addressee, sendBody } from "./body.js";
import { repaired, repairedPieces } from "./content.js";
import type { Body } from "./prepare.js";
import type { SmtpSession } from "./session.js";

/** DATA, the message, and the answers: one; in LMTP one for each recipient taken. */
export async function data(session: SmtpSession, source: Source, acceptTimeout: number, call: Call): Promise<Reply[]> {
  const body = await bodyOf(source);
  const { lmtp } = session.settings;
  const replies = new Replies(lmtp ? session.takers : 1, acceptTimeout);
  try {
    session.expect(await session.line.send("DATA", { timeout: call.timeout }), "DATA", "3");
    if (replies.answers === 0) throw session.line.fail(session.outOfStep("the server wants a message for nobody"));
  } catch (error) {
    if (!Buffer.isBuffer(body)) await body.close();
    throw error;
  }
  session.takers = 0;
  session.takeReset();
  await sendBody(session, body, replies);
  return accepted(session, await replies.all, "the message");
}

/** One chunk (RFC 3030 §2): the bytes as they are. */
export async function bdat(
  session: SmtpSession,
  bytes: Uint8Array,
  last: boolean,
  acceptTimeout: number,
): Promise<Reply[]> {
  const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  // Where an LMTP server took no recipient, it says so once.
  const answers = last && session.settings.lmtp ? Math.max(1, session.takers) : 1;
  const replies = new Replies(answers, acceptTimeout);
  if (last) session.takers = 0;
  const command = `BDAT ${chunk.length}${last ? " LAST" : ""}`;
  session.line.exchange([command], chunk.length === 0 ? [] : [chunk], {
    replies: replies.answers,
    timeout: acceptTimeout,
    take: (reply) => replies.take(reply),
    fail: (error) => replies.finish(error as PolywireError),
  });
  const all = await replies.all;
  if (last && all.some(({ ok }) => ok)) session.takeReset();
  return accepted(session, all, command);
}

/** All replies, unless every one is a refusal. */
function accepted(session: SmtpSession, replies: Reply[], shown: string): Reply[] {
  for (const reply of replies) if (reply.ok) session.expect(reply, shown, "2");
  const [first] = replies;
  if (first !== undefined && !replies.some(({ ok }) => ok)) throw session.refused(first, shown);
  return replies;
}

async function bodyOf(source: Source): Promise<Body> {
  if (source instanceof Uint8Array) return repaired(Buffer.from(source.buffer, source.byteOffset, source.byteLength));
  const reader = await openSource(source, { reuse: true });
  return { pieces: repairedPieces(reader), close: () => reader.close() };
}

/** The answers to one message, until they are all there. */
class Replies implements Addressee {
  bytes = 0;
  ended = false;
  #settled = false;
  readonly answers: number;
  readonly acceptTimeout: number;
  readonly all: Promise<Reply[]>;
  readonly #replies: Reply[] = [];
  #refusal: Reply | undefined;
  #resolve: (replies: Reply[]) => void = () => {};
  #reject: (error: Error) => void = () => {};

  constructor(answers: number, acceptTimeout: number) {
    this.answers = answers;
    this.acceptTimeout = acceptTimeout;
    this.all = new Promise((...both) => ([this.#resolve, this.#reject] = both));
    this.all.catch(() => {});
  }

  take(reply: Reply): void {
    if (this.#replies.push(reply) === this.answers) this.finish();
  }

  refuse(reply: Reply): void {
    this.#refusal = reply;
  }

  finish(error?: PolywireError): void {
    if (this.#settled) return;
    this.#settled = true;
    if (this.#refusal) this.#resolve([...this.#replies, this.#refusal]);
    else if (error) this.#reject(error);
    else this.#resolve(this.#replies);
  }
}
