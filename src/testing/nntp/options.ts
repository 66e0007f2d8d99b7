/** The options of the in-memory NNTP server; `resolve()` holds every default. */
import { type Account, accounts, knownMechanisms } from "../sasl/index.js";
import { type Filled, filled, resolveSaslServer, type SaslServerOptions, type Some } from "../server-options.js";
import type { Faults } from "./faults.js";
import type { GroupInput } from "./group.js";

/** What the server knows. Switch some off to play an old server: their commands answer 500, and are not announced. */
export interface NntpFeatures {
  /** CAPABILITIES itself (RFC 3977 5.2). Default: true. */
  capabilities: boolean;
  /** MODE READER. Default: true. */
  modeReader: boolean;
  /** Reading begins with MODE READER: before it, reading answers 401 and CAPABILITIES says MODE-READER. Default: false. */
  modeSwitching: boolean;
  /** OVER. Default: true. */
  over: boolean;
  /** OVER with a message-id. Default: true. */
  overById: boolean;
  /** XOVER. Default: true. */
  xover: boolean;
  /** HDR. Default: true. */
  hdr: boolean;
  /** XHDR. Default: true. */
  xhdr: boolean;
  /** XPAT. Default: true. */
  xpat: boolean;
  /** LISTGROUP. Default: true. */
  listgroup: boolean;
  /** LISTGROUP with a range; without, a range is 501. Default: true. */
  listgroupRange: boolean;
  /** The LIST keywords that are known; others answer 501. Default: all of RFC 3977 and RFC 6048. */
  lists: readonly string[];
  /** NEWGROUPS. Default: true. */
  newgroups: boolean;
  /** NEWNEWS. Default: true. */
  newnews: boolean;
  /** DATE. Default: true. */
  date: boolean;
  /** POST; without, it is 440 and the greeting 201. Default: true. */
  post: boolean;
  /** IHAVE. Default: true. */
  ihave: boolean;
  /** CHECK, TAKETHIS and MODE STREAM (RFC 4644). Default: true. */
  streaming: boolean;
  /** AUTHINFO USER and PASS. Default: true. */
  authUser: boolean;
  /** AUTHINFO SASL. Default: true. */
  authSasl: boolean;
  /** COMPRESS DEFLATE (RFC 8054). Default: true. */
  compress: boolean;
  /** XFEATURE COMPRESS GZIP, as Giganews has it. Default: false. */
  gzip: boolean;
  /**
   * `.` CRLF behind a body in GZIP (or in XZVER's bytes): only where TERMINATOR was asked for, always, or never, so that
   * only the end of the compressed stream tells. Default: `"asked"`.
   */
  gzipTerminator: "asked" | "always" | "never";
  /** What XFEATURE COMPRESS GZIP really sends. Default: `"zlib"`. */
  gzipFormat: Squeezing;
  /** XZVER and XZHDR: XOVER and XHDR, always compressed. Default: false. */
  xzver: boolean;
  /** The data of XZVER is written in yEnc, as Astraweb has it, or comes as it is behind `[COMPRESS=GZIP]`. Default: `"yenc"`. */
  xzverCoding: "yenc" | "bytes";
  /** What XZVER sends: raw deflate, or with a header of zlib or gzip. Default: `"deflate"`. */
  xzverFormat: Squeezing;
  /** The final `.` CRLF is compressed, too, at the end of a body in GZIP or XZVER. Default: false. */
  compressedDot: boolean;
  /** A range without articles: OVER 423 and XOVER 420 (`"standard"`), or the same for both. `"224"`: an empty list. Default: `"standard"`. */
  emptyRange: "standard" | "420" | "423" | "224";
  /** How GROUP shows a group without articles: `0 low low-1`, or `0 0 0`. Default: `"marks"`. */
  emptyGroup: "marks" | "zeros";
  /** Before a login that is needed to read, READER and all that belongs to it is announced already. Default: true. */
  announceBeforeLogin: boolean;
}

/** Where the server says no. */
export interface NntpLimits {
  /** Connections at a time; one more is greeted with 502. Default: no limit. */
  connections?: number | undefined;
  /** Logins at a time; one more is answered 481. Default: no limit. */
  logins?: number | undefined;
  /** Bytes of an article that is sent to the server; one more is 441 or 437. Default: 16 777 216. */
  articleBytes?: number | undefined;
}

