/** Overviews compressed in the ways from before RFC 8054: XFEATURE COMPRESS GZIP and XZVER. */
import {
  createInflate,
  createInflateRaw,
  gunzipSync,
  type Inflate,
  type InflateRaw,
  inflateRawSync,
  inflateSync,
} from "node:zlib";
import { ProtocolError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { decodeYenc } from "../message/yenc.js";
import { DotReader } from "../wire/dot.js";
import type { BodyReader } from "../wire/reply.js";

/** Replies whose bodies may be compressed: lists, groups and overviews. */
const SQUEEZED = new Set("211 215 218 221 224 225 230 231 282 288".split(" "));

/**
 * True for a reply whose body is a compressed stream, by its last word. Articles are never sent so, and the replies to
 * ARTICLE, HEAD (221, as XHDR's) and BODY end with a message-id, which a poster made up.
 */
export function isInflated(command: string, { code, text }: Reply): boolean {
  if (!SQUEEZED.has(code) || /^\s*(ARTICLE|HEAD|BODY)\b/i.test(command)) return false;
  return /(?:^|\s)\[COMPRESS=GZIP\]$/i.test(text.trimEnd());
}

/** Rows that were compressed together with the dot behind them, or without it: the dot goes. */
function withoutDot(take: (piece: Buffer) => void): (piece: Buffer) => void {
  const reader = new DotReader(take);
  return (piece) => {
    if (!reader.done) reader.push(piece, 0);
  };
}

/** What a compressed body tells its owner. */
export interface InflatedEvents {
  piece(piece: Buffer): void;
  /** The body ended; these bytes, which came along, belong to what follows it. */
  end(rest: Buffer): void;
  fail(error: ProtocolError): void;
  /** As many bytes as there may be wait to be inflated: no more of them, until `resume`. */
  pause(): void;
  resume(): void;
}

/**
 * Reads a body that is one zlib stream (XFEATURE COMPRESS GZIP, which is named wrongly), or the same without its header.
 * Its end is where the stream ends; a dot behind it is passed over by the replies' grammar. Inflating takes its time: all
 * bytes are taken at first, and those that turn out to follow the body are given back.
 */
export class InflatedBody implements BodyReader {
  done = false;
  readonly #events: InflatedEvents;
  #inflate: Inflate | InflateRaw | undefined;
  /** Of what was inflated; a stream without a header has none to compare with, and something must follow it. */
  #sum: Adler32 | undefined;
  /** The last bytes given to the inflater, and how many were given before them: the stream may end within them. */
  readonly #held: Buffer[] = [];
  #before = 0;
  /** Consumers who want no bytes for now. */
  readonly #holders = new Set<object>();
  /** True where the inflater has more to do than it should. */
  #full = false;
  #dropped = false;

  constructor(events: InflatedEvents) {
    this.#events = events;
  }

  push(chunk: Buffer, from: number): number {
    const bytes = chunk.subarray(from);
    if (this.done || bytes.length === 0) return 0;
    const inflate = (this.#inflate ??= this.#start(bytes[0] as number));
    this.#held.push(bytes);
    const room = inflate.write(bytes, () => {
      this.#forget();
      this.#look();
    });
    if (!room) this.#fill(inflate);
    return bytes.length;
  }

  /** Gives nothing until every holder has called `resume()`: what came is inflated later, and what comes is not read. */
  pause(holder: object): void {
    this.#holders.add(holder);
    this.#inflate?.pause();
  }

  resume(holder: object): void {
    if (this.#holders.delete(holder) && this.#holders.size === 0) this.#inflate?.resume();
  }

  /** The connection is lost: what is still being inflated goes nowhere. */
  drop(): void {
    this.#dropped = true;
    this.#inflate?.destroy();
  }

  #fill(inflate: Inflate | InflateRaw): void {
    if (this.#full) return;
    this.#full = true;
    this.#events.pause();
    inflate.once("drain", () => this.#drained());
  }

  #drained(): void {
    if (!this.#full) return;
    this.#full = false;
    this.#events.resume();
  }

  #start(first: number): Inflate | InflateRaw {
    // RFC 1950 §2.2: the method is 8.
    const zlib = (first & 0x0f) === 8;
    const inflate = zlib ? createInflate() : createInflateRaw();
    if (zlib) this.#sum = new Adler32();
    const take = withoutDot((piece) => this.#events.piece(piece));
    inflate.on("data", (piece: Buffer) => {
      if (this.#dropped) return;
      try {
        this.#sum?.add(piece);
        take(piece);
        this.#look();
      } catch (error) {
        this.#fail(error);
      }
    });
    // Comes only where more bytes follow the stream.
    inflate.on("end", () => this.#end());
    inflate.on("error", (error) => this.#fail(error));
    return inflate;
  }

  #fail(cause: unknown): void {
    const message = `the compressed rows of the server are broken: ${(cause as Error).message}`;
    const advice = "compress: false leaves compression out";
    this.#events.fail(cause instanceof ProtocolError ? cause : new ProtocolError(message, { cause, advice }));
  }

  /** Drops what was inflated, but for the last bytes and the last chunk. */
  #forget(): void {
    const inflated = this.#inflate?.bytesWritten ?? 0;
    while (this.#held.length > TRAILER && this.#before + (this.#held[0] as Buffer).length < inflated) {
      this.#before += (this.#held.shift() as Buffer).length;
    }
  }

  /** A stream that ends with the bytes so far ends with the checksum of what it gave: Node does not tell. */
  #look(): void {
    const inflate = this.#inflate;
    if (this.done || this.#dropped || !inflate || inflate.writableLength > 0 || inflate.readableLength > 0) return;
    const given = this.#before + this.#held.reduce((total, each) => total + each.length, 0);
    const last = Buffer.concat(this.#held.slice(-TRAILER));
    if (inflate.bytesWritten < given || last.length < TRAILER) return;
    if (last.readUInt32BE(last.length - TRAILER) === this.#sum?.value) this.#end();
  }

  #end(): void {
    if (this.done || this.#dropped) return;
    this.done = true;
    const rest = Buffer.concat(this.#held).subarray((this.#inflate?.bytesWritten ?? 0) - this.#before);
    this.#inflate?.destroy();
    this.#drained();
    this.#events.end(rest);
  }
}

/** Octets of the checksum at the end of a zlib stream. */
const TRAILER = 4;

/** The checksum of zlib streams (RFC 1950 §8.2). */
class Adler32 {
  #a = 1;
  #b = 0;

  add(bytes: Buffer): void {
    let a = this.#a;
    let b = this.#b;
    // So many additions stay below 2^31.
    for (let at = 0; at < bytes.length; ) {
      for (const end = Math.min(at + 2_000, bytes.length); at < end; at++) {
        a += bytes[at] as number;
        b += a;
      }
      a %= 65_521;
      b %= 65_521;
    }
    this.#a = a;
    this.#b = b;
  }

  get value(): number {
    return this.#b * 65_536 + this.#a;
  }
}

/** The body of XZVER and XZHDR, deflated rows in yEnc: gives the rows. Throws ProtocolError. */
export function inflateYenc(body: Buffer, limit: number, take: (piece: Buffer) => void): void {
  const bytes = decodeYenc(body)?.data ?? Buffer.alloc(0);
  const [first = 0, second = 0] = bytes;
  // With zlib's header (RFC 1950 §2.2), with gzip's, or without any.
  const zlib = (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0;
  const inflate = zlib ? inflateSync : first === 0x1f && second === 0x8b ? gunzipSync : inflateRawSync;
  try {
    withoutDot(take)(inflate(bytes, { maxOutputLength: limit }));
  } catch (cause) {
    throw new ProtocolError(`the compressed rows of the server are broken: ${(cause as Error).message}`, { cause });
  }
}
