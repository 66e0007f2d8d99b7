/** Articles computed from their numbers alone: a newsgroup of any size that takes no memory. Pure. */
import { type Filled, filled } from "../server-options.js";
import { Article, overviewRow } from "./article.js";
import {
  BLOCK,
  dateText,
  type GenerateOptions,
  numberText,
  type Plan,
  planBlock,
  rootOf,
  type Stamp,
  written,
} from "./plans.js";
import { HOLE_KINDS, type Holes, patch, RowBlock, scanHoles } from "./row-block.js";
import { dateHeads } from "./times.js";

const HOUR = 3_600_000;
const YEAR_10000 = Date.UTC(10_000, 0);

export class Generated {
  readonly low: number;
  readonly high: number;
  readonly #group: string;
  readonly #host: string;
  readonly #extra: readonly string[];
  readonly #options: Filled<GenerateOptions>;
  readonly #plans: ReadonlyArray<Plan | undefined>;
  readonly #present: number[];
  readonly #blocks = new Map<number, RowBlock>();

  constructor(group: string, host: string, extra: readonly string[], options: GenerateOptions) {
    const { generate } = options;
    const begins = new Date("2020-01-01T00:00:00Z");
    const shares = { replies: 0.7, encoded: 0, eightBit: 0, oddDates: 0, gaps: 0 };
    this.#options = filled({ generate, low: 1, seed: 1, ...shares, begins }, options);
    this.#group = group;
    this.#host = host;
    this.#extra = extra;
    this.low = this.#options.low;
    this.high = this.low + options.generate - 1;
    if (!Number.isSafeInteger(this.high) || !Number.isSafeInteger(this.low) || this.low < 1) {
      throw new Error(`NntpGroup: article numbers from ${this.low} to ${this.high}`);
    }
    if (!(this.arrived(this.high) < YEAR_10000)) throw new Error(`NntpGroup: ${group} goes on past the year 9999`);
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
      for (const kind of HOLE_KINDS) patch(copy, block.holes[kind], stamp[kind], kind);
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
    const marks: Stamp = {
      prefix: "\x01".repeat(digits),
      full: "\x02".repeat(full.length),
      noDay: "\x03".repeat(noDay.length),
      shortYear: "\x04".repeat(shortYear.length),
    };
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
