/** Articles on their way here: to a Buffer, or to a sink (RFC 3977 §6.2). */
import type { Call, Reply } from "../client/session.js";
import { Outlet } from "../net/outlet.js";
import { Pieces } from "../net/pieces.js";
import type { SinkWriter } from "../net/stream.js";
import { type ArticleName, parseArticleName } from "./parse-reply.js";
import type { NntpSession } from "./session.js";

/** An article, its head or its body. */
export interface Article extends ArticleName {
  /** The bytes, lines ended by CR LF, dots single. */
  readonly content: Buffer;
}

/** An article that went to a sink. */
export interface StoredArticle extends ArticleName {
  /** How many bytes went there. */
  readonly bytes: number;
}

/** Asks for an article into memory. */
export async function receiveArticle(session: NntpSession, command: string, call: Call): Promise<Article> {
  const pieces = new Pieces(session.options.limits.body);
  const take = (piece: Buffer) => pieces.take(piece);
  const reply = await session.sendForBody(command, { timeout: call.timeout, begin: () => take });
  return { ...named(session, command, reply), content: pieces.whole() };
}

/**
 * Asks for an article into a sink, which is being opened: the command is sent at once, or a later call would overtake it.
 * A sink that fails rejects with SinkError; the client stays usable.
 */
export async function storeArticle(
  session: NntpSession,
  command: string,
  opening: Promise<SinkWriter>,
  call: Call,
): Promise<StoredArticle> {
  const outlet = new Outlet(session, session.line, opening);
  const begin = () => (piece: Buffer) => outlet.take(piece);
  const reply = await session.sendForBody(command, { timeout: call.timeout, begin });
  await outlet.end();
  return { ...named(session, command, reply), bytes: outlet.bytes };
}

/** Number and message-id of a reply, which names them in its first words. */
export function named(session: NntpSession, command: string, reply: Reply): ArticleName {
  const name = parseArticleName(reply.text, command.split(" ")[1]);
  if (name === undefined) throw session.unreadable(command, reply);
  return name;
}
