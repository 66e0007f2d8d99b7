/** Dates of the wild → moments: the usual form of RFC 5322 by character codes, all others by their words. Pure. */
import { UsageError } from "../client/errors.js";
import { monthAt, utcTime } from "./calendar.js";
import { parseOddDate } from "./odd-date.js";

const BLANK = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
const PLUS = 0x2b;
const MINUS = 0x2d;
const PARENTHESIS = 0x28;

/**
 * The moment a Date header names: RFC 5322 with its obsolete forms, and what newsreaders made of them. Zones by name
 * (GMT, EST, MET, CEST, …) and `GMT+2`, years of two digits (00 to 49 are of this century) and of three (126 is 2026),
 * `12.34.56`, no weekday, no seconds, comments, asctime, RFC 850, ISO 8601. A missing or unknown zone counts as UTC
 * (RFC 5322 section 4.3), second 60 as the next minute. The weekday is not compared.
 *
 * @param raw The header's value.
 * @returns Nothing where it names no moment: February 30 and 25 o'clock do not exist, years are 1900 to 9999. Never
 *   throws.
 */
export function parseDate(raw: string): Date | undefined {
  let time = usualTime(raw);
  if (Number.isNaN(time)) time = parseOddDate(raw);
  return Number.isNaN(time) ? undefined : new Date(time);
}

/** `Tue, 3 Feb 2026 10:11:12 +0100` as milliseconds since 1970; NaN for every other form and for impossible dates. */
function usualTime(raw: string): number {
  let at = raw.charCodeAt(3) === COMMA && raw.charCodeAt(4) === BLANK ? 5 : 0;
  const isShort = raw.charCodeAt(at + 1) === BLANK;
  const day = isShort ? digit(raw, at) : twoDigits(raw, at);
  at += isShort ? 1 : 2;
  const blanks = raw.charCodeAt(at) === BLANK && raw.charCodeAt(at + 4) === BLANK && raw.charCodeAt(at + 9) === BLANK;
  const colons = raw.charCodeAt(at + 12) === COLON && raw.charCodeAt(at + 15) === COLON;
  if (!blanks || !colons || raw.charCodeAt(at + 18) !== BLANK) return Number.NaN;
  const year = twoDigits(raw, at + 5) * 100 + twoDigits(raw, at + 7);
  const hour = twoDigits(raw, at + 10);
  const time = utcTime(year, monthAt(raw, at + 1), day, hour, twoDigits(raw, at + 13), twoDigits(raw, at + 16));
  return time - usualZone(raw, at + 19) * 60_000;
}

/** Minutes east of UTC of `+0100` or `GMT`, at the end or before a comment; NaN for all else. */
function usualZone(raw: string, at: number): number {
  const sign = raw.charCodeAt(at);
  if (sign === PLUS || sign === MINUS) {
    const minutes = twoDigits(raw, at + 3);
    if (minutes > 59 || !endsAt(raw, at + 5)) return Number.NaN;
    const offset = twoDigits(raw, at + 1) * 60 + minutes;
    return sign === PLUS ? offset : -offset;
  }
  return endsAt(raw, at + 3) && raw.startsWith("GMT", at) ? 0 : Number.NaN;
}

/** True at the end, and before one plain comment that ends there. */
function endsAt(raw: string, at: number): boolean {
  if (raw.length === at) return true;
  if (raw.charCodeAt(at) !== BLANK || raw.charCodeAt(at + 1) !== PARENTHESIS) return false;
  return raw.indexOf(")", at) === raw.length - 1;
}

/** NaN where there is no digit. */
function digit(raw: string, at: number): number {
  const value = raw.charCodeAt(at) - 0x30;
  return value >= 0 && value <= 9 ? value : Number.NaN;
}

/** NaN where there are no two digits. */
function twoDigits(raw: string, at: number): number {
  return digit(raw, at) * 10 + digit(raw, at + 1);
}

/**
 * A moment as a Date header has it (RFC 5322 section 3.3), in UTC: `Tue, 03 Feb 2026 09:11:12 +0000`. Throws UsageError
 * for an invalid Date and for years that are not 1900 to 9999.
 */
export function formatDate(date: Date): string {
  const year = date.getUTCFullYear();
  if (!(year >= 1900 && year <= 9999))
    throw new UsageError("a Date header needs a valid date of the years 1900 to 9999");
  return date.toUTCString().replace("GMT", "+0000");
}
