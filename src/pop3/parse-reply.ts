/** What POP3 replies say beyond their status: counts, sizes, ids, capabilities. Text in, values out. No I/O. */

/** The mailbox as STAT tells it (RFC 1939 §5). */
export interface Maildrop {
  /** Messages in it, less those that are marked as deleted. */
  readonly count: number;
  /** Their size in octets, as the server counts. */
  readonly bytes: number;
}

/** A message and its size (LIST). */
export interface MessageSize {
  /** Its number in this session: 1 is the first message. */
  readonly number: number;
  /** Octets, as the server counts: some count line ends as one. */
  readonly bytes: number;
}

/** A message and its unique id (UIDL, RFC 1939 §7). */
export interface MessageUid {
  readonly number: number;
  /** The same in every session. Empty where the server gave none. */
  readonly uid: string;
}

/** A language of the server's messages (LANG, RFC 6856 §3.1). */
export interface Language {
  /** Its tag: `en`, `de-1996`. */
  readonly tag: string;
  /** Its name, in itself. */
  readonly name: string;
}

/** `2 320`: what STAT says, and a row of LIST; what stands behind the second number is no matter (RFC 1939 §5). */
const TWO_NUMBERS = /^[ \t]*(\d{1,16})[ \t]+(\d{1,16})(?!\S)/;

export function parseStat(text: string): Maildrop | undefined {
  const [count, bytes] = twoNumbers(text) ?? [];
  return count === undefined || bytes === undefined ? undefined : { count, bytes };
}

export function parseSize(text: string): MessageSize | undefined {
  const [number, bytes] = twoNumbers(text) ?? [];
  return !number || bytes === undefined ? undefined : { number, bytes };
}

/** `1 whqtswO00WBw418f9t5JxYwZ`. The id is taken as it stands: some servers give more, or other, characters than they may. */
export function parseUid(text: string): MessageUid | undefined {
  const m = /^[ \t]*(\d{1,16})(?:[ \t]+(\S.*))?(?!\S)/s.exec(text);
  const number = Number(m?.[1]);
  return Number.isSafeInteger(number) && number > 0 ? { number, uid: m?.[2]?.trimEnd() ?? "" } : undefined;
}

/**
 * The timestamp of a greeting, `<1896.697170952@dbc.mtview.ca.us>`, where the server takes APOP (RFC 1939 §7). It must be
 * a plain message-id: one with other bytes in it may be chosen so that the answer tells the password (CVE-2007-1558).
 */
export function parseTimestamp(greeting: string): string | undefined {
  return /<[\x21-\x3b\x3d\x3f\x41-\x7e]{1,250}@[\x21-\x3b\x3d\x3f\x41-\x7e]{1,250}>/.exec(greeting)?.[0];
}

/** The answer to CAPA (RFC 2449 §5): word in upper case → its arguments, as they stand. */
export function parseCapabilities(body: Buffer): Map<string, string[]> {
  const capabilities = new Map<string, string[]>();
  for (const line of body.toString("latin1").split(/\r?\n/)) {
    const [word, ...rest] = line.trim().split(/[ \t]+/);
    if (!word) continue;
    const known = capabilities.get(word.toUpperCase());
    // One by one: copies of what is known already would take a hostile list's length squared.
    if (known === undefined) capabilities.set(word.toUpperCase(), rest);
    else for (const each of rest) known.push(each);
  }
  return capabilities;
}

/** The answer to LANG: a tag, a blank, and the language's name in itself. */
export function parseLanguages(body: Buffer): Language[] {
  const lines = body.toString("utf8").split(/\r?\n/);
  return lines.flatMap((line) => {
    const [, tag, name = ""] = /^([A-Za-z0-9*-]+)(?:[ \t]+(.*))?$/.exec(line.trimEnd()) ?? [];
    return tag === undefined ? [] : [{ tag, name }];
  });
}

function twoNumbers(text: string): [number, number] | undefined {
  const m = TWO_NUMBERS.exec(text);
  const [first, second] = [Number(m?.[1]), Number(m?.[2])];
  return Number.isSafeInteger(first) && Number.isSafeInteger(second) ? [first, second] : undefined;
}
