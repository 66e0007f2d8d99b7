/** The dates of `ls -l` rows, read from bytes in place. Pure. */

import { monthOf, utcTime } from "../../wire/calendar.js";
import type { DatePrecision } from "../entry.js";
import type { WallClock } from "../list-date.js";

export const BLANK = 0x20;
const COLON = 0x3a;
const DASH = 0x2d;
const DOT = 0x2e;
const PLUS = 0x2b;

/** Reads one date and keeps what it found until the next: no object per row. */
export class UnixDate {
  /** Milliseconds since 1970; NaN when the row has the form of a date but there is no such day. */
  time = Number.NaN;
  precision: DatePrecision = "minute";
  /** Where the name begins: behind the one blank after the date. */
  nameAt = 0;

  private at = 0;
  private hour = 0;
  private minute = 0;
  private second = 0;
  private end = 0;

  constructor(private readonly clock: WallClock) {}

  /**
   * Whether a date and, after one blank, a name begin with the word from `from` to `to`:
   * `Jan 18 21:31`, `Jan 18  2026`, `Jan 18 21:31:05 2026`, `18 Jan 21:31`, `18 Jan 2026`, `2026-01-18 21:31`,
   * `2026-01-18 21:31:05.123 +0100`.
   */
  read(bytes: Buffer, from: number, to: number, end: number): boolean {
    this.end = end;
    this.at = to;
    const length = to - from;
    if (length === 3) return this.readMonthFirst(bytes, monthOf(bytes[from]!, bytes[from + 1]!, bytes[from + 2]!));
    if (length === 10) return bytes[from + 4] === DASH && bytes[from + 7] === DASH && this.readIso(bytes, from);
    return length <= 2 && isDigit(bytes[from]!) && this.readDayFirst(bytes, from);
  }

  private readMonthFirst(bytes: Buffer, month: number): boolean {
    if (month === 0) return false;
    this.skipBlanks(bytes);
    const start = this.at;
    const day = this.readNumber(bytes);
    if (this.at - start > 2 || this.at === start || bytes[this.at] !== BLANK) return false;
    return this.readTimeOrYear(bytes, month, day);
  }

  private readDayFirst(bytes: Buffer, from: number): boolean {
    this.at = from;
    const day = this.readNumber(bytes);
    if (bytes[this.at] !== BLANK) return false;
    this.skipBlanks(bytes);
    const month = monthOf(bytes[this.at]!, bytes[this.at + 1]!, bytes[this.at + 2]!);
    this.at += 3;
    return month > 0 && bytes[this.at] === BLANK && this.readTimeOrYear(bytes, month, day);
  }

  private readTimeOrYear(bytes: Buffer, month: number, day: number): boolean {
    this.skipBlanks(bytes);
    const start = this.at;
    const year = this.readNumber(bytes);
    if (bytes[this.at] === BLANK) {
      this.time = this.clock.time(year, month, day);
      this.precision = "day";
      return this.at - start === 4 && this.nameFollows(bytes);
    }
    this.at = start;
    if (!this.readTime(bytes)) return false;
    const yearAfter = this.precision === "second" ? this.readYearAfter(bytes) : 0;
    this.time =
      yearAfter > 0
        ? this.clock.time(yearAfter, month, day, this.hour, this.minute, this.second)
        : this.clock.recent(month, day, this.hour, this.minute, this.second);
    return this.nameFollows(bytes);
  }

  /** The year of `ls -lT`, which writes it after the seconds. */
  private readYearAfter(bytes: Buffer): number {
    const back = this.at;
    if (bytes[this.at] === BLANK) {
      this.at++;
      const year = this.readNumber(bytes);
      if (this.at - back === 5 && bytes[this.at] === BLANK && this.at < this.end - 1) return year;
    }
    this.at = back;
    return 0;
  }

  private readIso(bytes: Buffer, from: number): boolean {
    this.at = from;
    const year = this.readNumber(bytes);
    this.at = from + 5;
    const month = this.readNumber(bytes);
    this.at = from + 8;
    const day = this.readNumber(bytes);
    if (this.at !== from + 10 || bytes[this.at] !== BLANK) return false;
    this.skipBlanks(bytes);
    if (!this.readTime(bytes)) return false;
    const zone = this.precision === "second" ? this.readZone(bytes) : Number.NaN;
    this.time = Number.isNaN(zone)
      ? this.clock.time(year, month, day, this.hour, this.minute, this.second)
      : utcTime(year, month, day, this.hour, this.minute, this.second) - zone;
    return this.nameFollows(bytes);
  }

  /** Milliseconds of ` +0100`, which `ls --full-time` writes after the seconds; NaN without. */
  private readZone(bytes: Buffer): number {
    const sign = bytes[this.at + 1];
    if (bytes[this.at] !== BLANK || (sign !== PLUS && sign !== DASH)) return Number.NaN;
    const back = this.at;
    this.at += 2;
    const zone = this.readNumber(bytes);
    if (this.at - back === 6 && bytes[this.at] === BLANK && this.at < this.end - 1) {
      const minutes = Math.floor(zone / 100) * 60 + (zone % 100);
      return (sign === DASH ? -minutes : minutes) * 60_000;
    }
    this.at = back;
    return Number.NaN;
  }

  /** `21:31`, `21:31:05` or `21:31:05.123456789`, whose fraction is dropped. */
  private readTime(bytes: Buffer): boolean {
    const start = this.at;
    this.hour = this.readNumber(bytes);
    if (this.at - start > 2 || this.at === start || bytes[this.at] !== COLON) return false;
    this.at++;
    this.minute = this.readNumber(bytes);
    this.second = 0;
    this.precision = "minute";
    if (bytes[this.at] !== COLON) return true;
    this.at++;
    this.second = this.readNumber(bytes);
    this.precision = "second";
    if (bytes[this.at] !== DOT) return true;
    this.at++;
    this.readNumber(bytes);
    return true;
  }

  private readNumber(bytes: Buffer): number {
    let value = 0;
    let at = this.at;
    for (; at < this.end && isDigit(bytes[at]!); at++) value = value * 10 + (bytes[at]! - 0x30);
    this.at = at;
    return value;
  }

  private skipBlanks(bytes: Buffer): void {
    while (this.at < this.end && bytes[this.at] === BLANK) this.at++;
  }

  private nameFollows(bytes: Buffer): boolean {
    this.nameAt = this.at + 1;
    return bytes[this.at] === BLANK && this.nameAt < this.end;
  }
}

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
