/** The options of FTP alone, and their defaults. */
import { UsageError } from "../client/errors.js";
import { type ClientOptions, type OwnNames, wholeNumber } from "../client/options.js";
import type { CallOptions, Reply } from "../client/session.js";
import type { Sink } from "../client/sink.js";
import type { ReceiveOptions, SendOptions } from "./store.js";

/** What an FtpClient takes. */
export interface FtpOptions extends ClientOptions {
  /** Who opens data connections: we do (`passive`, default), or the server does (`active`: PORT, EPRT). */
  mode?: "passive" | "active" | undefined;
  /** Local ports for active mode, first and last. Default: any. */
  activePorts?: readonly [number, number] | undefined;
  /** The address the server is to connect to in active mode, where it is not the local one (NAT). */
  externalAddress?: string | undefined;
  /** Data connections under TLS: `private` (PROT P, default) or `clear` (PROT C). Without TLS always clear. */
  protection?: "private" | "clear" | undefined;
  /** Take TLS off the control connection after the login (CCC, RFC 4217 §6), for NAT boxes that read it. Default: false. */
  clearControl?: boolean | undefined;
  /** Accept a PASV answer that names another host than the control connection's. Default: false (the FTP bounce). */
  allowForeignHost?: boolean | undefined;
  /** Time zone of dates in LIST answers: an IANA name. Default: UTC. MLSD and MDTM are always UTC. */
  timeZone?: string | undefined;
  /**
   * Milliseconds between NOOPs while a transfer runs, for firewalls that forget a silent control connection. Sent only
   * to servers known to bear it (vsftpd). Default: 0, off.
   */
  transferNoop?: number | undefined;
}

/** The options of FTP alone. */
export const FTP_NAMES: OwnNames<FtpOptions> = {
  mode: true,
  activePorts: true,
  externalAddress: true,
  protection: true,
  clearControl: true,
  allowForeignHost: true,
  timeZone: true,
  transferNoop: true,
};

/** FTP's own options with every default filled in. */
export interface FtpSettings {
  readonly mode: "passive" | "active";
  readonly activePorts: readonly [number, number];
  readonly externalAddress: string | undefined;
  readonly protection: "private" | "clear";
  readonly clearControl: boolean;
  readonly allowForeignHost: boolean;
  readonly timeZone: string;
  readonly transferNoop: number;
}

/** What a listing takes. */
export interface ListingCall extends CallOptions {
  /** Give the rows `.` and `..` too. Default: false. */
  dots?: boolean | undefined;
  /** Show names that begin with a dot where LIST hides them (`LIST -a`, which some servers misread). Default: false. */
  hidden?: boolean | undefined;
  /** Called with the server's final reply: it may say that rows were left out. */
  onEnd?: ((reply: Reply) => void) | undefined;
}

/** Where a named download goes to. */
export interface RetrOptions extends CallOptions, ReceiveOptions {
  /** A path, a stream, or a function called with each chunk. Without it the file comes back as a Buffer. */
  to?: Sink | undefined;
}

/** What a loop over a file's bytes takes. */
export interface ReadOptions extends CallOptions {
  /** First byte wanted (REST, RFC 3659 §5). Default: 0. */
  offset?: number | undefined;
  /**
   * Calls made meanwhile wait until the file is through: none must be made, and waited for, within the loop. Default: false:
   * what comes is read into memory then, up to `limits.readAhead`; behind that the calls that wait are refused.
   */
  patient?: boolean | undefined;
}

/** What an upload takes. */
export interface StorOptions extends CallOptions, SendOptions {}

/** What a pack of commands takes. */
export interface PackOptions extends CallOptions {
  /**
   * The commands go before the calls that wait, and those do not wait for the replies: with a transfer that is next, they
   * cost no round trip. Default: false.
   */
  along?: boolean | undefined;
}

/** Fills in the defaults. Throws UsageError. */
export function resolveFtp(options: FtpOptions): FtpSettings {
  const [first, last] = options.activePorts ?? [0, 0];
  wholeNumber("activePorts[0]", first, 0, 65535);
  wholeNumber("activePorts[1]", last, first, 65535);
  const mode = options.mode ?? "passive";
  if (mode === "active" && options.proxy !== undefined) {
    throw new UsageError("active mode does not go through a proxy", { advice: 'use mode "passive"', protocol: "ftp" });
  }
  return {
    mode,
    activePorts: [first, last],
    externalAddress: options.externalAddress,
    protection: options.protection ?? "private",
    clearControl: options.clearControl ?? false,
    allowForeignHost: options.allowForeignHost ?? false,
    timeZone: options.timeZone ?? "UTC",
    transferNoop: wholeNumber("transferNoop", options.transferNoop ?? 0, 0),
  };
}
