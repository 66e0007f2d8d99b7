/** Newsgroups and Followup-To as they are sent. Pure. */
import { UsageError } from "../client/errors.js";

/**
 * Components joined by dots. RFC 5536 section 3.1.4 allows letters, digits, `+`, `-` and `_`; there are groups with other
 * characters, so only those are refused that mean something in commands and lists.
 */
const GROUP = /^[^\s\x00-\x1f\x7f.,:;*?!"<>()[\]\\]+(?:\.[^\s\x00-\x1f\x7f.,:;*?!"<>()[\]\\]+)*$/;

/** `a.b,c.d` of a list, or of names with commas between them. Throws UsageError for what is no name, and for no name. */
export function joinNewsgroups(names: string | readonly string[], field: string): string {
  const list = typeof names === "string" ? names.split(",").map((name) => name.trim()) : names;
  if (list.length === 0) throw new UsageError(`${field} needs a newsgroup`);
  for (const name of list) {
    if (!GROUP.test(name)) throw new UsageError(`not the name of a newsgroup in ${field}: ${JSON.stringify(name)}`);
  }
  return list.join(",");
}
