/** The options of the in-memory IMAP server; `resolve()` holds every default. */
import type { Account } from "../sasl/index.js";
import { type Filled, filled, resolveSaslServer, type SaslServerOptions, type Some } from "../server-options.js";
import type { Faults } from "./faults.js";
import type { ImapMailboxInput } from "./mailbox-input.js";
import type { ImapQuota } from "./mailboxes.js";
import type { ImapMessages } from "./message.js";

/** What the server knows. Switch some off to play an old server: their commands answer BAD, and are not announced. */
export interface ImapFeatures {
  /** IMAP4rev2 (RFC 9051), behind ENABLE. Default: true. */
  imap4rev2: boolean;
  /** The LOGIN command; without: LOGINDISABLED. Default: true. */
  login: boolean;
  /** Initial responses of AUTHENTICATE (RFC 4959). Default: true. */
  saslIr: boolean;
  /** Literals that are not waited for (RFC 7888): of any size, up to 4096 octets, or none. Default: `"plus"`. */
  literal: "plus" | "minus" | "none";
  /** Default: true, as for all that follow. */
  id: boolean;
  enable: boolean;
  idle: boolean;
  namespace: boolean;
  unselect: boolean;
  uidplus: boolean;
  move: boolean;
  condstore: boolean;
  qresync: boolean;
  esearch: boolean;
  searchres: boolean;
  /** OLDER and YOUNGER (RFC 5032). */
  within: boolean;
  /** PARTIAL in SEARCH and FETCH (RFC 9394). */
  partial: boolean;
  /** FUZZY (RFC 6203): taken, and no fuzzier than without. */
  fuzzy: boolean;
  sort: boolean;
  thread: boolean;
  children: boolean;
  listExtended: boolean;
  listStatus: boolean;
  specialUse: boolean;
  createSpecialUse: boolean;
  statusSize: boolean;
  multiappend: boolean;
  binary: boolean;
  preview: boolean;
  savedate: boolean;
  objectid: boolean;
  quota: boolean;
  acl: boolean;
  metadata: boolean;
  notify: boolean;
  compress: boolean;
  /** UTF8=ACCEPT (RFC 6855). */
  utf8: boolean;
  /** The greeting has the capabilities in its code. */
  greetingCapabilities: boolean;
  /** Where a login is answered with the capabilities: in its code, as a response in front, or not. Default: `"code"`. */
  loginCapabilities: "code" | "untagged" | "none";
}

/** Where the server says no. */
export interface ImapLimits {
  /** Connections at a time; one more is greeted with BYE. Default: no limit. */
  connections?: number | undefined;
  /** Octets of an appended message (APPENDLIMIT, RFC 7889); announced where it is set. Default: 64 MiB, not announced. */
  append?: number | undefined;
  /** Octets of any other literal. Default: 1 MiB. */
  literal?: number | undefined;
}

/** A user and the mailboxes. */
export interface ImapUser extends Account {
  /** By name; INBOX is there in any case. A list or a plan of messages is a mailbox with them. Default: INBOX alone. */
  mailboxes?: Record<string, ImapMessages | ImapMailboxInput> | undefined;
  /** Default: no limits. */
  quota?: ImapQuota | undefined;
}

/** How the server is started. */
export interface ImapServerOptions extends SaslServerOptions {
  /** The users by name: a password, or more than that. Default: `{ test: "test" }`. */
  users?: Record<string, string | ImapUser> | undefined;
  /** Logins in plain text are refused (LOGINDISABLED). Default: false. */
  requireTls?: boolean | undefined;
  /** Greets with PREAUTH: this user is logged in from the beginning. Default: none is. */
  preauth?: string | undefined;
  /** Between the levels of names; `""`: there are no levels. Default: `"/"`. */
  delimiter?: string | undefined;
  /** What ID answers. Default: name and vendor. */
  id?: Record<string, string> | undefined;
  /** Switched features; the rest keep their defaults. */
  features?: Some<ImapFeatures> | undefined;
  /** Changes what CAPABILITY says: it is given the words, and gives the words. Default: as they are. */
  capabilities?: ((words: string[]) => string[]) | undefined;
  /** Commands that are answered BAD: `["NOOP", "UID EXPUNGE"]`. Default: none. */
  disabled?: string[] | undefined;
  /** Where the server says no. */
  limits?: ImapLimits | undefined;
  /** What goes wrong from the beginning; see also {@link ImapServer.faults}. */
  faults?: Faults | undefined;
  /** What time it is. Default: the true one. */
  now?: (() => Date) | undefined;
  /** Called with every command as it is taken up, before anything is done: its line, with literals as their announcements. */
  onCommand?: ((line: string) => void) | undefined;
}

