/** What a mail job takes, and every default in one place. */
import { UsageError } from "../../client/errors.js";
import { checkNames } from "../../client/known-names.js";
import { wholeNumber } from "../../client/options.js";
import type { OutputOptions } from "../headers/sink.js";
import type { SqlEngine } from "../journal/sqlite.js";
import type { MailProgress } from "./progress.js";
import { type MailClient, type MailServer, type MailSource, sourceOf } from "./source.js";
import { type MailFormat, type MailTarget, openMailStore } from "./stores/open.js";
import type { MailStore } from "./stores/store.js";

/** What `fetchMail` takes. */
export interface FetchMailOptions {
  /** Where the mail is: a server of POP3 or IMAP; or `client`. */
  server?: MailServer | undefined;
  /**
   * A client of your own, connected or not, instead of `server`. The job ends its session, for that is how deletions
   * become final, and does not try again where the connection is lost. Say `account`, too.
   */
  client?: MailClient | undefined;
  /**
   * IMAP: the mailbox. Default: the path of the URL, else INBOX. Where nothing is to be deleted it is opened for reading
   * only, and in no case is a message marked as read.
   */
  mailbox?: string | undefined;
  /**
   * Whose mail it is: the journal, and the names of files, know a message by this (of IMAP also by mailbox and UIDVALIDITY)
   * and its unique id. Default: `user@host` of the server, or `authzid@host`.
   */
  account?: string | undefined;
  /**
   * A Maildir (a folder of that name, or with cur, new and tmp in it), a file (`.mbox`, `.mbox.gz`: mboxrd), a folder (any
   * other one, or written with a slash) for one .eml file each; or a function called with one message after the other.
   */
  to: MailTarget;
  /** What the path in `to` is, where its name does not say it. */
  format?: MailFormat | undefined;
  /**
   * The file in which the job remembers what it has stored, so that it can be killed at any moment and started again,
   * and later fetches only what is new. Default: in memory; a Maildir or a folder knows its messages again all the same.
   */
  journal?: string | undefined;
  /**
   * Delete what is stored, in this run or an earlier one, from the server. A message is deleted only when it is on the
   * disk and the journal knows it; by POP3 finally only with the end of the session, by IMAP at once (UID EXPUNGE, RFC 4315).
   * An IMAP server without UIDPLUS could only remove whatever anybody has marked: there messages are marked as `\\Deleted`,
   * and the rest is left to the user. Default: false.
   */
  deleteAfter?: boolean | undefined;
  /** Only the newest so many messages of the mailbox. Default: all. */
  newest?: number | undefined;
  /** Fetch at most so many in this run, the oldest first. Default: all. */
  limit?: number | undefined;
  /** Sessions in a row that may fail, by a lost connection or a mailbox in use, without a message in between. Default: 5. */
  attempts?: number | undefined;
  /** What a new job does with an mbox that holds something: `fail` (default), `append` to it, or `replace` it. */
  existing?: OutputOptions["existing"] | undefined;
  /** Wait for the disk, so that a power failure loses nothing; `deleteAfter` needs it. Default: true. */
  fsync?: boolean | undefined;
  /**
   * Ends the job in order: what was fetched is stored and remembered. Deletions that are not final yet are left to the next run.
   * A function in `to` that has a message is waited for: only it knows whether that is stored.
   */
  signal?: AbortSignal | undefined;
  /** Called once a second, and at the end. */
  onProgress?: ((progress: MailProgress) => void) | undefined;
  /** What keeps the journal. Default: `node:sqlite` where it is there, else `libsql`. */
  engine?: SqlEngine | undefined;
}

const NAMES: Readonly<Record<keyof FetchMailOptions, true>> = {
  server: true,
  client: true,
  mailbox: true,
  account: true,
  to: true,
  format: true,
  journal: true,
  deleteAfter: true,
  newest: true,
  limit: true,
  attempts: true,
  existing: true,
  fsync: true,
  signal: true,
  onProgress: true,
  engine: true,
};

/** A job's options with every default filled in. */
export interface ResolvedMail {
  readonly source: MailSource;
  readonly openStore: (options: Pick<OutputOptions, "position" | "existing">) => Promise<MailStore>;
  readonly journal: string | undefined;
  readonly engine: SqlEngine | undefined;
  readonly deleteAfter: boolean;
  readonly newest: number | undefined;
  readonly limit: number | undefined;
  readonly attempts: number;
  readonly existing: OutputOptions["existing"];
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: MailProgress) => void) | undefined;
  /** What makes the job what it is: a journal of another one is refused. No secrets. */
  readonly settings: Record<string, string>;
}

/** Fills in the defaults and refuses what cannot work, before anything is dialled. Throws UsageError. */
export function resolveMail(options: FetchMailOptions): ResolvedMail {
  checkNames(options, Object.keys(NAMES));
  const { to, format, journal, engine, fsync, newest, limit, existing, deleteAfter = false } = options;
  if (typeof to === "function" && format !== undefined) throw new UsageError("a function has no format");
  if (deleteAfter && fsync === false) {
    throw new UsageError("deleteAfter needs fsync: a power failure would take what the server has no longer");
  }
  return {
    source: sourceOf({ ...options, write: deleteAfter, remembers: journal !== undefined || typeof to === "string" }),
    openStore: (output) => openMailStore(to, format, { fsync, ...output }),
    journal,
    engine,
    deleteAfter,
    newest: newest === undefined ? undefined : wholeNumber("newest", newest, 1),
    limit: limit === undefined ? undefined : wholeNumber("limit", limit, 1),
    attempts: wholeNumber("attempts", options.attempts ?? 5, 1, 1_000),
    existing,
    signal: options.signal,
    onProgress: options.onProgress,
    // A folder is the same with a slash behind it.
    settings: { to: typeof to === "string" ? to.replace(/(?<=.)[/\\]+$/, "") : "the caller's own" },
  };
}
