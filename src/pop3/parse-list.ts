/** The rows of LIST and UIDL (RFC 1939 §5, §7): lines → values. Lines that are none are left out. No I/O. */
import { ProtocolError } from "../client/errors.js";
import { LineRows } from "../wire/line-rows.js";
import { decodeText } from "../wire/text.js";
import { type MessageSize, type MessageUid, parseSize, parseUid } from "./parse-reply.js";

/** Bytes that a row takes in memory, at least: a short one takes less than a tenth of that on its way. */
const ROW = 64;
/** Messages of a mailbox that are listed however small `limits.body` is. */
const ALWAYS = 1_000_000;

/** Rows of a mailbox, and no more of them than fit into memory: a list without an end is not read to it. */
abstract class MailboxRows<T> extends LineRows<T> {
  readonly #most: number;
  #count = 0;

  /** `line`, `body`: the limits of the client. */
  constructor({ line, body }: { readonly line: number; readonly body: number }) {
    super(line);
    this.#most = Math.max(ALWAYS, Math.ceil(body / ROW));
  }

  override push(piece: Buffer): T[] {
    const rows = super.push(piece);
    this.#count += rows.length;
    if (this.#count > this.#most) {
      throw new ProtocolError(`a list of more than ${this.#most} messages`, {
        advice: `limits.body can be raised: ${ROW} bytes for each message`,
        protocol: "pop3",
      });
    }
    return rows;
  }
}

/** Reads rows of LIST. */
export class SizeParser extends MailboxRows<MessageSize> {
  protected override read(text: string, rows: MessageSize[]): void {
    eachLine(text, (line) => {
      const row = parseSize(line);
      if (row !== undefined) rows.push(row);
    });
  }
}

/** Reads rows of UIDL. */
export class UidParser extends MailboxRows<MessageUid> {
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
