/** Messages in memory between the server and their store: bounded together, whatever a server says of their sizes. */
import { SinkError } from "../../client/errors.js";

/** What the bounds are, in bytes. */
export interface HandLimits {
  /** Together, before the connection is held back. */
  readonly together: number;
  /** One message. */
  readonly each: number;
}

/** A message that does not fit into memory. */
export class TooLarge extends SinkError {}

/** Counts what all messages in memory hold. */
export class Hands {
  readonly limits: HandLimits;
  #bytes = 0;
  #waiting: (() => void)[] = [];

  constructor(limits: HandLimits) {
    this.limits = limits;
  }

  /** Takes a message into memory. */
  hold(): Hand {
    return new Hand(this);
  }

  /** True where others hold so much that one of `own` bytes has to wait. Alone it never has to. */
  isFull(own: number): boolean {
    return this.#bytes > this.limits.together && this.#bytes > own;
  }

  change(bytes: number): void {
    this.#bytes += bytes;
    if (bytes < 0) for (const wake of this.#waiting.splice(0)) wake();
  }

  changed(): Promise<void> {
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}

/** One message in memory: what it is given is copied. */
export class Hand {
  readonly #hands: Hands;
  readonly #pieces: Buffer[] = [];
  #bytes = 0;
  /** Why it was not taken. The client may tell it in other words. */
  refusal: TooLarge | undefined;

  constructor(hands: Hands) {
    this.#hands = hands;
  }

  /** Takes a piece. A promise holds the connection back. Throws TooLarge. */
  take(piece: Buffer): void | Promise<void> {
    if (this.#bytes + piece.length > this.#hands.limits.each) throw this.refuse();
    this.#pieces.push(Buffer.from(piece));
    this.#bytes += piece.length;
    this.#hands.change(piece.length);
    if (this.#hands.isFull(this.#bytes)) return this.#wait();
  }

  /** Why a message is not taken that is larger than one may be. */
  refuse(): TooLarge {
    const advice =
      "a Maildir or a folder takes messages of any size as their server says it, all else up to limits.body";
    this.refusal = new TooLarge(`the message is larger than ${this.#hands.limits.each} bytes`, { advice });
    return this.refusal;
  }

  whole(): Buffer {
    return this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#bytes);
  }

  /** Lets go of it: it is stored, or given up. */
  release(): void {
    this.#hands.change(-this.#bytes);
    this.#bytes = 0;
    this.#pieces.length = 0;
  }

  async #wait(): Promise<void> {
    while (this.#hands.isFull(this.#bytes)) await this.#hands.changed();
  }
}
