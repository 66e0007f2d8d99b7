/** Articles on their way here: to a Buffer, or to a sink (RFC 3977 §6.2). */
import { PolywireError, SinkError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import type { SinkWriter } from "../net/stream.js";
import type { ArticleName } from "./parse-reply.js";
import { parseArticleName } from "./parse-reply.js";
import { type NntpSession, Pieces } from "./session.js";

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
  const outlet = new Outlet(session, opening);
  const begin = () => (piece: Buffer) => outlet.take(piece);
  const reply = await session.sendForBody(command, { timeout: call.timeout, begin });
  await outlet.end();
  return { ...named(session, command, reply), bytes: outlet.bytes };
}

/** Lets go of a sink where its article was refused, or never asked for. */
export async function orLetGo<T>(opening: Promise<SinkWriter>, stored: Promise<T>): Promise<T> {
  // A sink that does not open is the call's failure, when its turn has come.
  opening.catch(() => {});
  try {
    return await stored;
  } catch (error) {
    await opening.then(
      (writer) => writer.destroy(error as Error),
      () => {},
    );
    throw error;
  }
}

/** Gives bytes to a sink, one piece after the other; the connection pauses while the sink is busy. */
class Outlet {
  bytes = 0;
  readonly #session: NntpSession;
  #writer: SinkWriter | undefined;
  readonly #waiting: Buffer[] = [];
  #busy: Promise<void> | undefined;
  #failure: PolywireError | undefined;

  constructor(session: NntpSession, opening: Promise<SinkWriter>) {
    this.#session = session;
    this.#busy = opening.then(
      (writer) => this.#begin(writer),
      (error) => this.#fail(error),
    );
  }

  take(piece: Buffer): void {
    this.bytes += piece.length;
    if (this.#failure) return;
    if (this.#busy) this.#waiting.push(piece);
    else this.#busy = this.#write(piece);
    if (this.#busy) this.#session.pause(this);
  }

  async end(): Promise<void> {
    while (this.#busy) await this.#busy;
    if (this.#failure) throw this.#failure;
    await this.#writer?.end();
  }

  #begin(writer: SinkWriter): void {
    this.#writer = writer;
    this.#next();
  }

  #write(piece: Buffer): Promise<void> | undefined {
    const busy = this.#writer?.write(piece);
    return busy?.then(
      () => this.#next(),
      (error) => this.#fail(error),
    );
  }

  #next(): void {
    this.#busy = undefined;
    for (let piece = this.#waiting.shift(); piece !== undefined && !this.#busy; piece = this.#waiting.shift()) {
      this.#busy = this.#write(piece);
      if (this.#busy) return;
    }
    if (!this.#busy) this.#session.resume(this);
  }

  /** The rest of the article is read and dropped: what follows it is in order. */
  #fail(error: unknown): void {
    this.#failure =
      error instanceof PolywireError ? error : new SinkError(`the sink failed: ${String(error)}`, { cause: error });
    this.#busy = undefined;
    this.#waiting.length = 0;
    this.#session.resume(this);
  }
}

/** Number and message-id of a reply, which names them in its first words. */
export function named(session: NntpSession, command: string, reply: Reply): ArticleName {
  const name = parseArticleName(reply.text, command.split(" ")[1]);
  if (name === undefined) throw session.unreadable(command, reply);
  return name;
}
