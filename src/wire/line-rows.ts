/** A body of lines → values, however its bytes were cut. No I/O. */
import { ProtocolError } from "../client/errors.js";

const LF = 10;

/** Turns the lines of a body into values; shared by every row that a body of lines holds. */
export abstract class LineRows<T> {
  #rest: Buffer | undefined;
  readonly #limit: number;

  /** `limit`: bytes of one line. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Takes bytes of the body; gives the rows that they complete. Throws ProtocolError for a line beyond the limit. */
  push(piece: Buffer): T[] {
    const rows: T[] = [];
    let bytes = piece;
    if (this.#rest !== undefined) {
      const end = piece.indexOf(LF) + 1;
      const head = Buffer.concat([this.#rest, end === 0 ? piece : piece.subarray(0, end)]);
      this.#rest = undefined;
      if (end === 0) {
        this.#hold(head);
        return rows;
      }
      this.read(head.toString("latin1"), rows);
      bytes = piece.subarray(end);
    }
    const whole = bytes.lastIndexOf(LF) + 1;
    // One string for all lines: a slice of it costs nothing.
    if (whole > 0) this.read(bytes.toString("latin1", 0, whole), rows);
    if (whole < bytes.length) this.#hold(bytes.subarray(whole));
    return rows;
  }

  /** The body is over. What has no line end is a row, too. */
  end(): T[] {
    const rows: T[] = [];
    const rest = this.#rest;
    this.#rest = undefined;
    if (rest !== undefined) this.read(`${rest.toString("latin1")}\n`, rows);
    return rows;
  }

  /** Reads whole lines, each with its LF, a character per byte. */
  protected abstract read(text: string, rows: T[]): void;

  #hold(rest: Buffer): void {
    if (rest.length > this.#limit) {
      throw new ProtocolError(`a row of more than ${this.#limit} bytes`, { advice: "limits.line can be raised" });
    }
    this.#rest = Buffer.from(rest);
  }
}
