/** Replies as the server writes them: a code and a text on one line, perhaps a dotted body behind it (RFC 3977 3.1, 3.2). Pure. */

/** Thrown by a command that is refused: the reply to give. */
export class Refused extends Error {
  readonly code: number;

  constructor(code: number, text: string) {
    super(text);
    this.name = "Refused";
    this.code = code;
  }
}

/** Bytes gathered before they are handed on. */
export const PIECE = 64 * 1024;

/** Lines of a body: CRLF at each end, a dot doubled where a line begins with one; gathered into larger pieces. */
export function* bodyLines(lines: Iterable<string>): Iterable<string> {
  let piece = "";
  for (const line of lines) {
    piece += line.startsWith(".") ? `.${line}\r\n` : `${line}\r\n`;
    if (piece.length < PIECE) continue;
    yield piece;
    piece = "";
  }
  if (piece !== "") yield piece;
}

/** A text whose lines end with CRLF, with every dot at the beginning of a line doubled. */
export function dotStuffed(text: string): string {
  const stuffed = text.startsWith(".") ? `.${text}` : text;
  return stuffed.includes("\n.") ? stuffed.replaceAll("\n.", "\n..") : stuffed;
}
