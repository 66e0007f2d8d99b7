/** Events on their way to a loop: nobody can be asked to send them slower, so what is held of them is bounded. */
import { ProtocolError } from "../client/errors.js";
import type { Feed } from "../client/rows.js";

/** Gives events to one consumer. */
export class EventFeed<T> {
  readonly #feed: Feed<T>;
  readonly #most: number;
  /** Bytes that came since the consumer fell behind. */
  #behind = 0;

  /** `most`: bytes that may be held. */
  constructor(feed: Feed<T>, most: number) {
    this.#feed = feed;
    this.#most = most;
    feed.resume = () => void (this.#behind = 0);
  }

  /** Gives an event that came in `bytes` bytes. Gives the error where too much is held. */
  push(event: T, bytes: number): ProtocolError | undefined {
    if (this.#feed.push([event], bytes)) this.#behind = 0;
    else this.#behind += bytes;
    if (this.#behind <= this.#most) return undefined;
    return new ProtocolError(`more than ${this.#most} bytes of events are waiting to be taken`, {
      advice: "take them sooner, or raise limits.readAhead",
      clientUsable: true,
    });
  }

  end(): void {
    this.#feed.resume = this.#feed.cancel = undefined;
  }
}
