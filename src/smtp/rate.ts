/** No more than so many messages within a time: who comes too early waits, in order. */
import { setTimeout as sleep } from "node:timers/promises";
import { AbortedError } from "../client/errors.js";
import { MOST_MS, wholeNumber } from "../client/options.js";

/** How fast messages may go. */
export interface RateLimit {
  /** Messages … */
  readonly messages: number;
  /** … within so many milliseconds. Default: 1000. */
  readonly per?: number | undefined;
}

export class Rate {
  readonly #messages: number;
  readonly #per: number;
  /** When the last so many may go, or went, in milliseconds: the next follows the first of them at a distance. */
  readonly #times: number[] = [];

  constructor({ messages, per = 1000 }: RateLimit) {
    this.#messages = wholeNumber("rate.messages", messages, 1, 1_000_000);
    this.#per = wholeNumber("rate.per", per, 1, MOST_MS);
  }

  /** Takes the next turn. @returns the milliseconds to wait for it. Pure but for what it remembers. */
  take(now: number): number {
    const first = this.#times.length < this.#messages ? now : this.#times.shift()! + this.#per;
    const when = Math.max(now, first);
    this.#times.push(when);
    return when - now;
  }

  /** Resolves when the next message may go. A signal ends the wait, but does not give the turn to another. */
  async turn(signal?: AbortSignal): Promise<void> {
    const wait = this.take(performance.now());
    if (wait <= 0) return;
    try {
      await sleep(wait, undefined, { signal });
    } catch (cause) {
      throw new AbortedError("the wait for a turn was cancelled", {
        cause: signal?.reason ?? cause,
        clientUsable: true,
      });
    }
  }
}
