/** The messages that were not seen before: which they are, how many are asked for ahead, and what leaving early leaves. */
import { type PolywireError, ProtocolError, ReplyError, UsageError } from "../client/errors.js";
import type { CallOptions } from "../client/session.js";
import type { Sink } from "../client/sink.js";
import { Pieces } from "../net/pieces.js";
import type { RetrievedMessage, StoredMessage } from "./message.js";
import type { MessageSize, MessageUid } from "./parse-reply.js";

/** The ids of messages that are not wanted again: a Set, or anything that can tell. */
export interface SeenUids {
  has(uid: string): boolean;
}

/** A message that is about to be fetched. */
export interface AnnouncedMessage extends MessageUid {
  /** Octets, as the server counts; undefined where it does not say. */
  readonly size: number | undefined;
}

/** A message that was fetched. */
export interface NewMessage extends MessageUid, RetrievedMessage {}

/** A message that was fetched to a sink. */
export interface StoredNewMessage extends MessageUid, StoredMessage {}

/** What `fetchNew` takes. */
export interface FetchNewOptions extends CallOptions {
  /** Gives the sink for each message, called when the message is asked for. Without it messages come as Buffers. */
  to?: ((message: AnnouncedMessage) => Sink) | undefined;
  /**
   * Messages that are asked for before the loop takes them, 8 MiB of them at most (or `limits.readAhead`, if that is
   * less), and never more than `pipelining`. Default: 256; at a server that does not pipeline 2.
   */
  ahead?: number | undefined;
  /**
   * Called for a message that the server refuses to give, which is then passed over. Without it the loop rejects with that
   * ReplyError.
   */
  refused?: ((message: AnnouncedMessage, error: ReplyError) => void) | undefined;
}

/** What `fetchNew` needs from its client. */
export interface Mailbox<T> {
  uids(): Promise<MessageUid[]>;
  sizes(): Promise<MessageSize[]>;
  /** Asks for a message; `pieces` is where it is gathered, unless it goes to a sink. */
  fetch(message: AnnouncedMessage, pieces: Pieces): Promise<T>;
  /** Messages that may be asked for ahead. */
  readonly ahead: number;
  readonly limits: { readonly body: number; readonly readAhead: number };
  /** Bytes that a message is going to take. Default: what LIST said. */
  weigh?(message: AnnouncedMessage): number;
}

/** A message that was asked for. */
interface Asked<T> {
  readonly message: AnnouncedMessage;
  readonly pieces: Held;
  readonly fetched: Promise<T>;
  /** True where it has come, or failed. */
  ready: boolean;
}

/** Gives what was not seen, in the mailbox's order. Leaving the loop early waits for what was asked for already. */
export async function* fetchNew<T>(
  mailbox: Mailbox<T>,
  seen: SeenUids,
  refused: FetchNewOptions["refused"],
): AsyncGenerator<T, void, undefined> {
  const window = new Window(mailbox, await unseen(mailbox, seen));
  try {
    for (;;) {
      window.fill();
      const asked = window.shift();
      if (asked === undefined) return;
      const value = await orRefused(asked, refused);
      window.release(asked);
      // While the loop's body is busy, the next ones come.
      window.fill();
      if (value !== undefined) yield value;
    }
  } finally {
    await window.leave();
  }
}

/**
 * The messages whose id was not seen, with their sizes. An id may stand for several messages, which should be copies of
 * one (RFC 1939 §7) and in a broken mailbox are not: all of them are given, since one too many does less harm than one
 * that is lost. So is a message without an id. `seen` is asked now, for all of them: what the loop adds to it does not
 * count in this turn.
 */
async function unseen(mailbox: Pick<Mailbox<unknown>, "uids" | "sizes">, seen: SeenUids): Promise<AnnouncedMessage[]> {
  if (typeof seen?.has !== "function") throw new UsageError("fetchNew wants a Set of ids, or an object with has()");
  const fresh = (await uidsOrAdvice(mailbox)).filter(({ uid }) => uid === "" || !seen.has(uid));
  if (fresh.length === 0) return [];
  const sizes = new Map((await mailbox.sizes()).map(({ number, bytes }) => [number, bytes]));
  return fresh.map((message) => ({ ...message, size: sizes.get(message.number) }));
}

