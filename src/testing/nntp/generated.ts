/** Articles computed from their numbers alone: a newsgroup of any size that takes no memory. Pure. */
import { Article, overviewRow } from "./article.js";
import { type Holes, patch, RowBlock, scanHoles } from "./row-block.js";
import { type DateHeads, dateHeads } from "./times.js";

/** A group whose articles are computed when they are asked for. */
export interface GenerateOptions {
  /** How many article numbers: 10 000 000 are as cheap as 10. */
  generate: number;
  /** The first number. Default: 1. */
  low?: number;
  /** Another seed, other subjects, authors and threads. Default: 1. */
  seed?: number;
  /** The share of articles that answer another one, from 0 to 1. Default: 0.7. */
  replies?: number;
  /** The share of subjects and authors written as RFC 2047 words. Default: 0. */
  encoded?: number;
  /** The share of subjects and authors in raw 8-bit, half UTF-8, half windows-1252. Default: 0. */
  eightBit?: number;
  /** The share of dates in forms that RFC 5322 forbids or calls obsolete, and of some that are no dates. Default: 0. */
  oddDates?: number;
  /** The share of numbers that have no article. Default: 0. */
  gaps?: number;
  /** The date of the first article; 1000 follow in each hour. Default: 2020-01-01. */
  begins?: Date;
}

/** Articles that share all but the leading digits of their numbers: what one block of rows holds. */
export const BLOCK = 1000;

const HOUR = 3_600_000;
const TOPICS = "kernel panic,release notes,compiler bug,garden,coffee machine,moon landing,sourdough,tape drive".split(
  ",",
);
const VERBS = ["Question about", "Problem with", "Announcing", "How to fix the", "Thoughts on", "Anyone using a"];
const FIRST = "Ada,Björn,Chloé,Dmitri,Edsger,Frances,Grace,Håkon,Ines,Jürgen,Katherine,Linus".split(",");
const LAST = "Lovelace,Åkesson,Dubois,Petrov,Meyer,Allen,Hopper,Núñez,Vogel,Johnson".split(",");

/** What article `index` of a block is like, whatever the block. */
interface Plan {
  /** Index of the article it answers. */
  parent: number | undefined;
  depth: number;
  topic: string;
  author: string;
  script: "ascii" | "encoded" | "utf8" | "cp1252";
  oddDate: number | undefined;
  lines: number;
}

/** What differs from block to block: the leading digits, and the hour. */
interface Stamp extends DateHeads {
  prefix: string;
}

export class Generated {
  readonly low: number;
  readonly high: number;
  readonly #group: string;
  readonly #host: string;
  readonly #extra: readonly string[];
  readonly #options: Required<GenerateOptions>;
  readonly #plans: ReadonlyArray<Plan | undefined>;
  readonly #present: number[];
  readonly #blocks = new Map<number, RowBlock>();

