/** Line ends of messages: CR LF on the wire, LF in files. Bytes in, bytes out; what needs no change is not copied. Pure. */
const LF = 0x0a;
const CR = 0x0d;

// Byte by byte: lines are short, and a search for each costs more.

/** CR LF becomes LF; a CR that stands alone stays. */
export function toLf(bytes: Buffer): Buffer {
  if (!bytes.includes("\r\n")) return bytes;
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte !== CR || bytes[at + 1] !== LF) out[length++] = byte;
  }
  return out.subarray(0, length);
}

/** LF, and every CR that stands alone, becomes CR LF. */
export function toCrlf(bytes: Buffer): Buffer {
  const extra = countBare(bytes);
  if (extra === 0) return bytes;
  const out = Buffer.allocUnsafe(bytes.length + extra);
  let length = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === LF || byte === CR) {
      out[length++] = CR;
      out[length++] = LF;
      if (byte === CR && bytes[at + 1] === LF) at++;
    } else out[length++] = byte;
  }
  return out;
}

/** How many CR and LF do not stand together. */
function countBare(bytes: Buffer): number {
  let bare = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    if (byte === LF) bare++;
    else if (byte === CR) {
      if (bytes[at + 1] === LF) at++;
      else bare++;
    }
  }
  return bare;
}

/** The same as `toLf`, for bytes that come in pieces, wherever they were cut. */
export async function* lfPieces(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held = false;
  for await (const piece of source) {
    if (piece.length === 0) continue;
    const bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (held && bytes[0] !== LF) yield Buffer.from([CR]);
    held = bytes[bytes.length - 1] === CR;
    yield toLf(held ? bytes.subarray(0, -1) : bytes);
  }
  if (held) yield Buffer.from([CR]);
}

/** The same as `toCrlf`, for bytes that come in pieces, wherever they were cut. */
export async function* crlfPieces(source: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): AsyncGenerator<Buffer> {
  let held = false;
  for await (const piece of source) {
    if (piece.length === 0) continue;
    let bytes = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength);
    if (held) bytes = Buffer.concat([Buffer.from([CR]), bytes]);
    held = bytes[bytes.length - 1] === CR;
    yield toCrlf(held ? bytes.subarray(0, -1) : bytes);
  }
  if (held) yield Buffer.from([CR, LF]);
}
