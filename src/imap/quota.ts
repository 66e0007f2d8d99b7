/** Quotas (RFC 9208, 2087): what is set, and what the server tells. No I/O. */
import { UsageError } from "../client/errors.js";
import { decodeText } from "../wire/text.js";
import { astring, type Piece } from "./command.js";
import type { Cursor } from "./cursor.js";
import { decodeMailbox } from "./mailbox-name.js";
import type { Response } from "./response.js";

/** How much of something is used, and may be. Bigints only beyond 2^53-1. */
export interface QuotaResource {
  /** In upper case: `STORAGE` (units of 1024 octets), `MESSAGE`, `MAILBOX`, `ANNOTATION-STORAGE`. */
  readonly name: string;
  readonly usage: number | bigint;
  /** Undefined where the server names no number. */
  readonly limit: number | bigint | undefined;
}

/** The limits of one root: a part of the mailboxes that is counted together. */
export interface Quota {
  /** Often "", or the user. */
  readonly root: string;
  readonly resources: readonly QuotaResource[];
}

/** What limits a mailbox. */
export interface QuotaRoots {
  readonly mailbox: string;
  readonly roots: readonly string[];
}

/** A root's name as an argument. Throws UsageError for NUL. */
export function rootArgument(root: string): Piece {
  return astring(root);
}

/** The new limits in parentheses, for SETQUOTA; none: no limits. Throws UsageError. */
export function quotaLimits(limits: Readonly<Record<string, number | bigint>>): string {
  const parts = Object.entries(limits).map(([name, limit]) => {
    if (!/^[A-Za-z][A-Za-z0-9-]*$/.test(name)) {
      throw new UsageError(`${JSON.stringify(name)} is no resource of a quota`, { protocol: "imap" });
    }
    if (!(typeof limit === "bigint" ? limit >= 0n : Number.isSafeInteger(limit) && limit >= 0)) {
      throw new UsageError(`the limit of ${name} is a whole number, not ${String(limit)}`, { protocol: "imap" });
    }
    return `${name.toUpperCase()} ${limit}`;
  });
  return `(${parts.join(" ")})`;
}

/** Reads a QUOTA response: `"" (STORAGE 10 512)`. Throws ProtocolError. */
export function parseQuota(response: Response): Quota {
  const cursor = response.cursor();
  const root = rootName(cursor);
  const resources: QuotaResource[] = [];
  if (cursor.open()) {
    while (!cursor.close()) {
      resources.push({ name: cursor.astring().toUpperCase(), usage: cursor.bigNumber(), limit: limit(cursor) });
    }
  }
  return { root, resources };
}

/** Some servers write -1, or NIL, where there is no limit. */
function limit(cursor: Cursor): number | bigint | undefined {
  const c = cursor.peek();
  if (c >= 0x30 && c <= 0x39) return cursor.bigNumber();
  cursor.nstring();
  return undefined;
}

/** Reads a QUOTAROOT response: `INBOX ""`. Throws ProtocolError. */
export function parseQuotaRoots(response: Response, utf8: boolean): QuotaRoots {
  const cursor = response.cursor();
  const mailbox = decodeMailbox(cursor.astring(), utf8);
  const roots: string[] = [];
  while (!cursor.done) roots.push(rootName(cursor));
  return { mailbox, roots };
}

function rootName(cursor: Cursor): string {
  return decodeText(Buffer.from(cursor.astring(), "latin1"));
}
