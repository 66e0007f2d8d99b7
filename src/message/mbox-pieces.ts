/** A message of any size as mboxrd has it, piece by piece: what `encodeMbox` does with one in memory. No I/O of its own. */
import { HeadTap } from "./head-tap.js";
import { lfPieces } from "./line-ends.js";
import { fromLines, type MboxOptions, separatorLine } from "./mbox.js";

const LF = 0x0a;
const ANGLE = 0x3e;
const FROM = Buffer.from("From ");
const QUOTE = Buffer.from(">");
const NEWLINE = Buffer.from("\n");
const MOST_HEAD = 1024 * 1024;

/**
 * The same as `encodeMbox`, for a message that comes in pieces and may be larger than memory: separator, message with LF
 * line ends and quoted From lines, empty line. No more is held than the header, up to 1 MiB of it, by which the separator is
 * made.
 *
 * @param message Header and body, such as `createReadStream(path)`, with CR LF or LF line ends.
 * @throws UsageError as `encodeMbox` does; SinkError where the source fails: what was written then is a part of a message.
 *
 * @example
 * await pipeline(mboxPieces(createReadStream("large.eml")), createWriteStream("archive.mbox", { flags: "a" }));
 */
export async function* mboxPieces(
  message: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  options: MboxOptions = {},
): AsyncGenerator<Buffer> {
  const tap = new HeadTap(MOST_HEAD, Number.POSITIVE_INFINITY);
  const quoting = new Quoting();
  /** What came before the header was whole. */
  let early: Buffer[] | undefined = [];
  for await (const piece of lfPieces(tap.read(message))) {
    if (early === undefined) yield* quoting.push(piece);
    else {
      // A copy: the memory of a piece may be its source's to use again.
      early.push(Buffer.from(piece));
      if (!tap.isDone) continue;
      yield Buffer.from(separatorLine(tap.head(), options));
      for (const each of early) yield* quoting.push(each);
      early = undefined;
    }
  }
  if (early) yield Buffer.from(separatorLine(tap.head(), options));
  for (const each of early ?? []) yield* quoting.push(each);
  yield* quoting.end();
}

/** Quotes From lines, wherever the bytes were cut. */
class Quoting {
  /** The last bytes, where `From ` may have begun. */
  #held = Buffer.alloc(0);
  /** True where nothing but `>` stands between the last line end and `#held`. */
  #open = true;
  #isEnded = true;

  *push(piece: Uint8Array): Generator<Buffer> {
    if (piece.length === 0) return;
    const bytes = Buffer.concat([this.#held, piece]);
    let from = 0;
    // In a row of `>` it does not matter where the new one goes.
    for (const at of fromLines(bytes)) {
      if (at === 0 && !this.#open) continue;
      yield* [bytes.subarray(from, at), QUOTE];
      from = at;
    }
    const hold = Math.max(from, bytes.length - begunAtEnd(bytes));
    if (hold > from) yield bytes.subarray(from, hold);
    this.#open = isOpen(bytes, hold, this.#open);
    this.#isEnded = bytes[bytes.length - 1] === LF;
    this.#held = bytes.subarray(hold);
  }

  /** The line end that may be missing, and the empty line behind the message. */
  *end(): Generator<Buffer> {
    if (this.#held.length > 0) yield this.#held;
    if (!this.#isEnded) yield NEWLINE;
    yield NEWLINE;
  }
}

/** How many bytes at the end may be the beginning of `From `. */
function begunAtEnd(bytes: Buffer): number {
  for (let length = Math.min(FROM.length - 1, bytes.length); length > 0; length--) {
    if (bytes.subarray(bytes.length - length).equals(FROM.subarray(0, length))) return length;
  }
  return 0;
}

/** True where nothing but `>` stands before the offset, back to a line end, or to the beginning where that was open. */
function isOpen(bytes: Buffer, end: number, wasOpen: boolean): boolean {
  let at = end;
  while (at > 0 && bytes[at - 1] === ANGLE) at--;
  return at === 0 ? wasOpen : bytes[at - 1] === LF;
}