/** A user with every default filled in. */
export interface ResolvedImapUser extends Account {
  mailboxes: Record<string, ImapMailboxInput>;
  quota: ImapQuota;
}

/** Options with every default filled in. */
export interface ResolvedImapServerOptions extends Filled<ImapServerOptions, "onCommand" | "clientCa" | "preauth"> {
  onCommand: ((line: string) => void) | undefined;
  clientCa: string | undefined;
  preauth: string | undefined;
  users: Record<string, ResolvedImapUser>;
  features: ImapFeatures;
  limits: Filled<Omit<ImapLimits, "append">> & { append: number; announceAppend: boolean };
}

const FEATURES: ImapFeatures = {
  imap4rev2: true,
  login: true,
  saslIr: true,
  literal: "plus",
  id: true,
  enable: true,
  idle: true,
  namespace: true,
  unselect: true,
  uidplus: true,
  move: true,
  condstore: true,
  qresync: true,
  esearch: true,
  searchres: true,
  within: true,
  partial: true,
  fuzzy: true,
  sort: true,
  thread: true,
  children: true,
  listExtended: true,
  listStatus: true,
  specialUse: true,
  createSpecialUse: true,
  statusSize: true,
  multiappend: true,
  binary: true,
  preview: true,
  savedate: true,
  objectid: true,
  quota: true,
  acl: true,
  metadata: true,
  notify: true,
  compress: true,
  utf8: true,
  greetingCapabilities: true,
  loginCapabilities: "code",
};

/** Fills in every default. Throws for a mechanism that no server here knows. */
export function resolve(options: ImapServerOptions): ResolvedImapServerOptions {
  const users = usersOf(options.users ?? { test: "test" });
  const { preauth } = options;
  if (preauth !== undefined && !Object.hasOwn(users, preauth)) throw new Error(`ImapServer: no user ${preauth}`);
  return {
    ...resolveSaslServer(options, users),
    users,
    requireTls: options.requireTls ?? false,
    preauth,
    delimiter: options.delimiter ?? "/",
    id: options.id ?? { name: "polywire test server", vendor: "polywire" },
    features: filled(FEATURES, options.features),
    capabilities: options.capabilities ?? ((words) => words),
    limits: limitsOf(options.limits ?? {}),
    faults: options.faults ?? {},
    now: options.now ?? (() => new Date()),
  };
}

function limitsOf(limits: ImapLimits): ResolvedImapServerOptions["limits"] {
  const { connections = Number.POSITIVE_INFINITY, append = 64 * 1024 * 1024, literal = 1024 * 1024 } = limits;
  return { connections, append, literal, announceAppend: limits.append !== undefined };
}

function usersOf(users: Record<string, string | ImapUser>): Record<string, ResolvedImapUser> {
  const full = Object.entries(users).map(([name, given]) => {
    const user: ImapUser = typeof given === "string" ? { password: given } : given;
    const mailboxes = Object.entries(user.mailboxes ?? {}).map(([box, what]) => [
      box,
      "generate" in what || Array.isArray(what) ? { messages: what as ImapMessages } : what,
    ]);
    return [name, { ...user, quota: user.quota ?? {}, mailboxes: Object.fromEntries(mailboxes) }];
  });
  return Object.fromEntries(full);
}
