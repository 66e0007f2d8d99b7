/** The answer to OVER and XOVER (RFC 3977 §8.3): bytes → rows, however they were cut. No I/O. */
import { LineRows } from "../wire/line-rows.js";
import { Overview, type OverviewFormat } from "./overview.js";

const TAB = 9;
const CR = 13;
const ZERO = 48;

/** The format before LIST OVERVIEW.FMT was asked: no field behind the seventh has a name but its own. */
export const NO_FORMAT: OverviewFormat = { names: [] };

/** Reads overview rows. Rows that break the format are given, marked `broken`. */
export class OverParser extends LineRows<Overview> {
  readonly #format: OverviewFormat;

  constructor(limit: number, format: OverviewFormat = NO_FORMAT) {
    super(limit);
    this.#format = format;
  }

  protected override read(text: string, rows: Overview[]): void {
    for (let at = 0; at < text.length; ) {
      const lf = text.indexOf("\n", at);
      const end = lf > at && text.charCodeAt(lf - 1) === CR ? lf - 1 : lf;
      if (end > at) rows.push(this.#row(text, at, end));
      at = lf + 1;
    }
  }

  #row(text: string, start: number, end: number): Overview {
    const line = text.slice(start, end);
    let at = start;
    let number = 0;
    let c = text.charCodeAt(at);
    for (; c >= ZERO && c <= ZERO + 9; c = text.charCodeAt(++at)) number = number * 10 + (c - ZERO);
    if (at === start || at >= end || c !== TAB || number > Number.MAX_SAFE_INTEGER) return this.#broken(line);
    const subject = next(text, at + 1, end);
    const from = next(text, subject + 1, end);
    const date = next(text, from + 1, end);
    const id = next(text, date + 1, end);
    const references = next(text, id + 1, end);
    const bytes = next(text, references + 1, end);
    const lines = next(text, bytes + 1, end);
    return new Overview(
      number,
      text.slice(at + 1, subject),
      text.slice(subject + 1, from),
      text.slice(from + 1, date),
      text.slice(date + 1, id),
      text.slice(id + 1, references),
      count(text, references + 1, bytes),
      count(text, bytes + 1, lines),
      id > date + 1 ? undefined : "it has no message-id",
      lines < end ? text.slice(lines + 1, end) : "",
      this.#format,
      line,
    );
  }

  /** A row without a number: what fields it has are given as they stand. */
  #broken(line: string): Overview {
    const [, subject = "", from = "", date = "", id = "", references = "", bytes = "", lines = "", ...rest] =
      line.split("\t");
    const why = "it does not begin with an article number";
    const format = this.#format;
    const counts = [count(bytes, 0, bytes.length), count(lines, 0, lines.length)] as const;
    return new Overview(0, subject, from, date, id, references, ...counts, why, rest.join("\t"), format, line);
  }
}

/** Where the field that begins at `from` ends: its TAB, or the end of the row. */
function next(text: string, from: number, end: number): number {
  if (from >= end) return end;
  const tab = text.indexOf("\t", from);
  return tab === -1 || tab > end ? end : tab;
}

/** A count, which may be missing. */
function count(text: string, start: number, end: number): number | undefined {
  if (start >= end) return undefined;
  let value = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - ZERO;
    if (digit < 0 || digit > 9) return undefined;
    value = value * 10 + digit;
  }
  return value <= Number.MAX_SAFE_INTEGER ? value : undefined;
}
