/** Which articles a command is about: ranges, numbers and message-ids, checked and spelt (RFC 3977 §8.3, §9.2). No I/O. */
import { UsageError } from "../client/errors.js";
import type { ArticleId, ArticleRange } from "./options.js";

/** A message-id as RFC 3977 §3.6 has it, less its limit of 250 octets, which servers do not keep either. */
const MESSAGE_ID = /^<[\x21-\x3d\x3f-\x7e]+>$/;

/** `5`, `5-`, `5-10` or `<…>`. Throws UsageError for anything else. */
export function formatRange(range: ArticleRange): string {
  if (typeof range === "number") return String(articleNumber(range));
  if (typeof range === "string") {
    const m = /^(\d+)(?:(-)(\d*))?$/.exec(range);
    if (m === null) return messageId(range);
    const high = m[3] ? Number(m[3]) : undefined;
    return m[2] === undefined ? formatRange(Number(m[1])) : formatRange([Number(m[1]), high] as [number, number]);
  }
  const [low, high] = range;
  if (high === undefined) return `${articleNumber(low)}-`;
  if (articleNumber(high) < low) throw new UsageError(`a range ends where it begins or later, not ${low}-${high}`);
  return `${articleNumber(low)}-${high}`;
}

/** A number or a message-id. Throws UsageError for anything else. */
export function formatId(id: ArticleId): string {
  return typeof id === "number" || /^\d+$/.test(id) ? String(articleNumber(Number(id))) : messageId(id);
}

/** Throws UsageError for what is no message-id. */
export function messageId(text: string): string {
  if (MESSAGE_ID.test(text)) return text;
  throw new UsageError(`${JSON.stringify(text)} is neither an article number nor a message-id`, {
    advice: "a message-id is written <in@angle.brackets>",
    protocol: "nntp",
  });
}

/** A word of a command: a group's name, a wildmat, a header's name. Throws UsageError for one that is none. */
export function word(what: string, text: string): string {
  if (text !== "" && !/[\s\0]/.test(text)) return text;
  throw new UsageError(`${what} is a word without blanks, not ${JSON.stringify(text)}`, { protocol: "nntp" });
}

function articleNumber(number: number): number {
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new UsageError(`an article number is a whole number from 0 to 2^53-1, not ${number}`, { protocol: "nntp" });
}
