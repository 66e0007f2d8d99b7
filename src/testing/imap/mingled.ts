/** Answers that were given one after the other, as a server gives them that does several commands at once. Pure. */
import type { Piece } from "./reply.js";

/** An answer: its responses, each in pieces; the last one is the tagged one. */
export type Answer = Piece[][];

/** A FETCH response: its number stays what it is, whatever comes before it. */
const FETCH = /^\* \d+ FETCH /;

/**
 * One response of each answer in turn, the last answer first, and the tagged ones behind them all. Where there is any other
 * response than those to FETCH, everything stays in its order: behind an EXPUNGE, numbers are others.
 */
export function mingled(answers: readonly Answer[]): Piece[] {
  const untagged = answers.map((answer) => answer.slice(0, -1));
  const isFetch = ([mark, number]: Piece[]) => FETCH.test(`${mark}${number}`);
  if (!untagged.flat().every(isFetch)) return answers.flat(2);
  const longest = Math.max(0, ...untagged.map(({ length }) => length));
  const turns = Array.from({ length: longest }, (_, at) => untagged.map((answer) => answer[at] ?? []).reverse());
  return [...turns.flat(2), ...answers.flatMap((answer) => answer.at(-1) ?? [])];
}
