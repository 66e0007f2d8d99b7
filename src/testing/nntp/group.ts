/** One newsgroup: articles that were added, and articles computed from their numbers, under numbers that may change. */
import type { Some } from "../server-options.js";
import { type Article, type ArticleInput, overviewRow, type Stored, withXref } from "./article.js";
import type { Faults } from "./faults.js";
import { Generated } from "./generated.js";
import { BLOCK, type GenerateOptions } from "./plans.js";
import { PIECE } from "./reply.js";

/** A group as it begins. */
export interface GroupInput extends Some<GenerateOptions> {
  /** Articles, numbered from 1 on, or behind the generated ones. */
  articles?: ArticleInput[] | undefined;
  /** What LIST NEWSGROUPS says. Default: `"A group for tests"`. */
  description?: string | undefined;
  /** `y`: posting is allowed, `n`: it is not, `m`: moderated. Default: `"y"`. */
  status?: "y" | "n" | "m" | undefined;
  /** When it was made, for NEWGROUPS and LIST ACTIVE.TIMES. Default: 2020-01-01, or now for groups added later. */
  created?: Date | undefined;
  /** Who made it. Default: `"usenet@example.org"`. */
  creator?: string | undefined;
}

/** What a group must know of its server. */
export interface GroupContext {
  readonly host: string;
  readonly extra: readonly string[];
  readonly faults: Faults;
  /** Puts an article in groups, and gives its message-id. */
  post(article: ArticleInput, groups: string[]): string;
  /** Forgets an article that is in no group any more. */
  forget(stored: Stored): void;
}

export class NntpGroup {
  readonly name: string;
  readonly created: Date;
  readonly creator: string;
  description: string;
  status: "y" | "n" | "m";
  readonly #context: GroupContext;
  readonly #generated: Generated | undefined;
  /** What a generated article's number has been moved by. */
  #shift = 0;
  readonly #stored = new Map<number, Stored>();
  /** The numbers of stored articles, ascending. */
  #numbers: number[] = [];
  readonly #cancelled = new Set<number>();
  #low: number;
  #high: number;

  /** @internal */
  constructor(name: string, input: GroupInput, context: GroupContext, created: Date) {
    this.name = name;
    this.description = input.description ?? "A group for tests";
    this.status = input.status ?? "y";
    this.created = input.created ?? created;
    this.creator = input.creator ?? "usenet@example.org";
    this.#context = context;
    if (input.generate !== undefined) {
      this.#generated = new Generated(name, context.host, context.extra, { ...input, generate: input.generate });
    }
    this.#low = this.#generated?.low ?? input.low ?? 1;
    this.#high = this.#generated?.high ?? this.#low - 1;
  }

  /** The lowest number that may have an article. */
  get low(): number {
    return this.#low;
  }

  /** The highest number that ever had an article; below `low` in a group without articles. */
  get high(): number {
    return this.#high;
  }

  /** How many articles there are. */
  get count(): number {
    const generated = this.#generated?.count(this.#low - this.#shift, this.#high - this.#shift) ?? 0;
    return generated - this.#cancelled.size + this.#numbers.length;
  }

  /** Adds an article, here and in no other group; gives its number. */
  add(article: ArticleInput): number {
    this.#context.post(article, [this.name]);
    return this.#high;
  }

