/** The news that every seeded server has: groups and articles made by arithmetic, so that a test can tell what article 73,110 says. */
import { AUTHORS, type Dated, ODD_DATES, SUBJECTS, usualDate, type Worded } from "./news-headers.js";

/** Stands for the content of all articles; a change of what is made needs a new number. */
export const SEED_VERSION = 1;

/** The name INN puts into Path and Xref. */
export const PATH_HOST = "inn.example";

export interface SeedGroup {
  readonly name: string;
  /** y: posts welcome, m: moderated, n: no posts. */
  readonly status: "y" | "m" | "n";
  /** latin1: a character per byte, as the server has it. */
  readonly description: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** Articles fed; they have the numbers 1 to `count`. GROUP counts those that were cancelled, too. */
  readonly count: number;
  /** The numbers that were cancelled. */
  readonly cancelled: readonly number[];
}

const group = (name: string, count: number, more: Partial<SeedGroup> = {}): SeedGroup => ({
  name: `polywire.${name}`,
  status: "y",
  description: `Test articles: ${count}`,
  created: 1_577_836_800, // 2020-01-01
  count,
  cancelled: [],
  ...more,
});

const utf8 = (text: string): string => Buffer.from(text).toString("latin1");
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

export const GROUPS: readonly SeedGroup[] = [
  group("big", 100_000, { cancelled: [3, 4, 5, 9_999, 10_000, 50_505, 99_990, 99_998] }),
  group("small", 500, { cancelled: [7, 77, 177, 277, 377, 477, 499, 500] }),
  /** Articles 50, 100, … 500 of polywire.small, under the numbers 1 to 10; the last is cancelled with it. */
  group("cross", 10, { cancelled: [10] }),
  group("moderated", 20, { status: "m", description: "Approved articles only (Moderated)" }),
  group("closed", 5, { status: "n" }),
  group("c++", 5),
  group("cancelled", 20, { cancelled: upTo(20) }),
  group("umlaut", 10, { description: utf8("Grüße, 日本語 und Ähnliches") }),
  group("latin", 1, { description: "Gr\xfc\xdfe in latin1" }),
  group("empty", 0, { description: "Nothing here" }),
  /** For posts: empty, too. */
  group("test", 0, { created: 1_609_459_200 }), // 2021-01-01
];

const BY_NAME = new Map(GROUPS.map((each) => [each.name, each]));

export interface SeedArticle {
  readonly number: number;
  readonly id: string;
  /** As it was fed: CRLF line ends, not dot-stuffed. */
  readonly bytes: Buffer;
  /** As INN gives it back: it puts itself into Path, and Xref behind the headers. */
  readonly served: Buffer;
  /** The line INN has for it in OVER, without the CRLF: latin1, a character per byte. */
  readonly overview: string;
  /** As a reader should see it. */
  readonly subject: string;
  readonly from: string;
  /** Undefined where the article's date is open to more than one reading, or to none. */
  readonly date: Date | undefined;
  readonly references: readonly string[];
}

/** Article `number` of a seeded group. The same for everybody and always. */
export function articleOf(groupName: string, number: number): SeedArticle {
  const { count } = BY_NAME.get(groupName) ?? { count: 0 };
  if (!(number >= 1 && number <= count)) throw new RangeError(`${groupName} has no article ${number}`);
  if (groupName === "polywire.cross") {
    const article = articleOf("polywire.small", number * CROSS);
    return { ...article, number, overview: article.overview.replace(/^\d+/, String(number)) };
  }
  return new Writer(groupName, number).write();
}

/** All articles of all groups once, in the order they are fed. */
export function* allArticles(): Generator<SeedArticle> {
  for (const { name, count } of GROUPS) {
    if (name === "polywire.cross") continue;
    for (let number = 1; number <= count; number++) yield articleOf(name, number);
  }
}

/** Every so many articles of polywire.small one is in polywire.cross, too. */
const CROSS = 50;

export const idOf = (groupName: string, number: number): string => `<${number}.${groupName}@seed.example>`;

/** Articles in a thread: the first begins it, each other answers one before it. */
const THREAD = 10;
/** Article 1 is of 2020-01-01, and the next one five minutes later. */
const START = Date.UTC(2020, 0, 1, 0, 0, 17);
const WORDS = "the news of today is that nothing new was said by anybody about any of this since yesterday".split(" ");

/** Makes one article, by numbers drawn from its group and number. */
class Writer {
  readonly #group: string;
  readonly #number: number;
  readonly #moderated: boolean;
  #state: number;

  constructor(groupName: string, number: number) {
    this.#group = groupName;
    this.#number = number;
    this.#moderated = BY_NAME.get(groupName)?.status === "m";
    this.#state = Math.imul(number, 0x9e3779b1) ^ Math.imul(groupName.length, 0x85ebca6b);
  }

