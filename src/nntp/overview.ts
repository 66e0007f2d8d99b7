/** One row of a newsgroup's overview (RFC 3977 §8). Bytes stay as they came until somebody asks for text. */
import { parseDate } from "../message/date.js";
import { messageIds } from "../message/message-id.js";
import { decodeWords } from "../message/words.js";

/** What the fields behind the seventh are called: by LIST OVERVIEW.FMT, in lower case, without colons. */
export interface OverviewFormat {
  readonly names: readonly string[];
}

/** A format that is filled in when the server has told it: rows that are read later know it. */
export interface LearnedFormat extends OverviewFormat {
  names: readonly string[];
  asked: boolean;
}

/**
 * A row of the overview. The raw fields hold one character per byte (latin1), as the server sent them; `subject`,
 * `from`, `date`, `references` and `extra` are decoded when they are read.
 */
export class Overview {
  /** The article's number in its group; 0 where the server gave none (by message-id, or a broken row). */
  readonly number: number;
  readonly rawSubject: string;
  readonly rawFrom: string;
  readonly rawDate: string;
  /** `<…>`, as sent. */
  readonly messageId: string;
  readonly rawReferences: string;
  /** Octets of the article as the server counts them (`:bytes`). */
  readonly bytes: number | undefined;
  /** Lines of the body (`:lines`). */
  readonly lines: number | undefined;
  /** What is wrong with the row, where something is: it is delivered as far as it could be read. */
  readonly broken: string | undefined;
  /** The whole row as sent, without its line end. */
  readonly rawLine: string;
  /** The fields behind the seventh as sent, with their TABs; see `extra`. */
  readonly rawExtra: string;
  readonly #format: OverviewFormat;

  constructor(
    number: number,
    rawSubject: string,
    rawFrom: string,
    rawDate: string,
    messageId: string,
    rawReferences: string,
    bytes: number | undefined,
    lines: number | undefined,
    broken: string | undefined,
    rawExtra: string,
    format: OverviewFormat,
    rawLine: string,
  ) {
    this.number = number;
    this.rawSubject = rawSubject;
    this.rawFrom = rawFrom;
    this.rawDate = rawDate;
    this.messageId = messageId;
    this.rawReferences = rawReferences;
    this.bytes = bytes;
    this.lines = lines;
    this.broken = broken;
    this.rawExtra = rawExtra;
    this.#format = format;
    this.rawLine = rawLine;
  }

  /** Subject as text: RFC 2047 words decoded, bare 8-bit octets read as UTF-8, else windows-1252. */
  get subject(): string {
    return decodeWords(this.rawSubject);
  }

  /** From as text. */
  get from(): string {
    return decodeWords(this.rawFrom);
  }

  /** Date; undefined where it is none. `rawDate` has what was sent. */
  get date(): Date | undefined {
    return parseDate(this.rawDate);
  }

  /** The message-ids of References, the oldest first. */
  get references(): string[] {
    return this.rawReferences === "" ? [] : messageIds(this.rawReferences);
  }

  /** Further fields, by the names of LIST OVERVIEW.FMT in lower case: `xref` → `news.example.org misc.test:3`. */
  get extra(): ReadonlyMap<string, string> {
    const extra = new Map<string, string>();
    if (this.rawExtra === "") return extra;
    for (const [i, field] of this.rawExtra.split("\t").entries()) {
      if (field === "") continue;
      // A field marked :full begins with its header's name, which is true where the format is not.
      const [, own, value] = /^([!-9;-~]+): ?(.*)$/s.exec(field) ?? [];
      const named = this.#format.names[i];
      const isFull = own !== undefined && !this.#isMetadata(i);
      const name = isFull ? own.toLowerCase() : (named ?? `field ${i + 8}`);
      extra.set(name, decodeWords(isFull ? (value as string) : field));
    }
    return extra;
  }

  /** True where a field behind the seventh may have no name of its own: by the format, from 0. */
  #isMetadata(index: number): boolean {
    return this.#format.names[index]?.startsWith(":") ?? false;
  }

  /** True where, by the format, every field behind the seventh carries its name. */
  get extraIsFull(): boolean {
    const { names } = this.#format;
    for (let i = 0; i < names.length; i++) if (this.#isMetadata(i)) return false;
    return true;
  }

  /** The row's bytes, without its line end. */
  get raw(): Buffer {
    return Buffer.from(this.rawLine, "latin1");
  }

  toJSON(): object {
    const { number, subject, from, date, rawDate, messageId, references, bytes, lines, broken } = this;
    const row = { number, subject, from, date: date?.toISOString() ?? null, rawDate, messageId, references };
    return { ...row, bytes, lines, ...Object.fromEntries(this.extra), ...(broken === undefined ? {} : { broken }) };
  }
}
