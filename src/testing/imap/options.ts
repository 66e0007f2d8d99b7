/** The options of the in-memory IMAP server; `resolve()` holds every default. */
import { type Account, fitting, knownMechanisms } from "../sasl/index.js";
import { type CertifiedKey, testTls } from "../tls.js";
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
  connections?: number;
  /** Octets of an appended message (APPENDLIMIT, RFC 7889); announced where it is set. Default: 64 MiB, not announced. */
  append?: number;
  /** Octets of any other literal. Default: 1 MiB. */
  literal?: number;
}

/** A user and the mailboxes. */
export interface ImapUser extends Account {
  /** By name; INBOX is there in any case. A list or a plan of messages is a mailbox with them. Default: INBOX alone. */
  mailboxes?: Record<string, ImapMessages | ImapMailboxInput>;
  /** Default: no limits. */
  quota?: ImapQuota;
}

/** How the server is started. */
export interface ImapServerOptions {
  /** The address to listen on. Default: `"127.0.0.1"`. */
  host?: string;
  /** The port. Default: 0 (any free one). */
  port?: number;
  /** The users by name: a password, or more than that. Default: `{ test: "test" }`. */
  users?: Record<string, string | ImapUser>;
  /** `none`: STARTTLS is refused. `implicit`: TLS from the first byte. Default: `"none"`. */
  tls?: "none" | "starttls" | "implicit";
  /** Logins in plain text are refused (LOGINDISABLED). Default: false. */
  requireTls?: boolean;
  /** What the server shows. Default: `testTls.server`. */
  certificate?: CertifiedKey;
  /** Clients are asked for a certificate of this authority (PEM): EXTERNAL is who it names. Default: none is asked for. */
  clientCa?: string;
  /** The SASL mechanisms, in the order they are announced. Default: every one that fits the users, without ANONYMOUS. */
  mechanisms?: readonly string[];
  /** How often SCRAM hashes a password. Default: 4096. */
  iterations?: number;
  /** The text of the greeting. Default: `"polywire test server ready"`. */
  greeting?: string;
  /** Greets with PREAUTH: this user is logged in from the beginning. Default: none is. */
  preauth?: string;
  /** The server's name in challenges. Default: `"mail.example"`. */
  hostname?: string;
  /** Between the levels of names; `""`: there are no levels. Default: `"/"`. */
  delimiter?: string;
  /** What ID answers. Default: name and vendor. */
  id?: Record<string, string>;
  /** Switched features; the rest keep their defaults. */
  features?: Partial<ImapFeatures>;
  /** Changes what CAPABILITY says: it is given the words, and gives the words. Default: as they are. */
  capabilities?: (words: string[]) => string[];
  /** Commands that are answered BAD: `["NOOP", "UID EXPUNGE"]`. Default: none. */
  disabled?: string[];
  /** Where the server says no. */
  limits?: ImapLimits;
  /** What goes wrong from the beginning; see also {@link ImapServer.faults}. */
  faults?: Faults;
  /** What time it is. Default: the true one. */
  now?: () => Date;
  /** Command lines kept in {@link ImapServer.commands}; past it the oldest half is dropped. Default: 100 000. */
  logLimit?: number;
  /** Called with every command as it is taken up, before anything is done: its line, with literals as their announcements. */
  onCommand?: (line: string) => void;
}

/** A user with every default filled in. */
export interface ResolvedImapUser extends Account {
  mailboxes: Record<string, ImapMailboxInput>;
  quota: ImapQuota;
}

/** Options with every default filled in. */
export interface ResolvedImapServerOptions
  extends Required<Omit<ImapServerOptions, "onCommand" | "clientCa" | "preauth">> {
  onCommand: ((line: string) => void) | undefined;
  clientCa: string | undefined;
  preauth: string | undefined;
  users: Record<string, ResolvedImapUser>;
  features: ImapFeatures;
  limits: Required<Omit<ImapLimits, "append">> & { append: number; announceAppend: boolean };
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
    host: options.host ?? "127.0.0.1",
    port: options.port ?? 0,
    users,
    tls: options.tls ?? "none",
    requireTls: options.requireTls ?? false,
    certificate: options.certificate ?? testTls.server,
    clientCa: options.clientCa,
    mechanisms: knownMechanisms(options.mechanisms ?? fitting(Object.values(users), options.clientCa !== undefined)),
    iterations: options.iterations ?? 4096,
    greeting: options.greeting ?? "polywire test server ready",
    preauth,
    hostname: options.hostname ?? "mail.example",
    delimiter: options.delimiter ?? "/",
    id: options.id ?? { name: "polywire test server", vendor: "polywire" },
    features: { ...FEATURES, ...options.features },
    capabilities: options.capabilities ?? ((words) => words),
    disabled: (options.disabled ?? []).map((verb) => verb.toUpperCase()),
    limits: limitsOf(options.limits ?? {}),
    faults: options.faults ?? {},
    now: options.now ?? (() => new Date()),
    logLimit: options.logLimit ?? 100_000,
    onCommand: options.onCommand,
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
