/** The content of a message on its way out: line ends set right, cut into pieces. Bytes that need no change are not copied. */
import { isAscii, isUtf8 } from "node:buffer";

const CR = 13;
const LF = 10;
const CRLF = Buffer.from("\r\n");
const NOTHING = Buffer.alloc(0);

/**
 * CR and LF that stand alone become CR LF, wherever the bytes are cut: a server that takes one for a line end would see
 * another end of the message than this client (RFC 5321 §2.3.8).
 */
export class LineRepair {
  #endsWithCr = false;
  #atLineStart = true;

  /** The next piece, repaired: the same Buffer where nothing was wrong. */
  repair(piece: Buffer): Buffer {
    if (piece.length === 0) return piece;
    const before = this.#endsWithCr;
    const extra = countBare(piece, before);
    const last = piece[piece.length - 1];
    this.#endsWithCr = last === CR;
    this.#atLineStart = last === LF;
    return extra === 0 ? piece : rewritten(piece, before, extra);
  }

  /** What completes the last line: nothing, LF or CR LF. */
  end(): Buffer {
    if (this.#atLineStart) return NOTHING;
    return this.#endsWithCr ? CRLF.subarray(1) : CRLF;
  }
}

/** How many bytes are missing. A CR at the end is waited for: its LF may come with the next piece. */
function countBare(piece: Buffer, endedWithCr: boolean): number {
  let bare = endedWithCr && piece[0] !== LF ? 1 : 0;
  const last = piece.length - 1;
  for (let at = 0; at <= last; at++) {
    const byte = piece[at]!;
    if (byte > CR) continue;
    if (byte === LF) {
      if (at === 0 ? !endedWithCr : piece[at - 1] !== CR) bare++;
    } else if (byte === CR && at < last && piece[at + 1] !== LF) bare++;
  }
  return bare;
}

function rewritten(piece: Buffer, endedWithCr: boolean, extra: number): Buffer {
  const out = Buffer.allocUnsafe(piece.length + extra);
  let length = 0;
  let behindCr = endedWithCr;
  for (let at = 0; at < piece.length; at++) {
    const byte = piece[at]!;
    if (byte === LF && !behindCr) out[length++] = CR;
    if (byte !== LF && behindCr) out[length++] = LF;
    out[length++] = byte;
    behindCr = byte === CR;
  }
  return out;
}

/** A whole message, every line of it ended by CR LF. */
export function repaired(message: Buffer): Buffer {
  const lines = new LineRepair();
  const body = lines.repair(message);
  const end = lines.end();
  return end.length === 0 ? body : Buffer.concat([body, end]);
}

/** A message that comes in pieces, every line of it ended by CR LF. */
export async function* repairedPieces(source: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const lines = new LineRepair();
  for await (const piece of source) yield lines.repair(piece);
  const end = lines.end();
  if (end.length > 0) yield end;
}

/** What can be told from the bytes of a message. */
export interface Traits {
  /** From its header, where it is there. */
  readonly messageId: string | undefined;
  /** True where it is not ASCII. */
  readonly is8bit: boolean;
  /** True where its header is in UTF-8 (RFC 6532). */
  readonly utf8Header: boolean;
}

const HEADER_END = Buffer.from("\r\n\r\n");
/** Octets of the beginning of a message in which its header is looked for. */
const HEADER_MOST = 64 * 1024;

/** Looks at a message whose lines end with CR LF. */
export function traitsOf(message: Buffer): Traits {
  const end = message.subarray(0, HEADER_MOST).indexOf(HEADER_END);
  const header = message.subarray(0, end === -1 ? Math.min(message.length, HEADER_MOST) : end + 2);
  const is8bit = !isAscii(message);
  const messageId = /^message-id:[ \t\r\n]*(<[^<>\s]+>)/im.exec(header.toString("latin1"))?.[1];
  return { messageId, is8bit, utf8Header: is8bit && !isAscii(header) && isUtf8(header) };
}
