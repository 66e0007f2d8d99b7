/** What NNTP replies say beyond their code: groups, numbers, times, capabilities. Text in, values out. No I/O. */
import type { Reply } from "../client/session.js";

/** A newsgroup as GROUP and LISTGROUP tell it (RFC 3977 §6.1.1). */
export interface NewsGroup {
  readonly name: string;
  /** Articles in it, as the server estimates them: never fewer than there are. */
  readonly count: number;
  /** The lowest article number. */
  readonly low: number;
  /** The highest article number; one less than `low` where the group is empty. */
  readonly high: number;
}

/** An article as a reply names it. */
export interface ArticleName {
  /** Its number in the selected group; 0 where it was asked for by its message-id. */
  readonly number: number;
  readonly messageId: string;
}

/** `211 1234 3000234 3002322 misc.test`: numbers, then the name, which some servers leave out. */
export function parseGroup(text: string, asked = ""): NewsGroup | undefined {
  const m = /^\s*(\d{1,16})\s+(\d{1,16})\s+(\d{1,16})(?:\s+(\S+))?/.exec(text);
  if (m === null) return undefined;
  const [count, low, high] = [Number(m[1]), Number(m[2]), Number(m[3])] as const;
  if (high > Number.MAX_SAFE_INTEGER || low > Number.MAX_SAFE_INTEGER) return undefined;
  return { name: m[4] ?? asked, count, low, high };
}

/**
 * `223 3000234 <45223423@example.com> …`: number and message-id. Old articles have ids that are none (`<5 b@x>`, `5@x`):
 * they are given as they stand. What is missing is what was asked for, `asked`; undefined where that is not enough.
 */
export function parseArticleName(text: string, asked = ""): ArticleName | undefined {
  const [, digits, rest = ""] = /^\s*(?:(\d{1,16})(?!\S))?\s*(.*)$/s.exec(text) ?? [];
  const number = digits ?? (/^\d+$/.test(asked) ? asked : "0");
  const id = /^<\S*>(?!\S)|^<[^>]*>/.exec(rest) ?? (digits === undefined ? null : /^\S+/.exec(rest));
  const messageId = id?.[0] ?? (asked.startsWith("<") ? asked : undefined);
  return messageId === undefined ? undefined : { number: Number(number), messageId };
}

/** `111 20260118213145`: the server's time, in UTC (RFC 3977 §7.1). */
export function parseServerDate(text: string): Date | undefined {
  const m = /^\s*(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?!\d)/.exec(text);
  if (m === null) return undefined;
  const [year, month, day, hour, minute, second] = m.slice(1).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const date = new Date(Date.UTC(year, month - 1, day, hour, minute, second));
  return date.getUTCDate() === day && date.getUTCMonth() === month - 1 ? date : undefined;
}

/** A time as NEWGROUPS and NEWNEWS take it: `20260118 213145 GMT` (RFC 3977 §7.3). */
export function formatSince(date: Date): string {
  const [day, time] = date
    .toISOString()
    .replace(/[-:]|\.\d+Z$/g, "")
    .split("T");
  return `${day} ${time} GMT`;
}

/** The answer to CAPABILITIES (RFC 3977 §5.2): word in upper case → its arguments, in upper case. */
export function parseCapabilities(reply: Reply): Map<string, string[]> {
  const capabilities = new Map<string, string[]>();
  for (const line of (reply.body?.toString("latin1") ?? "").split(/\r?\n/)) {
    const [word, ...rest] = line
      .trim()
      .toUpperCase()
      .split(/[ \t]+/);
    if (!word) continue;
    const known = capabilities.get(word);
    // One by one: copies of what is known already would take a hostile list's length squared.
    if (known === undefined) capabilities.set(word, rest);
    else for (const each of rest) known.push(each);
  }
  return capabilities;
}