  write(): SeedArticle {
    const [id, subject, from, date] = [idOf(this.#group, this.#number), this.#subject(), this.#from(), this.#date()];
    const references = this.#references();
    const lines = this.#body();
    const body = lines.map((line) => `${line}\r\n`).join("");
    const path = "feeder.example!not-for-mail";
    const headers = [
      `From: ${from.raw}\r\nNewsgroups: ${this.#newsgroups()}\r\nSubject: ${subject.raw}\r\n`,
      `Date: ${date.raw}\r\nMessage-ID: ${id}\r\n`,
      references.length ? `References: ${references.join("\r\n ")}\r\n` : "",
      this.#moderated ? "Approved: moderator@polywire.example\r\n" : "",
      this.#draw(2) ? "" : "Organization: Seeded News, Inc.\r\nMime-Version: 1.0\r\n",
    ].join("");
    const served = `Path: ${PATH_HOST}!${path}\r\n${headers}${this.#xref()}\r\n\r\n${body}`;
    const size = served.length + (body.startsWith(".") ? 1 : 0); // innd counts the dot that stuffs a body's first one
    return {
      number: this.#number,
      id,
      bytes: Buffer.from(`Path: ${path}\r\n${headers}\r\n${body}`, "latin1"),
      served: Buffer.from(served, "latin1"),
      overview: [
        ...[this.#number, subject.raw, from.raw, date.raw, id, references.join(" "), size, lines.length],
        this.#xref(),
      ]
        .join("\t")
        .replaceAll("\r\n\t", " ")
        .replaceAll("\r\n", ""),
      subject: subject.text,
      from: from.text,
      date: date.date,
      references,
    };
  }

  /** 0 to `below` - 1 (Mulberry32). */
  #draw(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  }

  #crossed(): boolean {
    return this.#group === "polywire.small" && this.#number % CROSS === 0;
  }

  #newsgroups(): string {
    return this.#crossed() ? "polywire.small,polywire.cross" : this.#group;
  }

  #xref(): string {
    const cross = this.#crossed() ? ` polywire.cross:${this.#number / CROSS}` : "";
    return `Xref: ${PATH_HOST} ${this.#group}:${this.#number}${cross}`;
  }

  get #thread(): number {
    return Math.floor((this.#number - 1) / THREAD);
  }

  get #place(): number {
    return (this.#number - 1) % THREAD;
  }

  /** Every 25th thread is a file in ten parts, in place of a talk. */
  get #parts(): boolean {
    return this.#thread % 25 === 24;
  }

  #subject(): Worded {
    if (this.#parts) {
      const raw = `a file "file ${this.#thread}.bin" yEnc (${this.#place + 1}/${THREAD})`;
      return { raw, text: raw };
    }
    const { raw, text } = pick(SUBJECTS, this.#thread);
    const [begin, end] = [this.#place ? "Re: " : "", ` #${this.#thread}`];
    return { raw: begin + raw + end, text: begin + text + end };
  }

  #from(): Worded {
    return pick(AUTHORS, this.#parts ? 0 : this.#draw(1000));
  }

  #date(): Dated {
    const time = new Date(START + (this.#number - 1) * 300_000);
    const kind = this.#draw(100);
    if (kind < 60) return usualDate(time);
    if (kind < 70) return usualDate(time, "+0530", 330);
    if (kind < 80) return usualDate(time, "-0800", -480);
    return pick(ODD_DATES, this.#draw(1000))(time);
  }

  /** The way back to the beginning of the thread; every 5,000th article has 200 of them. */
  #references(): string[] {
    if (this.#number % 5000 === 0) return upTo(200).map((back) => idOf(this.#group, this.#number - 201 + back));
    if (this.#parts) return [];
    const way: string[] = [];
    const first = this.#number - this.#place;
    for (let place = this.#place; place > 0; ) {
      place = Math.floor((place * ((this.#thread % 4) + 1)) / 5);
      way.unshift(idOf(this.#group, first + place));
    }
    return way;
  }

  /** Lines without their ends. Most are words; some have what is hard to carry. */
  #body(): string[] {
    const words = upTo(1 + this.#draw(8)).map(() => this.#line());
    if (this.#number % 97 === 0) return [".", "..", ".hidden", "...", ...words, "."];
    if (this.#number % 101 === 0) return [];
    if (this.#number % 103 === 0) return ["x".repeat(998), ...words, `.${"y".repeat(996)}`];
    if (this.#number % 107 === 0) return ["Gr\xfc\xdfe in latin1", utf8("und in UTF-8: Grüße, 日本語"), ...words];
    if (this.#number % 109 === 0) return ["", "  blanks around  ", "\ttabs\t", "", "=?not?Q?a_word?=", ""];
    return words;
  }

  #line(): string {
    return upTo(2 + this.#draw(10))
      .map(() => pick(WORDS, this.#draw(1000)))
      .join(" ");
  }
}

function pick<T>(items: readonly T[], index: number): T {
  return items[index % items.length] as T;
}
