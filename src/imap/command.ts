/** What a command is made of: text, and literals where text will not do (RFC 9051 §4.3, RFC 7888). No I/O. */
import { UsageError } from "../client/errors.js";
import { encodeLine, encodeText } from "../wire/text.js";

/** Bytes that travel as a literal: in memory, or as they come. */
export interface LiteralOut {
  /** How many bytes there are. */
  readonly size: number;
  readonly bytes: readonly Buffer[] | AsyncIterable<Buffer>;
  /** True for a literal8, which may hold NUL (RFC 3516). */
  readonly binary?: boolean | undefined;
  /** True where the server has to ask for it, whatever it announces. */
  readonly asked?: boolean | undefined;
}

/** A piece of a command: text of ASCII, or a literal. */
export type Piece = string | LiteralOut;

/** A command: one line of text, or pieces. */
export type CommandText = string | readonly Piece[];

/**
 * What literals the server takes without a word of its own before them: none; up to 4096 bytes; all (RFC 7888).
 */
export type LiteralStyle = "synchronizing" | "LITERAL-" | "LITERAL+";

/** One line to be sent, and the literal behind it. */
export interface CommandLine {
  /** One character per byte, CR LF at its end. */
  readonly line: string;
  readonly shown: string;
  readonly literal: LiteralOut | undefined;
  /** True where the server has to ask for the literal first. */
  readonly waits: boolean;
}

/** Longest literal that LITERAL- allows (RFC 7888 §4). */
const SMALL = 4096;

/** What a server takes for the announcement of a literal where a line ends with it. */
const ANNOUNCEMENT = /\{\d+[+-]?\}$/;

const ATOM = /^[^\x00-\x20\x7f-\uffff(){%*"\\\]]+$/;
const QUOTABLE = /^[^\x00\r\n\x7f-\uffff]*$/;

/**
 * Text as an argument: an atom where it may be one, else a quoted string, else a literal (line breaks, and what is not
 * ASCII).
 *
 * @param text One character per byte where `raw` is true; any text otherwise, which travels as UTF-8.
 */
export function astring(text: string, raw = false): Piece {
  // NIL would be none where a nstring may stand.
  if (ATOM.test(text) && text.toUpperCase() !== "NIL") return text;
  return string(text, raw);
}

/** The same, where an atom may not stand. */
export function string(text: string, raw = false): Piece {
  if (QUOTABLE.test(text) && text.length <= 1024) return `"${text.replace(/["\\]/g, "\\$&")}"`;
  if (text.includes("\0")) throw new UsageError("a string must not hold NUL", { protocol: "imap" });
  return literal(raw ? Buffer.from(text, "latin1") : encodeText(text));
}

export function literal(bytes: Buffer): LiteralOut {
  return { size: bytes.length, bytes: [bytes] };
}

/**
 * The lines of a command. Throws UsageError for what cannot be sent.
 *
 * @param shown What is shown of it, where it holds a secret: behind that, nothing is.
 */
export function commandLines(
  tag: string,
  text: CommandText,
  shown: string | undefined,
  style: LiteralStyle,
): CommandLine[] {
  const pieces = typeof text === "string" ? [text] : text;
  const lines: CommandLine[] = [];
  const add = (words: string, literal: LiteralOut | undefined, waits: boolean) => {
    const visible = shown === undefined ? words : lines.length === 0 ? `${tag} ${shown}` : "***";
    lines.push({ line: encodeLine(words, visible), shown: visible, literal, waits });
  };
  let words = `${tag} `;
  for (const piece of pieces) {
    if (typeof piece === "string") {
      words += piece;
      continue;
    }
    const waits = piece.asked || style === "synchronizing" || (style === "LITERAL-" && piece.size > SMALL);
    add(`${words}${piece.binary ? "~" : ""}{${piece.size}${waits ? "" : "+"}}`, piece, waits);
    words = "";
  }
  // The server would take the next command for the literal.
  if (ANNOUNCEMENT.test(words)) {
    throw new UsageError("a command that ends like the announcement of a literal is not sent", {
      advice: "quote the string",
      protocol: "imap",
    });
  }
  add(words, undefined, false);
  return lines;
}

/** A command as a person may see it, without its literals' bytes. */
export function shownCommand(text: CommandText): string {
  if (typeof text === "string") return text;
  return text.map((piece) => (typeof piece === "string" ? piece : `{${piece.size}}`)).join("");
}