  /** Takes an article away. Numbers are not used again. */
  cancel(number: number): void {
    const stored = this.#stored.get(number);
    if (stored) {
      this.#stored.delete(number);
      this.#numbers = this.#numbers.filter((other) => other !== number);
      stored.places.delete(this.name);
      if (stored.places.size === 0) this.#context.forget(stored);
    } else if (this.#generated?.has(number - this.#shift) && number >= this.#low) this.#cancelled.add(number);
  }

  /** Takes away all articles below a number, which becomes the low water mark. */
  expire(below: number): void {
    for (const number of this.#numbers.filter((number) => number < below)) this.cancel(number);
    for (const number of this.#cancelled) if (number < below) this.#cancelled.delete(number);
    this.#low = Math.max(this.#low, below);
    this.#high = Math.max(this.#high, this.#low - 1);
  }

  /** The same articles in the same order from another number on, as after a server was set up anew. Default: 1. */
  renumber(first = 1): void {
    const move = first - this.#low;
    const stored = this.#numbers.map((number) => this.#stored.get(number) as Stored);
    const cancelled = [...this.#cancelled];
    this.#stored.clear();
    this.#cancelled.clear();
    this.#numbers = this.#numbers.map((number) => number + move);
    for (const [index, entry] of stored.entries()) {
      const number = this.#numbers[index] as number;
      this.#stored.set(number, entry);
      entry.places.set(this.name, number);
    }
    for (const number of cancelled) this.#cancelled.add(number + move);
    this.#shift += move;
    this.#low += move;
    this.#high += move;
  }

  /** The article of a number, with its Xref; undefined when there is none. */
  article(number: number): Article | undefined {
    if (number < this.#low || number > this.#high || this.#isLate(number)) return undefined;
    const stored = this.#stored.get(number);
    if (stored) return withXref(stored, this.#context.host);
    if (this.#cancelled.has(number)) return undefined;
    return this.#generated?.article(number - this.#shift)?.with("Xref", this.#generated.xref(number));
  }

  /** The message-id of a number, as cheap as can be. */
  messageId(number: number): string | undefined {
    if (!this.has(number)) return undefined;
    return this.#stored.get(number)?.article.messageId ?? this.#generated?.messageId(number - this.#shift);
  }

  has(number: number): boolean {
    if (number < this.#low || number > this.#high || this.#isLate(number)) return false;
    if (this.#stored.has(number)) return true;
    return !this.#cancelled.has(number) && (this.#generated?.has(number - this.#shift) ?? false);
  }

  /** The number of a generated article. @internal */
  numberOf(messageId: string): number | undefined {
    const index = this.#generated?.numberOf(messageId);
    return index !== undefined && this.has(index + this.#shift) ? index + this.#shift : undefined;
  }

  /** The numbers that have articles, ascending. */
  *numbers(from = this.#low, to = this.#high): Iterable<number> {
    const last = Math.min(to, this.#generatedHigh());
    for (let number = Math.max(from, this.#low); number <= last; number++) if (this.has(number)) yield number;
    for (let at = this.#firstStored(from); at < this.#numbers.length; at++) {
      const number = this.#numbers[at] as number;
      if (number > to) return;
      if (this.has(number)) yield number;
    }
  }

  /** The next number below that has an article. @internal */
  before(number: number): number | undefined {
    for (let at = Math.min(number, this.#high + 1) - 1; at >= this.#low; at--) if (this.has(at)) return at;
    return undefined;
  }

  /** The numbers of articles that came at this time (milliseconds) or later. @internal */
  *arrivedSince(time: number): Iterable<number> {
    const generated = this.#generated;
    if (generated) yield* this.numbers(generated.since(time) + this.#shift, this.#generatedHigh());
    for (const number of this.#numbers) {
      if (this.has(number) && (this.#stored.get(number) as Stored).arrived >= time) yield number;
    }
  }

  /** One overview row, without CRLF. */
  row(number: number): string | undefined {
    const article = this.article(number);
    return article && overviewRow(number, article, this.#context.extra);
  }

  /** The overview rows of a range, in pieces; a Buffer is good until the next piece is asked for. @internal */
  *rows(from: number, to: number): Iterable<Buffer | string> {
    let number = Math.max(from, this.#low);
    const last = Math.min(to, this.#high);
    while (number <= last) {
      const end = Math.min(last, number - (number % BLOCK) + BLOCK - 1);
      if (this.#isPlain(number, end)) yield* (this.#generated as Generated).rows(number, end);
      else yield* this.#slowRows(number, end);
      number = this.#afterGap(end + 1);
    }
  }

  /** @internal */
  put(stored: Stored): void {
    this.#high += 1;
    this.#stored.set(this.#high, stored);
    this.#numbers.push(this.#high);
    stored.places.set(this.name, this.#high);
  }

  *#slowRows(from: number, to: number): Iterable<string> {
    let piece = "";
    for (const number of this.numbers(from, to)) {
      piece += `${this.row(number)}\r\n`;
      if (piece.length < PIECE) continue;
      yield piece;
      piece = "";
    }
    if (piece !== "") yield piece;
  }

  /** Whether these numbers, all in one block, are generated articles and nothing has happened to any of them. */
  #isPlain(from: number, to: number): boolean {
    if (this.#shift !== 0 || from < BLOCK || to > (this.#generated?.high ?? 0)) return false;
    if (this.#context.faults.lateArticles) return false;
    if (this.#cancelled.size === 0) return true;
    for (let number = from; number <= to; number++) if (this.#cancelled.has(number)) return false;
    return true;
  }

  /** Behind the generated articles, where the next stored one may be far off. */
  #afterGap(number: number): number {
    if (number <= this.#generatedHigh()) return number;
    return this.#numbers[this.#firstStored(number)] ?? this.#high + 1;
  }

  #generatedHigh(): number {
    return this.#generated ? this.#generated.high + this.#shift : this.#low - 1;
  }

  /** The place in `#numbers` of the first number that is not below this one. */
  #firstStored(number: number): number {
    let low = 0;
    let high = this.#numbers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#numbers[middle] as number) < number) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #isLate(number: number): boolean {
    const late = this.#context.faults.lateArticles;
    if (!late) return false;
    return typeof late === "function" ? late(number, this.name) : late.includes(number);
  }
}
