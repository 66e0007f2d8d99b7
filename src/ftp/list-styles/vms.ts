/** Rows of VMS: `NAME.TXT;1  213/216  29-JAN-2026 03:33:12  [GROUP,OWNER]  (RWED,RWED,,)`, sometimes on two lines. Pure. */
import { type FtpEntry, unparsed } from "../entry.js";
import type { WallClock } from "../list-date.js";
import type { NameDecoder } from "../name.js";
import { dateFields, type ListStyle, type ListStyleChoice, words } from "./style.js";

/**
 * The version goes to `facts.version`; of several versions the newest comes first, as the server sends them. Sizes are
 * in blocks of 512 octets, so they are `facts.blocks` and never `size`.
 */
export const vmsStyle: ListStyleChoice = { name: "vms", begin: (clock) => new VmsStyle(clock) };

const HEADER = /^(?:Directory |Total of \d+ |Grand total of )/i;
const VERSIONED = /^(.+);(\d{1,5})$/s;
const REFUSED = /%[A-Z]+-[A-Z]-|privilege|protection/i;

class VmsStyle implements ListStyle {
  /** A name too long for its columns: what it says follows on the next line. */
  private pending: string | undefined;

  constructor(private readonly clock: WallClock) {}

  read(bytes: Buffer, start: number, end: number, decode: NameDecoder, out: FtpEntry[]): boolean {
    const raw = decode(bytes, start, end);
    const row = words(raw, 12).map((word) => word.text);
    if (this.pending !== undefined) {
      const name = this.pending;
      this.pending = undefined;
      if (/^[ \t]/.test(raw) && this.readEntry(name, row, `${name}\n${raw}`, out)) return true;
      out.push(unparsed(name));
    }
    if (HEADER.test(raw)) return true;
    if (row.length === 1 && VERSIONED.test(row[0]!) && !/^\s/.test(raw)) {
      this.pending = raw.trimEnd();
      return true;
    }
    return row.length > 1 && this.readEntry(row[0]!, row.slice(1), raw, out);
  }

  finish(out: FtpEntry[]): void {
    if (this.pending !== undefined) out.push(unparsed(this.pending));
    this.pending = undefined;
  }

  private readEntry(fullName: string, details: string[], raw: string, out: FtpEntry[]): boolean {
    const versioned = VERSIONED.exec(fullName);
    const dayAt = details.findIndex((word) => /^\d{1,2}-[A-Za-z]{3}-\d{4}$/.test(word));
    const date = dayAt < 0 ? undefined : this.readDate(details[dayAt]!, details[dayAt + 1]);
    if (date === undefined && !(versioned && REFUSED.test(raw))) return false;
    const name = versioned?.[1] ?? fullName;
    const isDirectory = /.\.DIR$/i.test(name);
    const entry: FtpEntry = { name, type: isDirectory ? "directory" : "file", raw, ...dateFields(date) };
    if (isDirectory) entry.name = name.slice(0, -4);
    entry.facts = {};
    if (versioned) entry.facts.version = versioned[2]!;
    for (const word of details) readDetail(entry, entry.facts, word);
    out.push(entry);
    return true;
  }

  private readDate(day: string, time: string | undefined) {
    return this.clock.dayMonthYear(day, time !== undefined && /^\d{1,2}:\d{2}/.test(time) ? time : undefined);
  }
}

/** `213/216` (blocks used and allocated), `[GROUP,OWNER]` or `[OWNER]`, `(RWED,RWED,RE,)`. */
function readDetail(entry: FtpEntry, facts: Record<string, string>, word: string): void {
  if (/^\d+(?:\/\d+)?$/.test(word)) facts.blocks ??= word.split("/")[0]!;
  else if (/^\[[^\]]*\]$/.test(word)) {
    const identity = word.slice(1, -1).split(",");
    entry.owner = identity.at(-1)!;
    if (identity.length > 1) entry.group = identity[0]!;
  } else if (/^\([RWED,]*\)$/.test(word)) facts.protection = word.slice(1, -1);
}
