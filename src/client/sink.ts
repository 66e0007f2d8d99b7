/** Where bytes go to and come from: files, buffers, streams, functions. Types; the code is in net/. */
import type { Readable, Writable } from "node:stream";

/**
 * Takes the bytes of a body: a local path or file URL, a Writable (ended when the bytes are), or a function called with
 * each chunk (a promise it gives is waited for). A chunk belongs to the callee until the function returns or its
 * promise settles; copy what is kept longer.
 */
export type Sink = string | URL | Writable | ((chunk: Buffer) => void | Promise<void>);

/** Gives the bytes to send: a local path or file URL, bytes, `{ text }` (UTF-8), a Readable or any (async) iterable of bytes. */
export type Source =
  | string
  | URL
  | Uint8Array
  | { readonly text: string }
  | Readable
  | AsyncIterable<Uint8Array | string>
  | Iterable<Uint8Array>;
