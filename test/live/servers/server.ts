/** What a live FTP server is to the tests: its options, its abilities, and the running thing. Types and places only. */
import { join } from "node:path";
import type { Live } from "./launch.js";

export type Kind = "vsftpd" | "proftpd" | "pureftpd" | "pyftpdlib" | "inetutils";

export interface FtpOptions {
  /** Default: "none". With "explicit" a client may ask for TLS by AUTH TLS. */
  tls?: "none" | "explicit" | "implicit";
  /** Refuse logins and data connections in plain text. Default: false. */
  requireTls?: boolean;
  /** Refuse data connections that do not resume the TLS session of the control connection. Default: false. */
  requireReuse?: boolean;
  /** Refuse clients without a certificate of the test CA. Default: false. */
  requireClientCertificate?: boolean;
  /** Default: the one for localhost of certs.ts. */
  certificate?: { certFile: string; keyFile: string };
  /** Most sessions at one time. Default: about 200. */
  maxClients?: number;
  /** Most sessions of one client address at one time. Default: no limit. */
  maxPerHost?: number;
  /** Listen on ::1 in place of 127.0.0.1. Default: false. */
  ipv6?: boolean;
  /** Listen on this address of the machine: 127.0.0.2 and the like are foreign to each other. Default: 127.0.0.1. */
  host?: string;
  /** First and last port for passive data connections. Default: none of those that servers of tests listen on. */
  passivePorts?: [number, number];
  /** Take PORT with an address that is not the client's, and data connections from others. Default: false. */
  allowFxp?: boolean;
  /** Commands answered as unknown or forbidden: `["MLSD", "MLST"]`. Default: none. */
  deny?: string[];
  /** Seconds of silence before the server hangs up. Default: the server's own, minutes. */
  idleTimeout?: number;
  /** Octets a second in one transfer, after a burst: makes one long enough to be cut. Default: no limit. */
  rate?: number;
  /** Most entries in a LIST or NLST (in pure-ftpd also MLSD); the rest is cut. Default: pure-ftpd 10,000. */
  listLimit?: number;
  /** vsftpd only: several may write one file at once (`lock_upload_files=NO`). Default: false, as it comes. */
  sharedUploads?: boolean;
  /** ProFTPD only: refuse to begin within a file (REST), as it comes. Default: false. */
  wholeFiles?: boolean;
  /** vsftpd only: no log of every command, which is how it comes. For benches. Default: false. */
  quiet?: boolean;
  /** Serve this folder, which stays after stop(). Default: a new one, removed by stop(). */
  home?: string;
  /** Listen here, as for a server that comes back. Default: a free port. */
  port?: number;
}

export interface Abilities {
  /** AUTH TLS. */
  tls: boolean;
  /** TLS from the first octet. */
  implicit: boolean;
  /** Can require TLS session reuse on data connections. */
  reuse: boolean;
  mlsd: boolean;
  /** CCC: back to plain text after the login. */
  ccc: boolean;
  /** PORT and EPRT. */
  active: boolean;
  /** HASH, and XCRC and the like. */
  hash: boolean;
  /** How a file's time is set. */
  setTime: "MFMT" | "MDTM" | "none";
}

export interface LiveFtp extends Live {
  readonly kind: Kind;
  /** "127.0.0.1", unless the options say `ipv6` or `host`. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** The served folder, as a path of this machine. Files that the test puts there belong to root: see `handOver`. */
  readonly home: string;
  /** The same folder as a client names it: "/", except for inetutils, which shows the machine's own paths. */
  readonly folder: string;
  /** Gives all that is in `home` to the server's user. Call it after putting files there, so that they can be renamed. */
  handOver(): void;
}

/** What a server's own file is given to write its configuration from. */
export interface Setup {
  readonly host: string;
  readonly port: number;
  readonly home: string;
  /** An empty folder for configuration and logs. */
  readonly work: string;
  readonly options: FtpOptions & { readonly tls: "none" | "explicit" | "implicit" };
  readonly certFile: string;
  readonly keyFile: string;
  readonly caFile: string;
  readonly password: string;
  /** The password, as crypt(3) stores it. */
  readonly hash: string;
  readonly owner: { readonly uid: number; readonly gid: number };
}

/**
 * Passive ports of servers that would take any: none that is chosen for another server (`freePort`), and none that
 * clients have: in TIME_WAIT these are in vsftpd's way, which tries ten and then ends the session.
 */
export const PASSIVE_PORTS: readonly [number, number] = [1_024, 14_999];

/** Options that most servers understand: {@link Server.takes}. */
export const USUAL: readonly (keyof FtpOptions)[] = [
  "requireTls",
  "maxClients",
  "maxPerHost",
  "ipv6",
  "passivePorts",
  "allowFxp",
  "deny",
  "idleTimeout",
  "rate",
];

export interface Server {
  readonly abilities: Abilities;
  /** The options it understands, besides `tls`, `certificate`, `home`, `host` and `port`. */
  readonly takes: readonly (keyof FtpOptions)[];
  /** Files that are there when the server is installed. */
  readonly files: readonly string[];
  /** Writes the configuration into `setup.work`; resolves to what is to be run. */
  prepare(setup: Setup): Promise<Launch>;
}

export interface Launch {
  readonly command: string;
  readonly args: string[];
  /** Files the server may write, besides its standard output. */
  readonly logs: string[];
  /** See LiveFtp. Default: "/". */
  readonly folder?: string;
}

export const USER = "polywire";

/** Where install.sh unpacks the servers. */
export const SERVERS = process.env.POLYWIRE_SERVERS || "/opt/polywire-servers";

export const inServers = (...parts: string[]): string => join(SERVERS, ...parts);

/** Where install.sh keeps the password of the account it made. */
export const PASSWORD = inServers("password");
