/** Dates in file names: `yyyyMMdd`, `yyyy-MM-dd'T'HHmmss` … text ⇄ the parts of a UTC date. Pure. */

/** A date read from a name, in UTC. Parts the format lacks: year 2000, month 1, day 1, the rest 0. */
export interface DateParts {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly millisecond: number;
  /** The same moment, UTC: a new Date each time. */
  readonly date: Date;
}

/** What a format can tell. */
export type DatePart = "year" | "month" | "day" | "hour" | "minute" | "second" | "millisecond";

/** A compiled date format. */
export interface DateFormat {
  /** RegExp source that matches the form, digit ranges included. */
  regexp: string;
  /** Its length, in UTF-16 units. */
  width: number;
  /** The tokens, in order: `["yyyy", "MM"]`. */
  tokens: readonly string[];
  /** The parts it reads or writes. */
  parts: ReadonlySet<DatePart>;
  /** The date in a text that matches `regexp`; undefined where the calendar has no such day. */
  read(text: string): DateParts | undefined;
  write(date: DateParts): string;
}

interface Token {
  regexp: string;
  parts: readonly DatePart[];
  write(date: DateParts): string;
}

const pad = (value: number, width: number) => String(value).padStart(width, "0");
const SIXTY = "[0-5]\\d";

const TOKENS: Readonly<Record<string, Token>> = {
  yyyy: { regexp: "\\d{4}", parts: ["year"], write: (d) => pad(d.year, 4) },
  yy: { regexp: "\\d{2}", parts: ["year"], write: (d) => pad(d.year % 100, 2) },
  MM: { regexp: "(?:0[1-9]|1[0-2])", parts: ["month"], write: (d) => pad(d.month, 2) },
  dd: { regexp: "(?:0[1-9]|[12]\\d|3[01])", parts: ["day"], write: (d) => pad(d.day, 2) },
  DDD: { regexp: "[0-3]\\d{2}", parts: ["month", "day"], write: (d) => pad(dayOfYear(d), 3) },
  HH: { regexp: "(?:[01]\\d|2[0-3])", parts: ["hour"], write: (d) => pad(d.hour, 2) },
  mm: { regexp: SIXTY, parts: ["minute"], write: (d) => pad(d.minute, 2) },
  ss: { regexp: SIXTY, parts: ["second"], write: (d) => pad(d.second, 2) },
  SSS: { regexp: "\\d{3}", parts: ["millisecond"], write: (d) => pad(d.millisecond, 3) },
};

/** The tokens, as an error lists them. */
export const DATE_TOKENS = Object.keys(TOKENS).join(" ");

type TokenStep = { token: string; at: number; width: number };
type Step = TokenStep | { text: string };

/**
 * Compiles a date format. Letters are tokens (`yyyy yy MM dd DDD HH mm ss SSS`) unless in quotes; `''` is a quote;
 * anything else stands for itself.
 *
 * @returns The format, or a sentence that says what is wrong with it.
 */
export function compileDateFormat(format: string): DateFormat | string {
  const steps = splitFormat(format);
  if (typeof steps === "string") return steps;
  const tokens = steps.flatMap((step) => ("token" in step ? [step.token] : []));
  if (tokens.length === 0) return `it holds none of ${DATE_TOKENS}`;
  if (tokens.includes("mm") && !tokens.includes("MM") && !tokens.includes("HH") && /[yd]/.test(tokens.join(""))) {
    return "mm are minutes; the month is MM";
  }
  return {
    regexp: steps.map((step) => ("token" in step ? TOKENS[step.token]!.regexp : escapeRegExp(step.text))).join(""),
    width: steps.reduce((sum, step) => sum + ("token" in step ? step.width : step.text.length), 0),
    tokens,
    parts: new Set(tokens.flatMap((token) => TOKENS[token]!.parts)),
    read: reader(steps),
    write: (date) => steps.map((step) => ("token" in step ? TOKENS[step.token]!.write(date) : step.text)).join(""),
  };
}

/** Why a format that can be written cannot be read without doubt; undefined where it can. */
export function whyUnreadable(format: DateFormat): string | undefined {
  const { tokens } = format;
  const twice = tokens.find((token, index) => tokens.indexOf(token) !== index);
  if (twice) return `${twice} stands twice`;
  if (tokens.includes("yyyy") && tokens.includes("yy")) return "yyyy and yy exclude each other";
  if (!tokens.includes("DDD")) return undefined;
  if (tokens.includes("MM") || tokens.includes("dd")) return "DDD (day of the year) excludes MM and dd";
  return format.parts.has("year") ? undefined : "DDD (day of the year) needs a year";
}

