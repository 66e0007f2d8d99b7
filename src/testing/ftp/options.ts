/** The options of the in-memory FTP server; `resolve()` holds every default. */
import { type Filled, filled, resolveServer, type ServerOptions, type Some } from "../server-options.js";
import type { Faults } from "./faults.js";

/** What the server knows beyond the oldest commands. Switch some off to play an old server: their commands answer 500. */
export interface FtpFeatures {
  /** FEAT itself (RFC 2389). Default: true. */
  feat: boolean;
  /** MLSD, MLST, OPTS MLST (RFC 3659). Default: true. */
  mlsd: boolean;
  /** MFMT, which sets the time. Default: true. */
  mfmt: boolean;
  /** MFF, which sets facts. Default: true. */
  mff: boolean;
  /** `MDTM yyyymmddhhmmss name` sets the time, as in vsftpd. Default: false (that is a file name). */
  mdtmSet: boolean;
  /** HASH, OPTS HASH, RANG, XCRC, XMD5, XSHA1, XSHA256, XSHA512. Default: true. */
  hash: boolean;
  /** EPSV and EPRT (RFC 2428). Default: true. */
  epsv: boolean;
  /** OPTS UTF8 ON. Default: true. */
  utf8: boolean;
  /** REST before RETR and STOR. Default: true. */
  rest: boolean;
  /** SIZE. Default: true. */
  size: boolean;
  /** MDTM. Default: true. */
  mdtm: boolean;
  /** TVFS is announced. Default: true. */
  tvfs: boolean;
  /** SITE CHMOD, SITE UTIME. Default: true. */
  site: boolean;
  /** PORT and EPRT: the server connects to the client. Default: true. */
  active: boolean;
  /** With TLS: CPSV, which is PASV for a transfer whose handshake this server begins, as between two servers. Default: false. */
  cpsv: boolean;
  /** TYPE A turns LF into CRLF on the way out and back on the way in, as ProFTPD. Default: false (as vsftpd: octets stay). */
  ascii: boolean;
}

/** Where the server says no. */
export interface FtpLimits {
  /** Connections at a time; one more is greeted with 421. Default: no limit. */
  maxClients?: number | undefined;
  /** Logins at a time; one more is refused with 530 after PASS, as ProFTPD does. Default: no limit. */
  maxLogins?: number | undefined;
  /** Entries in a listing; the rest is left out, and the end is still 226. Default: no limit. */
  maxEntriesListed?: number | undefined;
  /** The 226 of a listing that was cut says so, as Pure-FTPd does. Default: false (silently). */
  announceTruncation?: boolean | undefined;
  /** Bytes the tree can hold (without generated directories); an upload past it is refused with 552. Default: no limit. */
  diskBytes?: number | undefined;
}

/** How the server is started. */
export interface FtpServerOptions extends ServerOptions<"explicit"> {
  /** Passwords by user name. Default: `{ test: "test" }`. */
  users?: Record<string, string> | undefined;
  /** `anonymous` and `ftp` may log in with any password. Default: false. */
  anonymous?: boolean | undefined;
  /** An account that ACCT must name after PASS (332). Default: none asked. */
  account?: string | undefined;
  /** With TLS: USER needs a secure control connection, transfers need PROT P. Default: false. */
  requireTls?: boolean | undefined;
  /** With TLS: a data connection must resume the TLS session of the control connection, else 522 as vsftpd. Default: false. */
  requireReuse?: boolean | undefined;
  /** The files to begin with, by absolute path. Names are bytes written as latin1: see {@link utf8Name}. */
  files?: Record<string, string | Uint8Array> | undefined;
  /** The directory a login begins in; made when missing. Default: `"/"`. */
  home?: string | undefined;
  /** The text of the greeting; several lines when it has line feeds. Default: `"polywire test server ready"`. */
  greeting?: string | undefined;
  /** Switched features; the rest keep their defaults. */
  features?: Some<FtpFeatures> | undefined;
  /** How LIST looks. Default: `"unix"`. */
  listStyle?: "unix" | "dos" | undefined;
  /** Where the server says no. */
  limits?: FtpLimits | undefined;
  /** What goes wrong from the beginning; see also {@link FtpServer.faults}. */
  faults?: Faults | undefined;
  /** Milliseconds a transfer waits for its data connection, then 425. Default: 10 000. */
  dataTimeout?: number | undefined;
}

/** Options with every default filled in. */
export interface ResolvedFtpServerOptions
  extends Filled<FtpServerOptions, "account" | "onCommand" | "features" | "limits"> {
  account: string | undefined;
  onCommand: ((line: string) => void) | undefined;
  features: FtpFeatures;
  limits: FtpLimits;
}

const FEATURES: FtpFeatures = {
  feat: true,
  mlsd: true,
  mfmt: true,
  mff: true,
  mdtmSet: false,
  hash: true,
  epsv: true,
  utf8: true,
  rest: true,
  size: true,
  mdtm: true,
  tvfs: true,
  site: true,
  active: true,
  cpsv: false,
  ascii: false,
};

/** Fills in every default. */
export function resolve(options: FtpServerOptions): ResolvedFtpServerOptions {
  return {
    ...resolveServer(options),
    users: options.users ?? { test: "test" },
    anonymous: options.anonymous ?? false,
    account: options.account,
    requireTls: options.requireTls ?? false,
    requireReuse: options.requireReuse ?? false,
    files: options.files ?? {},
    home: options.home ?? "/",
    features: filled(FEATURES, options.features),
    listStyle: options.listStyle ?? "unix",
    limits: options.limits ?? {},
    faults: options.faults ?? {},
    dataTimeout: options.dataTimeout ?? 10_000,
  };
}
