/** The mail job: a mailbox into a Maildir, an mbox, a folder or a function; connected anew where the server hangs up. */
import { setTimeout as sleep } from "node:timers/promises";
import { AbortedError, ConnectionError, PolywireError, ReplyError } from "../../client/errors.js";
import type { MailFailure } from "./failure.js";
import { MailJournal } from "./journal.js";
import { type FetchMailOptions, type ResolvedMail, resolveMail } from "./options.js";
import { MailMeter } from "./progress.js";
import { MailSession } from "./session.js";
import type { MailStore } from "./stores/store.js";

/** What came of a mail job. */
export interface FetchMailResult {
  /** Messages stored in this run, and their size in bytes as the server sent them. */
  readonly fetched: number;
  readonly bytes: number;
  /** Messages passed over, as they were stored before. */
  readonly skipped: number;
  /** Messages that are certainly gone from the server. */
  readonly deleted: number;
  /** Messages that the server did not give, or did not delete. */
  readonly failures: readonly MailFailure[];
  /** Milliseconds of this run. */
  readonly milliseconds: number;
}

/** Milliseconds to wait after a session that failed: after the first one, and at most. */
const PAUSE = 1_000;
const LONGEST = 60_000;

/**
 * Fetches the mail of a POP3 mailbox, and later what is new. With a `journal` the process may be killed at any moment
 * and started again with the same options: no message is lost, and in a Maildir, an mbox or a folder each is there once;
 * a function may see those of the last second again. Messages are known by their unique ids (UIDL).
 *
 * With `deleteAfter` a message leaves the server when it is on the disk, and the journal has it: the deletion is final
 * when the session ends in order, and repeated by the next run where it does not. A mailbox that is in use, and a
 * connection that is lost, are tried again, some times.
 *
 * While the job runs, and where it was killed, an mbox must not be changed by others: what they add would be cut off.
 *
 * @throws UsageError for options that cannot work, before anything is sent; the error that stopped the job (a refused
 *   login, a full disk, a server that stays away). Messages that are refused are in the result.
 *
 * @example
 * const { fetched } = await fetchMail({
 *   server: { url: "pop3s://alice@mail.example.org", credentials: netrc() },
 *   to: "Maildir",
 *   journal: "Maildir/polywire.journal",
 * });
 */
export async function fetchMail(options: FetchMailOptions): Promise<FetchMailResult> {
  const mail = resolveMail(options);
  if (mail.signal?.aborted) throw aborted(mail.signal);
  using journal = MailJournal.open(mail.journal, { settings: mail.settings, engine: mail.engine });
  // After an end in order the mbox is as its owner wants it; else it is cut back to what the journal knows.
  const { ended, position } = journal;
  const store = await mail.openStore(ended ? { existing: "append" } : { position, existing: mail.existing });
  const job = new MailJob(mail, journal, store);
  try {
    journal.begin((await store.flush()).position);
    return await job.run();
  } finally {
    await store.close();
    if (job.isSettled) journal.end();
  }
}

function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError("the job was cancelled", { cause: signal.reason });
}

class MailJob {
  /** True where all that was written is committed. */
  isSettled = false;
  readonly #mail: ResolvedMail;
  readonly #journal: MailJournal;
  readonly #store: MailStore;
  readonly #meter = new MailMeter();
  readonly #failures = new Map<string, MailFailure>();
  readonly #abort = new AbortController();
  readonly #unsure = new Set<string>();
  #lost = false;
  /** True where a login has succeeded. */
  #reached = false;
  #stopped: { readonly reason: unknown } | undefined;

  constructor(mail: ResolvedMail, journal: MailJournal, store: MailStore) {
    this.#mail = mail;
    this.#journal = journal;
    this.#store = store;
  }

  async run(): Promise<FetchMailResult> {
    const { signal, onProgress } = this.#mail;
    const started = performance.now();
    const onAbort = () => this.#stop(aborted(signal as AbortSignal));
    signal?.addEventListener("abort", onAbort, { once: true });
    if (signal?.aborted) onAbort();
    const progress = onProgress && setInterval(() => this.#tell(), 1_000);
    try {
      await this.#sessions();
    } catch (error) {
      throw this.#stopped === undefined ? error : this.#stopped.reason;
    } finally {
      clearInterval(progress);
      signal?.removeEventListener("abort", onAbort);
      this.isSettled = await this.#isFlushed();
    }
    this.#meter.phase = "done";
    this.#tell();
    if (this.#stopped !== undefined) throw (this.#stopped as { reason: unknown }).reason;
    return this.#result(performance.now() - started);
  }

  /** Sessions, until one comes to its end. */
  async #sessions(): Promise<void> {
    const { source, attempts } = this.#mail;
    for (let attempt = 1; ; attempt++) {
      const before = this.#meter.fetched;
      try {
        await this.#session();
        return;
      } catch (error) {
        if (this.#meter.fetched > before) attempt = 1;
        if (attempt >= attempts || this.#stopped || !source.again || !this.#isPassing(error)) throw error;
        this.#meter.phase = "connecting";
        await sleep(Math.min(LONGEST, PAUSE * 2 ** (attempt - 1)), undefined, { signal: this.#abort.signal });
      }
    }
  }

  /**
   * True for what may be over when it is tried again: a mailbox in use (RFC 2449 §8), a connection that is lost. A server
   * that was never reached is probably another one than was meant.
   */
  #isPassing(error: unknown): boolean {
    if (!(error instanceof PolywireError && error.retryable)) return false;
    return error instanceof ReplyError || (error instanceof ConnectionError && this.#reached);
  }

  async #session(): Promise<void> {
    const { signal } = this.#abort;
    const client = await this.#mail.source.connect();
    try {
      if (client.state === "idle") await client.connect({ signal });
      if (client.state === "connected") await client.login(undefined, { signal });
      this.#reached = true;
      const context = { mail: this.#mail, journal: this.#journal, store: this.#store, meter: this.#meter };
      const lost = () => void (this.#lost = true);
      const session = new MailSession(
        { ...context, failures: this.#failures, unsure: this.#unsure, signal, lost },
        client,
      );
      await session.run();
    } finally {
      await client.quit();
    }
  }

  /** A callback that throws ends the job, not the process. */
  #tell(): void {
    try {
      this.#mail.onProgress?.(this.#meter.take(performance.now()));
    } catch (error) {
      this.#stop(error);
    }
  }

  #stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.#abort.abort(reason);
  }

  /** A store that failed, or holds what no commit covers, is not settled: the next job cuts it back. */
  async #isFlushed(): Promise<boolean> {
    if (this.#lost) return false;
    return this.#store.flush().then(
      ({ ids }) => ids.length === 0,
      () => false,
    );
  }

  #result(milliseconds: number): FetchMailResult {
    const { fetched, bytes, skipped = 0, gone } = this.#meter;
    return {
      ...{ fetched, bytes, skipped, deleted: gone },
      failures: [...this.#failures.values()],
      milliseconds: Math.round(milliseconds),
    };
  }
}
