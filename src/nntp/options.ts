/** The options of NNTP alone, and their defaults. */
import { UsageError } from "../client/errors.js";
import type { ClientOptions, OwnNames } from "../client/options.js";
import type { CallOptions } from "../client/session.js";
import type { Sink } from "../client/sink.js";

/** The ways a server may compress: `deflate` both directions (RFC 8054); `gzip` and `xzver` overviews only, before RFC 8054. */
export type Compression = "deflate" | "gzip" | "xzver";

/** What an NntpClient takes. */
export interface NntpOptions extends ClientOptions {
  /**
   * Compress what the server sends: true (default) by the best way it announces, false not at all, or one way that is
   * tried although it is not announced. COMPRESS DEFLATE begins behind the login, or behind `connect()` where there
   * are no credentials: a server takes no login on a deflated connection.
   */
  compress?: boolean | Compression | undefined;
  /**
   * Tell a server that serves feeds as well that a reader is here (MODE READER), where it asks for that. False for
   * feeding: innd takes CHECK and TAKETHIS only as long as nobody said so. Default: true.
   */
  modeReader?: boolean | undefined;
}

/** The options of NNTP alone. */
export const NNTP_NAMES: OwnNames<NntpOptions> = {
  compress: true,
  modeReader: true,
};

/** NNTP's own options with every default filled in. */
export interface NntpSettings {
  readonly compress: boolean | Compression;
  readonly modeReader: boolean;
}

/**
 * Articles of the selected group: a number, a first and a last one (`[5]` and `"5-"` have no end), the same as text, or
 * one article by its message-id (`<…>`).
 */
export type ArticleRange = number | string | readonly [low: number, high?: number];

/** One article: its number in the selected group, or its message-id (`<…>`). */
export type ArticleId = number | string;

/** Where an article goes to. */
export interface ArticleOptions extends CallOptions {
  /** A path, a stream, or a function called with each chunk. Without it the article comes back as a Buffer. */
  to?: Sink | undefined;
}

/** Fills in the defaults. Throws UsageError. */
export function resolveNntp(options: NntpOptions): NntpSettings {
  const { compress = true } = options;
  if (typeof compress !== "boolean" && !["deflate", "gzip", "xzver"].includes(compress)) {
    throw new UsageError(`compress is true, false, "deflate", "gzip" or "xzver", not ${JSON.stringify(compress)}`);
  }
  return { compress, modeReader: options.modeReader ?? true };
}
