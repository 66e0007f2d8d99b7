/** Messages of a maildrop: kept as bytes, or made on the fly in any number and size. Pure. */
import { type GeneratedMail, piecesOf, sizeOf } from "../generated-mail.js";

/** A message: its text (LF becomes CRLF, UTF-8), its bytes as they are, or either with a unique-id. It ends with CRLF, added where it is missing. */
export type Pop3MessageInput = string | Uint8Array | { content: string | Uint8Array; uid?: string | undefined };

/** Messages that are made when they are asked for. */
export interface Pop3Generated extends GeneratedMail {
  /** The unique-id of the n-th. Default: `gen-1`, `gen-2` … */
  uid?: ((number: number) => string) | undefined;
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
    return this.#given?.length ?? sizeOf(this.#plan, this.#number);
  }

  pieces(): Iterable<Buffer> {
    const given = this.#given;
    return given ? [given] : piecesOf(this.#plan, this.#number, true);
  }

  /** What the plan gives in place of a made one. */
  get #given(): Buffer | undefined {
    const { content } = this.#plan;
    return content && encoded(content(this.#number));
  }
}
