/** The options of the in-memory SMTP server; `resolve()` holds every default. */
import { type Account, accounts } from "../sasl/index.js";
import { type Filled, filled, resolveSaslServer, type SaslServerOptions, type Some } from "../server-options.js";
import type { Faults } from "./faults.js";
import type { Keep, SmtpMessage } from "./message.js";

/** What the server knows. Switch some off to play an old server: they are not announced, and not understood. */
export interface SmtpFeatures {
  /** EHLO; without it there is only HELO, and no extension. Default: true. */
  ehlo: boolean;
  /** PIPELINING (RFC 2920). Without it, commands that come early are done, and noted in `violations`. Default: true. */
  pipelining: boolean;
  /** SIZE (RFC 1870): the most octets of a message; 0: announced without a number. Default: 2 147 483 648. */
  size: number | false;
  /** 8BITMIME (RFC 6152). Default: true. */
  eightBitMime: boolean;
  /** SMTPUTF8 (RFC 6531). Default: true. */
  smtpUtf8: boolean;
  /** CHUNKING: BDAT (RFC 3030). Default: true. */
  chunking: boolean;
  /** BINARYMIME (RFC 3030). Default: true. */
  binaryMime: boolean;
  /** DSN (RFC 3461). Default: true. */
  dsn: boolean;
  /** ENHANCEDSTATUSCODES (RFC 2034). Default: true. */
  enhancedStatusCodes: boolean;
  /** REQUIRETLS (RFC 8689), announced over TLS. Default: true. */
  requireTls: boolean;
  /** DELIVERBY (RFC 2852): the least number of seconds; 0: announced without a number. Default: 0. */
  deliverBy: number | false;
  /** MT-PRIORITY (RFC 6710): the name of a profile; "": announced without one. Default: "". */
  mtPriority: string | false;
  /** FUTURERELEASE (RFC 4865): the most seconds. Default: 2 592 000 (thirty days). */
  futureRelease: number | false;
  /** LIMITS (RFC 9422): what `limits` holds is announced. Default: true, where there is a limit. */
  limits: boolean;
  /** AUTH (RFC 4954). Default: true, where there are users. */
  auth: boolean;
  /** ETRN (RFC 1985). Default: true. */
  etrn: boolean;
  /** VRFY: 250 for users, 550 for others; without it, 252. Default: true. */
  vrfy: boolean;
  /** EXPN. Default: true. */
  expn: boolean;
  /** HELP. Default: true. */
  help: boolean;
  /** DATA is answered 354 also where no recipient was accepted (RFC 2920 3.1); the end is 554. Not in LMTP, where it is always 503. Default: false (503). */
  eagerData: boolean;
  /** A BDAT LAST that was refused ends the transaction; without, MAIL is 503 until RSET. Default: true. */
  refusedLastEnds: boolean;
}

/** Where the server says no. */
export interface SmtpLimits {
  /** Connections at a time; one more is greeted with 421. Default: no limit. */
  connections?: number | undefined;
  /** Recipients of a message; one more is 452 4.5.3. RCPTMAX of LIMITS. Default: no limit. */
  recipients?: number | undefined;
  /** Messages of a connection; MAIL behind them is 421, and the connection is closed. MAILMAX of LIMITS. Default: no limit. */
  messages?: number | undefined;
}

/** Replies by address: `{ "bob@example.org": "550 5.1.1 No such user", "*@slow.example": "450 4.2.1 Later" }`. `*` is any text. */
export type ReplyByAddress = Record<string, string>;

