/** IDLE (RFC 2177): what happens in the mailbox, as it happens; begun again and again, and broken off where others want to speak. */
import { AbortedError } from "../client/errors.js";
import { MOST_MS, wholeNumber } from "../client/options.js";
import type { Feed } from "../client/rows.js";
import type { Call, CallOptions } from "../client/session.js";
import { Dialogue } from "./dialogue.js";
import type { MailboxEvent } from "./mailbox.js";
import type { ImapSession } from "./session.js";

/** What `idle()` takes. */
export interface IdleOptions extends CallOptions {
  /**
   * Milliseconds until IDLE is begun again: a server may hang up after 30 minutes (RFC 2177), a router on the way earlier.
   * Where the server has no IDLE, it is asked as often by NOOP. Default: 9 minutes; one minute by NOOP.
   */
  every?: number | undefined;
}

const EVERY = 9 * 60_000;
const EVERY_NOOP = 60_000;

/** One consumer's watch over the mailbox: rounds of IDLE, between which other calls have their turn. */
export class Watch {
  readonly #feed: Feed<MailboxEvent>;
  readonly #every: number | undefined;
  #left = false;
  /** Ends the round that is going on. */
  #stop: (() => void) | undefined;
  #cancelled: AbortedError | undefined;
  #unlisten: (() => void) | undefined;

  constructor(feed: Feed<MailboxEvent>, { every }: IdleOptions) {
    this.#feed = feed;
    this.#every = every === undefined ? undefined : wholeNumber("every", every, 1, MOST_MS);
    feed.cancel = () => {
      this.#left = true;
      this.#stop?.();
    };
  }

  /** True where the consumer has left. */
  get left(): boolean {
    return this.#left;
  }

  /** Events are given on from now on, also those that come with the answers to other calls. */
  listen(session: ImapSession): void {
    if (this.#unlisten) return;
    // There is no word for "slower" here: events are few, and held until they are taken.
    const listener = (event: MailboxEvent) => void this.#feed.push([event], 0);
    session.listeners.add(listener);
    this.#unlisten = () => session.listeners.delete(listener);
  }

  end(): void {
    this.#unlisten?.();
    this.#feed.cancel = undefined;
  }

  /** One round. It ends when it is time for the next one, when another call wants its turn, or when the consumer leaves. */
  async round(session: ImapSession, call: Call): Promise<void> {
    this.listen(session);
    if (this.#left) return;
    const idles = session.has("IDLE");
    const over = this.#until(this.#every ?? (idles ? EVERY : EVERY_NOOP), call);
    try {
      await (idles ? this.#idle(session, call, over) : this.#poll(session, call, over));
    } finally {
      this.#stop?.();
    }
    if (this.#cancelled) throw this.#cancelled;
  }

  async #idle(session: ImapSession, call: Call, over: Promise<void>): Promise<void> {
    const dialogue = new Dialogue(session.line, "IDLE", { timeout: call.timeout });
    const first = await dialogue.next();
    if (first.kind === "continuation") {
      session.line.allowSilence();
      await Promise.race([over, dialogue.done]);
      dialogue.say("DONE", "DONE", call.timeout);
    }
    session.accept(await dialogue.done, "IDLE");
  }

  async #poll(session: ImapSession, call: Call, over: Promise<void>): Promise<void> {
    await session.noop(call);
    await over;
  }

  /** Settles when the round is over, for whatever reason. */
  #until(ms: number, call: Call): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#stop?.(), ms);
      this.#stop = () => {
        clearTimeout(timer);
        this.#stop = undefined;
        resolve();
      };
      call.contended = () => this.#stop?.();
      // A word ends it: the connection is in order behind that.
      call.cancel = async (cause) => {
        this.#cancelled = new AbortedError("the call was cancelled", { cause, clientUsable: true });
        this.#stop?.();
        return true;
      };
    });
  }
}
