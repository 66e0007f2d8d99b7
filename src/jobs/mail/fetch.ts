/** The mail job: a mailbox into a Maildir, an mbox, a folder or a function; connected anew where the server hangs up. */
import type { MailFailure } from "./failure.js";
import { MailJournal } from "./journal.js";
import { type FetchMailOptions, type ResolvedMail, resolveMail } from "./options.js";
import { MailMeter } from "./progress.js";
import { MailSession } from "./session.js";
import type { MailStore } from "./stores/store.js";
import { aborted, Underway } from "./underway.js";

/** What came of a mail job. */
export interface FetchMailResult {
  /** Messages stored in this run, and their size in bytes as the server sent them. */
  readonly fetched: number;
  readonly bytes: number;
  /** Messages passed over, as they were stored before. */
  readonly skipped: number;
  /** Messages that others removed from the server before they were fetched. */
  readonly vanished: number;
  /** Messages that are certainly gone from the server. */
  readonly deleted: number;
  /** IMAP without UIDPLUS: messages that are marked as deleted, and still there. */
  readonly marked: number;
  /** IMAP: the mailbox has a new UIDVALIDITY since the last run, and so many messages were known again by their bytes. */
  readonly renumbered: { readonly uidValidity: number; readonly recognised: number } | undefined;
  /** Messages that the server did not give, or did not delete. */
  readonly failures: readonly MailFailure[];
  /** Milliseconds of this run. */
  readonly milliseconds: number;
}

/**
 * Fetches the mail of a mailbox, by POP3 or IMAP, and later what is new. With a `journal` the process may be killed at any
 * moment and started again with the same options: no message is lost, and in a Maildir, an mbox or a folder each is there
 * once; a function may see those of the last second again. Messages are known by their unique ids: UIDL of POP3; of IMAP the
 * mailbox, its UIDVALIDITY and the UID.
 *
 * Where a mailbox has got a new UIDVALIDITY, every message in it has another UID. Each is fetched then, and compared by a
 * digest of its bytes with what the journal has seen: what is stored is not stored again, and `renumbered` tells of it.
 *
 * With `deleteAfter` a message leaves the server when it is on the disk, and the journal has it: by POP3 the deletion is
 * final when the session ends in order, and repeated by the next run where it does not. A mailbox that is in use, and a
 * connection that is lost, are tried again, some times.
 *
 * From IMAP a Maildir gets the flags it has letters for, files the time when the message came, and so does the From line of
 * an mbox.
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

class MailJob {
  /** True where all that was written is committed. */
  isSettled = false;
  readonly #mail: ResolvedMail;
  readonly #journal: MailJournal;
  readonly #store: MailStore;
  readonly #meter = new MailMeter();
  readonly #failures = new Map<string, MailFailure>();
  readonly #unsure = new Set<string>();
  readonly #underway: Underway;
  #lost = false;

  constructor(mail: ResolvedMail, journal: MailJournal, store: MailStore) {
    this.#mail = mail;
    this.#journal = journal;
    this.#store = store;
    const { signal, onProgress } = mail;
    this.#underway = new Underway(signal, onProgress && (() => onProgress(this.#meter.take(performance.now()))));
  }

  async run(): Promise<FetchMailResult> {
    const started = performance.now();
    const underway = this.#underway;
    const { attempts, source } = this.#mail;
    const again = {
      most: source.again ? attempts : 1,
      done: () => this.#meter.fetched + (this.#meter.renumbered?.recognised ?? 0),
      failed: () => void (this.#meter.phase = "connecting"),
    };
    try {
      await underway.run(() => underway.sessions(() => this.#session(), again));
    } finally {
      this.isSettled = await this.#isFlushed();
    }
    this.#meter.phase = "done";
    underway.tell();
    underway.check();
    return this.#result(performance.now() - started);
  }

  async #session(): Promise<void> {
    const { signal } = this.#underway;
    const client = await this.#mail.source.connect();
    try {
      if (client.state === "idle") await client.connect({ signal });
      if (client.state === "connected") await client.login(undefined, { signal });
      this.#underway.reached = true;
      const drop = await this.#mail.source.open(client, { signal });
      const context = { mail: this.#mail, journal: this.#journal, store: this.#store, meter: this.#meter };
      const lost = () => void (this.#lost = true);
      await new MailSession({ ...context, failures: this.#failures, unsure: this.#unsure, signal, lost }, drop).run();
    } finally {
      await client.quit();
    }
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
    const { fetched, bytes, skipped = 0, vanished, gone, marked, renumbered } = this.#meter;
    return {
      ...{ fetched, bytes, skipped, vanished, deleted: gone, marked, renumbered },
      failures: [...this.#failures.values()],
      milliseconds: Math.round(milliseconds),
    };
  }
}