/** How the server is started. */
export interface SmtpServerOptions extends SaslServerOptions {
  /** LMTP (RFC 2033): LHLO in place of EHLO, and a reply for each recipient behind the content. Default: false. */
  lmtp?: boolean | undefined;
  /** The users by name: a password, or more than that. Default: none; AUTH is then not known. */
  users?: Record<string, string | Account> | undefined;
  /** MAIL needs a login (530). Default: false. */
  requireLogin?: boolean | undefined;
  /** Everything but EHLO, NOOP, RSET, STARTTLS and QUIT needs TLS (530); AUTH is not announced before. Default: false. */
  requireTls?: boolean | undefined;
  /** The text of the greeting behind the server's name; several lines when it has line feeds. Default: `"ESMTP polywire test server ready"`. */
  greeting?: string | undefined;
  /** Switched features; the rest keep their defaults. */
  features?: Some<SmtpFeatures> | undefined;
  /** Further lines of EHLO: `["XCLIENT NAME ADDR"]`. Default: none. */
  extensions?: readonly string[] | undefined;
  /** Where the server says no. */
  limits?: SmtpLimits | undefined;
  /** Senders that MAIL refuses. Default: none. */
  rejectFrom?: ReplyByAddress | undefined;
  /** Recipients that RCPT refuses. Default: none. */
  reject?: ReplyByAddress | undefined;
  /** LMTP: recipients that were accepted, and are refused behind the content. Default: none. */
  rejectDelivery?: ReplyByAddress | undefined;
  /** How often each pair of sender and recipient is refused with 450 4.7.1 before it is accepted. Default: 0. */
  greylist?: number | undefined;
  /** Mailing lists for EXPN, by name. Default: none. */
  lists?: Record<string, string[]> | undefined;
  /**
   * How much of each message is kept: everything, `size` and `hash`, or nothing (then {@link SmtpServer.messages} stays
   * empty, and only {@link SmtpServer.messageCount} counts). Default: `"content"`.
   */
  keep?: Keep | undefined;
  /** Called with each message that came; a reply refuses it: `"554 5.7.1 Spam"`. */
  onMessage?: ((message: SmtpMessage) => string | undefined) | undefined;
  /** What goes wrong from the beginning; see also {@link SmtpServer.faults}. */
  faults?: Faults | undefined;
}

/** Options with every default filled in. */
export interface ResolvedSmtpServerOptions extends Filled<SmtpServerOptions, "onCommand" | "onMessage" | "clientCa"> {
  onCommand: ((line: string) => void) | undefined;
  onMessage: SmtpServerOptions["onMessage"];
  clientCa: string | undefined;
  users: Record<string, Account>;
  features: SmtpFeatures;
  limits: Filled<SmtpLimits>;
}

const FEATURES: SmtpFeatures = {
  ehlo: true,
  pipelining: true,
  size: 2 ** 31,
  eightBitMime: true,
  smtpUtf8: true,
  chunking: true,
  binaryMime: true,
  dsn: true,
  enhancedStatusCodes: true,
  requireTls: true,
  deliverBy: 0,
  mtPriority: "",
  futureRelease: 30 * 86_400,
  limits: true,
  auth: true,
  etrn: true,
  vrfy: true,
  expn: true,
  help: true,
  eagerData: false,
  refusedLastEnds: true,
};

/** Fills in every default. Throws for a mechanism that no server here knows. */
export function resolve(options: SmtpServerOptions): ResolvedSmtpServerOptions {
  const users = accounts(options.users ?? {});
  const none = Number.POSITIVE_INFINITY;
  return {
    ...resolveSaslServer(options, users),
    lmtp: options.lmtp ?? false,
    users,
    requireLogin: options.requireLogin ?? false,
    requireTls: options.requireTls ?? false,
    greeting: options.greeting ?? "ESMTP polywire test server ready",
    features: filled(FEATURES, options.features),
    extensions: options.extensions ?? [],
    limits: filled({ connections: none, recipients: none, messages: none }, options.limits),
    rejectFrom: options.rejectFrom ?? {},
    reject: options.reject ?? {},
    rejectDelivery: options.rejectDelivery ?? {},
    greylist: options.greylist ?? 0,
    lists: options.lists ?? {},
    keep: options.keep ?? "content",
    onMessage: options.onMessage,
    faults: options.faults ?? {},
  };
}
