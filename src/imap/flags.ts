/** What is a flag's, everywhere it stands: read from a list, checked before it is sent (RFC 9051 §2.3.2). No I/O. */
import { UsageError } from "../client/errors.js";
import type { Cursor } from "./cursor.js";

/** `\Seen` and its like, keywords, and `\*`. */
const FLAG = /^(?:\\\*|\\?[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+)$/;

/** The flags of a list; none for NIL. */
export function parseFlags(cursor: Cursor): string[] {
  const flags: string[] = [];
  if (cursor.open()) while (!cursor.close()) flags.push(cursor.astring());
  return flags;
}

/** Throws UsageError for what is no flag. */
export function checkFlag(flag: string): string {
  if (typeof flag === "string" && FLAG.test(flag)) return flag;
  throw new UsageError(`${JSON.stringify(flag)} is no flag`, {
    advice: '\\Seen and its like, or a word of ASCII without blanks and ( ) { % * " \\ ]',
    protocol: "imap",
  });
}
