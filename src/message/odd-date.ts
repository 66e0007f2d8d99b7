/** Dates that are not in the usual form: taken apart into words, each tried against a table of forms. Pure. */
import { monthAt, utcTime } from "./calendar.js";

/** Longer values are no dates. */
const LIMIT = 256;

/** What the words have told so far; NaN: nothing yet. */
class Found {
  year = Number.NaN;
  month = Number.NaN;
  day = Number.NaN;
  hour = Number.NaN;
  minute = 0;
  second = 0;
  /** The fraction of a second. */
  milliseconds = 0;
  /** Minutes east of UTC by number, which wins over a name beside it. */
  offset = Number.NaN;
  /** The first zone's name. */
  zone = "";
  /** True behind "DST": one hour more than the zone's name says. */
  isSummer = false;

  time(): number {
    const named = (ZONES.get(this.zone) ?? 0) + (this.isSummer ? 60 : 0);
    const east = Number.isNaN(this.offset) ? named : this.offset;
    const hour = Number.isNaN(this.hour) ? 0 : this.hour;
    const utc = utcTime(this.year, this.month, this.day, hour, this.minute, this.second);
    return utc + this.milliseconds - east * 60_000;
  }
}

/** Hours east of UTC. Every other name, the military letters among them, counts as UTC (RFC 5322 section 4.3). */
const HOURS_EAST = `HST -10 AKST -9 AKDT -8 PST -8 PDT -7 MST -7 MDT -6 CST -6 CDT -5 EST -5 EDT -4 AST -4 ADT -3
  NST -3.5 NDT -2.5 WEST 1 BST 1 CET 1 MET 1 MEZ 1 CEST 2 MEST 2 MESZ 2 EET 2 EEST 3 MSK 3
  JST 9 KST 9 AEST 10 AEDT 11 NZST 12 NZDT 13`;
const ZONES = new Map<string, number>();
for (const [, name, hours] of HOURS_EAST.matchAll(/([A-Z]+) (\S+)/g)) ZONES.set(name!, Number(hours) * 60);

const MONTH = /^(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)/i;

type Take = (found: Found, ...groups: (string | undefined)[]) => boolean;

/** The forms a word may have, and what takes its groups; the first that fits decides. False: it cannot be a date. */
const FORMS: readonly (readonly [form: RegExp, take: Take])[] = [
  [/^(?:sun|mon|tue|wed|thu|fri|sat)[a-z]*\.?$/i, () => true],
  [/^(\d\d?)[:.](\d\d?)(?:[:.](\d\d?)(?:[.,](\d+))?)?$/, takeTime],
  [/^(?:GMT|UTC?)?([+-])(\d\d?):?(\d\d)?$/i, takeOffset],
  [/^[+-]/, () => true], // a zone that is none: UTC
  [/^(\d{4})([-/]?)(\d\d)\2(\d\d)$/, (found, year, _, month, day) => takeDate(found, year!, Number(month), day!)],
  [/^(\d\d?)[-/.]?([a-z]{3,9})\.?[-/]?(\d{2,4})$/i, (found, d, name, y) => takeDate(found, y!, monthAt(name!, 0), d!)],
  [/^(\d{1,4})$/, (found, number) => takeNumber(found, number!)],
  [/^(am|pm)$/i, (found, half) => takeHalf(found, half!)],
  [/^dst$/i, (found) => (found.isSummer = true)],
  [/^([^\d]+)$/, (found, name) => takeName(found, name!)],
];

/**
 * Milliseconds since 1970; NaN where the text names no moment. Words without a digit that mean nothing are passed over,
 * such as a zone's full name; one with a digit that fits no form makes it no date.
 */
export function parseOddDate(raw: string): number {
  if (raw.length > LIMIT) return Number.NaN;
  const found = new Found();
  return words(raw).every((word) => takeWord(found, word)) ? found.time() : Number.NaN;
}

function takeWord(found: Found, word: string): boolean {
  for (const [form, take] of FORMS) {
    const match = form.exec(word);
    if (match !== null) return take(found, ...match.slice(1));
  }
  return false;
}

/** The words outside of comments; a time is parted from the date (ISO 8601) and from the zone that it is glued to. */
function words(raw: string): string[] {
  return withoutComments(raw)
    .replace(/(\d)T(?=\d)/i, "$1 ")
    .replace(/([:.]\d\d?(?:[.,]\d+)?)(?=[a-z+-])/i, "$1 ")
    .split(/[\s,]+/)
    .filter((word) => word !== "");
}

/** Comments nest (RFC 5322 section 3.2.2); one that is not closed goes on to the end. */
function withoutComments(raw: string): string {
  if (!raw.includes("(")) return raw;
  let text = "";
  let depth = 0;
  for (let at = 0; at < raw.length; at++) {
    const c = raw[at]!;
    if (c === "\\" && depth > 0) at++;
    else if (c === "(") depth++;
    else if (c === ")" && depth > 0) {
      depth--;
      text += " ";
    } else if (depth === 0) text += c;
  }
  return text;
}

function takeTime(found: Found, hour?: string, minute?: string, second = "0", fraction = ""): boolean {
  if (!Number.isNaN(found.hour)) return false;
  found.hour = Number(hour);
  found.minute = Number(minute);
  found.second = Number(second);
  found.milliseconds = Number(fraction.padEnd(3, "0").slice(0, 3));
  return true;
}

function takeHalf(found: Found, half: string): boolean {
  const isAfternoon = half.toLowerCase() === "pm";
  if (isAfternoon && found.hour < 12) found.hour += 12;
  if (!isAfternoon && found.hour === 12) found.hour = 0;
  return true;
}

/** The first number is the zone, unless it is out of range. */
function takeOffset(found: Found, sign?: string, hours?: string, minutes = "0"): boolean {
  const east = Number(hours) * 60 + Number(minutes);
  if (Number.isNaN(found.offset) && Number(minutes) < 60) found.offset = sign === "-" ? -east : east;
  return true;
}

function takeDate(found: Found, year: string, month: number, day: string): boolean {
  if (!Number.isNaN(found.month) || !Number.isNaN(found.day)) return false;
  found.month = month;
  found.day = Number(day);
  return takeYear(found, year);
}

/** Three and four digits are a year; one or two the day first, the year behind it. */
function takeNumber(found: Found, number: string): boolean {
  if (number.length > 2 || !Number.isNaN(found.day)) return takeYear(found, number);
  found.day = Number(number);
  return true;
}

/** Years of two and three digits as RFC 5322 section 4.3 reads them. */
function takeYear(found: Found, digits: string): boolean {
  if (!Number.isNaN(found.year) || digits.length < 2) return false;
  const year = Number(digits);
  found.year = digits.length === 4 ? year : year + (digits.length === 2 && year < 50 ? 2000 : 1900);
  return true;
}

function takeName(found: Found, name: string): boolean {
  if (Number.isNaN(found.month) && MONTH.test(name)) found.month = monthAt(name, 0);
  else if (found.zone === "") found.zone = name.toUpperCase();
  return true;
}
