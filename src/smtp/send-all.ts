/** Many messages of one iterable: taken as fast as they can be sent, their outcomes given in order. */
import { AbortedError, UsageError } from "../client/errors.js";
import type { Feed } from "../client/rows.js";
import type { Call } from "../client/session.js";
import { Delivery } from "./delivery.js";
import type { MailInput, RawMessage, SendMailOptions } from "./options.js";
import type { Outcome } from "./outcome.js";
import type { SendOutcome } from "./result.js";
import type { SmtpSession } from "./session.js";
import { type Order, type Orders, Supply } from "./supply.js";

/** Messages, at hand or still to come. */
export type Messages = Iterable<MailInput | RawMessage> | AsyncIterable<MailInput | RawMessage>;

export function isIterable(messages: Messages): boolean {
  return (
    typeof messages === "object" &&
    messages !== null &&
    (Symbol.asyncIterator in messages || Symbol.iterator in messages)
  );
}

/** What an outcome weighs until the loop takes it, in bytes: some hundreds may be ahead of the loop. */
const WEIGHT = 4 * 1024;

/** Sends all messages; their outcomes go into the feed. `refuse` rejects the calls that wait behind. */
export async function sendAll(
  session: SmtpSession,
  messages: Messages,
  options: SendMailOptions,
  feed: Feed<SendOutcome>,
  call: Call,
  refuse: (reason: UsageError) => void,
): Promise<void> {
  const queue = new MessageQueue(messages, options, feed);
  const supply = new Supply(session, queue);
  feed.bound(session.options.limits.body);
  feed.resume = () => queue.resume();
  const leave = () => {
    queue.leave();
    supply.drop();
  };
  feed.cancel = leave;
  // Cancelled, nothing is waited for any more; after a loss, every message is told that it was not sent.
  const forget = session.line.whenClosed((reason) => reason instanceof AbortedError && leave());
  const { readAhead } = session.options.limits;
  call.contended = () => feed.readAhead(readAhead, () => refuse(tooFar()));
  await new Delivery(session, supply).run();
  feed.resume = feed.cancel = undefined;
  forget();
  if (session.line.closed instanceof AbortedError) throw session.line.closed;
  if (supply.failure) throw supply.failure.error;
}

function tooFar(): UsageError {
  return new UsageError("messages are being sent on this connection, and their outcomes are not read", {
    advice: "finish their loop first, or use another connection (Pool)",
    protocol: "smtp",
  });
}

/** Outcomes that may wait for those before them: messages that cannot be sent have theirs at once. */
const EARLY = 64;

/** Pulls the iterable, and puts the outcomes in order. */
class MessageQueue implements Orders {
  readonly #iterator: Iterator<MailInput | RawMessage> | AsyncIterator<MailInput | RawMessage>;
  readonly #isAsync: boolean;
  readonly #options: SendMailOptions;
  readonly #feed: Feed<SendOutcome>;
  readonly #early = new Map<number, SendOutcome>();
  #count = 0;
  #given = 0;
  #over = false;
  #paused = false;
  #wake: (() => void) | undefined;

  constructor(messages: Messages, options: SendMailOptions, feed: Feed<SendOutcome>) {
    this.#isAsync = Symbol.asyncIterator in messages;
    this.#iterator = Symbol.asyncIterator in messages ? messages[Symbol.asyncIterator]() : messages[Symbol.iterator]();
    this.#options = options;
    this.#feed = feed;
  }

  pull(): Order | undefined | Promise<Order | undefined> {
    if (this.#over || this.#held) return undefined;
    const step = this.#iterator.next();
    if (this.#isAsync) return Promise.resolve(step).then((result) => this.#order(result));
    return this.#order(step as IteratorResult<MailInput | RawMessage>);
  }

  async more(): Promise<boolean> {
    while (this.#held && !this.#over) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
    return !this.#over;
  }

  /** True where no more outcomes are wanted for now. */
  get #held(): boolean {
    return this.#paused || this.#early.size >= EARLY;
  }

  resume(): void {
    this.#paused = false;
    this.#wake?.();
  }

  /** The loop was left: nothing more is taken, and what is under way finishes. */
  leave(): void {
    if (this.#over) return;
    this.#over = true;
    this.#wake?.();
    // An iterable that fails while it is let go of, or is running right now, has nobody left to tell.
    try {
      Promise.resolve(this.#iterator.return?.()).catch(() => {});
    } catch {}
  }

  #order({ done, value }: IteratorResult<MailInput | RawMessage>): Order | undefined {
    if (done) this.#over = true;
    if (this.#over) return undefined;
    const index = this.#count++;
    return { message: value, options: this.#options, settle: (outcome) => this.#settle(index, outcome) };
  }

  #settle(index: number, { state, result, error }: Outcome): void {
    const outcome: SendOutcome = { index, state, ...result, ...(error && { error }) };
    if (index !== this.#given) {
      this.#early.set(index, outcome);
      return;
    }
    this.#give(outcome);
    for (let next = this.#early.get(this.#given); next !== undefined; next = this.#early.get(this.#given)) {
      this.#early.delete(this.#given);
      this.#give(next);
    }
    this.#wake?.();
  }

  #give(outcome: SendOutcome): void {
    this.#given++;
    if (!this.#feed.push([outcome], WEIGHT)) this.#paused = true;
  }
}
