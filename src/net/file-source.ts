/** A file that is read: in large pieces, the next one while the last one is used. */
import fs from "node:fs";
import { promisify } from "node:util";
import { SinkError } from "../client/errors.js";
import type { SourceReader } from "./stream.js";

const PIECE = 512 * 1024;

const open = promisify(fs.open);
const close = promisify(fs.close);
const fstat = promisify(fs.fstat);
const read = promisify(fs.read);

/**
 * Opens a file to read the bytes from `start` to before `end`. `reuse`: a piece is good only until the next one is asked
 * for, as both are read into the same memory in turns.
 */
export async function readFileRange(
  path: string | Buffer,
  start: number,
  end: number,
  reuse = false,
): Promise<SourceReader> {
  const wrap = (cause: unknown) => {
    const why = cause instanceof Error ? cause.message : String(cause);
    return cause instanceof SinkError ? cause : new SinkError(`${path} could not be read: ${why}`, { cause });
  };
  let file: number | undefined;
  const release = async () => {
    const opened = file;
    file = undefined;
    if (opened !== undefined) await close(opened);
  };
  try {
    file = await open(path, "r");
    const stat = await fstat(file);
    if (stat.isDirectory()) throw new SinkError(`${path} could not be read: it is a directory`);
    if (!stat.isFile() && start > 0)
      throw new SinkError(`${path} has no positions: it is read from its beginning only`);
    // Files of /proc say 0, pipes have no size and no positions: both are read to their end.
    const size = stat.isFile() && stat.size > 0 ? Math.max(0, Math.min(end, stat.size) - start) : undefined;
    // What comes in small pieces may still lie in a socket's buffer when the next one is asked for.
    const again = reuse && size !== undefined;
    const reader = new FileReader(path, file, stat.isFile() ? start : null, size ?? end - start, again);
    return {
      ...(size === undefined ? {} : { size }),
      close: release,
      [Symbol.asyncIterator]: () => reader.pieces(size !== undefined, wrap, release),
    };
  } catch (error) {
    await release().catch(() => {});
    throw wrap(error);
  }
}

class FileReader {
  readonly #path: string | Buffer;
  readonly #file: number;
  #position: number | null;
  #left: number;
  readonly #reuse: boolean;
  /** The memory of the piece that is used, and of the one that is read meanwhile. */
  #used: Buffer | undefined;
  #next: Buffer | undefined;

  constructor(path: string | Buffer, file: number, position: number | null, left: number, reuse: boolean) {
    this.#path = path;
    this.#file = file;
    this.#position = position;
    this.#left = left;
    this.#reuse = reuse;
  }

  /** The pieces, one read ahead. `exact`: fewer bytes than were there at first are an error. */
  async *pieces(exact: boolean, wrap: (error: unknown) => Error, release: () => Promise<void>): AsyncGenerator<Buffer> {
    let ahead = this.#readAhead();
    try {
      for (let piece = await ahead; piece !== undefined; piece = await ahead) {
        ahead = this.#readAhead();
        yield piece;
      }
      if (exact && this.#left > 0) throw new SinkError(`${this.#path} became shorter while it was read`);
    } catch (error) {
      throw wrap(error);
    } finally {
      await ahead.catch(() => {});
      await release().catch(() => {});
    }
  }

  /** A failure waits for the one who asks for the piece. */
  #readAhead(): Promise<Buffer | undefined> {
    const piece = this.#read();
    piece.catch(() => {});
    return piece;
  }

  /** The next piece; undefined at the end. */
  async #read(): Promise<Buffer | undefined> {
    const wanted = Math.min(PIECE, this.#left);
    if (wanted <= 0) return undefined;
    const { buffer, bytesRead } = await read(this.#file, this.#memory(wanted), 0, wanted, this.#position);
    if (bytesRead === 0) return undefined;
    this.#left -= bytesRead;
    if (this.#position !== null) this.#position += bytesRead;
    return buffer.subarray(0, bytesRead);
  }

  #memory(size: number): Buffer {
    // A file of one piece has no use for two.
    if (!this.#reuse || (size < PIECE && this.#next === undefined)) return Buffer.allocUnsafe(size);
    const free = this.#used ?? Buffer.allocUnsafeSlow(PIECE);
    this.#used = this.#next;
    this.#next = free;
    return free;
  }
}
