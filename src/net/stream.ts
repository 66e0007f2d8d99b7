/** Sinks and sources opened: one way to write to files, streams and functions, one to read from files and the rest. */

import { existsSync } from "node:fs";
import { Readable, type Writable } from "node:stream";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { SinkError, UsageError } from "../client/errors.js";
import type { Sink, Source } from "../client/sink.js";
import { FileWriter } from "./file-sink.js";
import { readFileRange } from "./file-source.js";

/** A sink that takes bytes. */
export interface SinkWriter {
  /**
   * Gives it a chunk, which belongs to the sink from now on. A promise comes back only where the sink asks to wait; it
   * rejects with SinkError where the sink failed. Nothing is thrown.
   */
  write(chunk: Buffer): void | Promise<void>;
  /** Memory to read the next bytes into, where the sink has some: what is read is given to `write` before more is. */
  room?(): Buffer;
  /** Nothing more comes; resolves when everything is written. */
  end(): Promise<void>;
  /** Lets go of the sink without an end: files are closed as they are, streams destroyed. */
  destroy(error?: Error): void;
}

/** Where in a file a sink begins to write. Nothing but files takes these. */
export interface SinkOptions {
  /** `w` replaces the file, `wx` refuses one that exists, `r+` writes into it. Default: `w`. */
  readonly flags?: "w" | "wx" | "r+" | undefined;
  /** Offset of the first byte. Default: 0. */
  readonly start?: number | undefined;
}

/** A source that gives bytes: iterate it once, or close it. Leaving the loop closes it. */
export interface SourceReader extends AsyncIterable<Buffer> {
  /** Bytes it will give, where that is known. */
  readonly size?: number | undefined;
  close(): Promise<void>;
}

/** The part of a source that is wanted. */
export interface SourceOptions {
  /** Bytes to skip. Default: 0. */
  readonly start?: number | undefined;
  /** Offset behind the last byte. Default: the end. */
  readonly end?: number | undefined;
  /**
   * True: a chunk is good only until the next one is asked for. Files are then read into the same memory again and
   * again, which is faster. Default: false.
   */
  readonly reuse?: boolean | undefined;
}

const PIECE = 1024 * 1024;

/**
 * Opens a sink. A file is created with the first byte, or at the end where none came.
 *
 * @throws UsageError for what is no sink; failures of the sink itself come from `write` and `end` as SinkError.
 *
 * @example
 * const sink = await openSink("copy.bin");
 * for await (const chunk of socket) await sink.write(chunk);
 * await sink.end();
 */
export async function openSink(sink: Sink, options: SinkOptions = {}): Promise<SinkWriter> {
  if (typeof sink === "string" || sink instanceof URL) {
    return new FileWriter(localPath(sink), options.flags ?? "w", options.start ?? 0);
  }
  if (typeof sink === "function") return functionWriter(sink);
  if (typeof sink?.write === "function" && typeof sink.once === "function") return streamWriter(sink);
  throw new UsageError("a sink is a path, a file URL, a Writable or a function");
}

/**
 * Opens a source. A file is opened now, so that one that is missing is noticed before anything is sent; exactly `size`
 * bytes of it are given, also where it grows meanwhile.
 *
 * @throws UsageError for what is no source, SinkError for a file that cannot be read; failures later reject in the loop.
 *
 * @example
 * const source = await openSource("big.iso", { start: 1_000_000 });
 * for await (const chunk of source) socket.write(chunk);
 */
export async function openSource(source: Source, options: SourceOptions = {}): Promise<SourceReader> {
  const { start = 0, end = Number.POSITIVE_INFINITY, reuse } = options;
  if (typeof source === "string" && /[\r\n]/.test(source) && !existsSync(source)) {
    throw new UsageError("a text with line breaks, and no path of a file", {
      advice: "a string is a path: give a text as { text }, or as a Buffer",
    });
  }
  if (typeof source === "string" || source instanceof URL) return readFileRange(localPath(source), start, end, reuse);
  if (source instanceof Uint8Array) return memoryReader(source, start, end);
  if (source !== null && typeof source === "object") {
    if (Symbol.asyncIterator in source || Symbol.iterator in source) return iterableReader(source, start, end);
    if (typeof source.text === "string") return memoryReader(Buffer.from(source.text), start, end);
  }
  throw new UsageError("a source is a path, a file URL, bytes, { text }, a Readable or an iterable of bytes");
}

function localPath(path: string | URL): string {
  if (typeof path === "string" && !path.includes("\0") && path !== "") return path;
  try {
    return fileURLToPath(path);
  } catch (cause) {
    throw new UsageError(`${JSON.stringify(String(path))} is not a local path or a file URL`, { cause });
  }
}

