/** Bytes of a connection ⇄ replies and bodies, however the bytes were cut on their way. No I/O. */
import { ProtocolError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import type { BodyReader, Grammar } from "./reply.js";

/** What a reply stream tells its owner. */
export interface ReplyEvents {
  /** A whole reply. Gives the reader of the body that follows it, where one does. */
  reply(reply: Reply): BodyReader | undefined;
  /** The body that began behind the last reply is complete. */
  bodyEnd?(): void;
  /** Every line as it came, before it is understood. */
  line?(line: Buffer): void;
  /** True: leave the rest unread (TLS begins here). Asked after every reply, and with all that comes behind it then. */
  stop?(): boolean;
}

const LF = 10;
const CR = 13;

/** Cuts bytes into lines, feeds them to a grammar, and hands bodies to their readers. */
export class ReplyStream {
  readonly #grammar: Grammar;
  readonly #limit: number;
  #rest: Buffer | undefined;
  /** How much of `#rest` was searched for a line's end already. */
  #searched = 0;
  #body: BodyReader | undefined;
  #stopped = false;

  /** `limit`: bytes of one line. Default: 1 MiB. */
  constructor(grammar: Grammar, limit = 1024 * 1024) {
    this.#grammar = grammar;
    this.#limit = limit;
  }

  /** Bytes held back: the beginning of a line, or what `stop()` left. */
  get held(): number {
    return this.#rest?.length ?? 0;
  }

  /** Gives the bytes held back, and forgets them. */
  takeHeld(): Buffer {
    const held = this.#rest ?? Buffer.alloc(0);
    this.#rest = undefined;
    this.#searched = 0;
    return held;
  }

  /** True where the bytes so far end within a reply, a line or a body. */
  get partial(): boolean {
    return this.#grammar.partial || this.#rest !== undefined || this.#body !== undefined;
  }

  /** Takes bytes; calls the events in order. Throws ProtocolError. */
  push(chunk: Buffer, events: ReplyEvents): void {
    // A reader that learns of its end late (an inflater) gives back what came behind it.
    if (this.#body?.done) this.#endBody(events);
    let bytes = this.#rest === undefined ? chunk : Buffer.concat([this.#rest, chunk]);
    let searched = this.#searched;
    this.#rest = undefined;
    this.#searched = 0;
    if (this.#stopped && events.stop?.()) {
      this.#rest = Buffer.from(bytes);
      return;
    }
    this.#stopped = false;
    let at = 0;
    while (at < bytes.length) {
      if (this.#body !== undefined) {
        at += this.#body.push(bytes, at);
        if (!this.#body.done) break;
        this.#endBody(events);
        continue;
      }
      const end = bytes.indexOf(LF, Math.max(at, searched));
      searched = 0;
      if (end === -1 || end - at > this.#limit) {
        this.#hold(bytes.subarray(at));
        return;
      }
      const line = bytes.subarray(at, end > at && bytes[end - 1] === CR ? end - 1 : end);
      at = end + 1;
      events.line?.(line);
      const reply = this.#grammar.feed(line);
      if (reply === undefined) continue;
      this.#body = events.reply(reply);
      if (events.stop?.()) {
        this.#stopped = true;
        bytes = bytes.subarray(at);
        if (bytes.length > 0) this.#rest = Buffer.from(bytes);
        return;
      }
    }
  }

  #endBody(events: ReplyEvents): void {
    this.#body = undefined;
    events.bodyEnd?.();
  }

  #hold(rest: Buffer): void {
    if (rest.length > this.#limit) {
      throw new ProtocolError(`a line of more than ${this.#limit} bytes`, { advice: "limits.line can be raised" });
    }
    // A copy: the chunk it came in may be large, and its owner's to use again.
    this.#rest = Buffer.from(rest);
    this.#searched = rest.length;
  }
}
