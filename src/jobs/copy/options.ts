/** What a copy of mail takes, and every default in one place. */
import { UsageError } from "../../client/errors.js";
import { checkNames } from "../../client/known-names.js";
import { wholeNumber } from "../../client/options.js";
import type { SqlEngine } from "../journal/sqlite.js";
import { type MailServer, type MailServerSource, mailboxName, serverSource } from "../mail/source.js";
import type { CopyProgress } from "./progress.js";

/** What `copyMail` takes. */
export interface CopyMailOptions {
  /** Where the messages are: an IMAP server, by the URL of its mailbox or by the options of a client. */
  from: MailServer;
  /** Where they go: the same. */
  to: MailServer;
  /** The mailbox they are in. Default: the path of the URL, else INBOX. */
  fromMailbox?: string | undefined;
  /** The mailbox they go to; it is made where there is none. Default: the path of the URL, else INBOX. */
  toMailbox?: string | undefined;
  /**
   * The file in which the job remembers what it has copied, so that it can be killed at any moment and started again, and
   * later copies only what is new. Default: in memory, which cannot.
   */
  journal?: string | undefined;
  /**
   * Sessions in a row that may fail, by a lost connection, without a message in between. A message at which the target has hung
   * up twice is told as a failure, and passed over in this run. Default: 5.
   */
  attempts?: number | undefined;
  /** Ends the job in order: what was copied is remembered. */
  signal?: AbortSignal | undefined;
  /** Called once a second, and at the end. */
  onProgress?: ((progress: CopyProgress) => void) | undefined;
  /** What keeps the journal. Default: `node:sqlite` where it is there, else `libsql`. */
  engine?: SqlEngine | undefined;
}

const NAMES: Readonly<Record<keyof CopyMailOptions, true>> = {
  from: true,
  to: true,
  fromMailbox: true,
  toMailbox: true,
  journal: true,
  attempts: true,
  signal: true,
  onProgress: true,
  engine: true,
};

/** One side of a copy. */
export interface CopySide {
  readonly server: MailServerSource;
  readonly mailbox: string;
}

/** A job's options with every default filled in. */
export interface ResolvedCopy extends Pick<CopyMailOptions, "journal" | "engine" | "signal" | "onProgress"> {
  readonly from: CopySide;
  readonly to: CopySide;
  readonly attempts: number;
}

/** Fills in the defaults and refuses what cannot work, before anything is dialled. Throws UsageError. */
export function resolveCopy(options: CopyMailOptions): ResolvedCopy {
  checkNames(options, Object.keys(NAMES));
  const { journal, engine, signal, onProgress } = options;
  return {
    from: sideOf(options.from, options.fromMailbox),
    to: sideOf(options.to, options.toMailbox),
    attempts: wholeNumber("attempts", options.attempts ?? 5, 1, 1_000),
    ...{ journal, engine, signal, onProgress },
  };
}

function sideOf(given: MailServer, mailbox: string | undefined): CopySide {
  const server = serverSource(given);
  if (server.protocol !== "imap") {
    throw new UsageError("mail is copied from IMAP to IMAP", { advice: "fetch a mailbox of POP3 with fetchMail" });
  }
  return { server, mailbox: mailboxName(mailbox ?? server.path) };
}
