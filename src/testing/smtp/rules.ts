/** The rules of command lines that have nothing to do with what a command means (RFC 5321 4.5.3, RFC 2920 3.1). Pure. */

/** Commands that must be the last of a group: what follows has to wait for their answer. */
const END_OF_GROUP = new Set("EHLO HELO LHLO DATA VRFY EXPN NOOP QUIT AUTH STARTTLS TURN".split(" "));
/** Octets with CRLF: 512, and what extensions add for their parameters. */
const LONGEST: Record<string, number> = { MAIL: 512 + 1000, RCPT: 512 + 600, AUTH: 12_288 };

/** The rule that this line breaks, if any. `early`: more bytes have come behind it. */
export function brokenRule(
  line: string,
  bareLf: boolean,
  early: boolean,
  announced: ReadonlySet<string>,
): string | undefined {
  const blank = line.indexOf(" ");
  const verb = (blank === -1 ? line : line.slice(0, blank)).toUpperCase();
  if (bareLf) return `${verb}: the line ends with a bare LF`;
  if (/[\r\0]/.test(line)) return `${verb}: CR or NUL in the line`;
  if (line.length + 2 > (LONGEST[verb] ?? 512)) return `${verb}: the line is too long`;
  if (!announced.has("SMTPUTF8") && /[\x80-\xff]/.test(line)) return `${verb}: 8-bit text without SMTPUTF8`;
  if (early && END_OF_GROUP.has(verb)) return `${verb}: more came before its answer`;
  if (early && !announced.has("PIPELINING")) return `${verb}: more came before its answer, without PIPELINING`;
  return undefined;
}
