/** Subjects, authors and dates as the wild has them, each raw and as a reader should see it. Raw is latin1: a character per byte. */

export interface Worded {
  readonly raw: string;
  readonly text: string;
}

const utf8 = (text: string): string => Buffer.from(text).toString("latin1");
const base64 = (bytes: number[]): string => Buffer.from(bytes).toString("base64");
const plain = (raw: string): Worded => ({ raw, text: raw });

/** A thread has one of them, with its number after it. A CRLF is a folded header: overviews have it without. */
export const SUBJECTS: readonly Worded[] = [
  plain("How do I read a newsgroup?"),
  plain("[ANN] polywire: connect, login, request, quit"),
  { raw: "Gr\xfc\xdfe aus K\xf6ln, 5 \x80 die Stra\xdfe", text: "Grüße aus Köln, 5 € die Straße" },
  { raw: utf8("Grüße aus Köln – 日本語 und 🎉"), text: "Grüße aus Köln – 日本語 und 🎉" },
  plain("Was: Re: AW: something (was: something else)"),
  { raw: `=?UTF-8?B?${Buffer.from("Grüße aus Köln").toString("base64")}?=`, text: "Grüße aus Köln" },
  { raw: "=?ISO-8859-1?Q?Stra=DFe_und_=DCbermut?=", text: "Straße und Übermut" },
  plain("x"),
  // One character in two words: only together can they be read.
  {
    raw: `=?utf-8?B?${base64([0xe6, 0x97, 0xa5, 0xe6])}?= =?utf-8?B?${base64([0x9c, 0xac, 0xe8, 0xaa, 0x9e])}?=`,
    text: "日本語",
  },
  { raw: `=?KOI8-R?B?${base64([0xf0, 0xd2, 0xc9, 0xd7, 0xc5, 0xd4])}?=`, text: "Привет" },
  {
    raw: `=?ISO-2022-JP?B?${base64([0x1b, 0x24, 0x42, 0x46, 0x7c, 0x4b, 0x5c, 0x38, 0x6c, 0x1b, 0x28, 0x42])}?=`,
    text: "日本語",
  },
  plain(`Long: ${"more and more and ".repeat(50).trim()}`),
  { raw: "=?windows-1252?Q?=93quoted=94_=96_=805?=", text: "“quoted” – €5" },
  { raw: `=?gb2312?B?${base64([0xc4, 0xe3, 0xba, 0xc3])}?=`, text: "你好" },
  { raw: `=?big5?B?${base64([0xa4, 0xa4, 0xa4, 0xe5])}?=`, text: "中文" },
  { raw: "plain =?utf-8?q?caf=C3=A9?= plain =?us-ascii?Q?=3D=3F?=", text: "plain café plain =?" },
  { raw: "=?iso-8859-15?Q?10_=A4?=\r\n =?iso-8859-15?Q?_sind_genug?=", text: "10 € sind genug" },
  { raw: "folded,\r\n\tand again,\r\n  and with two blanks", text: "folded, and again,  and with two blanks" },
  plain("an =?utf-8?B?R3LDvMOf? that never ends"),
  plain("<b>&amp; \"quotes\", 'more', commas; 100%"),
];

export const AUTHORS: readonly Worded[] = [
  plain("Alice Example <alice@example.org>"),
  plain("bob@example.org (Bob Example)"),
  plain('"Example, Carol" <carol@example.org>'),
  { raw: "J\xf6rg M\xfcller <joerg@example.org>", text: "Jörg Müller <joerg@example.org>" },
  { raw: utf8("Žofie Nováková <zofie@example.org>"), text: "Žofie Nováková <zofie@example.org>" },
  {
    raw: "=?ISO-8859-1?Q?Ren=E9_M=FCnz?= <rene@example.org>",
    text: "René Münz <rene@example.org>",
  },
  plain("nobody@nowhere.invalid"),
];

const DAYS = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];
const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const LONG_MONTHS = "January February March April May June July August September October November December".split(" ");
const two = (value: number): string => String(value).padStart(2, "0");

export interface Dated {
  readonly raw: string;
  /** Undefined where the text leaves it open, or says nonsense. */
  readonly date: Date | undefined;
}

/** The parts of a date, in a zone that is some minutes east of Greenwich. */
function parts(time: Date, minutes = 0) {
  const local = new Date(time.getTime() + minutes * 60_000);
  const [day, month, year] = [local.getUTCDate(), local.getUTCMonth(), local.getUTCFullYear()];
  const clock = `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}`;
  const date = `${day} ${MONTHS[month]} ${year}`;
  return { local, day, month, year, clock, seconds: two(local.getUTCSeconds()), week: DAYS[local.getUTCDay()], date };
}

/** The usual form: `Tue, 3 Feb 2026 10:11:12 +0100`. */
export function usualDate(time: Date, zone = "+0000", minutes = 0): Dated {
  const { week, date, clock, seconds } = parts(time, minutes);
  return { raw: `${week}, ${date} ${clock}:${seconds} ${zone}`, date: time };
}

const instead = (time: Date, zone: string): Dated => ({ raw: usualDate(time, zone).raw, date: undefined });

/**
 * Forms that are obsolete or wrong, and which innd takes nevertheless. It refuses these (439): no colons (10.11.12), ISO
 * 8601, asctime, RFC 850's dashes, foreign months, a 31st of February, 24:00:00, and more than a day in the future.
 */
export const ODD_DATES: readonly ((time: Date) => Dated)[] = [
  (time) => usualDate(time, "GMT"),
  (time) => usualDate(time, "UTC"),
  (time) => usualDate(time, "MET", 60),
  (time) => usualDate(time, "CEST", 120),
  (time) => usualDate(time, "EST", -300),
  (time) => usualDate(time, "JST", 540),
  (time) => usualDate(time, "-0000"),
  (time) => usualDate(time, "Z"),
  (time) => usualDate(time, "+0100 (CET)", 60),
  (time) => usualDate(time, "+01:00", 60),
  (time) => ({ raw: usualDate(time, "GMT").raw.replace(/^.../, "$& (a day)"), date: time }),
  (time) => ({ raw: usualDate(time, "GMT").raw.replace(/^..., /, ""), date: time }),
  (time) => ({ raw: usualDate(time, "GMT").raw.replace(/^.../, "Di"), date: time }),
  (time) => ({ raw: usualDate(time, "GMT").raw.toLowerCase(), date: time }),
  (time) => ({ raw: usualDate(time, "GMT").raw.replace(/ (\d\d)(\d\d) /, " $2 "), date: time }),
  (time) => ({ raw: usualDate(time, "GMT").raw.replace(/ 20(\d\d) /, " 1$1 "), date: time }),
  (time) => ({ raw: usualDate(time, "GMT").raw.replace(", ", ","), date: time }),
  (time) => {
    const { week, day, month, year, clock, seconds } = parts(time);
    return { raw: `${week}, ${day} ${LONG_MONTHS[month]} ${year} ${clock}:${seconds} GMT`, date: time };
  },
  (time) => {
    const { week, date, clock } = parts(time);
    return { raw: `${week}, ${date} ${clock} +0000`, date: new Date(Math.floor(time.getTime() / 60_000) * 60_000) };
  },
  (time) => instead(time, "GMT+1"),
  (time) => instead(time, "(CET)"),
  (time) => instead(time, "A"),
  (time) => instead(time, "+2460"),
  (time) => ({ raw: instead(time, "").raw.trimEnd(), date: undefined }),
];
