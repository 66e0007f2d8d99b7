/** A file that is written: small chunks gathered into large writes, two of them under way at once. */
import fs from "node:fs";
import { promisify } from "node:util";
import { SinkError } from "../client/errors.js";
import type { SinkWriter } from "./stream.js";

/** Bytes gathered before they are written. */
const BATCH = 256 * 1024;
/** Memory that bytes are read into. The first of a file is small, as most files are. */
const BLOCK = 256 * 1024;
const FIRST_BLOCK = 64 * 1024;
/** More pieces than this are copied into one: many small ones cost more than the copy. */
const MOST_PIECES = 16;

const open = promisify(fs.open);
const close = promisify(fs.close);
const writev = promisify(fs.writev);

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
}

/** Memory of our own, which is used again when all of it is written. */
interface Block {
  readonly memory: Buffer;
  used: number;
  /** Pieces of it that are not written yet. */
  waiting: number;
}

export class FileWriter implements SinkWriter {
  readonly #path: string | Buffer;
  readonly #flags: string | number;
  #file: number | undefined;
  #opening: Promise<void> | undefined;
  #pieces: Buffer[] = [];
  #size = 0;
  /** Where the next write goes; null for what has no positions (a pipe, a terminal). */
  #position: number | null;
  #flying = 0;
  /** Writes that may be under way: one until the first has shown that the file has positions. */
  #depth = 1;
  #ending = false;
  #failure: SinkError | undefined;
  #waiting: Waiting[] = [];
  #block: Block | undefined;
  readonly #blocks = new Map<ArrayBufferLike, Block>();
  readonly #free: Block[] = [];

  /** `path`: a Buffer where its bytes are no UTF-8. `flags`: as fs.open takes them. */
  constructor(path: string | Buffer, flags: string | number, start: number) {
    this.#path = path;
    this.#flags = flags;
    this.#position = start;
  }

  /** Memory to read the next bytes into: what is read is given to `write` before more is asked for. */
  room(): Buffer {
    const { memory, used } = this.#block ?? this.#nextBlock();
    return memory.length - used < memory.length / 4 ? this.#nextBlock().memory : memory.subarray(used);
  }

  write(chunk: Buffer): void | Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#ending) return Promise.reject(this.#wrap(new Error("it was ended already")));
    this.#opening ??= this.#open();
    const block = this.#blocks.get(chunk.buffer);
    if (block) this.#fill(block, chunk);
    else this.#pieces.push(chunk);
    this.#size += chunk.length;
    if (this.#size < BATCH) return undefined;
    this.#pump();
    return this.#size < BATCH ? undefined : this.#wait();
  }

  #nextBlock(): Block {
    const last = this.#block;
    const memory = () => Buffer.allocUnsafeSlow(last ? BLOCK : FIRST_BLOCK);
    this.#block = this.#free.pop() ?? { memory: memory(), used: 0, waiting: 0 };
    this.#blocks.set(this.#block.memory.buffer, this.#block);
    if (last) this.#reuse(last);
    return this.#block;
  }

  /** What was read into a block: one piece, as far as it hangs together. */
  #fill(block: Block, chunk: Buffer): void {
    block.used = chunk.byteOffset - block.memory.byteOffset + chunk.length;
    const last = this.#pieces.at(-1);
    if (last?.buffer === chunk.buffer && last.byteOffset + last.length === chunk.byteOffset) {
      this.#pieces.pop();
      this.#pieces.push(Buffer.from(chunk.buffer, last.byteOffset, last.length + chunk.length));
    } else {
      block.waiting++;
      this.#pieces.push(chunk);
    }
  }

  #written(pieces: readonly Buffer[]): void {
    for (const { buffer } of pieces) {
      const block = this.#blocks.get(buffer);
      if (block === undefined) continue;
      block.waiting--;
      this.#reuse(block);
    }
  }

  #reuse(block: Block): void {
    if (block === this.#block || block.waiting > 0 || this.#free.includes(block)) return;
    block.used = 0;
    if (block.memory.length === BLOCK) this.#free.push(block);
    else this.#blocks.delete(block.memory.buffer);
  }

  async end(): Promise<void> {
    if (this.#failure) throw this.#failure;
    this.#ending = true;
    await (this.#opening ??= this.#open());
    this.#pump();
    while ((this.#size > 0 || this.#flying > 0) && !this.#failure) await this.#wait();
    const failed = await this.#close();
    if (this.#failure ?? failed) throw this.#failure ?? failed;
  }

  destroy(error: Error = new Error("it was given up")): void {
    this.#fail(this.#wrap(error));
  }

  async #open(): Promise<void> {
    try {
      this.#file = await open(this.#path, this.#flags);
    } catch (error) {
      return this.#fail(this.#wrap(error));
    }
    if (this.#failure) void this.#close();
    else this.#pump();
    this.#release();
  }

  /** Begins as many writes as may be under way. */
  #pump(): void {
    while (this.#file !== undefined && this.#flying < this.#depth && !this.#failure) {
      if (this.#size === 0 || (this.#size < BATCH && !this.#ending)) return;
      const pieces = this.#pieces;
      const size = this.#size;
      this.#pieces = [];
      this.#size = 0;
      this.#flying++;
      void this.#put(this.#file, pieces, size, this.#position);
      if (this.#position !== null) this.#position += size;
    }
  }

  async #put(file: number, pieces: Buffer[], size: number, position: number | null): Promise<void> {
    try {
      await this.#writeAll(file, pieces.length > MOST_PIECES ? [Buffer.concat(pieces)] : pieces, size, position);
      this.#written(pieces);
      if (this.#position !== null) this.#depth = 2;
    } catch (error) {
      this.#fail(this.#wrap(error));
    }
    this.#flying--;
    if (this.#failure) void this.#close();
    else this.#pump();
    this.#release();
  }

  async #writeAll(file: number, pieces: Buffer[], size: number, start: number | null): Promise<void> {
    let position = start;
    let [left, missing] = [pieces, size];
    while (missing > 0) {
      let written: number;
      try {
        written = (await writev(file, left, position as number)).bytesWritten;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== "ESPIPE" || position === null) throw error;
        this.#position = position = null;
        continue;
      }
      if (written === 0) throw new Error("nothing could be written");
      missing -= written;
      if (position !== null) position += written;
      if (missing > 0) left = [Buffer.concat(left).subarray(written)];
    }
  }

  /** Resolves when there is room again. */
  #wait(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
  }

  #release(): void {
    if (this.#failure === undefined && !this.#ending && this.#size >= BATCH) return;
    for (const { resolve, reject } of this.#waiting.splice(0)) {
      if (this.#failure) reject(this.#failure);
      else resolve();
    }
  }

  #fail(failure: SinkError): void {
    this.#failure ??= failure;
    this.#pieces = [];
    this.#size = 0;
    this.#release();
    if (this.#flying === 0) void this.#close();
  }

  async #close(): Promise<SinkError | undefined> {
    const file = this.#file;
    if (file === undefined || this.#flying > 0) return undefined;
    this.#file = undefined;
    return close(file).then(
      () => undefined,
      (error) => this.#wrap(error),
    );
  }

  #wrap(cause: unknown): SinkError {
    const why = cause instanceof Error ? cause.message : String(cause);
    return new SinkError(`${this.#path} could not be written: ${why}`, { cause });
  }
}
