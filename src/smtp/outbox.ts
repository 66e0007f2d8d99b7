/** Calls of `send()` that overlap: they share one run over the connection, one behind the other. */
import { brokenOff, cancelledUnsent, onAbort } from "../client/abort.js";
import { type AbortedError, type PolywireError, UsageError } from "../client/errors.js";
import { MOST_MS, wholeNumber } from "../client/options.js";
import type { MailInput, RawMessage, SendMailOptions } from "./options.js";
import { type Outcome, unsent } from "./outcome.js";
import type { SendResult } from "./result.js";
import { discard, keepErrors, streamsOf } from "./streams.js";
import type { Order, Orders } from "./supply.js";

/** Holds messages until the run takes them. */
export class Outbox implements Orders {
  readonly #waiting: Letter[] = [];
  readonly #limit: number;
  readonly #hangUp: (reason: AbortedError) => void;
  /** Messages that the run has taken and not yet settled. */
  #taken = 0;
  #wake: ((more: boolean) => void) | undefined;

  /** `limit`: messages that may wait. `hangUp`: called where a message in flight is cancelled. */
  constructor(limit: number, hangUp: (reason: AbortedError) => void) {
    this.#limit = limit;
    this.#hangUp = hangUp;
  }

  /** Puts a message in; resolves when it is sent. */
  put(message: MailInput | RawMessage, options: SendMailOptions): Promise<SendResult> {
    const { signal } = options;
    if (signal?.aborted) return Promise.reject(cancelledUnsent(signal.reason));
    if (this.#waiting.length >= this.#limit) {
      const advice = "wait for some of them, or raise limits.queue";
      return Promise.reject(
        new UsageError(`${this.#limit} messages are waiting already`, { advice, protocol: "smtp" }),
      );
    }
    const { timeout } = options;
    return new Promise((resolve, reject) => {
      if (timeout !== undefined) wholeNumber("timeout", timeout, 1, MOST_MS);
      const letter = new Letter(message, options, (outcome) => {
        forget();
        if (letter.taken) this.#settled();
        if (outcome.error) reject(outcome.error);
        else resolve(outcome.result);
      });
      keepErrors(streamsOf(message));
      const forget = onAbort(signal, () => this.#cancel(letter, signal as AbortSignal));
      this.#waiting.push(letter);
      this.#wake?.(true);
    });
  }

  pull(): Order | undefined {
    const letter = this.#waiting.shift();
    if (letter === undefined) return undefined;
    letter.taken = true;
    this.#taken++;
    return letter;
  }

  /** As long as messages are in flight, others may join them: a call that follows an answer loses no time. */
  more(): Promise<boolean> {
    if (this.#waiting.length > 0) return Promise.resolve(true);
    if (this.#taken === 0) return Promise.resolve(false);
    return new Promise((resolve) => {
      this.#wake = (more) => {
        this.#wake = undefined;
        resolve(more);
      };
    });
  }

  get empty(): boolean {
    return this.#waiting.length === 0;
  }

  /** Nothing that waits will be sent. */
  refuse(reason: PolywireError): void {
    for (const letter of this.#waiting.splice(0)) {
      discard(letter.message);
      letter.settle(unsent(reason));
    }
  }

  #settled(): void {
    this.#taken--;
    // The caller goes on in this turn, with another message perhaps.
    if (this.#taken === 0) setImmediate(() => this.#taken === 0 && this.#wake?.(this.#waiting.length > 0));
  }

  #cancel(letter: Letter, signal: AbortSignal): void {
    if (letter.begun) {
      this.#hangUp(brokenOff(signal.reason));
      return;
    }
    letter.dropped = true;
    if (!letter.taken) {
      this.#waiting.splice(this.#waiting.indexOf(letter), 1);
      discard(letter.message);
    }
    letter.settle(unsent(cancelledUnsent(signal.reason)));
  }
}

/** A message that waits. */
class Letter implements Order {
  /** True from when it is prepared, and from when it is sent. */
  taken = false;
  begun = false;
  dropped = false;
  readonly message: MailInput | RawMessage;
  readonly options: SendMailOptions;
  #done: ((outcome: Outcome) => void) | undefined;

  constructor(message: MailInput | RawMessage, options: SendMailOptions, done: (outcome: Outcome) => void) {
    this.message = message;
    this.options = options;
    this.#done = done;
  }

  begin(): void {
    this.begun = true;
  }

  /** One that was dropped may yet turn out to be impossible to prepare. */
  settle(outcome: Outcome): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(outcome);
  }
}
