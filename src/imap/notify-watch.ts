/** NOTIFY as a conversation (RFC 5465): asked for once, told from then on while the connection is free for other calls. */
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
  /** Milliseconds between two signs of life: a server may hang up after 30 minutes without a command. Default: 9 minutes. */
  every?: number | undefined;
}

const EVERY = 9 * 60_000;

/** One consumer of NOTIFY. */
export class NotifyWatch {
  readonly #groups: readonly NotifyGroup[];
  readonly #events: EventFeed<NotifyEvent>;
  readonly #status: boolean;
  readonly #every: number;
  #session: ImapSession | undefined;
  #begun = false;
  #over = false;
  #failure: Error | undefined;
  /** Ends the wait for the next sign of life. */
  #wake: (() => void) | undefined;
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
    feed.cancel = () => this.#end();
    this.#forget = onAbort(signal, () => this.#end(cancelled(signal?.reason)));
    if (signal?.aborted) this.#end(cancelled(signal?.reason));
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
    if (this.#over) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, this.#every);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wake = undefined;
  }

  /** Has all told as before, where the connection is there; throws what it has failed by. */
  async end(run: (body: (session: ImapSession, call: Call) => Promise<void>) => Promise<void>): Promise<void> {
    this.#over = true;
    this.#forget();
    this.#events.end();
    const session = this.#session;
    session?.listeners.delete(this.#listen);
    this.#unwatch?.();
    if (session && this.#begun && !session.line.closed) {
      await run(async (_, { timeout }) => void (await session.send(NOTIFY_AS_USUAL, { timeout })));
    }
    if (session) session.notifying = false;
    if (this.#failure) throw this.#failure;
  }

  readonly #listen = (response: Response, event: MailboxEvent | undefined) => {
    if (response.code?.name === "NOTIFICATIONOVERFLOW") return this.#end(overflow(response));
    const told = event ?? notifyEvent(response, (this.#session as ImapSession).utf8);
    const tooMany = told && this.#events.push(told, sizeOf(response));
    if (tooMany) this.#end(tooMany);
  };

  readonly #mourn = (reason: PolywireError) => this.#end(reason);

  #end(failure?: Error): void {
    if (this.#over) return;
    this.#over = true;
    this.#failure = failure;
    this.#wake?.();
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
