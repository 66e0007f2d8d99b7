/** The copy of a mailbox: from one IMAP server to another, connected anew where one of them hangs up. */
import { randomUUID } from "node:crypto";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { UsageError } from "../../client/errors.js";
import { ImapClient } from "../../imap/client.js";
import type { Mailbox } from "../../imap/mailbox.js";
import type { MailFailure } from "../mail/failure.js";
import { ImapDrop } from "../mail/imap-drop.js";
import { accountOf } from "../mail/source.js";
import { aborted, Underway } from "../mail/underway.js";
import { CopyJournal } from "./journal.js";
import { type CopyMailOptions, type CopySide, type ResolvedCopy, resolveCopy } from "./options.js";
import { CopyMeter } from "./progress.js";
import { CopySession } from "./session.js";
import { Suspects } from "./suspects.js";
import { CopyTarget } from "./target.js";

const ALIKE = "they have the same UIDVALIDITY, the same UIDNEXT, and as many messages";

/** What came of a copy. */
export interface CopyMailResult {
  /** Messages copied in this run, and their size in bytes. */
  readonly copied: number;
  readonly bytes: number;
  /** Messages passed over, as they were copied before. */
  readonly skipped: number;
  /** Of these: messages that an earlier run had sent without hearing of it, and that were found in the target. */
  readonly found: number;
  /** Of these: messages that had other UIDs when they were copied: the source has a new UIDVALIDITY. */
  readonly recognised: number;
  /** Messages that others removed from the source before they were copied. */
  readonly vanished: number;
  /** Flags that messages have, and the target cannot keep. */
  readonly droppedFlags: readonly string[];
  /** Messages that the source did not give, or the target did not take. */
  readonly failures: readonly MailFailure[];
  /** Milliseconds of this run. */
  readonly milliseconds: number;
}

/**
 * Copies the messages of an IMAP mailbox into another one, on whatever server, with their flags and the time when they came;
 * later what is new. With a `journal` the process may be killed at any moment and started again with the same options: every
 * message is in the target exactly once.
 *
 * Each message is written into the journal before it is sent, and marked with its UID in the target (APPENDUID, RFC 4315) when
 * that has it. What was sent and not answered is looked for in the target: by a digest of its bytes, and, where the server
 * changes messages, by Message-ID and date. The same is done with everything where the target has got a new UIDVALIDITY; where
 * the source has, messages are known again by their digests.
 *
 * In the source nothing is changed, and no message is marked as read. Flags are those of the moment when a message is
 * copied. Within one server the bytes travel all the same: they are what a copy is proved by.
 *
 * @throws UsageError for options that cannot work; the error that stopped the job (a refused login, a quota that is used up, a
 *   server that stays away). Messages that are refused are in the result.
 *
 * @example
 * const { copied } = await copyMail({
 *   from: { url: "imaps://alice@old.example.org/INBOX", credentials: netrc() },
 *   to: { url: "imaps://alice@new.example.org/Archive", credentials: netrc() },
 *   journal: "alice.journal",
 * });
 */
export async function copyMail(options: CopyMailOptions): Promise<CopyMailResult> {
  const copy = resolveCopy(options);
  if (copy.signal?.aborted) throw aborted(copy.signal);
  return new CopyJob(copy).run();
}

class CopyJob {
  readonly #copy: ResolvedCopy;
  readonly #meter = new CopyMeter();
  readonly #failures = new Map<number, MailFailure>();
  readonly #suspects = new Suspects();
  readonly #dropped = new Set<string>();
  readonly #underway: Underway;
  #journal: CopyJournal | undefined;

  constructor(copy: ResolvedCopy) {
    const { signal, onProgress } = copy;
    this.#copy = copy;
    this.#underway = new Underway(signal, onProgress && (() => onProgress(this.#meter.take(performance.now()))));
  }

  async run(): Promise<CopyMailResult> {
    const started = performance.now();
    const underway = this.#underway;
    const again = {
      most: this.#copy.attempts,
      done: () => this.#meter.copied + this.#meter.found + this.#meter.recognised,
      failed: () => void (this.#meter.phase = "connecting"),
    };
    try {
      await underway.run(() => underway.sessions(() => this.#session(), again));
    } finally {
      this.#journal?.close();
    }
    this.#meter.phase = "done";
    underway.tell();
    underway.check();
    return this.#result(performance.now() - started);
  }

  async #session(): Promise<void> {
    const { from, to } = this.#copy;
    const clients: ImapClient[] = [];
    try {
      // One after the other: what is wrong with the first is told before the second is asked for a password.
      const source = await this.#connect(from, clients);
      const target = await this.#connect(to, clients);
      this.#underway.reached = true;
      this.#journal ??= this.#open();
      await this.#copyBetween(source, target, this.#journal);
    } finally {
      await Promise.all(clients.map((client) => client.quit()));
    }
  }

  async #connect({ server }: CopySide, clients: ImapClient[]): Promise<ImapClient> {
    const { signal } = this.#underway;
    const client = await server.connect();
    if (!(client instanceof ImapClient)) throw new UsageError("mail is copied from IMAP to IMAP");
    clients.push(client);
    await client.connect({ signal });
    await client.login(undefined, { signal });
    return client;
  }

  /** Whose mailboxes they are is known when both are logged in. */
  #open(): CopyJournal {
    const { from, to, journal, engine } = this.#copy;
    const settings = { from: accountOf(from.server, from.mailbox), to: accountOf(to.server, to.mailbox) };
    if (settings.from === settings.to) throw sameMailbox();
    return CopyJournal.open(journal, { settings, engine });
  }

  async #copyBetween(from: ImapClient, to: ImapClient, journal: CopyJournal): Promise<void> {
    const { signal } = this.#underway;
    const { mailbox, server } = this.#copy.from;
    const source = await ImapDrop.open(from, { mailbox, account: accountOf(server, mailbox), write: false, signal });
    const target = await CopyTarget.open(to, this.#copy.to.mailbox, { dropped: this.#dropped, signal });
    if (journal.isEmpty && areOne(from.mailbox, to.mailbox)) throw sameMailbox(ALIKE);
    // A journal is one job's alone; what has none needs a name of its own.
    const spool = `${this.#copy.journal ?? join(tmpdir(), `polywire-copy-${randomUUID()}`)}.part`;
    const shared = { journal, meter: this.#meter, failures: this.#failures, suspects: this.#suspects, signal };
    try {
      await new CopySession({ ...shared, source, target, spool }).run();
    } finally {
      await rm(spool, { force: true });
    }
  }

  #result(milliseconds: number): CopyMailResult {
    const { copied, bytes, skipped = 0, found, recognised, vanished } = this.#meter;
    return {
      ...{ copied, bytes, skipped: skipped + recognised, found, recognised, vanished },
      droppedFlags: [...this.#dropped].sort(),
      failures: [...this.#failures.values()],
      milliseconds: Math.round(milliseconds),
    };
  }
}

/**
 * True for one mailbox by two names, as its host has two: it would be doubled by each run. (Or for a copy that was made by
 * other means: the messages are there then.)
 */
function areOne(from: Mailbox | undefined, to: Mailbox | undefined): boolean {
  if (!from?.uidNext || !to || from.exists === 0) return false;
  if (from.mailboxId !== undefined && to.mailboxId !== undefined && from.mailboxId !== to.mailboxId) return false;
  return from.uidValidity === to.uidValidity && from.uidNext === to.uidNext && from.exists === to.exists;
}

function sameMailbox(advice?: string): UsageError {
  return new UsageError("the messages are there already: from and to are one mailbox", advice ? { advice } : {});
}
