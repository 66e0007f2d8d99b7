/** SMTP replies as the server writes them (RFC 5321 4.2, RFC 2034). Pure. */

/** Thrown by a command that is refused: the reply to give. */
export class Refused extends Error {
  readonly code: number;
  /** RFC 3463. */
  readonly enhanced: string;

  constructor(code: number, enhanced: string, text: string) {
    super(text);
    this.name = "Refused";
    this.code = code;
    this.enhanced = enhanced;
  }
}

/** A reply of one line or, with line feeds in its text, of several. `enhanced` is put in front of each line. */
export function encodeReply(code: number, enhanced: string | undefined, text: string): string {
  const front = enhanced === undefined ? "" : `${enhanced} `;
  if (!text.includes("\n")) return `${code} ${front}${text}\r\n`;
  const lines = text.split("\n");
  return lines.map((line, at) => `${code}${at < lines.length - 1 ? "-" : " "}${front}${line}\r\n`).join("");
}
