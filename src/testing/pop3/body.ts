/** Messages on their way out: dots doubled, TOP's part of them, and what the faults make of their bytes. Pure. */

const LF = 10;
const CR = 13;
const DOT = 46;

/** Doubles the dots at the beginning of lines, also of lines that a piece ends before (RFC 1939 3). */
export function* stuffed(pieces: Iterable<Buffer>): Iterable<Buffer> {
  let lineBegins = true;
  for (const piece of pieces) {
    if (piece.length === 0) continue;
    yield lineBegins && piece[0] === DOT ? doubled(piece, [0]) : doubled(piece, []);
    lineBegins = piece[piece.length - 1] === LF;
  }
}

function doubled(piece: Buffer, dots: number[]): Buffer {
  for (let at = piece.indexOf("\n."); at !== -1; at = piece.indexOf("\n.", at + 1)) dots.push(at + 1);
  if (dots.length === 0) return piece;
  const out = Buffer.allocUnsafe(piece.length + dots.length);
  let from = 0;
  let to = 0;
  for (const dot of dots) {
    to += piece.copy(out, to, from, dot);
    out[to++] = DOT;
    from = dot;
  }
  piece.copy(out, to, from);
  return out;
}

/** The headers, the empty line, and so many lines of the body (RFC 1939 7, TOP). */
export function* topOf(pieces: Iterable<Buffer>, lines: number): Iterable<Buffer> {
  let left = -1; // lines of the body that may still come; -1: in the headers
  let length = 0; // bytes of the present line, without its end
  for (const piece of pieces) {
    let from = 0;
    while (from < piece.length && left !== 0) {
      const end = piece.indexOf(LF, from);
      const stop = end === -1 ? piece.length : end;
      const bare = stop > from && piece[stop - 1] === CR ? stop - 1 : stop;
      length += bare - from;
      from = stop + 1;
      if (end === -1) break;
      if (left > 0) left -= 1;
      else if (length === 0) left = lines;
      length = 0;
    }
    yield piece.subarray(0, Math.min(from, piece.length));
    if (left === 0) return;
  }
}

/** The same bytes, up to a number of them. */
export function* upTo(pieces: Iterable<Buffer>, most: number): Iterable<Buffer> {
  let left = most;
  for (const piece of pieces) {
    if (left <= 0) return;
    yield piece.subarray(0, left);
    left -= piece.length;
  }
}

/** CRLF becomes LF, also where a piece ends between them. */
export function* withoutCr(pieces: Iterable<Buffer>): Iterable<Buffer> {
  let held = "";
  for (const piece of pieces) {
    const text = held + piece.toString("latin1");
    held = text.endsWith("\r") ? "\r" : "";
    yield Buffer.from((held ? text.slice(0, -1) : text).replaceAll("\r\n", "\n"), "latin1");
  }
  if (held) yield Buffer.from(held);
}
