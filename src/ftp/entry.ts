/** What a listing tells about one file, whatever the command and the server's style. */

/**
 * - `file`, `directory`, `symlink`
 * - `other`: a device, a pipe, a socket, or a type the server did not tell
 * - `unparsed`: a row nobody could read; only `raw` says something
 */
export type EntryType = "file" | "directory" | "symlink" | "other" | "unparsed";

/** How exactly `modified` is known. A listing by LIST has minutes for recent files and days for old ones. */
export type DatePrecision = "second" | "minute" | "day";

/** One row of a listing. What the server did not tell is absent. */
export interface FtpEntry {
  /** The name as sent, by the names codec (`encodeName` gives its bytes); "" for an unparsed row. May hold "/". */
  name: string;
  type: EntryType;
  /**
   * Octets. Absent where the server gives blocks or lines (VMS, MVS), for devices and for DOS directories. For a
   * Unix directory or symlink it is what the server says of the directory or link itself.
   */
  size?: number | undefined;
  /** Last modification. Absent when not told, or not readable as a date. */
  modified?: Date | undefined;
  /** How exactly `modified` is known; absent with it. "day" means midnight of that day in the server's time zone. */
  precision?: DatePrecision | undefined;
  /** Where a symlink points, as the server wrote it. Absent for all else, and where the server does not tell. */
  target?: string | undefined;
  /** Unix permission bits with setuid, setgid and sticky, such as 0o644; no type bits. */
  mode?: number | undefined;
  /** Name or number of the owner. */
  owner?: string | undefined;
  /** Name or number of the group. */
  group?: string | undefined;
  /** Number of hard links. */
  links?: number | undefined;
  /** Same file, same value, within one server (RFC 3659 section 7.5.2). */
  unique?: string | undefined;
  /**
   * All facts of an MLSD row with lower-case keys, as text; of other styles what has no field above (VMS `version` and
   * `blocks`, MVS `dsorg`, ...). On an MLSD row it is read from `raw` when asked for, and no own property: spreading
   * or cloning the entry leaves it out.
   */
  facts?: Record<string, string> | undefined;
  /** The row as received, without its line end, by the names codec. Rows of several lines are joined by "\n". */
  raw: string;
}

/** The entry for a row that nobody could read. */
export function unparsed(raw: string): FtpEntry {
  return { name: "", type: "unparsed", raw };
}
