/** METADATA (RFC 5464): notes on a mailbox, or on the server as the mailbox "". No I/O. */
import { UsageError } from "../client/errors.js";
import { decodeText, encodeText } from "../wire/text.js";
import { literal, type Piece, string } from "./command.js";
import type { Cursor } from "./cursor.js";
import { mailboxArgument } from "./mailbox-argument.js";
import { decodeMailbox } from "./mailbox-name.js";
import type { Response } from "./response.js";

/** What GETMETADATA takes besides the entries. */
export interface MetadataOptions {
  /** Octets: longer values are left out; the response's code METADATA LONGENTRIES tells the longest. Default: no limit. */
  maxSize?: number | undefined;
  /** The entries alone, those directly below them too, or all below. Default: 0. */
  depth?: 0 | 1 | "infinity" | undefined;
}

/** The notes on a mailbox. */
export interface Metadata {
  /** "" for the server. */
  readonly mailbox: string;
  /** Entry (`/private/comment`) → value; undefined where it has none, or where only its change was told. */
  readonly entries: ReadonlyMap<string, string | undefined>;
}

/** `/private/…` is the user's own, `/shared/…` everybody's (RFC 5464 §3.2); no wildcard, no empty part. */
const ENTRY = /^\/(?:private|shared)(?:\/[\x20-\x24\x26-\x29\x2b-\x2e\x30-\x7e]+)*$/i;

/** The command that reads entries. Throws UsageError. */
export function getMetadata(
  mailbox: string,
  entries: readonly string[],
  { maxSize, depth }: MetadataOptions,
  utf8: boolean,
): Piece[] {
  const options: string[] = [];
  if (maxSize !== undefined) options.push(`MAXSIZE ${size(maxSize)}`);
  if (depth !== undefined) options.push(`DEPTH ${depthWord(depth)}`);
  const before = options.length === 0 ? "" : `(${options.join(" ")}) `;
  return [`GETMETADATA ${before}`, mailboxArgument(mailbox, utf8), " (", ...list(entries.map(entryArgument)), ")"];
}

/** The command that writes entries, or with null takes them away. Throws UsageError. */
export function setMetadata(mailbox: string, entries: Readonly<Record<string, string | null>>, utf8: boolean): Piece[] {
  const pairs = Object.entries(entries).map(([entry, value]) => [...entryArgument(entry), " ", valueArgument(value)]);
  return ["SETMETADATA ", mailboxArgument(mailbox, utf8), " (", ...list(pairs), ")"];
}

function list(parts: readonly (readonly Piece[])[]): Piece[] {
  if (parts.length === 0) throw new UsageError("metadata wants at least one entry", { protocol: "imap" });
  return parts.flatMap((pieces, i) => (i === 0 ? pieces : [" ", ...pieces]));
}

function entryArgument(entry: string): Piece[] {
  if (typeof entry === "string" && ENTRY.test(entry)) return [string(entry)];
  throw new UsageError(`${JSON.stringify(entry)} is no entry of metadata`, {
    advice: "it begins with /private/ or /shared/, in ASCII without * and %",
    protocol: "imap",
  });
}

/** NUL can stand in a literal8 alone. */
function valueArgument(value: string | null): Piece {
  if (value === null) return "NIL";
  return value.includes("\0") ? { ...literal(encodeText(value)), binary: true } : string(value);
}

function size(maxSize: number): number {
  if (Number.isSafeInteger(maxSize) && maxSize >= 0) return maxSize;
  throw new UsageError(`maxSize is a whole number of octets, not ${String(maxSize)}`, { protocol: "imap" });
}

function depthWord(depth: 0 | 1 | "infinity"): string {
  if (depth === 0 || depth === 1 || depth === "infinity") return String(depth);
  throw new UsageError(`depth is 0, 1 or "infinity", not ${String(depth)}`, { protocol: "imap" });
}

/** Reads a METADATA response, with values or, unasked, with the names of what has changed. Throws ProtocolError. */
export function parseMetadata(response: Response, utf8: boolean): Metadata {
  const cursor = response.cursor();
  const mailbox = decodeMailbox(cursor.astring(), utf8);
  const entries = new Map<string, string | undefined>();
  if (cursor.take(0x28)) while (!cursor.close()) entries.set(cursor.astring(), value(cursor));
  else while (!cursor.done) entries.set(cursor.astring(), undefined);
  return { mailbox, entries };
}

function value(cursor: Cursor): string | undefined {
  const raw = cursor.nstring();
  return raw === undefined ? undefined : decodeText(Buffer.from(raw, "latin1"));
}
