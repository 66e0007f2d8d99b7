/** What FETCH tells about one message. */
import type { Value } from "./cursor.js";
import type { BodyPart } from "./parse-body-structure.js";
import { parseInternalDate } from "./parse-date.js";
import type { Envelope } from "./parse-envelope.js";

const NO_BYTES: ReadonlyMap<string, Buffer> = new Map();
const NO_SIZES: ReadonlyMap<string, number> = new Map();
const NO_VALUES: ReadonlyMap<string, Value> = new Map();

/** One message, as far as it was asked for: what was not, or what the server left out, is undefined. */
export class FetchData {
  /** Its number in the mailbox; it changes when messages before it go. */
  readonly number: number;
  uid: number | undefined = undefined;
  flags: readonly string[] | undefined = undefined;
  /** As it was sent; see `internalDate`. */
  rawInternalDate: string | undefined = undefined;
  /** Octets of the message (RFC822.SIZE). */
  size: number | undefined = undefined;
  /** Grows with each change of the message's flags (RFC 7162). A bigint only beyond 2^53-1. */
  modseq: number | bigint | undefined = undefined;
  envelope: Envelope | undefined = undefined;
  bodyStructure: BodyPart | undefined = undefined;
  /**
   * Sections: `BODY[1.2]` is `1.2`, `BODY[]` and `RFC822` are "", `BODY[TEXT]<100>` is `TEXT<100>`, `RFC822.HEADER` is
   * `HEADER`; in upper case. A section that the message does not have (NIL) is missing.
   */
  body: ReadonlyMap<string, Buffer> = NO_BYTES;
  /** Sections without their transfer encoding (BINARY, RFC 3516). */
  binary: ReadonlyMap<string, Buffer> = NO_BYTES;
  /** Octets of sections without their transfer encoding (BINARY.SIZE). */
  binarySizes: ReadonlyMap<string, number> = NO_SIZES;
  /** Octets of the sections that were given to somebody else as they came. */
  streamed: ReadonlyMap<string, number> = NO_SIZES;
  /** The beginning of the text (RFC 8970); undefined also where the server has none. */
  preview: string | undefined = undefined;
  /** See `saveDate`. */
  rawSaveDate: string | undefined = undefined;
  /** The same for all copies of a message (RFC 8474). */
  emailId: string | undefined = undefined;
  threadId: string | undefined = undefined;
  /** Of Gmail alone: X-GM-MSGID and X-GM-THRID, decimal numbers of 64 bits. */
  gmailMessageId: string | undefined = undefined;
  gmailThreadId: string | undefined = undefined;
  gmailLabels: readonly string[] | undefined = undefined;
  /** What polywire does not know, by its name in upper case. */
  other: ReadonlyMap<string, Value> = NO_VALUES;
  /** What is wrong with the answer, where something is: the rest of it is given all the same. */
  broken: string | undefined = undefined;

  #told = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** @internal The kinds of items it tells of. */
  get told(): number {
    return this.#told;
  }

  /** @internal It tells of an item of this kind. */
  tells(kind: number): void {
    this.#told |= kind;
  }

  /** @internal Takes over what another response tells of the same message, as far as it is not known here. */
  absorb(other: FetchData): void {
    this.uid ??= other.uid;
    this.flags ??= other.flags;
    this.rawInternalDate ??= other.rawInternalDate;
    this.size ??= other.size;
    this.modseq ??= other.modseq;
    this.envelope ??= other.envelope;
    this.bodyStructure ??= other.bodyStructure;
    this.preview ??= other.preview;
    this.rawSaveDate ??= other.rawSaveDate;
    this.emailId ??= other.emailId;
    this.threadId ??= other.threadId;
    this.gmailMessageId ??= other.gmailMessageId;
    this.gmailThreadId ??= other.gmailThreadId;
    this.gmailLabels ??= other.gmailLabels;
    this.broken ??= other.broken;
    this.body = both(other.body, this.body);
    this.binary = both(other.binary, this.binary);
    this.binarySizes = both(other.binarySizes, this.binarySizes);
    this.streamed = both(other.streamed, this.streamed);
    this.other = both(other.other, this.other);
    this.#told |= other.told;
  }

  /** When the message came into the mailbox, or what it was given as that; undefined where it is no date. */
  get internalDate(): Date | undefined {
    return this.rawInternalDate === undefined ? undefined : parseInternalDate(this.rawInternalDate);
  }

  /** When it was put into this mailbox (RFC 8514). */
  get saveDate(): Date | undefined {
    return this.rawSaveDate === undefined ? undefined : parseInternalDate(this.rawSaveDate);
  }
}

function both<T>(first: ReadonlyMap<string, T>, second: ReadonlyMap<string, T>): ReadonlyMap<string, T> {
  if (first.size === 0) return second;
  return second.size === 0 ? first : new Map([...first, ...second]);
}