/** A compressed stream: raw deflate (RFC 1951), zlib (RFC 1950), gzip (RFC 1952). */
export type Squeezing = "deflate" | "zlib" | "gzip";

/** How the server is started. */
export interface NntpServerOptions extends SaslServerOptions {
  /** The groups to begin with, by name. Default: none. */
  groups?: Record<string, GroupInput> | undefined;
  /** The users by name: a password, or more than that. Default: none; AUTHINFO is then not known. */
  users?: Record<string, string | Account> | undefined;
  /** The SASL mechanisms, in the order they are announced. Default: `["PLAIN"]`. */
  mechanisms?: readonly string[] | undefined;
  /** What needs a login (480): everything, reading, posting, or nothing. Default: `"always"` with users, else `"never"`. */
  requireLogin?: "always" | "reading" | "posting" | "never" | undefined;
  /** AUTHINFO in plain text is 483. Default: false. */
  requireTls?: boolean | undefined;
  /** The server's name in Path, Xref and message-ids. Default: `"news.example"`. */
  hostname?: string | undefined;
  /** Headers in the overview behind its seven fields. Default: `["Xref"]`. */
  overview?: string[] | undefined;
  /** The message of the day, for LIST MOTD. Default: one line. */
  motd?: string[] | undefined;
  /** Switched features; the rest keep their defaults. */
  features?: Some<NntpFeatures> | undefined;
  /** Where the server says no. */
  limits?: NntpLimits | undefined;
  /** What goes wrong from the beginning; see also {@link NntpServer.faults}. */
  faults?: Faults | undefined;
  /** What time it is. Default: the true one. */
  now?: (() => Date) | undefined;
}

/** Options with every default filled in. */
export interface ResolvedNntpServerOptions extends Filled<NntpServerOptions, "onCommand" | "clientCa"> {
  onCommand: ((line: string) => void) | undefined;
  clientCa: string | undefined;
  users: Record<string, Account>;
  features: NntpFeatures;
  limits: Filled<NntpLimits>;
}

/** The LIST keywords of RFC 3977 and RFC 6048. */
export const LISTS = [
  "ACTIVE",
  "ACTIVE.TIMES",
  "COUNTS",
  "DISTRIB.PATS",
  "HEADERS",
  "MODERATORS",
  "MOTD",
  "NEWSGROUPS",
  "OVERVIEW.FMT",
  "SUBSCRIPTIONS",
] as const;

const FEATURES: NntpFeatures = {
  capabilities: true,
  modeReader: true,
  modeSwitching: false,
  over: true,
  overById: true,
  xover: true,
  hdr: true,
  xhdr: true,
  xpat: true,
  listgroup: true,
  listgroupRange: true,
  lists: LISTS,
  newgroups: true,
  newnews: true,
  date: true,
  post: true,
  ihave: true,
  streaming: true,
  authUser: true,
  authSasl: true,
  compress: true,
  gzip: false,
  gzipTerminator: "asked",
  gzipFormat: "zlib",
  xzver: false,
  xzverCoding: "yenc",
  xzverFormat: "deflate",
  compressedDot: false,
  emptyRange: "standard",
  emptyGroup: "marks",
  announceBeforeLogin: true,
};

/** Fills in every default. */
export function resolve(options: NntpServerOptions): ResolvedNntpServerOptions {
  const users = accounts(options.users ?? {});
  const none = Number.POSITIVE_INFINITY;
  return {
    ...resolveSaslServer(options, users),
    groups: options.groups ?? {},
    users,
    requireLogin: options.requireLogin ?? (Object.keys(users).length > 0 ? "always" : "never"),
    mechanisms: knownMechanisms(options.mechanisms ?? ["PLAIN"]),
    requireTls: options.requireTls ?? false,
    hostname: options.hostname ?? "news.example",
    overview: options.overview ?? ["Xref"],
    motd: options.motd ?? ["This is a server for tests."],
    features: filled(FEATURES, options.features),
    limits: filled({ connections: none, logins: none, articleBytes: 16 * 1024 * 1024 }, options.limits),
    faults: options.faults ?? {},
    now: options.now ?? (() => new Date()),
  };
}
