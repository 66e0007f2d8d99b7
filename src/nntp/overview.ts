/** One row of a newsgroup's overview (RFC 3977 §8). Bytes stay as they came until somebody asks for text. */
import { parseDate } from "../message/date.js";
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
  readonly #rest: string;
  readonly #format: OverviewFormat;
  readonly #line: string | undefined;

  /** `rest`: the fields behind the seventh, as they came. `line`: the whole row, where its bytes are wanted. */
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
    rest: string,
    format: OverviewFormat,
    line: string | undefined,
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
    this.#rest = rest;
    this.#format = format;
    this.#line = line;
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
    return this.rawReferences.match(/<[^<>\s]+>/g) ?? [];
  }

  /** Further fields, by the names of LIST OVERVIEW.FMT in lower case: `xref` → `news.example.org misc.test:3`. */
  get extra(): ReadonlyMap<string, string> {
    const extra = new Map<string, string>();
    if (this.#rest === "") return extra;
    for (const [i, field] of this.#rest.split("\t").entries()) {
      if (field === "") continue;
      // A field marked :full begins with its header's name, which is true where the format is not.
      const [, own, value] = /^([!-9;-~]+): ?(.*)$/s.exec(field) ?? [];
      const named = this.#format.names[i];
      const isFull = own !== undefined && (named === undefined || !named.startsWith(":"));
      const name = isFull ? own.toLowerCase() : (named ?? `field ${i + 8}`);
      extra.set(name, decodeWords(isFull ? (value as string) : field));
    }
    return extra;
  }

  /** The row's bytes without its line end; undefined unless `raw: true` was asked for. */
  get raw(): Buffer | undefined {
    return this.#line === undefined ? undefined : Buffer.from(this.#line, "latin1");
  }

  toJSON(): object {
    const { number, subject, from, date, rawDate, messageId, references, bytes, lines, broken } = this;
    const row = { number, subject, from, date: date?.toISOString() ?? null, rawDate, messageId, references };
    return { ...row, bytes, lines, ...Object.fromEntries(this.extra), ...(broken === undefined ? {} : { broken }) };
  }
}
