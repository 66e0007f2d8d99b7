/** NOTIFY as a conversation (RFC 5465): asked for once, told from then on while the connection is free for other calls. */
import { setTimeout as sleep } from "node:timers/promises";
import { cancelled, onAbort } from "../client/abort.js";
import { type PolywireError, ReplyError, UsageError } from "../client/errors.js";
import { MOST_MS, wholeNumber } from "../client/options.js";
import type { Feed } from "../client/rows.js";
import type { Call, CallOptions } from "../client/session.js";
import { EventFeed } from "./event-feed.js";
import type { MailboxEvent } from "./mailbox.js";
import { NOTIFY_AS_USUAL, type NotifyEvent, type NotifyGroup, notifyCommand, notifyEvent } from "./notify.js";
import type { Response } from "./response.js";
import type { ImapSession } from "./session.js";
import { sizeOf } from "./size.js";

/** What `notify()` takes. */
export interface NotifyOptions extends CallOptions {
  /** True: how all of the mailboxes are is told first, each as an event `status`. Default: false. */
  status?: boolean | undefined;
  /**
   * Milliseconds between two signs of life: a server may hang up after 30 minutes without a command. Default: 9 minutes. Behind
   * events and other calls one is given after two seconds: some servers miss what is stored right behind them.
   */
  every?: number | undefined;
}

const EVERY = 9 * 60_000;
/**
 * Milliseconds of quiet behind events and calls until the server is asked once. Dovecot (2.3) does not tell what is stored
 * in the selected mailbox in the same second in which NOTIFY began, another command was answered, or an event told: not until
 * the next command.
 */
const QUIET = 2000;

/** Runs a call when its turn has come, alone. */
type RunAlone = (body: (session: ImapSession, call: Call) => Promise<void>) => Promise<void>;

/** One consumer of NOTIFY. */
export class NotifyWatch {
  readonly #groups: readonly NotifyGroup[];
  readonly #events: EventFeed<NotifyEvent>;
  readonly #status: boolean;
  readonly #every: number;
  #session: ImapSession | undefined;
  #begun = false;
  /** True where something happened since the server was asked last. */
  #restless = true;
  #over = false;
  #failure: Error | undefined;
  /** Settles when it has ended: nobody waits for the server then. */
  readonly #ended: Promise<void>;
  #tellEnd: () => void = () => {};
  readonly #forget: () => void;
  #unwatch: (() => void) | undefined;

  constructor(feed: Feed<NotifyEvent>, groups: readonly NotifyGroup[], readAhead: number, options: NotifyOptions) {
    const { status = false, every = EVERY, signal } = options;
    // Checked before anything is sent.
    notifyCommand(groups, status, false);
    this.#groups = groups;
    this.#status = status;
    this.#every = wholeNumber("every", every, 1, MOST_MS);
    this.#events = new EventFeed(feed, readAhead);
    this.#ended = new Promise((resolve) => (this.#tellEnd = resolve));
    feed.cancel = () => this.#end();
    // Before that it is the call that asks which is cancelled.
    this.#forget = onAbort(signal, () => this.#begun && this.#end(cancelled(signal?.reason)));
  }

  /** True where it has ended: the consumer left, or it failed. */
  get over(): boolean {
    return this.#over;
  }

  /** Says what is wanted: events are told from now on. */
  async begin(session: ImapSession, { timeout }: Call): Promise<void> {
    if (this.#over) return;
    if (!session.has("NOTIFY")) {
      throw new UsageError("the server has no NOTIFY", { advice: "idle() watches one mailbox", protocol: "imap" });
    }
    if (session.notifying) throw new UsageError("a client has one notify() at a time", { protocol: "imap" });
    session.notifying = true;
    this.#session = session;
    session.listeners.add(this.#listen);
    this.#unwatch = session.line.whenClosed(this.#mourn);
    await session.send(notifyCommand(this.#groups, this.#status, session.utf8), { timeout });
    this.#begun = true;
  }

  /** Waits until it is time for a sign of life, or it has ended. */
  async wait(): Promise<void> {
    const line = this.#session?.line;
    const step = Math.min(this.#every, QUIET);
    let before = line?.moved;
    for (let waited = 0; waited < this.#every && !this.#over; waited += step) {
      await this.#pause(step);
      const moved = line?.moved;
      if (moved === before && this.#restless) {
        this.#restless = false;
        return;
      }
      if (moved !== before) this.#restless = true;
      before = moved;
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    const time = new AbortController();
    await this.orEnded(sleep(milliseconds, undefined, { signal: time.signal }).catch(() => {}));
    time.abort();
  }

  /** What is asked of the server, unless it ends before that is answered: the link may be dead. */
  orEnded(asked: Promise<void>): Promise<void> {
    return Promise.race([asked, this.#ended]);
  }

  /**
   * Has all told as before, where the connection is there; throws what it has failed by, at once. A loop that was left waits for
   * the server, `patience` milliseconds at most. Calls made later have their turn behind it, in any case.
   *
   * @param thrown What a call of its own was refused by.
   */
  async end(run: RunAlone, patience: number, thrown?: { readonly error: unknown }): Promise<void> {
    this.#end();
    this.#forget();
    this.#events.end();
    this.#session?.listeners.delete(this.#listen);
    this.#unwatch?.();
    const told = this.#asUsual(run);
    if (this.#failure ?? thrown) {
      told.catch(() => {});
      throw this.#failure ?? thrown?.error;
    }
    const time = new AbortController();
    const late = sleep(patience, undefined, { signal: time.signal }).catch(() => {});
    await Promise.race([told, late]).finally(() => time.abort());
  }

  async #asUsual(run: RunAlone): Promise<void> {
    const session = this.#session;
    if (session === undefined || session.line.closed) return;
    await run(async (_, { timeout }) => {
      try {
        // Known here only: it may have been on its way when all ended.
        if (this.#begun) await session.send(NOTIFY_AS_USUAL, { timeout });
      } finally {
        session.notifying = false;
      }
    });
  }

  readonly #listen = (response: Response, event: MailboxEvent | undefined) => {
    if (response.code?.name === "NOTIFICATIONOVERFLOW") return this.#end(overflow(response));
    const told = event ?? notifyEvent(response, (this.#session as ImapSession).utf8);
    if (told) this.#restless = true;
    const tooMany = told && this.#events.push(told, sizeOf(response));
    if (tooMany) this.#end(tooMany);
  };

  readonly #mourn = (reason: PolywireError) => this.#end(reason);

  #end(failure?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#tellEnd();
  }
}

/** The server has given up: from then on it tells nothing (RFC 5465 §5.8). */
function overflow({ text }: Response): ReplyError {
  return new ReplyError(`the server could not tell all events, and stopped: ${text}`, {
    command: "NOTIFY",
    code: "OK",
    enhanced: "NOTIFICATIONOVERFLOW",
    transient: true,
    protocol: "imap",
  });
}
