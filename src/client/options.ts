/** The options all protocols share, and resolve(): every default in one place. */
import type { ConnectionOptions as NodeTlsOptions } from "node:tls";
import { MECHANISM_NAMES, type MechanismName } from "../sasl/mechanism.js";
import type { Protocol } from "./errors.js";
import { UsageError } from "./errors.js";
import { checkNames } from "./known-names.js";
import type { Credentials, CredentialsSource, Security } from "./session.js";
import type { Transcript } from "./transcript.js";

/** TLS as Node takes it, less what polywire sets itself. */
export interface TlsOptions {
  /** CA certificates (PEM) trusted instead of Node's own list. */
  ca?: string | Buffer | readonly (string | Buffer)[] | undefined;
  /** Client certificate (PEM). */
  cert?: string | Buffer | undefined;
  /** Key of the client certificate (PEM). */
  key?: string | Buffer | undefined;
  /** Passphrase of the key. */
  passphrase?: string | undefined;
  /** The name that the certificate must carry. Default: the host. */
  servername?: string | undefined;
  /** Default: `TLSv1.2`. */
  minVersion?: NodeTlsOptions["minVersion"] | undefined;
  maxVersion?: NodeTlsOptions["maxVersion"] | undefined;
  ciphers?: string | undefined;
  /** False accepts any certificate: the connection is then open to anyone in between. Default: true. */
  rejectUnauthorized?: boolean | undefined;
}

/** Milliseconds of silence allowed, by phase. */
export interface Timeouts {
  /** For the TCP connection, the proxy and the TLS handshake together. Default: 20 000. */
  connect?: number | undefined;
  /** From the connection to the greeting. Default: 30 000. */
  greeting?: number | undefined;
  /** Between a command and its reply, or two pieces of it. Default: 30 000. */
  command?: number | undefined;
  /** Without a byte in a running transfer. Default: 60 000. */
  idle?: number | undefined;
  /** For the goodbye of `quit()`, and without a byte in the calls before it. Default: 3 000. */
  quit?: number | undefined;
}

/** What a server may send before the client gives up on it. */
export interface Limits {
  /** Bytes of one line. Default: 1 MiB. */
  line?: number | undefined;
  /** Bytes of one reply. Default: 1 MiB. */
  reply?: number | undefined;
  /** Bytes of a body held in memory (not of one that goes to a sink). Default: 256 MiB. */
  body?: number | undefined;
  /** Bytes read ahead of a listing's loop when another call waits behind it. Default: 64 MiB. */
  readAhead?: number | undefined;
  /** Calls waiting in the queue. Default: 100 000. */
  queue?: number | undefined;
}

/** What every client takes. */
export interface ClientOptions {
  /** Name or address of the server. */
  host: string;
  /** Default: the protocol's own for the chosen security. */
  port?: number | undefined;
  /** Default: `tls`, for FTP `starttls` (that is AUTH TLS, RFC 4217). */
  security?: Security | undefined;
  /** Used by `login()` without an argument: a value, or a function called at that moment. */
  credentials?: Credentials | CredentialsSource | undefined;
  tls?: TlsOptions | undefined;
  /** URL of a proxy: `socks5://user:pw@host:1080`, `socks4://…`, `http://…` (CONNECT). */
  proxy?: string | undefined;
  /** Local address to connect from. */
  localAddress?: string | undefined;
  /** 4 or 6: use only this IP version. Default: both, whichever answers first (RFC 8305). */
  family?: 4 | 6 | undefined;
  /** Milliseconds until TCP keep-alive probes begin; 0 turns them off. Default: 60 000. */
  keepAlive?: number | undefined;
  timeouts?: Timeouts | undefined;
  limits?: Limits | undefined;
  /** Records every line, secrets redacted. */
  transcript?: Transcript | undefined;
  /** Commands in flight at once where calls overlap; 1 turns pipelining off. Default: 256, for FTP and SMTP 32. */
  pipelining?: number | undefined;
  /**
   * The ways to log in by SASL (RFC 4422) that are tried, in this order, and no others: `["SCRAM-SHA-256"]`. One that the
   * server does not offer, or the credentials do not fit, is passed over; a list without `-PLUS` also means that SCRAM is
   * not tied to TLS. Default: all that fit, strongest first. FTP has no SASL, and refuses the option.
   */
  mechanisms?: readonly string[] | undefined;
}

/** All of it is there. */
export type Complete<T> = { readonly [K in keyof T]-?: Exclude<T[K], undefined> };

/** Options with every default filled in. */
export interface ResolvedOptions {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  readonly security: Security;
  readonly credentials: Credentials | CredentialsSource | undefined;
  readonly tls: Readonly<TlsOptions>;
  readonly proxy: string | undefined;
  readonly localAddress: string | undefined;
  readonly family: 4 | 6 | undefined;
  readonly keepAlive: number;
  readonly timeouts: Complete<Timeouts>;
  readonly limits: Complete<Limits>;
  readonly transcript: Transcript | undefined;
  readonly pipelining: number;
  readonly mechanisms: readonly MechanismName[] | undefined;
}

