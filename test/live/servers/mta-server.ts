/** What a live mail transfer agent is to the tests: its options, its abilities, and the running thing. Types only. */
import type { Account, Live } from "./launch.js";
import type { LiveMail } from "./mail-server.js";

export type MtaKind = "postfix" | "exim";

export interface MtaOptions {
  /** With "none" there is no STARTTLS, and nothing on port smtps. Default: "both". */
  tls?: "none" | "both";
  /** Default: the one for localhost of certs.ts. */
  certificate?: { certFile: string; keyFile: string };
  /** Whether a client is asked for a certificate of the test CA. Default: "none". */
  clientCertificate?: "none" | "asked" | "required";
  /** Without TLS: no AUTH on submission, and MAIL is answered 530 on both plain ports. Default: false. */
  requireTls?: boolean;
  /** SASL mechanisms of submission and smtps. Default: all that the server has and the table tells. */
  mechanisms?: readonly string[];
  /** Postfix only: logins are left to this Dovecot, with its users and mechanisms. Default: its own, by Cyrus SASL. */
  authBy?: LiveMail;
  /** Names and passwords of more users than MAIL_USERS. */
  users?: Readonly<Record<string, string>>;
  /** Extensions that are neither announced nor done: `["CHUNKING"]`. Default: none. */
  without?: readonly string[];
  /** Exim only: PIPECONNECT. Default: false. */
  pipeConnect?: boolean;
  /** Octets of the largest message, announced by SIZE. Default: 10,240,000. */
  size?: number;
  /** Most recipients of a message; one more is answered 452 4.5.3. Default: 1000. */
  maxRecipients?: number;
  /** Most connections at one time; one more is answered 421. Default: no limit. */
  maxClients?: number;
  /** Seconds of silence before 421 4.4.2. Default: 5 minutes. */
  idleTimeout?: number;
  /** Where mail for the users goes: to Maildirs of its own, or by LMTP to this mail server. Default: Maildirs. */
  deliverTo?: LiveMail;
  /** The port of 127.0.0.1 that mail for others goes to, by SMTP, from users who are logged in. Default: it is dropped. */
  relayTo?: number;
  /** Listen on ::1 in place of 127.0.0.1. Default: false. */
  ipv6?: boolean;
  /** Listen here, as for a server that comes back. Default: free ports. */
  ports?: MtaPorts;
}

export interface MtaPorts {
  /** No login: takes mail for the domains of this server only. */
  readonly smtp: number;
  /** Nothing before a login: Exim answers MAIL with 530, Postfix RCPT with 554. Then takes mail for everybody. */
  readonly submission: number;
  /** As submission, with TLS from the first octet. */
  readonly smtps: number;
}

export interface MtaAbilities {
  /** What EHLO announces on submission before TLS, sorted, without AUTH; with TLS there is no STARTTLS. */
  ehlo: readonly string[];
  /** SASL mechanisms, as they are announced; in Exim EXTERNAL only to whom has shown a certificate. */
  mechanisms: readonly string[];
  /** PIPECONNECT: EHLO may be sent before the greeting. */
  pipeConnect: boolean;
  vrfy: boolean;
  expn: boolean;
  help: boolean;
  etrn: boolean;
}

export interface LiveMta extends Live {
  readonly kind: MtaKind;
  /** "127.0.0.1", or "::1" with the option `ipv6`. */
  readonly host: string;
  readonly ports: MtaPorts;
  /** Certificate of the test CA, in PEM. */
  readonly ca: string;
  readonly user: string;
  readonly password: string;
  /** Name → password of all users. */
  readonly users: Readonly<Record<string, string>>;
  /** Mail at DOMAIN for this user, as it was delivered, with what the server put in front. In the order of delivery, which need not be that of sending. */
  delivered(user: string): Promise<Buffer[]>;
  /** What the server still tries to deliver. */
  queue(): Promise<QueuedMail[]>;
}

export interface QueuedMail {
  readonly id: string;
  readonly from: string;
  readonly to: readonly string[];
}

/** What a server's own file is given to write its configuration from. */
export interface MtaSetup {
  readonly host: string;
  readonly ports: MtaPorts;
  /** An empty folder for configuration, logs, queue, and `mail`, the Maildirs. */
  readonly work: string;
  readonly options: MtaOptions & Required<Pick<MtaOptions, "tls" | "clientCertificate" | "mechanisms" | "without">>;
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly users: Readonly<Record<string, string>>;
  /** The account that mail belongs to. */
  readonly owner: Account;
}

export interface MtaServer {
  readonly abilities: MtaAbilities;
  /** The options it understands, besides those that all do. */
  readonly takes: readonly (keyof MtaOptions)[];
  /** The extensions it can do without. */
  readonly withouts: readonly string[];
  /** Files that are there when the server is installed. */
  readonly files: readonly string[];
  /** Writes the configuration into `setup.work`. */
  prepare(setup: MtaSetup): Promise<MtaLaunch>;
}

export interface MtaLaunch {
  readonly command: string;
  readonly args: string[];
  /** Files the server may write, besides its standard output. */
  readonly logs: string[];
  readonly queue: LiveMta["queue"];
}
