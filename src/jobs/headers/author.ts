/** Who wrote an article: the From header's address and name (RFC 5536 section 3.1.2, and the older forms). Pure. */

/** Who wrote an article. */
export interface Author {
  /** In lower case; the whole text where it has no address. */
  readonly address: string;
  /** The display name; the address where there is none. */
  readonly name: string;
}

/** `Name <address>`; the last one counts, as a name may hold `<`. */
const ANGLE = /^(.*)<([^<>]*)>[^<>]*$/s;
/** `address (Name)`, as in the old days; the name may hold brackets. */
const COMMENT = /^\s*([^\s()<>]+)\s*\((.*)\)\s*$/s;

/**
 * Reads a From header's text, decoded. Never throws: any text gives an address and a name.
 *
 * @example
 * parseAuthor('"Alice Example" <Alice@Example.org>')   // { address: "alice@example.org", name: "Alice Example" }
 */
export function parseAuthor(from: string): Author {
  const angle = ANGLE.exec(from);
  const comment = angle === null ? COMMENT.exec(from) : null;
  const [name, address] = angle !== null ? [angle[1]!, angle[2]!] : [comment?.[2] ?? "", comment?.[1] ?? from];
  const written = address.trim() || from.trim();
  return { address: written.toLowerCase(), name: unquote(name) || written };
}

/** `"A \"B\" C"` → `A "B" C`. */
function unquote(name: string): string {
  const text = name.replace(/\s+/g, " ").trim();
  const quoted = /^"(.*)"$/.exec(text)?.[1] ?? text;
  return quoted.replace(/\\(.)/g, "$1").trim();
}
