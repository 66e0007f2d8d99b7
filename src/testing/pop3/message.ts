/** Messages of a maildrop: kept as bytes, or made on the fly in any number and size. Pure. */

/** A message: its text (LF becomes CRLF, UTF-8), its bytes as they are, or either with a unique-id. It ends with CRLF, added where it is missing. */
export type Pop3MessageInput = string | Uint8Array | { content: string | Uint8Array; uid?: string };

/** Messages that are made when they are asked for. */
export interface Pop3Generated {
  /** How many. */
  generate: number;
  /** Octets of each, or of the n-th (1 is the first); at least those of the headers. Default: 1024. */
  bytes?: number | ((number: number) => number);
  /** Characters of a body's lines. Default: 76. */
  lineLength?: number;
  /** The content of the n-th, in place of a made one; must be the same each time. */
  content?: (number: number) => string | Uint8Array;
  /** The unique-id of the n-th. Default: `gen-1`, `gen-2` … */
  uid?: (number: number) => string;
}

/** The messages of a maildrop. */
export type Pop3Messages = readonly Pop3MessageInput[] | Pop3Generated;

/** A mailbox that another server has, and this one serves as well: an {@link ImapMailbox} is one. */
export interface Pop3Mailbox {
  readonly uidValidity: number;
  readonly uids: readonly number[];
  content(uid: number): Uint8Array;
  add(content: Uint8Array): number;
  expunge(...uids: number[]): void;
}

/** A message as it is given out. */
export interface Source {
  readonly uid: string;
  /** Octets, before dots are doubled. */
  readonly bytes: number;
  /** The content. */
  pieces(): Iterable<Buffer>;
}

/** The bytes of what a test wrote. */
export function encoded(content: string | Uint8Array): Buffer {
  const bytes =
    typeof content === "string" ? Buffer.from(content.replace(/\r?\n/g, "\r\n"), "utf8") : Buffer.from(content);
  const ends = bytes.length === 0 || (bytes[bytes.length - 1] === 10 && bytes[bytes.length - 2] === 13);
  return ends ? bytes : Buffer.concat([bytes, Buffer.from("\r\n")]);
}

/** A message that is kept. */
export class Kept implements Source {
  readonly uid: string;
  readonly content: Buffer;

  constructor(uid: string, content: Buffer) {
    this.uid = uid;
    this.content = content;
  }

  get bytes(): number {
    return this.content.length;
  }

  pieces(): Iterable<Buffer> {
    return [this.content];
  }
}

/** A message that is made each time. */
export class Made implements Source {
  readonly #number: number;
  readonly #plan: Pop3Generated;

  constructor(number: number, plan: Pop3Generated) {
    this.#number = number;
    this.#plan = plan;
  }

  get uid(): string {
    return this.#plan.uid?.(this.#number) ?? `gen-${this.#number}`;
  }

  get bytes(): number {
    if (this.#plan.content) return encoded(this.#plan.content(this.#number)).length;
    const { bytes = 1024 } = this.#plan;
    const asked = typeof bytes === "number" ? bytes : bytes(this.#number);
    return Math.max(asked, headersOf(this.#number).length + 2);
  }

  *pieces(): Iterable<Buffer> {
    if (this.#plan.content) {
      yield encoded(this.#plan.content(this.#number));
      return;
    }
    const head = Buffer.from(headersOf(this.#number));
    const block = blockOf(this.#plan.lineLength ?? 76);
    let left = this.bytes - head.length;
    if (left < block.length) {
      yield Buffer.concat([head, lastOf(block, left)]);
      return;
    }
    yield head;
    for (; left >= block.length + 2; left -= block.length) yield block;
    yield left === block.length ? block : lastOf(block, left);
  }
}

function headersOf(number: number): string {
  return (
    `From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: Message ${number}\r\n` +
    `Date: Tue, 03 Feb 2026 10:11:12 +0000\r\nMessage-ID: <${number}@generated.example>\r\n\r\n`
  );
}

const blocks = new Map<number, Buffer>();

/** About 64 KiB of whole lines; some begin with a dot, some are one. */
function blockOf(lineLength: number): Buffer {
  const known = blocks.get(lineLength);
  if (known) return known;
  const letters = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(Math.ceil(lineLength / 36) + 1);
  const rows: string[] = [];
  for (let row = 0, length = 0; length < 65_536; row++) {
    const text = letters.slice(row % 36, (row % 36) + lineLength);
    const line = row % 16 === 5 ? "." : row % 16 === 11 ? `.${text.slice(1)}` : text;
    rows.push(`${line}\r\n`);
    length += line.length + 2;
  }
  const block = Buffer.from(rows.join(""));
  blocks.set(lineLength, block);
  return block;
}

/** The beginning of a block, its line ended so that it has just so many bytes (2 at least). */
function lastOf(block: Buffer, bytes: number): Buffer {
  const text = block.toString("latin1", 0, bytes - 2);
  return Buffer.from(`${text.endsWith("\r") ? `${text.slice(0, -1)}x` : text}\r\n`, "latin1");
}
