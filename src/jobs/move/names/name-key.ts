/** Which names a destination may take for one. Pure. */

/**
 * The same for names that differ by what Windows or macOS make no difference of: case, how accents are composed, dots and
 * blanks at the end. Two files of such names are never written at the same time: they, or their temporary files, may be
 * one. Other servers lose nothing by that.
 */
export function nameKey(name: string): string {
  // By way of upper case: some letters are told apart in lower case only.
  return name
    .normalize("NFC")
    .toLowerCase()
    .toUpperCase()
    .toLowerCase()
    .replace(/[. ]+(?=\/|$)/g, "");
}
