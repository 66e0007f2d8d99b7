/** Parts of binary posts → files, complete or not, and the NZB file that lists them. Pure. */
import type { Nzb } from "../../message/nzb.js";
import { type PartSubject, parsePartSubject } from "./part-subject.js";
import { type HeaderRecord, recordTime } from "./records.js";

/** An article that holds a part. */
export interface FilePart {
  /** From 1. */
  readonly number: number;
  /** Of the article; 0 where it is not known. */
  readonly bytes: number;
  /** `<…>`, as sent. */
  readonly messageId: string;
}

/** A file that was posted in parts. */
export interface PostedFile {
  /** As the subject has it: check it before it becomes a path. */
  readonly name: string;
  /** Of the first part that is there. */
  readonly subject: string;
  readonly poster: string;
  /** How many parts the file has. */
  readonly total: number;
  /** How many of them are there. */
  readonly have: number;
  readonly complete: boolean;
  /** By number, each number once. */
  readonly segments: readonly FilePart[];
  readonly groups: readonly string[];
  /** When its first part was posted; undefined where no part has a date. */
  readonly date: Date | undefined;
  /** Part 0: an article that describes the file. */
  readonly description: HeaderRecord | undefined;
}

/** What was found. */
export interface CollectedParts {
  /** In the order in which their first parts came. */
  readonly files: PostedFile[];
  /** Articles that are no part of a file. */
  readonly rest: HeaderRecord[];
}

/**
 * Puts the parts of files together by poster, subject and number of parts. Where a part is there twice, the larger article
 * counts, or else the first one.
 *
 * @param records Rows of `NntpClient.over` or of `readRecords`, in any order.
 *
 * @example
 * const { files } = collectParts(await nntp.over([1000]).toArray());
 * await writeFile("found.nzb", formatNzb(toNzb(files.filter((file) => file.complete))));
 */
export function collectParts(records: Iterable<HeaderRecord>): CollectedParts {
  const collector = new PartCollector();
  for (const record of records) collector.add(record);
  return collector.result();
}

/** As {@link collectParts}, for records that come one after the other. */
export class PartCollector {
  readonly #files = new Map<string, OpenFile>();
  readonly #rest: HeaderRecord[] = [];

  add(record: HeaderRecord): void {
    const { subject, from } = record;
    const said = parsePartSubject(subject);
    if (said === undefined) {
      this.#rest.push(record);
      return;
    }
    // A subject is one line: no other pair of poster and key gives the same text.
    const key = `${from.trim()}\n${said.key}`;
    let file = this.#files.get(key);
    if (file === undefined) this.#files.set(key, (file = new OpenFile(said, from)));
    file.add(said.part, record, subject);
  }

  /** What was found so far. */
  result(): CollectedParts {
    const all = [...this.#files.values()];
    const described = all.filter((file) => file.have === 0).flatMap((file) => file.description ?? []);
    const files = all.filter((file) => file.have > 0).map((file) => file.result());
    return { files, rest: [...this.#rest, ...described] };
  }
}

/** A file whose parts are still coming. Of their records no more is kept than is needed. */
class OpenFile {
  description: HeaderRecord | undefined;
  readonly #said: PartSubject;
  readonly #poster: string;
  readonly #parts = new Map<number, FilePart>();
  readonly #groups = new Set<string>();
  /** The subject of the part with the lowest number so far. */
  #first = { number: Number.POSITIVE_INFINITY, subject: "" };
  #time = Number.POSITIVE_INFINITY;

  constructor(said: PartSubject, poster: string) {
    this.#said = said;
    this.#poster = poster;
  }

  get have(): number {
    return this.#parts.size;
  }

  add(number: number, record: HeaderRecord, subject: string): void {
    if (record.group !== undefined) this.#groups.add(record.group);
    if (number === 0) {
      this.description ??= record;
      return;
    }
    const { bytes = 0, messageId } = record;
    const known = this.#parts.get(number);
    if (known === undefined || bytes > known.bytes) this.#parts.set(number, { number, bytes, messageId });
    if (number < this.#first.number) this.#first = { number, subject };
    const time = recordTime(record);
    if (time < this.#time) this.#time = time;
  }

  result(): PostedFile {
    const { name, total } = this.#said;
    const segments = [...this.#parts.values()].sort((a, b) => a.number - b.number);
    return {
      name,
      subject: this.#first.subject,
      poster: this.#poster,
      total,
      have: segments.length,
      complete: segments.length === total,
      segments,
      groups: [...this.#groups],
      date: Number.isFinite(this.#time) ? new Date(this.#time) : undefined,
      description: this.description,
    };
  }
}

/** What an NZB file says besides its files. */
export interface ToNzbOptions {
  /** `title`, `password`, `tag`, `category` … Default: nothing. */
  meta?: Readonly<Record<string, string>> | undefined;
  /** For files whose records say no group. Default: none. */
  groups?: readonly string[] | undefined;
}

/** Files as an NZB list, for `formatNzb`. Incomplete files are listed, too: filter them where they are not wanted. */
export function toNzb(files: readonly PostedFile[], options: ToNzbOptions = {}): Nzb {
  return {
    meta: { ...options.meta },
    files: files.map(({ poster, date, subject, groups, segments }) => ({
      poster,
      ...(date === undefined ? {} : { date }),
      subject,
      groups: [...(groups.length > 0 ? groups : (options.groups ?? []))],
      segments: segments.map((segment) => ({ ...segment })),
    })),
  };
}
