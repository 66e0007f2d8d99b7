/** The order of SORT (RFC 5256 2 and 3). Pure. */
import { addresses } from "./addresses.js";
import { headerDate } from "./dates.js";
import { headerText } from "./decode.js";
import { fieldOf } from "./fields.js";
import type { Input } from "./input.js";
import type { Message } from "./message.js";
import type { Numbered } from "./picked.js";
import { bad } from "./reply.js";

/** What is compared. */
interface SortKey {
  readonly value: (message: Message) => string | number;
  readonly reverse: boolean;
}

const first = (name: string) => {
  return ({ content }: Message) => {
    const [one] = addresses(fieldOf(content.part.fields, name) ?? "");
    return (one?.mailbox ?? "").toUpperCase();
  };
};

const VALUES: Readonly<Record<string, SortKey["value"]>> = {
  ARRIVAL: ({ internalDate }) => internalDate.getTime(),
  CC: first("cc"),
  DATE: (message) => sentDate(message),
  FROM: first("from"),
  SIZE: ({ content }) => content.size,
  SUBJECT: ({ content }) => baseSubject(headerText(content.part, "subject")).text,
  TO: first("to"),
};

/** When a message was sent: its Date, or else when it came. */
export function sentDate({ content, internalDate }: Message): number {
  return (headerDate(fieldOf(content.part.fields, "date"))?.time ?? internalDate).getTime();
}

/** Reads `(REVERSE DATE SUBJECT)`. */
export function sortKeys(input: Input): SortKey[] {
  return input.list(() => {
    const reverse = input.skip("REVERSE ");
    const name = input.word();
    const value = Object.hasOwn(VALUES, name) ? VALUES[name] : undefined;
    return value ? { value, reverse } : bad(`SORT knows no ${name}`);
  }, 1);
}

/** An order by these keys; by number where they are the same. */
export function compare(keys: readonly SortKey[]): (a: Numbered, b: Numbered) => number {
  const known = new Map<Message, (string | number)[]>();
  const values = (message: Message) => {
    const here = known.get(message) ?? keys.map(({ value }) => value(message));
    known.set(message, here);
    return here;
  };
  return (a, b) => {
    const [ours, theirs] = [values(a.message), values(b.message)];
    for (const [at, { reverse }] of keys.entries()) {
      const [one = 0, other = 0] = [ours[at], theirs[at]];
      if (one !== other) return (one < other ? -1 : 1) * (reverse ? -1 : 1);
    }
    return a.number - b.number;
  };
}

const LEADER = /^(?:\s|\[[^[\]]*\]\s*(?=.*\S)|(?:re|fwd?)\s*(?:\[[^[\]]*\]\s*)?:)+/i;

/** A subject without what replies and forwards put around it, in upper case (RFC 5256 2.1). */
export function baseSubject(subject: string): { text: string; reply: boolean } {
  let text = subject.replace(/\s+/g, " ").trim();
  let reply = false;
  for (let before = ""; before !== text; ) {
    before = text;
    const trailing = text.replace(/\s*\(fwd\)$/i, "").trim();
    const leader = LEADER.exec(trailing)?.[0] ?? "";
    const forwarded = /^\[fwd:(.*)\]$/i.exec(trailing.slice(leader.length));
    if (trailing !== text || /:/.test(leader) || forwarded) reply = true;
    text = (forwarded?.[1] ?? trailing.slice(leader.length)).trim();
  }
  return { text: text.toUpperCase(), reply };
}
