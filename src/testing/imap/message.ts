/** A message of a mailbox: its content, which never changes, and what the server keeps beside it. */
import { type GeneratedMail, headOf, piecesOf, sizeOf } from "../generated-mail.js";
import { linesIn, type Part, parseMime } from "./mime.js";

/** What a message is made of. LF of a text becomes CRLF; bytes stay as they are. */
export interface ImapMessageFields {
  /** The whole message: text (UTF-8), or its bytes. */
  content: string | Uint8Array;
  /** Flags and keywords: `["\\Seen", "$Forwarded"]`. Default: none. */
  flags?: readonly string[] | undefined;
  /** Default: what the server's clock says. */
  internalDate?: Date | undefined;
  /** Its UID; must be larger than those before. Default: the next one. */
  uid?: number | undefined;
}

/** A message: its text, its bytes, or either with what is kept beside it. */
export type ImapMessageInput = string | Uint8Array | ImapMessageFields;

/** Messages that are made when they are asked for. */
export interface ImapGenerated extends GeneratedMail {
  /** The flags of the n-th. Default: none. */
  flags?: ((number: number) => readonly string[]) | undefined;
  /** The INTERNALDATE of the n-th. Default: a minute behind the one before, from 2026-01-01 on. */
  internalDate?: ((number: number) => Date) | undefined;
}

/** What is in a mailbox from the beginning. */
export type ImapMessages = readonly ImapMessageInput[] | ImapGenerated;

/** The bytes of a message. */
export interface Content {
  /** Octets. */
  readonly size: number;
  /** Its parts, parsed when they are first asked for. */
  readonly part: Part;
  /** What is between two offsets. */
  read(from: number, to: number): Iterable<Buffer>;
}

/** What the server keeps of a message. Its flags change through the mailbox only. */
export class Message {
  readonly uid: number;
  readonly content: Content;
  readonly internalDate: Date;
  readonly saveDate: Date;
  /** An id of the content, the same for copies (RFC 8474). */
  readonly emailId: string;
  flags: readonly string[];
  modseq: number;
  /** It was expunged. */
  gone = false;

  constructor(kept: Pick<Message, "uid" | "content" | "internalDate" | "saveDate" | "emailId" | "flags" | "modseq">) {
    this.uid = kept.uid;
    this.content = kept.content;
    this.internalDate = kept.internalDate;
    this.saveDate = kept.saveDate;
    this.emailId = kept.emailId;
    this.flags = kept.flags;
    this.modseq = kept.modseq;
  }

  /** Flags are compared without case. */
  has(flag: string): boolean {
    return hasFlag(this.flags, flag);
  }
}

export function hasFlag(flags: readonly string[], flag: string): boolean {
  const wanted = flag.toLowerCase();
  return flags.some((each) => each === flag || each.toLowerCase() === wanted);
}

/** The bytes of what a test wrote. */
export function encoded(content: string | Uint8Array): Buffer {
  return typeof content === "string"
    ? Buffer.from(content.replace(/\r?\n/g, "\r\n"), "utf8")
    : Buffer.from(content.buffer, content.byteOffset, content.byteLength);
}

/** A content that is kept. */
export class Kept implements Content {
  readonly #bytes: Buffer;
  #part: Part | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get size(): number {
    return this.#bytes.length;
  }

  get part(): Part {
    return (this.#part ??= parseMime(this.#bytes));
  }

  read(from: number, to: number): Iterable<Buffer> {
    return [this.#bytes.subarray(from, to)];
  }
}

/** A content that is made each time. */
export class Made implements Content {
  readonly #number: number;
  readonly #plan: ImapGenerated;

  constructor(number: number, plan: ImapGenerated) {
    this.#number = number;
    this.#plan = plan;
  }

  get size(): number {
    return this.#given?.length ?? sizeOf(this.#plan, this.#number);
  }

  get part(): Part {
    const given = this.#given;
    if (given) return parseMime(given);
    const head = headOf(this.#number);
    const body = head.length;
    let lines = 0;
    for (const piece of this.read(body, this.size)) lines += linesIn(piece, 0, piece.length);
    return { ...parseMime(head), body, end: this.size, lines };
  }

  *read(from: number, to: number): Iterable<Buffer> {
    let at = 0;
    for (const piece of this.#pieces()) {
      const end = at + piece.length;
      if (end > from && at < to) yield piece.subarray(Math.max(0, from - at), Math.min(piece.length, to - at));
      at = end;
      if (at >= to) return;
    }
  }

  #pieces(): Iterable<Buffer> {
    const given = this.#given;
    return given ? [given] : piecesOf(this.#plan, this.#number, false);
  }

  /** What the plan gives in place of a made one. */
  get #given(): Buffer | undefined {
    const { content } = this.#plan;
    return content && encoded(content(this.#number));
  }
}
