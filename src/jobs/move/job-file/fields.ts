/** The kinds of field a match template knows: what each matches and the value it gives. Pure. */
import {
  compileDateFormat,
  DATE_TOKENS,
  type DateFormat,
  type DateParts,
  escapeRegExp,
  whyUnreadable,
} from "../names/date-format.js";

/** A field's value: digits → number (bigint past 15 digits), dates → {@link DateParts}, everything else → text. */
export type FieldValue = string | number | bigint | DateParts;

/** What a name's fields hold. */
export type Fields = Record<string, FieldValue>;

/** One kind of field, compiled from what follows the colon. */
export interface FieldKind {
  type: "text" | "any" | "digits" | "hex" | "word" | "choice" | "date";
  /** RegExp source, without groups of its own. */
  regexp: string;
  /** Its length in UTF-16 units; undefined where it varies. */
  width: number | undefined;
  /** Set where the length has no bound: the characters it may hold. */
  open?: RegExp | undefined;
  /** The format of a date. */
  format?: DateFormat | undefined;
  /** The value of a text that matched; undefined where it is no value after all (31 February). */
  read(text: string): FieldValue | undefined;
}

const asText = (text: string) => text;
const asNumber = (text: string): number | bigint => (text.length <= 15 ? Number(text) : asInteger(text));

function asInteger(text: string): number | bigint {
  const value = Number(text);
  return Number.isSafeInteger(value) ? value : BigInt(text);
}

/** A field with neither kind nor format: also what a named group of a RegExp gives. */
export const TEXT: FieldKind = { type: "text", regexp: "[^/]+?", width: undefined, open: /[^/]/, read: asText };
const ANY: FieldKind = { type: "any", regexp: "[\\s\\S]*?", width: undefined, open: /[\s\S]/, read: asText };

const CLASSES = {
  d: { type: "digits", set: "\\d", open: /\d/, read: asNumber },
  x: { type: "hex", set: "[0-9A-Fa-f]", open: /[0-9A-Fa-f]/, read: asText },
  w: { type: "word", set: "\\w", open: /\w/, read: asText },
} as const;

const ALLOWED =
  "allowed are {name} (anything but /), {name:5d} (5 digits), {name:d} (digits), {name:x} (hex), {name:w} (letters, " +
  `digits, _), {name:a|b} (one of these), {name:*} (anything), {name:date} (yyyyMMdd) or a date of ${DATE_TOKENS}`;

/**
 * Compiles what follows a field's colon.
 *
 * @returns The kind, or a sentence that says what is wrong and what is allowed.
 */
export function compileKind(spec: string): FieldKind | string {
  if (spec === "") return TEXT;
  if (spec === "*") return ANY;
  const counted = /^(\d*)([dxw])$/.exec(spec);
  if (counted) return classKind(counted[1]!, counted[2] as keyof typeof CLASSES);
  if (spec.includes("|")) return choiceKind(spec.split("|"));
  return dateKind(spec === "date" ? "yyyyMMdd" : spec);
}

function classKind(count: string, letter: keyof typeof CLASSES): FieldKind | string {
  const { type, set, open, read } = CLASSES[letter];
  if (count === "") return { type, regexp: `${set}+?`, width: undefined, open, read };
  const width = Number(count);
  if (width < 1 || width > 255) return `a width is 1 to 255, not ${count}`;
  // Past 15 digits always a bigint, so that a field of one width has one type.
  const wide = letter === "d" && width > 15;
  return { type, regexp: `${set}{${width}}`, width, read: wide ? BigInt : read };
}

function choiceKind(choices: string[]): FieldKind {
  const width = choices[0]!.length;
  return {
    type: "choice",
    regexp: `(?:${choices.map(escapeRegExp).join("|")})`,
    width: choices.every((choice) => choice.length === width) ? width : undefined,
    read: asText,
  };
}

function dateKind(spec: string): FieldKind | string {
  const format = compileDateFormat(spec);
  const problem = typeof format === "string" ? format : whyUnreadable(format);
  if (typeof format !== "string" && problem === undefined) {
    return { type: "date", regexp: format.regexp, width: format.width, format, read: format.read };
  }
  // A slip in a date deserves a word of its own; anything else gets the whole list.
  return /^(?:[yMdDHmsS]|[^A-Za-z])+$/.test(spec.replace(/'[^']*'?/g, "")) && /[yMdDHmsS]/.test(spec)
    ? `as a date, ${problem}`
    : `"${spec}" is no kind of field; ${ALLOWED}`;
}
