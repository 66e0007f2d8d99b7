/** What happens in a mailbox while the loop is busy with what came before: much that is new is one piece of news. */
import type { MailboxEvent } from "../../imap/mailbox.js";

/** Events that wait, at most: then they wait at the client, which bounds them, too. */
const MOST = 1_000;

/** Events between a connection and a loop. */
export class WatchQueue {
  readonly #events: MailboxEvent[] = [];
  #over: { failure: unknown } | undefined;
  /** Who waits: for an event where there is none, for room where there is none. */
  #wake: (() => void) | undefined;

  /** Takes those that are wanted, until there are no more. */
  async listen(events: AsyncIterable<MailboxEvent>, wants: (event: MailboxEvent) => boolean): Promise<void> {
    let failure: unknown;
    try {
      for await (const event of events) {
        if (wants(event)) this.#add(event);
        while (this.#events.length >= MOST) await this.#change();
      }
    } catch (error) {
      failure = error;
    }
    this.#over = { failure };
    this.#wake?.();
  }

  /** The next one; undefined behind the last. Rejects with what has ended it. */
  async next(): Promise<MailboxEvent | undefined> {
    while (this.#events.length === 0) {
      if (this.#over?.failure !== undefined) throw this.#over.failure;
      if (this.#over) return undefined;
      await this.#change();
    }
    const event = this.#events.shift();
    this.#wake?.();
    return event;
  }

  #add(event: MailboxEvent): void {
    // Who asks for what is new has all that came until then.
    if (event.type === "exists" && this.#events.some(({ type }) => type === "exists")) return;
    this.#events.push(event);
    this.#wake?.();
  }

  #change(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
