/** The rows of LIST and UIDL (RFC 1939 §5, §7): lines → values. Lines that are none are left out. No I/O. */
import { LineRows } from "../wire/line-rows.js";
import { decodeText } from "../wire/text.js";
import { type MessageSize, type MessageUid, parseSize, parseUid } from "./parse-reply.js";

/** Reads rows of LIST. */
export class SizeParser extends LineRows<MessageSize> {
  protected override read(text: string, rows: MessageSize[]): void {
    eachLine(text, (line) => {
      const row = parseSize(line);
      if (row !== undefined) rows.push(row);
    });
  }
}

/** Reads rows of UIDL. */
export class UidParser extends LineRows<MessageUid> {
  protected override read(text: string, rows: MessageUid[]): void {
    eachLine(text, (line) => {
      const row = parseUid(asText(line));
      if (row !== undefined) rows.push(row);
    });
  }
}

function eachLine(text: string, take: (line: string) => void): void {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf("\n", at);
    take(text.slice(at, end));
    at = end + 1;
  }
}

/** A character per byte → the text that one UIDL, asked for by its number, gives: both must be the same. */
function asText(line: string): string {
  return /[^\0-\x7f]/.test(line) ? decodeText(Buffer.from(line, "latin1")) : line;
}