async function uidsOrAdvice(mailbox: Pick<Mailbox<unknown>, "uids">): Promise<MessageUid[]> {
  try {
    return await mailbox.uids();
  } catch (cause) {
    if (!(cause instanceof ReplyError) || cause.transient) throw cause;
    throw new UsageError("the server has no UIDL, so it cannot be told which messages are new", {
      advice: "use list(), and tell messages apart by the Message-ID that top(number, 0) shows",
      protocol: "pop3",
      cause,
    });
  }
}

async function orRefused<T>({ message, fetched }: Asked<T>, refused: FetchNewOptions["refused"]) {
  try {
    return await fetched;
  } catch (error) {
    if (!(refused && error instanceof ReplyError)) throw error;
    refused(message, error);
    return undefined;
  }
}

/** What was asked for and not taken: bounded in number, and in bytes by what LIST said. */
export class Window<T> {
  readonly #mailbox: Mailbox<T>;
  readonly #messages: readonly AnnouncedMessage[];
  readonly #asked: Asked<T>[] = [];
  readonly #hold: Hold;
  #next = 0;
  /** Bytes of messages that were asked for and not taken, as they were announced. */
  #announced = 0;

  constructor(mailbox: Mailbox<T>, messages: readonly AnnouncedMessage[]) {
    this.#mailbox = mailbox;
    this.#messages = messages;
    const { body, readAhead } = mailbox.limits;
    this.#hold = { bytes: 0, limit: body + readAhead, left: false };
  }

  /** Asks for more where half of the window is free, so that commands leave in groups. */
  fill(): void {
    const { ahead } = this.#mailbox;
    if (this.#asked.length * 2 > ahead) return;
    while (this.#asked.length < ahead && this.#askNext());
  }

  /** The next message in order; undefined behind the last one. */
  shift(): Asked<T> | undefined {
    return this.#asked.shift();
  }

  /** True where the next message is there already. */
  get ready(): boolean {
    return this.#asked[0]?.ready === true;
  }

  /** The message was taken: it is no longer ours to keep room for. */
  release({ message, pieces }: Asked<T>): void {
    this.#announced -= this.#sizeOf(message);
    pieces.release();
  }

  /** Nobody takes any more: what comes is dropped. Resolves when all that was asked for has come. */
  async leave(): Promise<void> {
    this.#hold.left = true;
    await Promise.allSettled(this.#asked.map(({ fetched }) => fetched));
  }

  /** False where there is no next message, or no room for it besides others. */
  #askNext(): boolean {
    const message = this.#messages[this.#next];
    if (message === undefined) return false;
    const size = this.#sizeOf(message);
    if (this.#asked.length > 0 && this.#announced + size > this.#mailbox.limits.readAhead) return false;
    this.#next++;
    this.#announced += size;
    const pieces = new Held(this.#mailbox.limits.body, this.#hold);
    const fetched = this.#mailbox.fetch(message, pieces);
    const asked = { message, pieces, fetched, ready: false };
    // Its turn to be looked at comes later, or never.
    const ready = () => void (asked.ready = true);
    fetched.then(ready, ready);
    this.#asked.push(asked);
    return true;
  }

  /** A message of unknown size is asked for alone. */
  #sizeOf(message: AnnouncedMessage): number {
    return this.#mailbox.weigh?.(message) ?? message.size ?? this.#mailbox.limits.readAhead;
  }
}

/** What all messages of one window hold together. */
interface Hold {
  bytes: number;
  readonly limit: number;
  left: boolean;
}

/** A message that waits for its turn in memory. Sizes that LIST gave may be lies: what really comes is bounded, too. */
class Held extends Pieces {
  readonly #hold: Hold;
  #bytes = 0;

  constructor(limit: number, hold: Hold) {
    super(limit);
    this.#hold = hold;
  }

  override take(piece: Buffer): void {
    if (this.#hold.left) return;
    this.#bytes += piece.length;
    this.#hold.bytes += piece.length;
    if (this.#hold.bytes > this.#hold.limit) throw tooMuch();
    super.take(piece);
  }

  release(): void {
    this.#hold.bytes -= this.#bytes;
  }
}

function tooMuch(): PolywireError {
  return new ProtocolError("the messages are far larger than LIST said, and do not go into memory together", {
    advice: "give fewer ahead, or sinks (to)",
    protocol: "pop3",
  });
}
