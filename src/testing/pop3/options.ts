/** The options of the in-memory POP3 server; `resolve()` holds every default. */
import { type Account, accounts } from "../sasl/index.js";
import { type Filled, filled, resolveSaslServer, type SaslServerOptions, type Some } from "../server-options.js";
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
  connections?: number | undefined;
  /** Seconds between two logins of a user; one before is `-ERR [LOGIN-DELAY]`. Announced. Default: none. */
  loginDelay?: number | undefined;
}

/** A user and the maildrop. */
export interface Pop3User extends Account {
  /** Default: none. A mailbox of an {@link ImapServer} is served by both, and a message that is deleted here is gone there. */
  messages?: Pop3Messages | Pop3Mailbox | undefined;
}

/** How the server is started. */
export interface Pop3ServerOptions extends SaslServerOptions {
  /** The users by name: a password, or more than that. Default: `{ test: "test" }`. */
  users?: Record<string, string | Pop3User> | undefined;
  /** Logins in plain text are refused, and not announced. Default: false. */
  requireTls?: boolean | undefined;
  /** Languages, tag to name; the first is the one to begin with. Default: English and German. */
  languages?: Record<string, string> | undefined;
  /** Switched features; the rest keep their defaults. */
  features?: Some<Pop3Features> | undefined;
  /** Changes what CAPA answers: it is given the lines, and gives the lines. Default: as they are. */
  capabilities?: ((lines: string[]) => string[]) | undefined;
  /** Where the server says no. */
  limits?: Pop3Limits | undefined;
  /** What goes wrong from the beginning; see also {@link Pop3Server.faults}. */
  faults?: Faults | undefined;
  /** What time it is. Default: the true one. */
  now?: (() => Date) | undefined;
}

/** Options with every default filled in. */
export interface ResolvedPop3ServerOptions extends Filled<Pop3ServerOptions, "onCommand" | "clientCa"> {
  onCommand: ((line: string) => void) | undefined;
  clientCa: string | undefined;
  users: Record<string, Pop3User>;
  features: Pop3Features;
  limits: Filled<Pop3Limits>;
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
    ...resolveSaslServer(options, users),
    users,
    requireTls: options.requireTls ?? false,
    languages: options.languages ?? { en: "English", de: "Deutsch" },
    features: filled({ ...FEATURES, early }, options.features),
    capabilities: options.capabilities ?? ((lines) => lines),
    limits: filled({ connections: Number.POSITIVE_INFINITY, loginDelay: 0 }, options.limits),
    faults: options.faults ?? {},
    now: options.now ?? (() => new Date()),
  };
}
