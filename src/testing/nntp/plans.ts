/** What generated articles are like: threads, subjects, authors and dates, drawn by a seed for a thousand articles. Pure. */
import type { Filled } from "../server-options.js";
import type { DateHeads } from "./times.js";

/** A group whose articles are computed when they are asked for. */
export interface GenerateOptions {
  /** How many article numbers: 10 000 000 are as cheap as 10. */
  generate: number;
  /** The first number. Default: 1. */
  low?: number | undefined;
  /** Another seed, other subjects, authors and threads. Default: 1. */
  seed?: number | undefined;
  /** The share of articles that answer another one, from 0 to 1. Default: 0.7. */
  replies?: number | undefined;
  /** The share of subjects and authors written as RFC 2047 words. Default: 0. */
  encoded?: number | undefined;
  /** The share of subjects and authors in raw 8-bit, half UTF-8, half windows-1252. Default: 0. */
  eightBit?: number | undefined;
  /** The share of dates in forms that RFC 5322 forbids or calls obsolete, and of some that are no dates. Default: 0. */
  oddDates?: number | undefined;
  /** The share of numbers that have no article. Default: 0. */
  gaps?: number | undefined;
  /** The date of the first article; 1000 follow in each hour. Default: 2020-01-01. */
  begins?: Date | undefined;
}

/** Articles that share all but the leading digits of their numbers: what one block of rows holds. */
export const BLOCK = 1000;

const TOPICS = "kernel panic,release notes,compiler bug,garden,coffee machine,moon landing,sourdough,tape drive".split(
  ",",
);
const VERBS = ["Question about", "Problem with", "Announcing", "How to fix the", "Thoughts on", "Anyone using a"];
const FIRST = "Ada,Björn,Chloé,Dmitri,Edsger,Frances,Grace,Håkon,Ines,Jürgen,Katherine,Linus".split(",");
const LAST = "Lovelace,Åkesson,Dubois,Petrov,Meyer,Allen,Hopper,Núñez,Vogel,Johnson".split(",");

/** What article `index` of a block is like, whatever the block. */
export interface Plan {
  /** Index of the article it answers. */
  parent: number | undefined;
  depth: number;
  topic: string;
  author: string;
  script: "ascii" | "encoded" | "utf8" | "cp1252";
  oddDate: number | undefined;
  lines: number;
}

/** What differs from block to block: the leading digits, and the hour. */
export interface Stamp extends DateHeads {
  prefix: string;
}

/** Decides what the articles of a block are like; the same seed decides the same. */
export function planBlock(options: Filled<GenerateOptions>): Array<Plan | undefined> {
  const random = randomOf(options.seed);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
  const plans: Array<Plan | undefined> = [];
  for (let index = 0; index < BLOCK; index++) {
    // The same draws for every article, so that a share changed leaves the rest as it is.
    const draw = { gap: random(), reply: random(), back: random(), script: random(), date: random() };
    const lines = 2 + Math.floor(random() * 60);
    const fresh = { topic: `${pick(VERBS)} ${pick(TOPICS)}`, author: `${pick(FIRST)} ${pick(LAST)}` };
    const above = index - 1 - Math.floor(draw.back * 40);
    const parent = draw.reply < options.replies && above > 0 ? plans[above] : undefined; // there is no number 0
    const answers = parent && parent.depth < 6 ? above : undefined;
    plans[index] =
      draw.gap < options.gaps
        ? undefined
        : {
            ...fresh,
            topic: (answers === undefined ? undefined : parent?.topic) ?? fresh.topic,
            parent: answers,
            depth: answers === undefined ? 0 : (parent?.depth ?? 0) + 1,
            script: scriptOf(draw.script, options),
            oddDate: draw.date < options.oddDates ? index : undefined,
            lines,
          };
  }
  return plans;
}

function scriptOf(draw: number, { encoded, eightBit }: Filled<GenerateOptions>): Plan["script"] {
  if (draw < encoded) return "encoded";
  if (draw < encoded + eightBit) return draw < encoded + eightBit / 2 ? "utf8" : "cp1252";
  return "ascii";
}

/** A text in the bytes that an article carries. */
export function written(text: string, script: Plan["script"]): string {
  if (script === "ascii") return text.normalize("NFD").replace(/[^\0-\x7f]/g, "");
  const accented = `${text} \u00e9\u00fc`;
  if (script === "cp1252") return accented; // these characters are the same in latin1
  const bytes = Buffer.from(accented, "utf8");
  return script === "utf8" ? bytes.toString("latin1") : `=?UTF-8?B?${bytes.toString("base64")}?=`;
}

export function dateText(index: number, plan: Plan, stamp: Stamp): string {
  const seconds = Math.floor(index * 3.6);
  const minute = `${Math.floor(seconds / 60)}`.padStart(2, "0");
  const second = `${seconds % 60}`.padStart(2, "0");
  if (plan.oddDate === undefined) return `${stamp.full}:${minute}:${second} +0000`;
  const odd = [
    `${stamp.shortYear}.${minute}.${second} MET`,
    `${stamp.noDay}:${minute} GMT`,
    `${stamp.full}:${minute}:${second} EST (odd)`,
    `${stamp.shortYear}:${minute}:${second} +0100`,
    "yesterday at noon",
  ];
  return odd[plan.oddDate % odd.length] as string;
}

/** Random numbers from 0 to 1 that a seed repeats (mulberry32's recurrence). */
function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}
export function numberText(prefix: string, index: number): string {
  return prefix === "" ? `${index}` : `${prefix}${`${index}`.padStart(3, "0")}`;
}

export function rootOf(plans: ReadonlyArray<Plan | undefined>, index: number): number {
  let root = index;
  for (let at: number | undefined = index; at !== undefined; at = plans[at]?.parent) root = at;
  return root;
}
