/** Dates as news knows them: of DATE, NEWNEWS and NEWGROUPS, and of a Date header. Pure. */

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/** `20260203101112`, in UTC (RFC 3977 7.1). */
export function formatStamp(date: Date): string {
  return date.toISOString().slice(0, 19).replace(/[-T:]/g, "");
}

/**
 * `[yy]yymmdd` and `hhmmss` (RFC 3977 7.3.2) as milliseconds since 1970, or undefined when it is no time. A year of two
 * digits is the nearest one that is not in the future of `now`.
 */
export function parseStamp(date: string, time: string, now: Date): number | undefined {
  if (!/^(\d{6}|\d{8})$/.test(date) || !/^\d{6}$/.test(time)) return undefined;
  const century = Math.floor(now.getUTCFullYear() / 100);
  const short = Number(date.slice(0, 2)) > now.getUTCFullYear() % 100 ? century - 1 : century;
  const full = date.length === 8 ? date : `${short}${date}`;
  const iso = `${full.slice(0, 4)}-${full.slice(4, 6)}-${full.slice(6)}T${time.replace(/(..)(..)(..)/, "$1:$2:$3")}Z`;
  const at = Date.parse(iso);
  return Number.isNaN(at) ? undefined : at;
}

/** `Tue, 03 Feb 2026 10:11:12 +0000`. */
export function formatDate(date: Date): string {
  return `${dateHeads(date).full}${date.toISOString().slice(13, 19)} +0000`;
}

/** How the date of an hour begins, in each way that generated articles write dates. */
export interface DateHeads {
  /** `Tue, 03 Feb 2026 10` */
  full: string;
  /** `03 Feb 2026 10` */
  noDay: string;
  /** `03 Feb 26 10` */
  shortYear: string;
}

/** The beginnings of a date, up to its hour. Their lengths never change. */
export function dateHeads(date: Date): DateHeads {
  const iso = date.toISOString();
  const day = iso.slice(8, 10);
  const month = MONTHS[date.getUTCMonth()];
  const hour = iso.slice(11, 13);
  const noDay = `${day} ${month} ${iso.slice(0, 4)} ${hour}`;
  return {
    full: `${DAYS[date.getUTCDay()]}, ${noDay}`,
    noDay,
    shortYear: `${day} ${month} ${iso.slice(2, 4)} ${hour}`,
  };
}
