/** A file that is written: small chunks gathered into large writes, two of them under way at once. */
import fs from "node:fs";
import { promisify } from "node:util";
import { SinkError } from "../client/errors.js";
import type { SinkWriter } from "./stream.js";

/** Bytes gathered before they are written. */
const BATCH = 256 * 1024;
/** More pieces than this are copied into one: many small ones cost more than the copy. */
const MOST_PIECES = 16;

const open = promisify(fs.open);
const close = promisify(fs.close);
const writev = promisify(fs.writev);

interface Waiting {
  resolve(): void;
  reject(error: Error): void;
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

  /** `path`: a Buffer where its bytes are no UTF-8. `flags`: as fs.open takes them. */
  constructor(path: string | Buffer, flags: string | number, start: number) {
    this.#path = path;
    this.#flags = flags;
    this.#position = start;
  }

  write(chunk: Buffer): void | Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    if (this.#ending) return Promise.reject(this.#wrap(new Error("it was ended already")));
    this.#opening ??= this.#open();
    this.#pieces.push(chunk);
    this.#size += chunk.length;
    if (this.#size < BATCH) return undefined;
    this.#pump();
    return this.#size < BATCH ? undefined : this.#wait();
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
      const pieces = this.#pieces.length > MOST_PIECES ? [Buffer.concat(this.#pieces)] : this.#pieces;
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
      await this.#writeAll(file, pieces, size, position);
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
