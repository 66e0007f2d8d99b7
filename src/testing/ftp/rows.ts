/** Rows of a listing, in every style: Unix, DOS, facts (MLSD), names. Entries in, text out. Pure. */
import type { ListedEntry } from "./nodes.js";
import { dosListTime, encodeTime, unixListTime } from "./times.js";

/** Makes one row of an entry, without its CRLF. */
export type RowStyle = (entry: ListedEntry) => string;

/** The facts that MLST and MLSD know, in the order FEAT shows them. */
export const FACTS = ["type", "size", "modify", "perm", "unix.mode", "unique"] as const;
export type Fact = (typeof FACTS)[number];

/** `type=file;size=3;modify=20260101000000; name` (RFC 3659 7.2) with the facts asked for. */
export function factsOf(entry: ListedEntry, wanted: ReadonlySet<Fact>, type?: "cdir" | "pdir"): string {
  let facts = "";
  for (const fact of FACTS) {
    if (wanted.has(fact)) facts += `${fact}=${FACT_VALUES[fact](entry, type)};`;
  }
  return `${facts} ${entry.name}`;
}

const FACT_VALUES: Record<Fact, (entry: ListedEntry, type?: string) => string | number> = {
  type: (entry, type) => type ?? (entry.directory ? "dir" : "file"),
  size: (entry) => entry.size,
  modify: (entry) => timeOf(entry.modified),
  perm: (entry) => (entry.directory ? "cdeflmp" : "adfrw"),
  "unix.mode": (entry) => `0${entry.mode.toString(8)}`,
  unique: (entry) => `1U${entry.unique}`,
};

let latest = { time: Number.NaN, text: "" };

/** encodeTime, but the rows of one directory often have one time. */
function timeOf(time: number): string {
  if (time !== latest.time) latest = { time, text: encodeTime(time) };
  return latest.text;
}

/** `-rw-r--r--   1 test     test            3 Jan 31 23:59 name`. */
export function unixRow(entry: ListedEntry, now: number): string {
  let bits = entry.directory ? "d" : "-";
  for (let bit = 8; bit >= 0; bit--) bits += entry.mode & (1 << bit) ? "xwr"[bit % 3] : "-";
  const size = String(entry.size).padStart(12);
  return `${bits}   1 test     test     ${size} ${unixListTime(entry.modified, now)} ${entry.name}`;
}

/** `01-31-26  11:59PM       <DIR>          name`, as IIS writes it. */
export function dosRow(entry: ListedEntry): string {
  const size = entry.directory ? "      <DIR>         " : String(entry.size).padStart(20);
  return `${dosListTime(entry.modified)} ${size} ${entry.name}`;
}

const PIECE = 64 * 1024;

/** Rows gathered into pieces of about 64 KiB, so that a listing of millions never exists as a whole. */
export function* listingChunks(entries: Iterable<ListedEntry>, style: RowStyle): Generator<Buffer> {
  let text = "";
  for (const entry of entries) {
    text += `${style(entry)}\r\n`;
    if (text.length < PIECE) continue;
    yield Buffer.from(text, "latin1");
    text = "";
  }
  if (text !== "") yield Buffer.from(text, "latin1");
}

/** A name with `*` and `?` as a test for names; undefined when it has neither. */
export function parseGlob(name: string): RegExp | undefined {
  if (!/[*?]/.test(name)) return undefined;
  const source = name
    .replace(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${source}$`, "s");
}
