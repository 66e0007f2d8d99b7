/** Bodies compressed as some providers do: as a stream of bytes (XFEATURE COMPRESS GZIP), or in yEnc (XZVER). */
import { createDeflate, createDeflateRaw, createGzip } from "node:zlib";
import type { Squeezing } from "./options.js";
import { PIECE } from "./reply.js";

const STREAMS = { deflate: createDeflateRaw, zlib: createDeflate, gzip: createGzip };

/** A body, compressed; with the final dot in it where it is asked for. */
export async function* squeezed(
  how: Squeezing,
  pieces: Iterable<Buffer | string>,
  withDot: boolean,
): AsyncIterable<Buffer> {
  const stream = STREAMS[how]();
  const fed = feed(stream, pieces, withDot);
  for await (const chunk of stream) yield chunk as Buffer;
  await fed;
}

async function feed(
  stream: ReturnType<(typeof STREAMS)[Squeezing]>,
  pieces: Iterable<Buffer | string>,
  withDot: boolean,
): Promise<void> {
  for (const piece of pieces) {
    const bytes = typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
    await new Promise<void>((resolve) => {
      const done = () => {
        stream.off("close", done);
        resolve();
      };
      stream.once("close", done); // nobody reads any more
      stream.write(bytes, done);
    });
    if (stream.destroyed) return;
  }
  stream.end(withDot ? ".\r\n" : "");
}

const LINE = 128;
const [NUL, LF, CR, EQUALS, DOT, TAB, BLANK] = [0x00, 0x0a, 0x0d, 0x3d, 0x2e, 0x09, 0x20];

/**
 * Data in yEnc, as XZVER sends it: the size is not known beforehand and says -1. A dot at the beginning of a line is
 * doubled, as in every body.
 */
export async function* yencoded(data: AsyncIterable<Buffer>): AsyncIterable<Buffer | string> {
  yield `=ybegin line=${LINE} size=-1\r\n`;
  let crc = -1;
  let column = 0;
  let out = Buffer.allocUnsafe(PIECE);
  let used = 0;
  for await (const chunk of data) {
    crc = crcOf(chunk, crc);
    for (const byte of chunk) {
      const code = (byte + 42) & 0xff;
      if (mustEscape(code, column)) {
        out[used++] = EQUALS;
        out[used++] = (code + 64) & 0xff;
        column += 2;
      } else {
        if (code === DOT && column === 0) out[used++] = DOT;
        out[used++] = code;
        column += 1;
      }
      if (column >= LINE) {
        out[used++] = CR;
        out[used++] = LF;
        column = 0;
      }
      if (used < PIECE - 8) continue;
      yield out.subarray(0, used);
      out = Buffer.allocUnsafe(PIECE);
      used = 0;
    }
  }
  if (used > 0) yield out.subarray(0, used);
  yield `${column > 0 ? "\r\n" : ""}=yend crc=${((crc ^ -1) >>> 0).toString(16).toUpperCase().padStart(8, "0")}\r\n`;
}

function mustEscape(code: number, column: number): boolean {
  if (code === NUL || code === LF || code === CR || code === EQUALS) return true;
  return (code === TAB || code === BLANK) && (column === 0 || column >= LINE - 1);
}

const CRC_TABLE = Int32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crcOf(bytes: Uint8Array, start: number): number {
  let crc = start;
  for (const byte of bytes) crc = (CRC_TABLE[(crc ^ byte) & 0xff] as number) ^ (crc >>> 8);
  return crc;
}
