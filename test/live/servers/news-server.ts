/** What a live news server is to the tests: its options, its abilities, and the running thing. Types only. */
import type { Account, Live } from "./launch.js";

export type NewsKind = "inn" | "cyrus";

export interface NewsOptions {
  /**
   * With "starttls" a client may ask for TLS by STARTTLS; with "none", INN announces it all the same, and answers 580.
   * Default: "none".
   */
  tls?: "none" | "starttls" | "implicit";
  /** Default: the one for localhost of certs.ts. */
  certificate?: { certFile: string; keyFile: string };
  /**
   * What needs a login: "none"; "post", anyone may read; "groups", anyone may look in, but there is nothing to see (GROUP is
   * answered with 480, INN's LIST is empty); "read", nearly everything is answered with 480. A login is taken in all of them; but
   * in INN one by SASL may read nothing with "read" (281, then 502). Default: "none", and in cyrus the only one: "groups".
   */
  auth?: "none" | "post" | "groups" | "read";
  /**
   * Have the groups of news-seed.ts filled; in cyrus all but polywire.big. For INN they are made once on this machine, which
   * takes some 6 s (busy: 20), then copied in 0.2 s. Default: false, all are empty.
   */
  seed?: boolean;
  /** Most readers at one time; one more is turned away in the greeting (400). Sets TCP_NODELAY, too. Default: no limit. */
  maxClients?: number;
  /** Set TCP_NODELAY, which nnrpd does not: see the 44 ms in inn.ts. Default: false. */
  nodelay?: boolean;
  /** Octets a second of articles in one session: makes one long enough to be cut. Default: no limit. */
  rate?: number;
  /** Seconds of silence before the server hangs up. Default: half an hour. */
  idleTimeout?: number;
  /** Listen on ::1 in place of 127.0.0.1. Default: false. */
  ipv6?: boolean;
  /** Keep the articles in this folder, which stays after stop(). Default: a new one, removed by stop(). */
  home?: string;
  /** Listen here, as for a server that comes back. Default: a free port. */
  port?: number;
}

export interface NewsAbilities {
  starttls: boolean;
  /** TLS from the first octet. */
  implicit: boolean;
  /** Can be read without a login. */
  anonymous: boolean;
  /** POST, and articles from feeds. */
  post: boolean;
  /** COMPRESS DEFLATE. */
  compress: boolean;
  /** AUTHINFO USER. */
  user: boolean;
  /** AUTHINFO SASL PLAIN. */
  plain: boolean;
  hdr: boolean;
  xpat: boolean;
  newnews: boolean;
  /** MODE STREAM, CHECK and TAKETHIS on the port for readers. */
  streaming: boolean;
  /** What LIST can list. */
  list: readonly string[];
}

export interface LiveNews extends Live {
  readonly kind: NewsKind;
  /** "127.0.0.1", or "::1" with the option `ipv6`. */
  readonly host: string;
  /** For readers. */
  readonly port: number;
  /** INN only, for feeds: IHAVE, MODE STREAM, CHECK, TAKETHIS, without a login; MODE READER hands over to a reader's session. */
  readonly feedPort: number | undefined;
  readonly user: string;
  readonly password: string;
  /** Where the articles are. */
  readonly home: string;
  /**
   * Has the server's operator do something, by INN's ctlinnd: `control("cancel", "<id>")`, `control("newgroup", "a.b", "y")`,
   * `control("rmgroup", "a.b")`, `control("pause", "for a test")`, `control("go", "for a test")`.
   * Rejects when the server is not INN, and with what ctlinnd says.
   */
  control(...command: string[]): Promise<void>;
  /** What was mailed to moderators so far: whole messages, one after the other. */
  mail(): string;
}

/** What a server's own file is given to write its configuration from. */
export interface NewsSetup {
  readonly host: string;
  readonly port: number;
  /** Free, too: for feeds, or for whatever else the server listens to. */
  readonly feedPort: number;
  readonly home: string;
  /** An empty folder for configuration and logs. */
  readonly work: string;
  readonly options: NewsOptions & Required<Pick<NewsOptions, "tls" | "auth">>;
  readonly certFile: string;
  readonly keyFile: string;
  readonly user: string;
  readonly password: string;
  /** The password, as crypt(3) stores it. */
  readonly hash: string;
  /** The account the server runs as. */
  readonly owner: Account;
}

export interface NewsServer {
  readonly abilities: NewsAbilities;
  /** The options it understands, besides `tls`, `certificate`, `auth`, `home` and `port`. */
  readonly takes: readonly (keyof NewsOptions)[];
  /** Files that are there when the server is installed. */
  readonly files: readonly string[];
  /** The account it runs as. */
  readonly account: string;
  /** Writes the configuration into `setup.work` and the first articles into `setup.home`. */
  prepare(setup: NewsSetup): Promise<NewsLaunch>;
}

export interface NewsLaunch {
  readonly command: string;
  readonly args: string[];
  /** Files the server may write, besides its standard output. */
  readonly logs: string[];
  /** It is up when it listens on all of them. */
  readonly ports: number[];
  /** See LiveNews. */
  readonly feedPort?: number;
  /** Waits for, or brings in, what is not there yet when it listens. */
  readonly fill?: () => Promise<void>;
  /** See LiveNews. */
  readonly control?: (...command: string[]) => Promise<void>;
  /** Ends the server in good order. */
  readonly goodbye?: () => Promise<void>;
}
