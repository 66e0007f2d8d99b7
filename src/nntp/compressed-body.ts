/** Overviews compressed in the ways from before RFC 8054: XFEATURE COMPRESS GZIP and XZVER. */
import { createInflate, inflateRawSync, inflateSync } from "node:zlib";
import { ProtocolError } from "../client/errors.js";
import { decodeYenc } from "../message/yenc.js";
import { DotReader } from "../wire/dot.js";
import type { BodyReader } from "../wire/reply.js";

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
}

/**
 * Reads a body that is one zlib stream (XFEATURE COMPRESS GZIP, which is named wrongly). Its end is where the stream
 * ends; a dot behind it is passed over by the replies' grammar. Inflating takes its time: all bytes are taken at first,
 * and those that turn out to follow the body are given back.
 */
export class InflatedBody implements BodyReader {
  done = false;
  readonly #events: InflatedEvents;
  readonly #inflate = createInflate();
  readonly #sum = new Adler32();
  /** The last bytes given to the inflater, and how many were given before them: the stream may end within them. */
  readonly #held: Buffer[] = [];
  #before = 0;

  constructor(events: InflatedEvents) {
    this.#events = events;
    const take = withoutDot((piece) => events.piece(piece));
    this.#inflate.on("data", (piece: Buffer) => {
      this.#sum.add(piece);
      take(piece);
      this.#look();
    });
    // Comes only where more bytes follow the stream.
    this.#inflate.on("end", () => this.#end());
    this.#inflate.on("error", (cause) => {
      const message = `the compressed rows of the server are broken: ${cause.message}`;
      events.fail(new ProtocolError(message, { cause, advice: "compress: false leaves compression out" }));
    });
  }

  push(chunk: Buffer, from: number): number {
    const bytes = chunk.subarray(from);
    if (this.done || bytes.length === 0) return 0;
    this.#held.push(bytes);
    this.#inflate.write(bytes, () => {
      this.#forget();
      this.#look();
    });
    return bytes.length;
  }

  /** Drops what was inflated, but for the last four bytes and the last chunk. */
  #forget(): void {
    while (this.#held.length > 4 && this.#before + (this.#held[0] as Buffer).length < this.#inflate.bytesWritten) {
      this.#before += (this.#held.shift() as Buffer).length;
    }
  }

  /** A stream that ends with the bytes so far ends with the checksum of what it gave (RFC 1950 §2.2): Node does not tell. */
  #look(): void {
    if (this.done || this.#inflate.writableLength > 0 || this.#inflate.readableLength > 0) return;
    const last = Buffer.concat(this.#held.slice(-4));
    const given = this.#before + this.#held.reduce((sum, each) => sum + each.length, 0);
    if (given < 8 || last.length < 4 || this.#inflate.bytesWritten < given) return;
    if (last.readUInt32BE(last.length - 4) === this.#sum.value) this.#end();
  }

  #end(): void {
    if (this.done) return;
    this.done = true;
    const rest = Buffer.concat(this.#held).subarray(this.#inflate.bytesWritten - this.#before);
    this.#inflate.destroy();
    this.#events.end(rest);
  }
}

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
  // With zlib's header, or without it (RFC 1950 §2.2).
  const inflate = (first & 0x0f) === 8 && (first * 256 + second) % 31 === 0 ? inflateSync : inflateRawSync;
  try {
    withoutDot(take)(inflate(bytes, { maxOutputLength: limit }));
  } catch (cause) {
    throw new ProtocolError(`the compressed rows of the server are broken: ${(cause as Error).message}`, { cause });
  }
}
