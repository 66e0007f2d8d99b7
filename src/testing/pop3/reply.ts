/** POP3 replies as the server writes them (RFC 1939 3, RFC 2449 8). Pure. */

/** Thrown by a command that is refused: the reply to give. */
export class Refused extends Error {
  /** A response code without its brackets: `"IN-USE"`. */
  readonly code: string | undefined;

  constructor(text: string, code?: string) {
    super(text);
    this.name = "Refused";
    this.code = code;
  }
}

/** Bytes gathered before they are handed on. */
const PIECE = 64 * 1024;

/** Rows of a list, each with its CRLF; gathered into larger pieces. No row may begin with a dot. */
export function* listed(rows: Iterable<string>): Iterable<Buffer> {
  let piece = "";
  for (const row of rows) {
    piece += `${row}\r\n`;
    if (piece.length < PIECE) continue;
    yield Buffer.from(piece, "latin1");
    piece = "";
  }
  if (piece !== "") yield Buffer.from(piece, "latin1");
}
