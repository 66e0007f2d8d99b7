/** The options of the in-memory POP3 server; `resolve()` holds every default. */
import { type Account, accounts, fitting, knownMechanisms } from "../sasl/index.js";
import { type CertifiedKey, testTls } from "../tls.js";
import type { Faults } from "./faults.js";
import type { Pop3Mailbox, Pop3Messages } from "./message.js";

/** What the server knows. Switch some off to play an old server: their commands answer `-ERR`, and are not announced. */
export interface Pop3Features {
  /** CAPA itself (RFC 2449). Default: true. */
  capa: boolean;
  /** USER and PASS. Default: true. */
  user: boolean;
  /** APOP, and the timestamp in the greeting. Default: true. */
  apop: boolean;
  /** AUTH (RFC 5034). Default: true. */
  auth: boolean;
  /** TOP. Default: true. */
  top: boolean;
  /** UIDL. Default: true. */
  uidl: boolean;
  /** PIPELINING is announced. Default: true. */
  pipelining: boolean;
  /**
   * What becomes of commands that come before the answer to the one before them has left: they are done, thrown away, or
   * answered with `-ERR`. Default: `"done"` with `pipelining`, else `"dropped"`.
   */
  early: "done" | "dropped" | "refused";
  /** Response codes like `[IN-USE]` (RFC 2449 8), and RESP-CODES in CAPA. Default: true. */
  respCodes: boolean;
  /** `[AUTH]` for wrong credentials (RFC 3206), and AUTH-RESP-CODE in CAPA. Default: true. */
  authRespCode: boolean;
  /** UTF8 (RFC 6856). Default: true. */
  utf8: boolean;
  /** LANG (RFC 6856). Default: true. */
  lang: boolean;
}

/** Where the server says no. */
export interface Pop3Limits {
  /** Connections at a time; one more is greeted with `-ERR`. Default: no limit. */
  connections?: number;
  /** Seconds between two logins of a user; one before is `-ERR [LOGIN-DELAY]`. Announced. Default: none. */
  loginDelay?: number;
}

/** A user and the maildrop. */
export interface Pop3User extends Account {
  /** Default: none. A mailbox of an {@link ImapServer} is served by both, and a message that is deleted here is gone there. */
  messages?: Pop3Messages | Pop3Mailbox;
}

/** How the server is started. */
export interface Pop3ServerOptions {
  /** The address to listen on. Default: `"127.0.0.1"`. */
  host?: string;
  /** The port. Default: 0 (any free one). */
  port?: number;
  /** The users by name: a password, or more than that. Default: `{ test: "test" }`. */
  users?: Record<string, string | Pop3User>;
  /** `none`: STLS is refused. `implicit`: TLS from the first byte. Default: `"none"`. */
  tls?: "none" | "starttls" | "implicit";
  /** Logins in plain text are refused, and not announced. Default: false. */
  requireTls?: boolean;
  /** What the server shows. Default: `testTls.server`. */
  certificate?: CertifiedKey;
  /**
   * Clients are asked for a certificate of this authority (PEM): EXTERNAL is who it names. {@link testTls}`.ca` has signed
   * `testTls.client`, which is alice. Default: none is asked for.
   */
  clientCa?: string;
  /** The SASL mechanisms, in the order they are announced. Default: every one that fits the users, without ANONYMOUS. */
  mechanisms?: readonly string[];
  /** How often SCRAM hashes a password. Default: 4096. */
  iterations?: number;
  /** The text of the greeting. Default: `"polywire test server ready"`. */
  greeting?: string;
  /** The server's name in challenges. Default: `"mail.example"`. */
  hostname?: string;
  /** Languages, tag to name; the first is the one to begin with. Default: English and German. */
  languages?: Record<string, string>;
  /** Switched features; the rest keep their defaults. */
  features?: Partial<Pop3Features>;
  /** Changes what CAPA answers: it is given the lines, and gives the lines. Default: as they are. */
  capabilities?: (lines: string[]) => string[];
  /** Verbs that are answered `-ERR`: `["NOOP"]`. Default: none. */
  disabled?: string[];
  /** Where the server says no. */
  limits?: Pop3Limits;
  /** What goes wrong from the beginning; see also {@link Pop3Server.faults}. */
  faults?: Faults;
  /** What time it is. Default: the true one. */
  now?: () => Date;
  /** Command lines kept in {@link Pop3Server.commands}; past it the oldest half is dropped. Default: 100 000. */
  logLimit?: number;
  /** Called with every command line as it is taken up, before anything is done. */
  onCommand?: (line: string) => void;
}

/** Options with every default filled in. */
export interface ResolvedPop3ServerOptions extends Required<Omit<Pop3ServerOptions, "onCommand" | "clientCa">> {
  onCommand: ((line: string) => void) | undefined;
  clientCa: string | undefined;
  users: Record<string, Pop3User>;
  features: Pop3Features;
  limits: Required<Pop3Limits>;
}

const FEATURES: Pop3Features = {
  capa: true,
  user: true,
  apop: true,
  auth: true,
  top: true,
  uidl: true,
  pipelining: true,
  early: "done",
  respCodes: true,
  authRespCode: true,
  utf8: true,
  lang: true,
};

/** Fills in every default. Throws for a mechanism that no server here knows. */
export function resolve(options: Pop3ServerOptions): ResolvedPop3ServerOptions {
  const users = accounts(options.users ?? { test: "test" });
  const early = (options.features?.pipelining ?? true) ? "done" : "dropped";
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
    hostname: options.hostname ?? "mail.example",
    languages: options.languages ?? { en: "English", de: "Deutsch" },
    features: { ...FEATURES, early, ...options.features },
    capabilities: options.capabilities ?? ((lines) => lines),
    disabled: (options.disabled ?? []).map((verb) => verb.toUpperCase()),
    limits: { connections: Number.POSITIVE_INFINITY, loginDelay: 0, ...options.limits },
    faults: options.faults ?? {},
    now: options.now ?? (() => new Date()),
    logLimit: options.logLimit ?? 100_000,
    onCommand: options.onCommand,
  };
}
