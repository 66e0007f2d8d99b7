/** Replies as the server writes them: a code and a text, on one line or several (RFC 959 4.2). Pure. */

/** Thrown by a command that is refused: the reply to give. */
export class Refused extends Error {
  readonly code: string;

  constructor(code: number, text: string) {
    super(text);
    this.name = "Refused";
    this.code = String(code);
  }
}

/** `["211", "Features:", " UTF8", "End"]` → `211-Features:`, ` UTF8`, `211 End`. 0xFF is doubled, as telnet wants. */
export function encodeReply(code: string | number, text: string): string {
  const lines = text.split("\n");
  const last = lines.pop() ?? "";
  const first = lines.shift();
  const middle = lines.map((line) => `${line}\r\n`).join("");
  const whole = first === undefined ? `${code} ${last}\r\n` : `${code}-${first}\r\n${middle}${code} ${last}\r\n`;
  return whole.includes("\xff") ? whole.replaceAll("\xff", "\xff\xff") : whole;
}

/** A name in quotes, with its own quotes doubled (RFC 959, appendix II). */
export function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`;
}
