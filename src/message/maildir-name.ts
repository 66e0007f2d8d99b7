/** The names of files in a Maildir: unique when they are made, with size and flags when they are read. Pure but for the clock. */
import { hostname } from "node:os";
import { UsageError } from "../client/errors.js";

/** What stands before the flags. Windows allows no colon in the name of a file. */
const MARK = process.platform === "win32" ? ";" : ":";
const INFO = /^(.*?)[:;]2,([^:;]*)$/s;

/** What the name of a file in `new` or `cur` says. */
export interface MaildirName {
  /** What stays the same while flags change. */
  readonly unique: string;
  /** A letter for each, sorted: D draft, F flagged, P passed on, R replied, S seen, T trashed. "" in `new`. */
  readonly flags: string;
  /** Bytes of the file, where the name says so (`,S=`). */
  readonly size: number | undefined;
}

/** Takes a file's name apart. Whatever was never made by this convention has itself as its unique part. */
export function parseMaildirName(name: string): MaildirName {
  const [, unique = name, flags = ""] = INFO.exec(name) ?? [];
  const size = /,S=(\d{1,15})(?:,|$)/.exec(unique)?.[1];
  return { unique, flags: sorted(flags), size: size === undefined ? undefined : Number(size) };
}

/** The name in `cur` of a message with these flags. Throws UsageError for what is no flag. */
export function maildirName(unique: string, flags: string): string {
  if (!/^[A-Za-z]*$/.test(flags)) throw new UsageError(`flags of a Maildir are letters, not ${JSON.stringify(flags)}`);
  return `${unique}${MARK}2,${sorted(flags)}`;
}

let made = 0;

/** A name that no other delivery has: `1763718279.M123456P4711Q1.mail.example.org`. `more` goes behind the Q. */
export function uniqueName(host = hostname(), more = ""): string {
  const now = Date.now();
  const micro = (now % 1000) * 1000 + Number((process.hrtime.bigint() / 1000n) % 1000n);
  return `${Math.floor(now / 1000)}.M${String(micro).padStart(6, "0")}P${process.pid}Q${++made}${more}.${hostPart(host)}`;
}

/** Throws UsageError for what cannot be the unique part of a name. */
export function checkUnique(unique: string): string {
  if (/^[^./:;,\\\0\s][^/:;\\\0]{0,199}$/.test(unique) && !/[\r\n]/.test(unique)) return unique;
  throw new UsageError(`not a name for a message in a Maildir: ${JSON.stringify(unique)}`);
}

/** What has a meaning in a name is written as the convention has it: `\057` for a slash, `\072` for a colon. */
function hostPart(host: string): string {
  const safe = host.replace(/[/:;,\\\s\0]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, "0")}`);
  const plain = process.platform === "win32" ? safe.replaceAll("\\", "=") : safe;
  return plain.slice(0, 100) || "localhost";
}

function sorted(flags: string): string {
  return [...new Set(flags)].sort().join("");
}
