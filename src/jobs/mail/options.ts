/** What a mail job takes, and every default in one place. */
import { UsageError } from "../../client/errors.js";
import { PORTS, wholeNumber } from "../../client/options.js";
import type { Credentials, CredentialsSource } from "../../client/session.js";
import { parseUrl, redactUrl } from "../../client/url.js";
import { clientFor, type OpenOptions } from "../../open.js";
import { Pop3Client } from "../../pop3/client.js";
import type { Pop3Options } from "../../pop3/options.js";
import type { OutputOptions } from "../headers/sink.js";
import type { SqlEngine } from "../journal/sqlite.js";
import type { MailProgress } from "./progress.js";
import { type MailFormat, type MailTarget, openMailStore } from "./stores/open.js";
import type { MailStore } from "./stores/store.js";

/** As `limits.body` has it. */
const LARGEST = 256 * 1024 * 1024;

/** A POP3 server: its URL, a URL with options, or the options of a client. */
export type MailServer = string | URL | ({ readonly url: string | URL } & OpenOptions<Pop3Options>) | Pop3Options;

/** What `fetchMail` takes. */
export interface FetchMailOptions {
  /** Where the mail is; or `client`. */
  server?: MailServer | undefined;
  /**
   * A client of your own, connected or not, instead of `server`. The job ends its session, for that is how deletions
   * become final, and does not try again where the connection is lost. Say `account`, too.
   */
  client?: Pop3Client | undefined;
  /**
   * Whose mail it is: the journal, and the names of files, know a message by this and its unique id. Default: `user@host` of
   * the server, or `authzid@host`.
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
   * disk and the journal knows it, and finally only with the end of the session. Default: false.
   */
  deleteAfter?: boolean | undefined;
  /** Only the newest so many messages of the mailbox. Default: all. */
  newest?: number | undefined;
  /** Fetch at most so many in this run, the oldest first. Default: all. */
  limit?: number | undefined;
  /** Sessions in a row that may fail, by a lost connection or a mailbox in use, without a message in between. Default: 5. */
  attempts?: number | undefined;
  /** What a new job does with an mbox that holds something: `fail` (default), `append` to it, or `replace` it. */
  existing?: OutputOptions["existing"];
  /** Wait for the disk, so that a power failure loses nothing; `deleteAfter` needs it. Default: true. */
  fsync?: boolean | undefined;
  /** Ends the job in order: what was fetched is stored and remembered. Deletions that are not final yet are left to the next run. */
  signal?: AbortSignal | undefined;
  /** Called once a second, and at the end. */
  onProgress?: ((progress: MailProgress) => void) | undefined;
  /** What keeps the journal. Default: `node:sqlite` where it is there, else `libsql`. */
  engine?: SqlEngine | undefined;
}

/** Where the job gets connections. */
export interface MailSource {
  readonly connect: () => Promise<Pop3Client>;
  /** What the journal calls the mailbox; known when the client is logged in. */
  readonly account: () => string;
  /** False where there is one client and no other. */
  readonly again: boolean;
  /** Bytes of a message that is held in memory: an mbox and a function take it as a whole. */
  readonly largest: number;
}

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
  const { to, format, journal, engine, fsync, newest, limit, existing, deleteAfter = false } = options;
  if (typeof to === "function" && format !== undefined) throw new UsageError("a function has no format");
  if (deleteAfter && fsync === false) {
    throw new UsageError("deleteAfter needs fsync: a power failure would take what the server has no longer");
  }
  return {
    source: sourceOf(options),
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

function sourceOf({ server, client, account, journal, to }: FetchMailOptions): MailSource {
  if ((server === undefined) === (client === undefined)) throw new UsageError("give either server or client");
  if (client !== undefined) {
    if (account === undefined && (journal !== undefined || typeof to === "string")) {
      throw new UsageError("the job has to know whose mail it is: unique ids are those of one mailbox", {
        advice: "give account, user@host, with client",
      });
    }
    return { connect: async () => client, account: () => account ?? "", again: false, largest: LARGEST };
  }
  const named = account === undefined ? undefined : () => account;
  const isClients = typeof server === "object" && "host" in server && !(server instanceof URL);
  const found = isClients ? byHost(server as Pop3Options) : byUrl(server as Exclude<MailServer, Pop3Options>);
  return { ...found, account: named ?? found.account, again: true };
}

type Found = Pick<MailSource, "connect" | "account" | "largest">;

function byHost(options: Pop3Options): Found {
  const { host, port } = options;
  const login = remembered(options.credentials);
  const made = { ...options, credentials: login.credentials };
  // What cannot work is told now.
  new Pop3Client(made);
  return {
    connect: async () => new Pop3Client(made),
    account: () => accountOf(login.mailbox(), host, port),
    largest: options.limits?.body ?? LARGEST,
  };
}

function byUrl(server: Exclude<MailServer, Pop3Options>): Found {
  const { url, ...options } = typeof server === "object" && !(server instanceof URL) ? server : { url: server };
  const { protocol, host, port, credentials, path } = parseUrl(url);
  if (protocol !== "pop3" || path !== "") {
    throw new UsageError(`${redactUrl(url)} is not the URL of a mailbox`, {
      advice: "it is pop3s://user@host or pop3://user@host",
    });
  }
  const login = remembered(options.credentials);
  return {
    connect: () => clientFor(url, { ...options, credentials: login.credentials }, "pop3"),
    account: () => accountOf(login.mailbox() ?? credentials?.user, host, port),
    largest: options.limits?.body ?? LARGEST,
  };
}

/** Credentials that remember whose mailbox it is: a source may name the user, and who logs in may act for another. */
function remembered(given: Credentials | CredentialsSource | undefined) {
  let mailbox = typeof given === "object" ? given.authzid || given.user : undefined;
  const source: CredentialsSource = async (target) => {
    const found = typeof given === "function" ? await given(target) : given;
    mailbox = found?.authzid || (target.user ?? found?.user);
    return found;
  };
  return { credentials: given === undefined ? undefined : source, mailbox: () => mailbox };
}

/** The same mailbox by either port of POP3. */
function accountOf(user: string | undefined, host: string, port: number | undefined): string {
  if (!user) throw new UsageError("nobody says whose mail it is", { advice: "give account, user@host" });
  const usual = port === undefined || PORTS.pop3.includes(port);
  return `${user}@${host.toLowerCase()}${usual ? "" : `:${port}`}`;
}