/** The ports of each protocol: [in the clear or upgraded, TLS from the first byte]. */
export const PORTS: Readonly<Record<Protocol, readonly [number, number]>> = {
  ftp: [21, 990],
  nntp: [119, 563],
  smtp: [587, 465],
  pop3: [110, 995],
  imap: [143, 993],
};

/**
 * Commands in flight. The small answers of nnrpd and of Cyrus wait 44 ms for each other (Nagle's algorithm) unless 64 KiB of
 * them are under way. Messages of a mailbox are as small, and a server far away gives thousands of them in one round trip.
 */
const PIPELINING: Readonly<Partial<Record<Protocol, number>>> = { nntp: 256, pop3: 256, imap: 256 };

const TIMEOUTS = { connect: 20_000, greeting: 30_000, command: 30_000, idle: 60_000, quit: 3_000 } as const;
/** The longest time a timer of Node can run, in milliseconds: 24 days. Longer ones fire at once. */
export const MOST_MS = 2 ** 31 - 1;
const MiB = 1024 * 1024;
const LIMITS = { line: MiB, reply: MiB, body: 256 * MiB, readAhead: 64 * MiB, queue: 100_000 } as const;

/** The options all protocols share, by their names. */
export const SHARED_NAMES: Readonly<Record<keyof ClientOptions, true>> = {
  host: true,
  port: true,
  security: true,
  credentials: true,
  tls: true,
  proxy: true,
  localAddress: true,
  family: true,
  keepAlive: true,
  timeouts: true,
  limits: true,
  transcript: true,
  pipelining: true,
  mechanisms: true,
};

/** The options that a protocol has besides those all share, by their names. */
export type OwnNames<T extends ClientOptions> = Readonly<Record<Exclude<keyof T, keyof ClientOptions>, true>>;

/**
 * Fills in the defaults and checks what can be checked without a connection. Rejects with UsageError.
 *
 * @param own The options that the protocol has besides.
 */
export function resolve(protocol: Protocol, options: ClientOptions, own: object = {}): ResolvedOptions {
  checkNames(options, Object.keys({ ...SHARED_NAMES, ...own }), { protocol });
  const { host } = options;
  if (typeof host !== "string" || host === "" || /[\s\0/@]/.test(host)) {
    throw new UsageError(`host ${JSON.stringify(host)} is not a host name or an address`, { protocol });
  }
  const security = options.security ?? (protocol === "ftp" ? "starttls" : "tls");
  if (security !== "tls" && security !== "starttls" && security !== "plain") {
    throw new UsageError(`security is "tls", "starttls" or "plain", not ${JSON.stringify(security)}`, { protocol });
  }
  return {
    protocol,
    host: host.replace(/^\[(.*)\]$/, "$1"),
    port: wholeNumber("port", options.port ?? PORTS[protocol][security === "tls" ? 1 : 0], 1, 65535),
    security,
    credentials: options.credentials,
    tls: { ...options.tls, minVersion: options.tls?.minVersion ?? "TLSv1.2" },
    proxy: options.proxy,
    localAddress: options.localAddress,
    family: options.family,
    keepAlive: wholeNumber("keepAlive", options.keepAlive ?? 60_000, 0, MOST_MS),
    timeouts: numbers("timeouts", TIMEOUTS, options.timeouts, MOST_MS),
    limits: numbers("limits", LIMITS, options.limits),
    transcript: options.transcript,
    pipelining: wholeNumber("pipelining", options.pipelining ?? PIPELINING[protocol] ?? 32, 1, 10_000),
    mechanisms: options.mechanisms && mechanismNames(protocol, options.mechanisms),
  };
}

/** Checks one number of the options. Rejects with UsageError. */
export function wholeNumber(name: string, value: number, least: number, most = Number.MAX_SAFE_INTEGER): number {
  if (!Number.isSafeInteger(value) || value < least || value > most) {
    throw new UsageError(`${name} is a whole number from ${least} to ${most}, not ${String(value)}`);
  }
  return value;
}

function mechanismNames(protocol: Protocol, given: readonly string[]): readonly MechanismName[] {
  if (protocol === "ftp") throw new UsageError("FTP has no SASL, and no mechanisms to choose from", { protocol });
  if (!Array.isArray(given) || given.length === 0) throw new UsageError("mechanisms is a list of names", { protocol });
  return given.map((name) => {
    const found = MECHANISM_NAMES.find((each) => each === String(name).toUpperCase());
    if (found !== undefined) return found;
    const advice = `there are ${MECHANISM_NAMES.join(", ")}`;
    throw new UsageError(`${JSON.stringify(name)} is not a mechanism of SASL`, { protocol, advice });
  });
}

function numbers<T extends Record<string, number>>(
  name: string,
  defaults: T,
  given: object | undefined,
  most?: number,
): T {
  checkNames(given, Object.keys(defaults), { prefix: `${name}.` });
  const out: Record<string, number> = { ...defaults };
  for (const [key, value] of Object.entries(given ?? {})) {
    if (value !== undefined) out[key] = wholeNumber(`${name}.${key}`, value, 1, most);
  }
  return out as T;
}
