/** Months and moments as the dates of messages have them. Pure. */
import { utcTime as moment, monthOf } from "../wire/calendar.js";

/** Milliseconds since 1970 of a date and time in UTC; NaN where there is none, and before 1900. */
export function utcTime(
  year: number,
  month: number,
  day: number,
  hour: number,
  minute: number,
  second: number,
): number {
  return year >= 1900 ? moment(year, month, day, hour, minute, second) : Number.NaN;
}

/** 1 to 12 for the first three letters of an English month in any case; 0 for all else. */
export function monthAt(text: string, at: number): number {
  return monthOf(text.charCodeAt(at), text.charCodeAt(at + 1), text.charCodeAt(at + 2));
}
