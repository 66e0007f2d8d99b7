/** Line ends of messages: CR LF on the wire, LF in files. Bytes in, bytes out; what needs no change is not copied. Pure. */
const LF = 0x0a;
const CR = 0x0d;
const CRLF = Buffer.from("\r\n");

/** CR LF becomes LF; a CR that stands alone stays. */
export function toLf(bytes: Buffer): Buffer {
  let crlf = bytes.indexOf(CRLF);
  if (crlf < 0) return bytes;
  const out = Buffer.allocUnsafe(bytes.length);
  let length = 0;
  let from = 0;
  for (; crlf >= 0; crlf = bytes.indexOf(CRLF, from)) {
    length += bytes.copy(out, length, from, crlf);
    out[length++] = LF;
    from = crlf + 2;
  }
  length += bytes.copy(out, length, from);
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
  for (let lf = bytes.indexOf(LF); lf >= 0; lf = bytes.indexOf(LF, lf + 1))
    bare += lf > 0 && bytes[lf - 1] === CR ? 0 : 1;
  for (let cr = bytes.indexOf(CR); cr >= 0; cr = bytes.indexOf(CR, cr + 1)) bare += bytes[cr + 1] === LF ? 0 : 1;
  return bare;
}
