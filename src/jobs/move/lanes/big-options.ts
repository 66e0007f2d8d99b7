/** What a move does with large files: goes on with them where they ended, and sends them in parts at once. */
import { UsageError } from "../../../client/errors.js";
import { wholeNumber } from "../../../client/options.js";

/** The options of a move about large files. */
export interface BigOptions {
  /**
   * A file of which more than so many bytes have arrived when a connection, the process or the machine dies is gone on with
   * where it ended (REST), under the same temporary name, while its source is as it was; its last MiB is sent once more, as
   * it may be rubbish behind a power cut. With `verify: "hash"` or `"readback"` what had arrived before is compared, too: for
   * that the source is read from its beginning again. Where the destination takes no REST it is gone on with by APPE, where
   * the end of it is what the source has; where it does not, the file is sent again, and a warning tells so. A source that
   * tells no times may have changed: without `"hash"` or `"readback"` its files are sent again. Default: 16 MiB; `false`:
   * never.
   */
  resumeAbove?: number | false | undefined;
  /**
   * A file of more bytes is sent in `segments` parts at once, each over a pair of connections of its own, where `lanes`
   * leaves some, and where the destination takes that: a local folder does, and of FTP servers those few that write
   * anywhere in a file for several at a time (tried once). Others get it in one stream. Default: 256 MiB; `false`: never.
   */
  segmentAbove?: number | false | undefined;
  /** Parts of such a file on their way at once, 1 to 64; 1: no parts. Default: 4. */
  segments?: number | undefined;
}

/** The same with every default filled in: plain data. */
export interface BigTraits {
  readonly resumeAbove: number | false;
  readonly segmentAbove: number | false;
  readonly segments: number;
}

const MIB = 1024 * 1024;

/** Fills in the defaults. Throws UsageError. */
export function resolveBig(options: BigOptions): BigTraits {
  return {
    resumeAbove: limit("resumeAbove", options.resumeAbove ?? 16 * MIB),
    segmentAbove: limit("segmentAbove", options.segmentAbove ?? 256 * MIB),
    segments: wholeNumber("segments", options.segments ?? 4, 1, 64),
  };
}

/** Infinity would be lost on its way to another process. */
function limit(name: string, bytes: number | false): number | false {
  if (bytes === false || bytes === Number.POSITIVE_INFINITY) return false;
  if (Number.isSafeInteger(bytes) && bytes >= 0) return bytes;
  throw new UsageError(`${name} is a number of bytes, or false, not ${bytes}`);
}

/** As a number to compare with: of what is never done, more than any file has. */
export function above(limit: number | false): number {
  return limit === false ? Number.POSITIVE_INFINITY : limit;
}
