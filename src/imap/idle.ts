/** IDLE (RFC 2177): what happens in the mailbox, as it happens; begun again and again, and broken off where others want to speak. */
import { cancelled, onAbort } from "../client/abort.js";
import { MOST_MS, wholeNumber } from "../client/options.js";
import type { Feed } from "../client/rows.js";
import type { Call, CallOptions } from "../client/session.js";
import { Dialogue } from "./dialogue.js";
import { EventFeed } from "./event-feed.js";
import type { MailboxEvent } from "./mailbox.js";
import type { Response } from "./response.js";
import type { ImapSession } from "./session.js";
import { sizeOf } from "./size.js";

/** What `idle()` takes. */
export interface IdleOptions extends CallOptions {
  /**
   * Milliseconds until IDLE is begun again: a server may hang up after 30 minutes (RFC 2177), a router on the way earlier.
   * Where the server has no IDLE, it is asked as often by NOOP. Default: 9 minutes; one minute by NOOP. Behind other calls it
   * is begun again once after two seconds: some servers miss what is being stored at the moment it begins.
   */
  every?: number | undefined;
}

const EVERY = 9 * 60_000;
const EVERY_NOOP = 60_000;
/**
 * Milliseconds of the first round of IDLE behind other calls, as such calls come where much happens. Dovecot (2.3, Maildir) moves
 * a message into its folder, and then notes it in its index. An IDLE that begins in between watches the folder too late and
 * has read the index too early: it tells nothing until it is begun again.
 */
const FIRST = 2000;
/** Milliseconds until a server is asked again that ends IDLE by itself. */
const PAUSE = 1000;

/** Runs a call when its turn has come, alone. */
export type RunAlone = (
  options: Pick<CallOptions, "timeout">,
  body: (session: ImapSession, call: Call) => Promise<void>,
) => Promise<void>;

/** One consumer. */
interface Watch {
  readonly every: number | undefined;
  readonly timeout: number | undefined;
  push(event: MailboxEvent, bytes: number): void;
  /** Ends it; `failure` is what its loop throws. */
  over(failure?: Error): void;
}

/** All that watch the mailbox of one client: they share its rounds of IDLE, between which other calls have their turn. */
export class Watchers {
  readonly #run: RunAlone;
  readonly #readAhead: number;
  readonly #watches = new Set<Watch>();
  /** Ends the round that is going on. */
  #stop: (() => void) | undefined;
  /** True while a round has its turn. */
  #running = false;
  /** True where no other call had its turn since the last round. */
  #settled = false;
  /** Settles when no round is going on, and none will. */
  #driving: Promise<void> | undefined;
  #unlisten: (() => void) | undefined;
  readonly #listener = (response: Response, event: MailboxEvent | undefined) => {
    if (event === undefined) return;
    const bytes = sizeOf(response);
    for (const watch of [...this.#watches]) watch.push(event, bytes);
  };

  /** `readAhead`: bytes of events that may wait for one consumer. */
  constructor(run: RunAlone, readAhead: number) {
    this.#run = run;
    this.#readAhead = readAhead;
  }

  /** Gives events until the consumer leaves: then, where it was the last one, until the server was told. */
  watch(feed: Feed<MailboxEvent>, { every, timeout, signal }: IdleOptions): Promise<void> {
    if (every !== undefined) wholeNumber("every", every, 1, MOST_MS);
    if (signal?.aborted) return Promise.reject(cancelled(signal.reason));
    return new Promise((resolve, reject) => {
      const events = new EventFeed(feed, this.#readAhead);
      const over = (failure?: Error) => {
        if (!this.#watches.delete(watch)) return;
        forget();
        events.end();
        const settle = () => (failure ? reject(failure) : resolve());
        // A round that has not had its turn says nothing.
        if (this.#watches.size > 0 || this.#driving === undefined || !this.#running) return settle();
        this.#stop?.();
        this.#driving.then(settle);
      };
      const push = (event: MailboxEvent, bytes: number) => {
        const tooMany = events.push(event, bytes);
        if (tooMany) over(tooMany);
      };
      const watch: Watch = { every, timeout, push, over };
      const forget = onAbort(signal, () => over(cancelled(signal?.reason)));
      feed.cancel = () => over();
      this.#watches.add(watch);
      // A time of its own counts from now on.
      if (every !== undefined) this.#stop?.();
      this.#driving ??= this.#drive();
    });
  }

  /** Rounds, as long as there is somebody to watch. */
  async #drive(): Promise<void> {
    try {
      while (this.#watches.size > 0) {
        await this.#run({ timeout: least(this.#watches, "timeout") }, (session, call) => this.#round(session, call));
      }
      this.#end();
    } catch (error) {
      this.#end();
      for (const watch of [...this.#watches]) watch.over(error as Error);
    }
  }

  #end(): void {
    this.#driving = undefined;
    this.#settled = false;
    this.#unlisten?.();
    this.#unlisten = undefined;
  }

  /** It ends when it is time for the next one, when another call wants its turn, or when the last consumer leaves. */
  async #round(session: ImapSession, call: Call): Promise<void> {
    if (this.#watches.size === 0) return;
    if (!this.#unlisten) {
      session.listeners.add(this.#listener);
      this.#unlisten = () => session.listeners.delete(this.#listener);
    }
    this.#running = true;
    const idles = session.has("IDLE");
    const every = least(this.#watches, "every") ?? (idles ? EVERY : EVERY_NOOP);
    const over = this.#until(idles && !this.#settled ? Math.min(every, FIRST) : every, call);
    this.#settled = true;
    try {
      await (idles ? this.#idle(session, call, over) : session.noop(call).then(() => over));
    } finally {
      this.#running = false;
      this.#stop?.();
    }
  }

  async #idle(session: ImapSession, call: Call, over: Promise<void>): Promise<void> {
    const dialogue = new Dialogue(session.line, "IDLE", { timeout: call.timeout });
    const first = await dialogue.next();
    if (first.kind === "continuation") {
      session.line.allowSilence();
      await Promise.race([over, dialogue.done]);
    }
    // Whether it was told so or not.
    const itself = this.#stop !== undefined;
    dialogue.say("DONE", "DONE", call.timeout);
    session.accept(await dialogue.done, "IDLE");
    if (itself) await Promise.race([over, this.#until(PAUSE, call)]);
  }

  /** Settles when the round is over, for whatever reason. */
  #until(ms: number, call: Call): Promise<void> {
    const before = this.#stop;
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#stop?.(), ms);
      this.#stop = () => {
        clearTimeout(timer);
        this.#stop = undefined;
        before?.();
        resolve();
      };
      call.contended = () => {
        this.#settled = false;
        this.#stop?.();
      };
    });
  }
}

function least(watches: Iterable<Watch>, what: "every" | "timeout"): number | undefined {
  const given = [...watches].flatMap((watch) => watch[what] ?? []);
  return given.length === 0 ? undefined : Math.min(...given);
}
