/** Wildmats: which groups a pattern means (RFC 3977 4, and the `[...]` of older servers). Pure. */

/**
 * Whether a name matches: patterns between commas, the last one that matches decides, `!` in front excludes.
 *
 * @example `wildmat("comp.*,!comp.sys.*")("comp.lang.c") // true`
 */
export function wildmat(text: string): (name: string) => boolean {
  const patterns = text.split(",").map((pattern) => {
    const excludes = pattern.startsWith("!");
    return { excludes, regexp: toRegExp(excludes ? pattern.slice(1) : pattern) };
  });
  return (name) => {
    const last = patterns.findLast(({ regexp }) => regexp.test(name));
    return last !== undefined && !last.excludes;
  };
}

/** One pattern without commas, as XPAT takes it: `*`, `?`, `[a-z]`, `[^a-z]`, and `\` before a character that is meant as it is. */
export function toRegExp(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const char = pattern[at] as string;
    const end = char === "[" ? pattern.indexOf("]", pattern[at + 1] === "^" ? at + 3 : at + 2) : -1;
    if (char === "*") source += "[^]*";
    else if (char === "?") source += "[^]";
    else if (char === "\\" && at + 1 < pattern.length) source += quoted(pattern[++at] as string);
    else if (end !== -1) {
      source += `[${pattern.slice(at + 1, end).replace(/[\\[\]]/g, "\\$&")}]`;
      at = end;
    } else source += quoted(char);
  }
  return new RegExp(`^(?:${source})$`);
}

function quoted(char: string): string {
  return char.replace(/[\\^$.*+?()[\]{}|]/, "\\$&");
}
