/** The times of IMAP (RFC 9051 §9, date-time): `"17-Jul-2026 02:44:25 +0200"` ⇄ moments. No I/O. */
import { UsageError } from "../client/errors.js";
import { monthOf, utcTime } from "../wire/calendar.js";

const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");
const TIME = /^ ?(\d{1,2})-(\w{3})-(\d{4}) (\d\d):(\d\d):(\d\d) ([+-])(\d\d)(\d\d)$/;

/** The moment; undefined where it is none. */
export function parseInternalDate(text: string): Date | undefined {
  const m = TIME.exec(text);
  if (m === null) return undefined;
  const [day, year, hour, minute, second, zoneHours, zoneMinutes] = [1, 3, 4, 5, 6, 8, 9].map((i) => Number(m[i]));
  const name = m[2] as string;
  const month = monthOf(name.charCodeAt(0), name.charCodeAt(1), name.charCodeAt(2));
  const time = utcTime(year!, month, day!, hour, minute, second);
  const zone = (zoneHours! * 60 + zoneMinutes!) * (m[7] === "-" ? -1 : 1);
  return Number.isNaN(time) ? undefined : new Date(time - zone * 60_000);
}

/** A moment as APPEND has it, in UTC: `17-Jul-2026 00:44:25 +0000`. Throws UsageError for what is none. */
export function formatInternalDate(date: Date): string {
  return `${formatDay(date).padStart(11, " ")} ${date.toISOString().slice(11, 19)} +0000`;
}

/** A day as SEARCH has it, in UTC: `7-Jul-2026`. Throws UsageError for an invalid Date and for years beyond four digits. */
export function formatDay(date: Date): string {
  const year = date instanceof Date ? date.getUTCFullYear() : Number.NaN;
  if (!(year >= 1601 && year <= 9999)) {
    throw new UsageError("a date of the years 1601 to 9999 is wanted", { protocol: "imap" });
  }
  return `${date.getUTCDate()}-${MONTHS[date.getUTCMonth()]}-${year}`;
}
