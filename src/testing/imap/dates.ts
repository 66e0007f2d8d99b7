/** Dates as IMAP has them (RFC 9051 9, date-time and date), and those of message headers (RFC 5322 3.3). Pure. */
import type { Input } from "./input.js";
import { bad } from "./reply.js";

const MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"];
const NAMES = MONTHS.map((name) => `${name[0]}${name.slice(1).toLowerCase()}`);
const DATE_TIME = /"( \d|\d\d)-([A-Za-z]{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)"/y;
const DATE = /"(\d\d?)-([A-Za-z]{3})-(\d{4})"|(\d\d?)-([A-Za-z]{3})-(\d{4})/y;

/** `"17-Jul-1996 02:44:25 +0000"`. */
export function internalDate(date: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${String(date.getUTCDate()).padStart(2)}-${NAMES[date.getUTCMonth()]}-${date.getUTCFullYear()}`;
  const time = [date.getUTCHours(), date.getUTCMinutes(), date.getUTCSeconds()].map(two).join(":");
  return `"${day} ${time} +0000"`;
}

/** Reads a date with a time. */
export function dateTime(input: Input): Date {
  const found = input.take(DATE_TIME);
  if (!found) return bad("A date with a time was due");
  const [, day, month = "", year, hour, minute, second, sign, zoneHours, zoneMinutes] = found;
  const at = MONTHS.indexOf(month.toUpperCase());
  const zone = (Number(zoneHours) * 60 + Number(zoneMinutes)) * (sign === "-" ? -1 : 1);
  const date = new Date(Date.UTC(Number(year), at, Number(day), Number(hour), Number(minute) - zone, Number(second)));
  if (at === -1 || Number(day) < 1 || Number(day) > 31 || Number(hour) > 23 || Number(minute) > 59) bad("No such date");
  return date;
}

/** Reads a date; gives its day. */
export function day(input: Input): number {
  const found = input.take(DATE);
  if (!found) return bad("A date was due");
  const at = MONTHS.indexOf((found[2] ?? found[5] ?? "").toUpperCase());
  const number = Number(found[1] ?? found[4]);
  if (at === -1 || number < 1 || number > 31) bad("No such date");
  return dayOf(new Date(Date.UTC(Number(found[3] ?? found[6]), at, number)));
}

/** Days since 1970. */
export function dayOf(date: Date): number {
  return Math.floor(date.getTime() / 86_400_000);
}

const HEADER_DATE =
  /(\d{1,2})\s+([A-Za-z]{3})[a-z]*\s+(\d{2,4})(?:\s+(\d{1,2}):(\d{2})(?::(\d{2}))?)?\s*(?:([+-])(\d{2})(\d{2}))?/;

/** The date of a header, with the day it names (whatever its zone). */
export function headerDate(value: string | undefined): { time: Date; day: number } | undefined {
  const found = HEADER_DATE.exec(value ?? "");
  if (!found) return undefined;
  const [, date, month = "", years = "", hour = "0", minute = "0", second = "0", sign, zoneHours, zoneMinutes] = found;
  const at = MONTHS.indexOf(month.toUpperCase());
  if (at === -1) return undefined;
  const year = years.length > 3 ? Number(years) : Number(years) + (Number(years) < 50 ? 2000 : 1900); // RFC 5322 4.3
  const zone = (Number(zoneHours ?? 0) * 60 + Number(zoneMinutes ?? 0)) * (sign === "-" ? -1 : 1);
  const local = Date.UTC(year, at, Number(date), Number(hour), Number(minute), Number(second));
  return { time: new Date(local - zone * 60_000), day: Math.floor(local / 86_400_000) };
}