function functionWriter(call: (chunk: Buffer) => void | Promise<void>): SinkWriter {
  const failed = (cause: unknown) => Promise.reject(new SinkError(`the sink failed: ${words(cause)}`, { cause }));
  return {
    write(chunk) {
      try {
        const busy = call(chunk) as unknown as PromiseLike<void> | undefined;
        // A function whose result nobody declared may give anything: `(chunk) => chunks.push(chunk)`.
        return typeof busy?.then === "function" ? Promise.resolve(busy).then(undefined, failed) : undefined;
      } catch (error) {
        return failed(error);
      }
    },
    end: () => Promise.resolve(),
    destroy: () => {},
  };
}

function streamWriter(stream: Writable): SinkWriter {
  let failure: SinkError | undefined;
  const fail = (cause: unknown) => (failure ??= new SinkError(`the sink failed: ${words(cause)}`, { cause }));
  // Also holds an "error" listener for as long as the stream lives: a late error must not end the process.
  stream.on("error", fail);
  const drained = () =>
    new Promise<void>((resolve, reject) => {
      const settle = () => {
        for (const event of ["drain", "close", "error"]) stream.removeListener(event, settle);
        if (stream.destroyed || failure) reject(fail(new Error("the stream was closed")));
        else resolve();
      };
      for (const event of ["drain", "close", "error"]) stream.on(event, settle);
    });
  return {
    write(chunk) {
      if (failure || stream.destroyed || stream.writableEnded) return Promise.reject(fail(new Error("it is closed")));
      return stream.write(chunk) ? undefined : drained();
    },
    async end() {
      // The terminal belongs to the whole process, and Node refuses to close it.
      if (stream === process.stdout || stream === process.stderr) return;
      if (failure) throw failure;
      stream.end();
      await finished(stream, { readable: false }).catch((error) => Promise.reject(fail(error)));
    },
    destroy: (error) => void stream.destroy(error),
  };
}

function memoryReader(bytes: Uint8Array, start: number, end: number): SourceReader {
  const part = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).subarray(
    start,
    Math.min(end, bytes.length),
  );
  async function* pieces() {
    for (let at = 0; at < part.length; at += PIECE) yield part.subarray(at, at + PIECE);
  }
  return { size: part.length, close: () => Promise.resolve(), [Symbol.asyncIterator]: pieces };
}

function iterableReader(
  source: AsyncIterable<Uint8Array | string> | Iterable<Uint8Array>,
  start: number,
  end: number,
): SourceReader {
  // One that fails before it is read must not end the process: who reads it gets the error.
  if (source instanceof Readable) source.on("error", () => {});
  const wrong = (cause: unknown) =>
    cause instanceof SinkError ? cause : new SinkError(`the source failed: ${words(cause)}`, { cause });
  async function* pieces() {
    let at = 0;
    try {
      for await (const given of source) {
        const chunk = asBuffer(given);
        const piece = chunk.subarray(Math.max(0, start - at), Math.max(0, end - at));
        at += chunk.length;
        if (piece.length > 0) yield piece;
        if (at >= end) return;
      }
    } catch (cause) {
      throw wrong(cause);
    }
  }
  const whole = start === 0 && end === Number.POSITIVE_INFINITY && Symbol.asyncIterator in source;
  return {
    async close() {
      if (source instanceof Readable) source.destroy();
    },
    [Symbol.asyncIterator]: whole ? () => buffersOf(source, wrong) : pieces,
  };
}

/** What an iterable gives, as Buffers: what a generator would do, without its three promises for each. */
function buffersOf(source: AsyncIterable<Uint8Array | string>, wrong: (cause: unknown) => SinkError) {
  const begin = () => {
    try {
      return source[Symbol.asyncIterator]();
    } catch (cause) {
      throw wrong(cause);
    }
  };
  const iterator = begin();
  const leave = async (): Promise<IteratorResult<Buffer, undefined>> => {
    await iterator.return?.();
    return { done: true, value: undefined };
  };
  const next = async (): Promise<IteratorResult<Buffer, undefined>> => {
    let given = false;
    try {
      const { done, value } = await iterator.next();
      if (done) return { done: true, value: undefined };
      given = true;
      return { done: false, value: asBuffer(value) };
    } catch (cause) {
      if (given) await leave().catch(() => {});
      throw wrong(cause);
    }
  };
  return { next, return: leave };
}

function asBuffer(chunk: Uint8Array | string): Buffer {
  if (Buffer.isBuffer(chunk)) return chunk;
  if (typeof chunk === "string") return Buffer.from(chunk, "utf8");
  if (chunk instanceof Uint8Array) return Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
  throw new SinkError(`the source gave ${typeof chunk}, not bytes or strings`);
}

function words(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