  constructor(group: string, host: string, extra: readonly string[], options: GenerateOptions) {
    const begins = options.begins ?? new Date("2020-01-01T00:00:00Z");
    const shares = { replies: 0.7, encoded: 0, eightBit: 0, oddDates: 0, gaps: 0 };
    this.#options = { low: 1, seed: 1, ...shares, ...options, begins };
    this.#group = group;
    this.#host = host;
    this.#extra = extra;
    this.low = this.#options.low;
    this.high = this.low + options.generate - 1;
    this.#plans = planBlock(this.#options);
    this.#present = [0];
    for (const plan of this.#plans) this.#present.push((this.#present.at(-1) ?? 0) + (plan ? 1 : 0));
  }

  has(number: number): boolean {
    return number >= this.low && number <= this.high && this.#plans[number % BLOCK] !== undefined;
  }

  /** How many articles there are from one number to another. */
  count(from: number, to: number): number {
    const first = Math.max(from, this.low);
    const last = Math.min(to, this.high);
    return last < first ? 0 : this.#below(last + 1) - this.#below(first);
  }

  /** When an article came, in milliseconds since 1970. */
  arrived(number: number): number {
    const hour = Math.floor(number / BLOCK) - Math.floor(this.low / BLOCK);
    return this.#options.begins.getTime() + hour * HOUR + (number % BLOCK) * 3600;
  }

  /** The first number that came at this time or later. */
  since(time: number): number {
    const hours = Math.floor((time - this.#options.begins.getTime()) / HOUR);
    let number = Math.max(this.low, (Math.floor(this.low / BLOCK) + hours) * BLOCK);
    while (number <= this.high && this.arrived(number) < time) number += 1;
    return number;
  }

  messageId(number: number): string {
    return `<${number}.${this.#options.seed}@${this.#group}.example>`;
  }

  /** The number in a message-id of this group, whether there is such an article or not. */
  numberOf(messageId: string): number | undefined {
    const number = Number(/^<(\d{1,16})\./.exec(messageId)?.[1]);
    return Number.isSafeInteger(number) && this.messageId(number) === messageId ? number : undefined;
  }

  /** The article, without Xref. */
  article(number: number): Article | undefined {
    const plan = this.has(number) ? this.#plans[number % BLOCK] : undefined;
    return plan && this.#write(number % BLOCK, plan, this.#stamp(Math.floor(number / BLOCK)));
  }

  /** Xref's value for an article of this group alone. */
  xref(number: string | number): string {
    return `${this.#host} ${this.#group}:${number}`;
  }

  /**
   * Rows of numbers that all lie in one block, as one piece. It is good until the next piece is asked for: it is a part
   * of a buffer in which only digits change from block to block. That is how millions of rows a second are made.
   */
  *rows(from: number, to: number): Iterable<Buffer> {
    const prefix = Math.floor(from / BLOCK);
    const block = this.#block(`${prefix}`.length);
    const copy = block.borrow();
    try {
      const stamp = this.#stamp(prefix);
      for (const name of ["prefix", "full", "noDay", "shortYear"] as const)
        patch(copy, block.holes[name], stamp[name], name);
      const end = block.starts[(to % BLOCK) + 1] as number;
      yield copy.bytes.subarray(block.starts[from % BLOCK], end);
    } finally {
      block.giveBack(copy);
    }
  }

  #below(number: number): number {
    const all = this.#present[BLOCK] as number;
    return Math.floor(number / BLOCK) * all + (this.#present[number % BLOCK] as number);
  }

  #stamp(prefix: number): Stamp {
    const hour = prefix - Math.floor(this.low / BLOCK);
    const heads = dateHeads(new Date(this.#options.begins.getTime() + hour * HOUR));
    return { ...heads, prefix: prefix === 0 ? "" : `${prefix}` };
  }

  /** All rows of a block with holes where its stamp goes, for prefixes of so many digits. */
  #block(digits: number): RowBlock {
    let block = this.#blocks.get(digits);
    if (!block) this.#blocks.set(digits, (block = this.#template(digits)));
    return block;
  }

  #template(digits: number): RowBlock {
    // Holes are marked with control characters, as long as what will fill them.
    const { full, noDay, shortYear } = dateHeads(new Date(0));
    const marks = { prefix: "\x01".repeat(digits), full, noDay, shortYear };
    marks.full = "\x02".repeat(full.length);
    marks.noDay = "\x03".repeat(noDay.length);
    marks.shortYear = "\x04".repeat(shortYear.length);
    const starts = new Uint32Array(BLOCK + 1);
    let text = "";
    for (let index = 0; index < BLOCK; index++) {
      starts[index] = text.length;
      const plan = this.#plans[index];
      if (!plan) continue;
      const number = numberText(marks.prefix, index);
      const article = this.#write(index, plan, marks).with("Xref", this.xref(number));
      text += `${overviewRow(number, article, this.#extra)}\r\n`;
    }
    starts[BLOCK] = text.length;
    const bytes = Buffer.from(text, "latin1");
    const holes: Holes = {
      prefix: scanHoles(bytes, 1),
      full: scanHoles(bytes, 2),
      noDay: scanHoles(bytes, 3),
      shortYear: scanHoles(bytes, 4),
    };
    return new RowBlock(bytes, starts, holes);
  }

  #write(index: number, plan: Plan, stamp: Stamp): Article {
    const id = (at: number) => `<${numberText(stamp.prefix, at)}.${this.#options.seed}@${this.#group}.example>`;
    const references: string[] = [];
    for (let at = plan.parent; at !== undefined; at = this.#plans[at]?.parent) references.unshift(id(at));
    const thread = numberText(stamp.prefix, rootOf(this.#plans, index));
    const subject = written(`${plan.depth > 0 ? "Re: " : ""}${plan.topic}`, plan.script);
    const head = [
      `Path: ${this.#host}!not-for-mail`,
      `From: ${written(plan.author, plan.script)} <user${index % 97}@example.org>`,
      `Newsgroups: ${this.#group}`,
      `Subject: ${subject} #${thread}`,
      `Date: ${dateText(index, plan, stamp)}`,
      `Message-ID: ${id(index)}`,
    ];
    if (references.length > 0) head.push(`References: ${references.join(" ")}`);
    const body = `On ${plan.topic}:\r\n${`Line of article ${numberText(stamp.prefix, index)}.\r\n`.repeat(plan.lines - 1)}`;
    return new Article(`${head.join("\r\n")}\r\n`, Buffer.from(body, "utf8").toString("latin1"));
  }
}

function numberText(prefix: string, index: number): string {
  return prefix === "" ? `${index}` : `${prefix}${`${index}`.padStart(3, "0")}`;
}

function rootOf(plans: ReadonlyArray<Plan | undefined>, index: number): number {
  let root = index;
  for (let at: number | undefined = index; at !== undefined; at = plans[at]?.parent) root = at;
  return root;
}

/** Decides what the articles of a block are like; the same seed decides the same. */
function planBlock(options: Required<GenerateOptions>): Array<Plan | undefined> {
  const random = randomOf(options.seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const plans: Array<Plan | undefined> = [];
  for (let index = 0; index < BLOCK; index++) {
    // The same draws for every article, so that a share changed leaves the rest as it is.
    const draw = { gap: random(), reply: random(), back: random(), script: random(), date: random() };
    const lines = 2 + Math.floor(random() * 60);
    const fresh = { topic: `${pick(VERBS)} ${pick(TOPICS)}`, author: `${pick(FIRST)} ${pick(LAST)}` };
    const above = index - 1 - Math.floor(draw.back * 40);
    const parent = draw.reply < options.replies ? plans[above] : undefined;
    const answers = parent && parent.depth < 6 ? above : undefined;
    plans[index] =
      draw.gap < options.gaps
        ? undefined
        : {
            ...fresh,
            topic: (answers === undefined ? undefined : parent?.topic) ?? fresh.topic,
            parent: answers,
            depth: answers === undefined ? 0 : (parent?.depth ?? 0) + 1,
            script: scriptOf(draw.script, options),
            oddDate: draw.date < options.oddDates ? index : undefined,
            lines,
          };
  }
  return plans;
}

function scriptOf(draw: number, { encoded, eightBit }: Required<GenerateOptions>): Plan["script"] {
  if (draw < encoded) return "encoded";
  if (draw < encoded + eightBit) return draw < encoded + eightBit / 2 ? "utf8" : "cp1252";
  return "ascii";
}

/** A text in the bytes that an article carries. */
function written(text: string, script: Plan["script"]): string {
  if (script === "ascii") return text.normalize("NFD").replace(/[^\0-\x7f]/g, "");
  const accented = `${text} \u00e9\u00fc`;
  if (script === "cp1252") return accented; // these characters are the same in latin1
  const bytes = Buffer.from(accented, "utf8");
  return script === "utf8" ? bytes.toString("latin1") : `=?UTF-8?B?${bytes.toString("base64")}?=`;
}

function dateText(index: number, plan: Plan, stamp: Stamp): string {
  const seconds = Math.floor(index * 3.6);
  const minute = `${Math.floor(seconds / 60)}`.padStart(2, "0");
  const second = `${seconds % 60}`.padStart(2, "0");
  if (plan.oddDate === undefined) return `${stamp.full}:${minute}:${second} +0000`;
  const odd = [
    `${stamp.shortYear}.${minute}.${second} MET`,
    `${stamp.noDay}:${minute} GMT`,
    `${stamp.full}:${minute}:${second} EST (odd)`,
    `${stamp.shortYear}:${minute}:${second} +0100`,
    "yesterday at noon",
  ];
  return odd[plan.oddDate % odd.length] as string;
}

/** Random numbers from 0 to 1 that a seed repeats (mulberry32's recurrence). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
