/** Dates of listings: the forms servers write, and the year they leave out. Pure. */
import { monthOf, utcTime } from "../wire/calendar.js";
import type { DatePrecision } from "./entry.js";
import { type TimeZone, timeZone } from "./time-zone.js";

const DAY = 86_400_000;

/** Milliseconds since 1970 and how exactly. */
export interface ListDate {
  time: number;
  precision: DatePrecision;
}

/** Years of two digits: 70 to 99 are of the last century. */
export function fullYear(year: number): number {
  return year >= 100 ? year : year + (year < 70 ? 2000 : 1900);
}

/** The server's clock on the wall: turns the times it writes into moments, and guesses the years it leaves out. */
export class WallClock {
  private readonly zone: TimeZone;
  /** Wall time of now plus one day: nothing listed without a year is later. */
  private readonly latest: number;
  private readonly year: number;

  /**
   * @param zone An IANA name such as `Europe/Berlin`, or an offset such as `+02:00`. Default: UTC.
   * @param now The moment of the listing. Default: now.
   * @throws RangeError when there is no such time zone.
   */
  constructor(zone = "UTC", now: Date = new Date()) {
    this.zone = timeZone(zone);
    this.latest = now.getTime() + this.zone.offsetAt(now.getTime()) + DAY;
    this.year = new Date(this.latest).getUTCFullYear();
  }

  /** The moment the clock on the wall shows this; NaN when there is no such date. */
  time(year: number, month: number, day: number, hour = 0, minute = 0, second = 0): number {
    const wall = utcTime(year, month, day, hour, minute, second);
    return Number.isNaN(wall) ? wall : wall - this.zone.offsetAtWall(wall);
  }

  /** The last such moment that is not more than one day in the future; NaN when there is no such date. */
  recent(month: number, day: number, hour: number, minute: number, second = 0): number {
    // February 29 is at most 8 years back.
    for (let year = this.year; year >= this.year - 8; year--) {
      const wall = utcTime(year, month, day, hour, minute, second);
      if (wall <= this.latest) return wall - this.zone.offsetAtWall(wall);
    }
    return Number.NaN;
  }

  /** Reads `Jan`, `18`, and `21:31`, `21:31:05` or `2026`. */
  monthDay(month: string, day: string, timeOrYear: string): ListDate | undefined {
    if (month.length !== 3 || !/^\d{1,2}$/.test(day)) return undefined;
    const monthNumber = monthOf(month.charCodeAt(0), month.charCodeAt(1), month.charCodeAt(2));
    if (/^\d{4}$/.test(timeOrYear)) return found(this.time(Number(timeOrYear), monthNumber, Number(day)), "day");
    const clock = readTime(timeOrYear);
    if (clock === undefined) return undefined;
    return found(this.recent(monthNumber, Number(day), clock.hour, clock.minute, clock.second ?? 0), clock.precision);
  }

  /**
   * Reads a date of three numbers, such as `01-18-26`, `18.01.2026` or `2026/01/18`, and a time such as `09:31PM`. The
   * order is day first with dots, year first when the first number says so, else month first unless it is above 12.
   */
  numeric(date: string, time?: string): ListDate | undefined {
    const numbers = /^(\d{1,4})([-/.])(\d{1,2})\2(\d{1,4})$/.exec(date);
    if (numbers === null) return undefined;
    const first = Number(numbers[1]);
    const second = Number(numbers[3]);
    const last = Number(numbers[4]);
    let [year, month, day] = [last, first, second];
    if (first > 31) [year, month, day] = [first, second, last];
    else if (numbers[2] === "." || first > 12) [month, day] = [second, first];
    return this.withTime(fullYear(year), month, day, time);
  }

  /** Reads `18-JAN-2026` and a time. */
  dayMonthYear(date: string, time?: string): ListDate | undefined {
    const parts = /^(\d{1,2})-([A-Za-z]{3})-(\d{4})$/.exec(date);
    if (parts === null) return undefined;
    const name = parts[2]!;
    const month = monthOf(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2));
    return this.withTime(Number(parts[3]), month, Number(parts[1]), time);
  }

  private withTime(year: number, month: number, day: number, time: string | undefined): ListDate | undefined {
    if (time === undefined) return found(this.time(year, month, day), "day");
    const clock = readTime(time);
    if (clock === undefined) return undefined;
    return found(this.time(year, month, day, clock.hour, clock.minute, clock.second ?? 0), clock.precision);
  }
}

function found(time: number, precision: DatePrecision): ListDate | undefined {
  return Number.isNaN(time) ? undefined : { time, precision };
}

/** Reads `21:31`, `21:31:05`, `21.31.05`, `21:31:05.25`, `09:31PM`, `09:31 pm`. */
function readTime(text: string) {
  const parts = /^(\d{1,2})[:.](\d{2})(?:[:.](\d{2}))?(?:\.\d+)? ?([AaPp][Mm]?)?$/.exec(text);
  if (parts === null) return undefined;
  const half = parts[4]?.charAt(0).toLowerCase();
  const hour = half === undefined ? Number(parts[1]) : (Number(parts[1]) % 12) + (half === "p" ? 12 : 0);
  const second = parts[3] === undefined ? undefined : Number(parts[3]);
  const precision: DatePrecision = second === undefined ? "minute" : "second";
  return { hour, minute: Number(parts[2]), second, precision };
}
