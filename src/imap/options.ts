/** The options of IMAP alone, and their defaults. */
import { UsageError } from "../client/errors.js";
import type { ClientOptions, OwnNames } from "../client/options.js";

/** What an ImapClient takes. `limits.line` and `limits.reply`: 16 MiB by default, as a search is answered by one line. */
export interface ImapOptions extends ClientOptions {
  /** Compress both directions behind the login, where the server announces COMPRESS=DEFLATE (RFC 4978). Default: true. */
  compress?: boolean | undefined;
}

/** The options of IMAP alone. */
export const IMAP_NAMES: OwnNames<ImapOptions> = {
  compress: true,
};

/** IMAP's own options with every default filled in. */
export interface ImapSettings {
  readonly compress: boolean;
}

/** Fills in the defaults. Throws UsageError. */
export function resolveImap({ compress = true }: ImapOptions): ImapSettings {
  if (typeof compress !== "boolean") {
    throw new UsageError(`compress is true or false, not ${JSON.stringify(compress)}`, { protocol: "imap" });
  }
  return { compress };
}
