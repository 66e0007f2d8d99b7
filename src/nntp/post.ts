/** Articles on their way out: POST, IHAVE, CHECK and TAKETHIS (RFC 3977 §6.3, RFC 4644). */
import { ConnectionError, UsageError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import type { Source } from "../client/sink.js";
import { type ArticleInput, completeArticle, composeArticle } from "../message/compose.js";
import { parseHeaders } from "../message/headers.js";
import { toCrlf } from "../message/line-ends.js";
import { openSource } from "../net/stream.js";
import { unsent, whileWanted } from "../net/unsent.js";
import { DotWriter } from "../wire/dot.js";
import type { NntpSession } from "./session.js";

/** What was posted. */
export interface Posted {
  /** The article's message-id: the one given, or made here. */
  readonly messageId: string;
  readonly reply: Reply;
}

/** What CHECK answers: send it, never, or ask again later. */
export type Wanted = "wanted" | "unwanted" | "later";

/**
 * The bytes of an article to post: composed from its parts, or as given, with the headers that RFC 5536 asks for filled
 * in. Throws UsageError where From, Newsgroups or Subject is missing, or the article is larger than `limits.body`.
 */
async function articleBytes(session: NntpSession, article: ArticleInput | Source, call: Call): Promise<Buffer> {
  if (isComposed(article)) return unsent(session.line, call, () => composeArticle(article));
  return completeArticle(await wholeSource(session, article, call));
}

/** Reads a source to its end. */
async function wholeSource(session: NntpSession, source: Source, call: Call): Promise<Buffer> {
  const limit = session.options.limits.body;
  const check = (bytes: number) => {
    if (bytes > limit) throw new UsageError(`an article of more than ${limit} bytes`, { advice: "see limits.body" });
  };
  if (source instanceof Uint8Array) {
    check(source.length);
    return Buffer.from(source.buffer, source.byteOffset, source.byteLength);
  }
  return unsent(session.line, call, async (wait) => {
    const pieces: Buffer[] = [];
    let bytes = 0;
    for await (const piece of whileWanted(await openSource(source), wait)) {
      check((bytes += piece.length));
      pieces.push(piece);
    }
    return Buffer.concat(pieces);
  });
}

/** POST: two steps, 340 and 240. */
export async function post(session: NntpSession, input: ArticleInput | Source, call: Call): Promise<Posted> {
  const article = await articleBytes(session, input, call);
  const messageId = parseHeaders(article).get("message-id") ?? "";
  // Without 340 the server takes the article's lines for commands.
  session.expect(await session.exchange("POST", { timeout: call.timeout }), "POST", "340");
  const reply = await sendArticle(session, article, "POST", messageId, call);
  return { messageId, reply: session.expect(reply, "POST", "240") };
}

/** IHAVE: false where the server has the article already, or does not want it (435). */
export async function ihave(session: NntpSession, id: string, source: Source, call: Call): Promise<boolean> {
  const article = await wholeSource(session, source, call);
  const command = `IHAVE ${id}`;
  const offered = await session.exchange(command, { timeout: call.timeout });
  if (offered.code === "435") return false;
  session.expect(offered, command, "335");
  session.expect(await sendArticle(session, article, command, id, call), command, "235");
  return true;
}

/** CHECK: whether the article is wanted. */
export async function check(session: NntpSession, id: string, call: Call): Promise<Wanted> {
  const command = `CHECK ${id}`;
  const reply = await session.exchange(command, { timeout: call.timeout });
  if (reply.code === "438") return "unwanted";
  if (reply.code === "431") return "later";
  session.expect(reply, command, "238");
  return "wanted";
}

/** TAKETHIS: command and article in one write. False where the server does not want it (439). */
export async function takethis(session: NntpSession, id: string, source: Source, call: Call): Promise<boolean> {
  const article = await wholeSource(session, source, call);
  const command = `TAKETHIS ${id}`;
  refuseUnlessStreaming(session, "TAKETHIS");
  const reply = await session.exchangeArticle(stuffed(article), { command, timeout: call.timeout });
  if (reply.code === "439") return false;
  session.expect(reply, command, "239");
  return true;
}

/** Sends the article. A connection lost before the answer leaves open whether it was taken: the error says so. */
async function sendArticle(
  session: NntpSession,
  article: Buffer,
  command: string,
  messageId: string,
  call: Call,
): Promise<Reply> {
  try {
    return await session.line.sendBytes(stuffed(article), { timeout: call.timeout });
  } catch (cause) {
    if (!(cause instanceof ConnectionError)) throw cause;
    throw new ConnectionError(`the connection was lost before the answer to ${command}: ${cause.message}`, {
      phase: cause.phase,
      cause,
      advice: `look for ${messageId}, or send the same article again: a server takes a message-id once only`,
      protocol: "nntp",
      ...(cause.server === undefined ? {} : { server: cause.server }),
    });
  }
}

/**
 * A server without streaming (RFC 4644 §2.1) would take the lines of an article for commands.
 */
function refuseUnlessStreaming(session: NntpSession, command: string): void {
  if (session.has("STREAMING")) return;
  throw new UsageError(`the server does not announce STREAMING, which ${command} needs`, {
    advice: "use ihave() or post(); where the port is for feeds, try modeReader: false",
    protocol: "nntp",
  });
}

/** Lines end with CR LF, whoever made the article: a server that takes a bare LF for one would see a dot of its own. */
function stuffed(article: Buffer): Buffer[] {
  const writer = new DotWriter();
  return [...writer.stuff(toCrlf(article)), writer.end()];
}

function isComposed(article: ArticleInput | Source): article is ArticleInput {
  return typeof article === "object" && article !== null && "newsgroups" in article;
}
