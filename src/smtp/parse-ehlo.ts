/** The answer to EHLO (RFC 5321 §4.1.1.1) → what the server can do. Pure. */
import type { Reply } from "../client/session.js";

/**
 * The words of an EHLO reply: extension → arguments, extensions in capitals. The first line is the server's name. AUTH is
 * also read where it is written `AUTH=PLAIN LOGIN`, as servers did before RFC 2554.
 */
export function parseEhlo({ lines }: Reply): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const line of lines.slice(1)) {
    const [word = "", ...rest] = line
      .slice(4)
      .replace(/^(auth)=/i, "$1 ")
      .split(/[ \t]+/);
    const name = word.toUpperCase();
    if (!/^[A-Z0-9][A-Z0-9-]*$/.test(name)) continue;
    const before = found.get(name) ?? [];
    const added = rest.filter((each) => each !== "" && !before.includes(each));
    found.set(name, [...before, ...(name === "AUTH" ? added.map((each) => each.toUpperCase()) : added)]);
  }
  return found;
}

/** What LIMITS says of transactions (RFC 9422); Infinity where it says nothing. */
export interface TransactionLimits {
  /** Messages on one connection. */
  readonly mails: number;
  /** Recipients of one message. */
  readonly recipients: number;
  /** Domains of the recipients of one message. */
  readonly domains: number;
}

/** Reads LIMITS. A limit that is no number, or 0, is as good as none: nothing could be sent else. */
export function parseLimits(words: readonly string[] = []): TransactionLimits {
  const limit = (name: string) => {
    const values = words.flatMap((word) => {
      const [, key, value] = /^([a-z0-9-]+)=(\d{1,6})$/i.exec(word) ?? [];
      return key?.toUpperCase() === name && Number(value) > 0 ? [Number(value)] : [];
    });
    return Math.min(Number.POSITIVE_INFINITY, ...values);
  };
  return { mails: limit("MAILMAX"), recipients: limit("RCPTMAX"), domains: limit("RCPTDOMAINMAX") };
}
