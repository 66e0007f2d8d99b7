/** CAPABILITY and ENABLED (RFC 9051 §7.2.2): text → words and their arguments. No I/O. */

/**
 * What the server can do: word → arguments, in upper case. `AUTH=PLAIN AUTH=SCRAM-SHA-1` is AUTH with two, `IDLE` a word
 * with none.
 *
 * @param raw The words, with blanks between them.
 */
export function parseCapabilities(raw: string): Map<string, string[]> {
  const capabilities = new Map<string, string[]>();
  for (const each of raw.trim().toUpperCase().split(/ +/)) {
    if (each === "") continue;
    const equals = each.indexOf("=");
    const word = equals < 1 ? each : each.slice(0, equals);
    const known = capabilities.get(word);
    const argument = equals < 1 ? [] : [each.slice(equals + 1)];
    if (known === undefined) capabilities.set(word, argument);
    else for (const one of argument) known.push(one);
  }
  return capabilities;
}
