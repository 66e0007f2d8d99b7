/** What the in-memory FTP server can be told to do wrong. Every fault is off until it is set, and may be set while it runs. */
import type { CommandFaults } from "../command-faults.js";

/** Everything that can go wrong on purpose. Change it while the server runs: `server.faults.refuseData = true`. */
export interface Faults extends CommandFaults {
  // The control connection, as bytes

  /** Milliseconds to wait before each reply. Default: 0. */
  replyDelay?: number | undefined;
  /** Every byte of every reply travels in a segment of its own. Default: false. */
  byteByByte?: boolean | undefined;
  /** Every reply is cut in two segments at this byte. Default: whole. */
  splitReplyAt?: number | undefined;
  /**
   * A control connection is destroyed as soon as the server has sent this many bytes of replies in total
   * ({@link FtpServer.controlBytes}, over all connections). Happens once, then unsets itself.
   */
  closeAtByte?: number | undefined;

  // The control connection, as replies

  /** New connections are answered 421 and closed: all of them (`true`), or this many (counted down). */
  greeting421?: boolean | number | undefined;
  /** After this many commands a connection is answered 421 and closed. */
  idle421?: number | undefined;
  /** Of what arrives in one read, only the first command is done: the others are lost. Default: false. */
  dropsTogether?: boolean | undefined;
  /** As ProFTPD: commands that come during an upload are answered at once (450 to most), so replies come out of order. */
  prematureReplies?: boolean | undefined;
  /** The code that ends a transfer well, in place of 226: `"225"`, `"200"`, `"250"`. */
  end226Code?: string | undefined;
  /** A second preliminary reply (150) before the final one of a transfer. */
  extraPreliminary?: boolean | undefined;
  /** Plain bytes sent right behind the 234 of AUTH TLS, in the same segment: a STARTTLS injection. */
  injectAfterAuth?: string | undefined;
  /** The host that 227 (PASV) names, in place of the true one: `"10.0.0.1"`. */
  wrongPasvHost?: string | undefined;

  /** What HASH, XCRC and the like answer are the digests of other bytes. */
  wrongDigests?: boolean | undefined;
  /** MFMT, MFF, `MDTM time name` and SITE UTIME say that all is well, and set nothing. */
  ignoreTimes?: boolean | undefined;

  // The data connection

  /** 425 to every transfer and listing. */
  refuseData?: boolean | undefined;
  /** The data connection is destroyed at this byte, in either direction, and the answer is 426. */
  cutDataAt?: number | undefined;
  /** With `cutDataAt`: the connection ends as if all were well, and the answer is 226. Default: false. */
  cutDataCleanly?: boolean | undefined;
  /** The data connection stops at this byte and stays open: no more data and no answer, until the client gives up. */
  stallDataAt?: number | undefined;
  /** The byte at this place of an upload is stored as another one, and the answer is 226 all the same. */
  damageDataAt?: number | undefined;
  /** An upload is refused with {@link Faults.diskFullCode} after this many bytes of it; what came before is kept. */
  diskFullAfter?: number | undefined;
  /** What a full disk answers. Default: `"552"`. */
  diskFullCode?: "452" | "552" | undefined;
  /** Listings stop after this many entries, and still end with 226. */
  truncateListingAt?: number | undefined;
  /** The data faults above hit transfers of this command only: `"RETR"`. Default: every transfer. */
  dataFaultsOn?: string | undefined;
  /** How many transfers the data faults above still hit; counted down in place. Default: all. */
  dataFaultsTimes?: number | undefined;
}

/** The faults of one data connection, after `dataFaultsOn` and `dataFaultsTimes` have been applied. */
export type DataFaults = Pick<
  Faults,
  | "refuseData"
  | "cutDataAt"
  | "cutDataCleanly"
  | "stallDataAt"
  | "damageDataAt"
  | "diskFullAfter"
  | "diskFullCode"
  | "truncateListingAt"
>;

const NO_FAULTS: DataFaults = Object.freeze({});

/** The faults that hit this transfer; counts `dataFaultsTimes` down when there are any. */
export function dataFaults(faults: Faults, verb: string): DataFaults {
  const { refuseData, cutDataAt, cutDataCleanly, stallDataAt, damageDataAt } = faults;
  const { diskFullAfter, diskFullCode, truncateListingAt } = faults;
  const places = [cutDataAt, stallDataAt, damageDataAt, diskFullAfter, truncateListingAt];
  const any = refuseData || places.some((at) => at !== undefined);
  if (!any) return NO_FAULTS;
  if (faults.dataFaultsOn !== undefined && faults.dataFaultsOn.toUpperCase() !== verb) return NO_FAULTS;
  if (faults.dataFaultsTimes !== undefined) {
    if (faults.dataFaultsTimes <= 0) return NO_FAULTS;
    faults.dataFaultsTimes -= 1;
  }
  const cuts = { refuseData, cutDataAt, cutDataCleanly, stallDataAt, damageDataAt };
  return { ...cuts, diskFullAfter, diskFullCode, truncateListingAt };
}
