/** Messages that are made each time they are asked for, in any number and size: for POP3 and IMAP. Pure. */

/** Messages that are made when they are asked for. */
export interface GeneratedMail {
  /** How many. */
  generate: number;
  /** Octets of each, or of the n-th (1 is the first); at least those of the headers. Default: 1024. */
  bytes?: number | ((number: number) => number) | undefined;
  /** Characters of a body's lines. Default: 76. */
  lineLength?: number | undefined;
  /** The content of the n-th, in place of a made one; must be the same each time. */
  content?: ((number: number) => string | Uint8Array) | undefined;
}

/** The header of the n-th message, and the empty line. */
export function headOf(number: number): Buffer {
  return Buffer.from(
    `From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Message ${number}\r\n` +
      `Date: Tue, 03 Feb 2026 10:11:12 +0000\r\nMessage-ID: <${number}@generated.example>\r\n\r\n`,
  );
}

/** Octets of the n-th message. */
export function sizeOf({ bytes = 1024 }: GeneratedMail, number: number): number {
  return Math.max(typeof bytes === "number" ? bytes : bytes(number), headOf(number).length + 2);
}

/** The n-th message, in pieces of whole lines. `dotted`: some lines begin with a dot, some are one. */
export function* piecesOf(plan: GeneratedMail, number: number, dotted: boolean): Iterable<Buffer> {
  const head = headOf(number);
  const block = blockOf(plan.lineLength ?? 76, dotted);
  let left = sizeOf(plan, number) - head.length;
  if (left < block.length) {
    yield Buffer.concat([head, lastOf(block, left)]);
    return;
  }
  yield head;
  for (; left >= block.length + 2; left -= block.length) yield block;
  yield left === block.length ? block : lastOf(block, left);
}

const blocks = new Map<string, Buffer>();

/** About 64 KiB of whole lines, so many characters each (but for a dot alone). */
function blockOf(lineLength: number, dotted: boolean): Buffer {
  const key = `${lineLength} ${dotted}`;
  const known = blocks.get(key);
  if (known) return known;
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(Math.ceil(lineLength / 36) + 1);
  const rows: string[] = [];
  for (let row = 0, length = 0; length < 65_536; row++) {
    const text = letters.slice(row % 36, (row % 36) + lineLength);
    const line = dotted ? withDot(text, row) : text;
    rows.push(`${line}\r\n`);
    length += line.length + 2;
  }
  const block = Buffer.from(rows.join(""));
  blocks.set(key, block);
  return block;
}

function withDot(text: string, row: number): string {
  if (row % 16 === 5) return ".";
  return row % 16 === 11 ? `.${text.slice(1)}` : text;
}

/** The beginning of a block, its line ended so that it has just so many bytes (2 at least). */
function lastOf(block: Buffer, bytes: number): Buffer {
  const text = block.toString("latin1", 0, bytes - 2);
  return Buffer.from(`${text.endsWith("\r") ? `${text.slice(0, -1)}x` : text}\r\n`, "latin1");
}
