/** Times as FTP writes them: YYYYMMDDHHMMSS[.sss], always UTC (RFC 3659 2.3), and the dates of LIST. Pure. */

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const HALF_A_YEAR = 182 * 86_400_000;
const two = (value: number) => (value < 10 ? `0${value}` : String(value));

/** Milliseconds since 1970 → `20260131235959`. */
export function encodeTime(time: number): string {
  const date = new Date(time);
  const day = `${String(date.getUTCFullYear()).padStart(4, "0")}${two(date.getUTCMonth() + 1)}${two(date.getUTCDate())}`;
  return `${day}${two(date.getUTCHours())}${two(date.getUTCMinutes())}${two(date.getUTCSeconds())}`;
}

/** `20260131235959[.123]` → milliseconds since 1970; undefined when it is no time. */
export function parseTime(text: string): number | undefined {
  const match = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,3})\d*)?$/.exec(text);
  if (!match) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const time = Date.UTC(year, month - 1, day, hour, minute, second, Number((match[7] ?? "0").padEnd(3, "0")));
  return encodeTime(time) === text.slice(0, 14) ? time : undefined; // no 31st of February
}

/** `Jan 31 23:59`, or `Jan 31  2020` when it is more than half a year away. */
export function unixListTime(time: number, now: number): string {
  const date = new Date(time);
  const day = `${MONTHS[date.getUTCMonth()]} ${String(date.getUTCDate()).padStart(2)}`;
  if (Math.abs(now - time) > HALF_A_YEAR) return `${day}  ${date.getUTCFullYear()}`;
  return `${day} ${two(date.getUTCHours())}:${two(date.getUTCMinutes())}`;
}

/** `01-31-26  11:59PM`. */
export function dosListTime(time: number): string {
  const date = new Date(time);
  const hour = date.getUTCHours();
  const day = `${two(date.getUTCMonth() + 1)}-${two(date.getUTCDate())}-${two(date.getUTCFullYear() % 100)}`;
  return `${day}  ${two(hour % 12 || 12)}:${two(date.getUTCMinutes())}${hour < 12 ? "AM" : "PM"}`;
}
