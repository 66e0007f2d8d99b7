/** An mbox file, piece by piece → its messages. No I/O of its own: the bytes come from any (async) iterable. */
import { ProtocolError } from "../client/errors.js";
import { decodeBare } from "./charset.js";
import { parseDate } from "./date.js";
import { toCrlf } from "./line-ends.js";
import { fromLines } from "./mbox.js";

const LF = 0x0a;
const CR = 0x0d;
const ANGLE = 0x3e;
const FROM = Buffer.from("From ");
const NEXT = Buffer.from("\nFrom ");
const MiB = 1024 * 1024;

/** One message of an mbox. */
export interface MboxMessage {
  /** Header and body, unquoted. */
  readonly content: Buffer;
  /** The line before it, without the line end: `From alice@example.org Tue Feb  3 10:11:12 2026`. */
  readonly separator: string;
  /** What the separator calls the sender; "" where it names none. */
  readonly sender: string;
  /** When the message came, as the separator says it (asctime, taken as UTC where it names no zone). */
  readonly date: Date | undefined;
}

/** What `readMbox` takes. */
export interface MboxReadOptions {
  /** True gives messages with CR LF line ends, as servers send and take them. Default: false, as they are in the file. */
  crlf?: boolean | undefined;
  /** Bytes that one message may have. Default: 256 MiB. The file may have any size. */
  maxMessage?: number | undefined;
}

/**
 * Reads an mboxrd file: `>From ` loses one `>`, the empty line behind each message goes. Every line that begins with
 * `From ` begins a message, whatever stands before it, so a file whose writer did not quote (mboxo, mboxcl) may come apart.
 *
 * @param source The file's bytes, such as `createReadStream(path)`. Only one message is held in memory.
 * @throws ProtocolError where the file does not begin with a `From ` line (empty lines before it are allowed), or a
 *   message is larger than `maxMessage`. What the source throws is passed on.
 *
 * @example
 * for await (const { content, date } of readMbox(createReadStream("news.mbox"), { crlf: true })) {
 *   await nntp.ihave(parseHeaders(content).raw("message-id"), content);
 * }
 */
export async function* readMbox(
  source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: MboxReadOptions = {},
): AsyncGenerator<MboxMessage> {
  const reader = new MboxReader(options);
  for await (const chunk of source) yield* reader.push(chunk);
  yield* reader.end();
}

/** Cuts chunks, wherever they were cut before, into messages. */
class MboxReader {
  readonly #crlf: boolean;
  readonly #limit: number;
  /** The message that is being read, separator first, but for `#held`. */
  #pieces: Buffer[] = [];
  #size = 0;
  /** The last bytes: the separator of the next message may have begun in them. */
  #held = Buffer.alloc(0);
  #atStart = true;

  constructor({ crlf = false, maxMessage = 256 * MiB }: MboxReadOptions) {
    this.#crlf = crlf;
    this.#limit = maxMessage;
  }

  *push(chunk: Uint8Array): Generator<MboxMessage> {
    const bytes = Buffer.concat([this.#held, chunk]);
    let start = this.#atStart ? this.#begin(bytes) : 0;
    for (let at = bytes.indexOf(NEXT, start); at >= 0; at = bytes.indexOf(NEXT, start)) {
      this.#add(bytes.subarray(start, at + 1));
      yield this.#message();
      start = at + 1;
    }
    const hold = Math.max(start, bytes.length - (NEXT.length - 1));
    this.#add(bytes.subarray(start, hold));
    this.#held = bytes.subarray(hold);
  }

  *end(): Generator<MboxMessage> {
    if (this.#atStart && this.#held.length > 0) throw notMbox();
    this.#add(this.#held);
    if (this.#size > 0) yield this.#message();
  }

  /** Passes over empty lines at the start of the file, and gives the offset behind them. */
  #begin(bytes: Buffer): number {
    let at = 0;
    while (bytes[at] === LF || bytes[at] === CR) at++;
    // Fewer bytes are all held back, and looked at again.
    if (bytes.length - at < FROM.length) return at;
    if (!bytes.subarray(at, at + FROM.length).equals(FROM)) throw notMbox();
    this.#atStart = false;
    return at;
  }

  #add(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#size += piece.length;
    if (this.#size <= this.#limit) return;
    throw new ProtocolError(`a message of the mbox is larger than ${this.#limit} bytes`, {
      advice: "maxMessage can be raised",
      clientUsable: true,
    });
  }

  #message(): MboxMessage {
    const bytes = this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces, this.#size);
    this.#pieces = [];
    this.#size = 0;
    const lf = bytes.indexOf(LF);
    const body = lf < 0 ? bytes.length : lf + 1;
    const separator = decodeBare(bytes.toString("latin1", 0, body).trimEnd());
    const [, sender = "", date = ""] = /^From +(\S*)\s*(.*)$/s.exec(separator) ?? [];
    const content = unquoted(withoutEmptyLine(bytes.subarray(body)));
    return { content: this.#crlf ? toCrlf(content) : content, separator, sender, date: parseDate(date) };
  }
}

function notMbox(): ProtocolError {
  return new ProtocolError('not an mbox: it does not begin with "From "', { clientUsable: true });
}

/** Without the empty line that ends a message in the file. */
function withoutEmptyLine(bytes: Buffer): Buffer {
  const end = bytes.length;
  if (bytes[end - 1] !== LF) return bytes;
  const length = bytes[end - 2] === CR ? 2 : 1;
  return end === length || bytes[end - length - 1] === LF ? bytes.subarray(0, end - length) : bytes;
}

function unquoted(bytes: Buffer): Buffer {
  const pieces: Buffer[] = [];
  let from = 0;
  for (const at of fromLines(bytes)) {
    if (bytes[at] !== ANGLE) continue;
    pieces.push(bytes.subarray(from, at));
    from = at + 1;
  }
  if (from === 0) return bytes;
  pieces.push(bytes.subarray(from));
  return Buffer.concat(pieces);
}
