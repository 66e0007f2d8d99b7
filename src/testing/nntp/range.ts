/** Ranges of article numbers, as commands write them (RFC 3977 9.8): `5`, `5-`, `5-10`. Pure. */
import { Refused } from "./reply.js";

export interface NumberRange {
  from: number;
  /** Infinity for an open end. */
  to: number;
}

/** `5` → 5 to 5, `5-` → 5 to infinity, `5-10`; anything else is refused with 501. */
export function parseRange(text: string): NumberRange {
  const [, first, dash, last] = /^(\d{1,16})(-)?(\d{1,16})?$/.exec(text) ?? [];
  if (first === undefined || (last !== undefined && dash === undefined)) throw new Refused(501, `Not a range: ${text}`);
  const from = Number(first);
  if (!dash) return { from, to: from };
  return { from, to: last === undefined ? Number.POSITIVE_INFINITY : Number(last) };
}

export function isMessageId(text: string): boolean {
  return text.startsWith("<");
}
