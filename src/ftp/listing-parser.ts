/** What all listings share: chunks in, rows out, and how long a row may be. The rest of a row waits for its end. Pure. */
import { decoderFor, type NameDecoder } from "./name.js";

const LF = 0x0a;
const CR = 0x0d;

/** Turns the bytes of a data connection into entries (LIST, MLSD) or names (NLST), as they arrive. */
export interface ListingParser<T> {
  /**
   * Takes the next bytes, cut anywhere, and gives what they complete. The chunk is not kept.
   * @throws RangeError when a row is longer than `maxRowBytes`; the parser is of no use afterwards.
   */
  push(chunk: Buffer): T[];
  /** Gives what was still waiting: a last row without line end, rows whose style was not decided yet. */
  end(): T[];
}

/** What every listing parser may be told. */
export interface ListingOptions {
  /** Gives the rows `.` and `..` (MLSD: `cdir` and `pdir`) too. Default: false. */
  keepDots?: boolean | undefined;
  /** Longest row accepted, in octets without its line end. Default: 65 536. */
  maxRowBytes?: number | undefined;
}

/** Splits at LF or CRLF and hands each row, without copying it, to `row`. */
export abstract class RowSplitter<T> implements ListingParser<T> {
  protected readonly keepDots: boolean;
  private readonly maxRowBytes: number;
  /** Pieces of a row whose end has not come yet: copies, so that no chunk is held. */
  private pieces: Buffer[] = [];
  private waiting = 0;

  constructor(options: ListingOptions = {}) {
    this.keepDots = options.keepDots ?? false;
    this.maxRowBytes = options.maxRowBytes ?? 65_536;
  }

  /** Reads the row from `start` to `end`, with `decode` for its text, and appends what it says to `out`. */
  protected abstract row(bytes: Buffer, start: number, end: number, decode: NameDecoder, out: T[]): void;

  /** Appends what only the end of the listing completes. */
  protected finish(_out: T[]): void {}

  push(chunk: Buffer): T[] {
    const out: T[] = [];
    let start = 0;
    if (this.waiting > 0) {
      const end = chunk.indexOf(LF);
      this.wait(chunk.subarray(0, end < 0 ? chunk.length : end));
      if (end < 0) return out;
      this.waitingRow(out);
      start = end + 1;
    }
    const stop = chunk.lastIndexOf(LF) + 1;
    if (stop > start) this.rows(chunk, start, stop, out);
    if (Math.max(stop, start) < chunk.length) this.wait(chunk.subarray(Math.max(stop, start)));
    return out;
  }

  end(): T[] {
    const out: T[] = [];
    if (this.waiting > 0) this.waitingRow(out);
    this.finish(out);
    return out;
  }

  /** All rows between `start` and `stop`, where the last one ends. */
  private rows(bytes: Buffer, start: number, stop: number, out: T[]): void {
    const decode = decoderFor(bytes.subarray(start, stop));
    for (let at = start; at < stop; ) {
      const end = bytes.indexOf(LF, at);
      this.oneRow(bytes, at, end, decode, out);
      at = end + 1;
    }
  }

  private waitingRow(out: T[]): void {
    const bytes = this.pieces.length === 1 ? this.pieces[0]! : Buffer.concat(this.pieces);
    this.pieces = [];
    this.waiting = 0;
    this.oneRow(bytes, 0, bytes.length, decoderFor(bytes), out);
  }

  private oneRow(bytes: Buffer, start: number, lineEnd: number, decode: NameDecoder, out: T[]): void {
    const end = lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
    this.checkLength(end - start);
    if (end > start) this.row(bytes, start, end, decode, out);
  }

  private wait(piece: Buffer): void {
    if (piece.length === 0) return;
    this.waiting += piece.length;
    this.checkLength(this.waiting - 1); // its last octet may be the CR of the line end
    this.pieces.push(Buffer.from(piece));
  }

  private checkLength(length: number): void {
    if (length <= this.maxRowBytes) return;
    throw new RangeError(`a row of the listing is longer than ${this.maxRowBytes} octets`);
  }
}

/** Names by NLST, one per row, as they come: `dir/name` where the server writes that. */
export class NameParser extends RowSplitter<string> {
  protected override row(bytes: Buffer, start: number, end: number, decode: NameDecoder, out: string[]): void {
    const name = decode(bytes, start, end);
    if (this.keepDots || !isDotName(name)) out.push(name);
  }
}

/** Whether the name is that of the directory itself or of the one above. */
export function isDotName(name: string): boolean {
  return name === "." || name === "..";
}