function splitFormat(format: string): Step[] | string {
  const steps: Step[] = [];
  let at = 0;
  for (const [piece, quoted, letter] of format.matchAll(/'((?:[^']|'')*)'|([A-Za-z])\2*|[\s\S]/g)) {
    if (letter !== undefined) {
      if (!Object.hasOwn(TOKENS, piece))
        return `"${piece}" is none of ${DATE_TOKENS}; quote letters that stand for themselves`;
      steps.push({ token: piece, at, width: piece.length });
      at += piece.length;
    } else {
      if (quoted === undefined && piece === "'") return "a quote is never closed";
      const text = quoted === undefined ? piece : quoted === "" ? "'" : quoted.replaceAll("''", "'");
      steps.push({ text });
      at += text.length;
    }
  }
  return steps;
}

function reader(steps: Step[]): (text: string) => DateParts | undefined {
  const at = (token: string) => steps.find((step): step is TokenStep => "token" in step && step.token === token)?.at;
  const [yyyy, yy, MM, dd, DDD] = [at("yyyy"), at("yy"), at("MM"), at("dd"), at("DDD")];
  const [HH, mm, ss, SSS] = [at("HH"), at("mm"), at("ss"), at("SSS")];
  return (text) => {
    let year = yyyy === undefined ? 2000 : digits(text, yyyy, 4);
    if (yy !== undefined) year = fullYear(digits(text, yy, 2));
    let month = MM === undefined ? 1 : digits(text, MM, 2);
    let day = dd === undefined ? 1 : digits(text, dd, 2);
    if (DDD !== undefined) {
      day = digits(text, DDD, 3);
      month = monthOfDay(year, day);
      if (month === 0) return undefined;
      day -= daysBefore(year, month);
    }
    if (day > daysInMonth(year, month)) return undefined;
    const hour = HH === undefined ? 0 : digits(text, HH, 2);
    const minute = mm === undefined ? 0 : digits(text, mm, 2);
    const second = ss === undefined ? 0 : digits(text, ss, 2);
    return new ReadDate(year, month, day, hour, minute, second, SSS === undefined ? 0 : digits(text, SSS, 3));
  };
}

/** Makes the Date only when asked: most names are tested for their form alone. */
class ReadDate implements DateParts {
  constructor(
    readonly year: number,
    readonly month: number,
    readonly day: number,
    readonly hour: number,
    readonly minute: number,
    readonly second: number,
    readonly millisecond: number,
  ) {}

  get date(): Date {
    const date = new Date(0);
    // Date.UTC would take the years 0 to 99 for 1900 to 1999.
    date.setUTCFullYear(this.year, this.month - 1, this.day);
    date.setUTCHours(this.hour, this.minute, this.second, this.millisecond);
    return date;
  }
}

function digits(text: string, at: number, width: number): number {
  let value = 0;
  for (let index = at; index < at + width; index++) value = value * 10 + text.charCodeAt(index) - 48;
  return value;
}

/** POSIX: 69 to 99 are 1969 to 1999, 00 to 68 are 2000 to 2068. */
const fullYear = (short: number) => short + (short < 69 ? 2000 : 1900);

const isLeap = (year: number) => (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
const DAYS_BEFORE = [0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365];

/** Days of the year before the first of `month` (13: of the whole year). */
function daysBefore(year: number, month: number): number {
  return DAYS_BEFORE[month - 1]! + (month > 2 && isLeap(year) ? 1 : 0);
}

function daysInMonth(year: number, month: number): number {
  return daysBefore(year, month + 1) - daysBefore(year, month);
}

function dayOfYear(date: DateParts): number {
  return daysBefore(date.year, date.month) + date.day;
}

/** The month that holds this day of the year; 0 where the year has no such day. */
function monthOfDay(year: number, ordinal: number): number {
  if (ordinal < 1 || ordinal > daysBefore(year, 13)) return 0;
  let month = 12;
  while (daysBefore(year, month) >= ordinal) month--;
  return month;
}

/** The text as a RegExp source that matches it exactly. */
export function escapeRegExp(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, "\\$&");
}
