/** What a live mail server is to the tests: its options, its abilities, and the running thing. Types only. */
import type { Account, Live } from "./launch.js";
import type { SinkMessage } from "./sink.js";

export type MailKind = "dovecot" | "cyrus";

export interface MailOptions {
  /**
   * With "both", TLS is there on the plain ports when asked, and from the first octet on the others. With "none" there is no
   * STLS and no STARTTLS, and nobody listens on pop3s, imaps and submissions. Default: "both".
   */
  tls?: "none" | "both";
  /** Default: the one for localhost of certs.ts. */
  certificate?: { certFile: string; keyFile: string };
  /**
   * Refuse passwords in plain text without TLS. Dovecot calls a connection from its own address safe: it listens on
   * 127.0.0.2 then, which no certificate names (a client says servername: "localhost"). Default: false.
   */
  requireTls?: boolean;
  /** Whether a client of TLS is asked for a certificate of the test CA. Default: "asked". */
  clientCertificate?: "none" | "asked" | "required";
  /** SASL mechanisms, as they are announced. Default: all that the server has and the table tells. */
  mechanisms?: readonly string[];
  /** With false there is no APOP, nor a timestamp in the greeting. Default: as the table tells. */
  apop?: boolean;
  /** Names and passwords of more users than MAIL_USERS. */
  users?: Readonly<Record<string, string>>;
  /**
   * Dovecot only: one session of a user and service at a time. A second one of POP3 is answered [IN-USE], at once, or if it
   * comes within milliseconds after 10 s: have the first one ask something before. Default: false.
   */
  exclusive?: boolean;
  /** Dovecot only: the port of 127.0.0.1 that submission hands mail to, by SMTP. Default: an smtp-sink's, see `relayed`. */
  relay?: number;
  /**
   * Dovecot only: "sdbox" keeps messages in files of its own, with the flags in an index; `deliver` and `mailbox` are for
   * Maildirs alone. Default: "maildir".
   */
  format?: "maildir" | "sdbox";
  /** Dovecot only: IMAP has COMPRESS=DEFLATE, ACL and METADATA, too. Default: false. */
  extras?: boolean;
  /** Listen on ::1 in place of 127.0.0.1. Default: false. */
  ipv6?: boolean;
  /** Keep the mail in this folder, which stays after stop(). Default: a new one, removed by stop(). */
  home?: string;
  /** Listen here, as for a server that comes back. Default: free ports. */
  ports?: MailPorts;
}

export interface MailPorts {
  readonly pop3: number;
  readonly pop3s: number;
  readonly imap: number;
  readonly imaps: number;
  /** With STARTTLS. Cyrus has no submission: nobody listens there. */
  readonly submission: number;
  /** TLS from the first octet. */
  readonly submissions: number;
  /** LMTP in plain text, without a login. */
  readonly lmtp: number;
  /** Dovecot: its authentication service, for Postfix, see MtaOptions. Cyrus: IMAP for the bed itself. */
  readonly auth: number;
}

export interface MailAbilities {
  /** SASL mechanisms. Dovecot announces all of them always, Cyrus EXTERNAL only to whom has shown a certificate. */
  mechanisms: readonly string[];
  /** A timestamp in the greeting of POP3. */
  apop: boolean;
  /** The lines of CAPA before a login, sorted, without STLS, SASL and IMPLEMENTATION. */
  capa: readonly string[];
  submission: boolean;
  /** Names with spaces, quotes and octets above 127: has the ODD_USERS. */
  oddNames: boolean;
  /** OAUTHBEARER and XOAUTH2. */
  tokens: boolean;
  /** Logins by a client's certificate. */
  external: boolean;
}

export interface LiveMail extends Live {
  readonly kind: MailKind;
  /** "127.0.0.1", "::1" with the option `ipv6`, "127.0.0.2" with `requireTls`. */
  readonly host: string;
  readonly ports: MailPorts;
  /** Certificate of the test CA, in PEM. */
  readonly ca: string;
  /** "polywire", which is also the name in the client certificate of certs.ts. */
  readonly user: string;
  readonly password: string;
  /** Name → password of all users. */
  readonly users: Readonly<Record<string, string>>;
  /** Where the mail is. */
  readonly home: string;
  /** An OAuth 2 token for this user. With `expired`, one that ended an hour ago. Throws where the server takes none. */
  token(user: string, options?: { expired?: boolean }): string;
  /**
   * Puts messages into a user's INBOX, in this order. Dovecot: as files of its Maildir, byte for byte, in no time, and also
   * while sessions are open; Cyrus: by LMTP, which puts Return-Path and Received in front.
   */
  deliver(user: string, ...messages: (Buffer | string)[]): Promise<void>;
  /** The messages of a user's INBOX in order: Dovecot's files as they are, with the line ends they came with, Cyrus' by IMAP. */
  mailbox(user: string): Promise<Buffer[]>;
  /** What submission has handed to its own sink so far; see startSink. */
  relayed(): Promise<SinkMessage[]>;
}

/** What a server's own file is given to write its configuration from. */
export interface MailSetup {
  readonly host: string;
  readonly ports: MailPorts;
  readonly home: string;
  /** An empty folder for configuration and logs. */
  readonly work: string;
  readonly options: MailOptions & Required<Pick<MailOptions, "tls" | "clientCertificate" | "mechanisms">>;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly users: Readonly<Record<string, string>>;
  /** Port of the SMTP server that submission hands mail to. */
  readonly relay: number;
  /** The account the server runs as. */
  readonly owner: Account;
}

export interface MailServer {
  readonly abilities: MailAbilities;
  /** The options it understands, besides `tls`, `certificate`, `mechanisms`, `users`, `ipv6`, `home` and `ports`. */
  readonly takes: readonly (keyof MailOptions)[];
  /** Where it listens with `requireTls`, if not on 127.0.0.1. */
  readonly strictHost?: string;
  /** Files that are there when the server is installed. */
  readonly files: readonly string[];
  /** Writes the configuration into `setup.work`, and folders into `setup.home`. */
  prepare(setup: MailSetup): Promise<MailLaunch>;
}

export interface MailLaunch {
  readonly command: string;
  readonly args: string[];
  /** Files the server may write, besides its standard output. */
  readonly logs: string[];
  /** It is up when it listens on all of them. */
  readonly listening: number[];
  /** Makes what can only be made when it runs. */
  readonly fill?: () => Promise<void>;
  readonly token?: LiveMail["token"];
  readonly deliver: LiveMail["deliver"];
  readonly mailbox: LiveMail["mailbox"];
}
