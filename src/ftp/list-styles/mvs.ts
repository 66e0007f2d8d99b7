/** Listings of MVS (z/OS): datasets, members of a library, load modules; the first row says which. Pure. */
import type { FtpEntry } from "../entry.js";
import type { WallClock } from "../list-date.js";
import { dateFields, type ReadText, textStyle, type Word, words } from "./style.js";

/** Sizes are tracks, lines or load lengths, so `size` is absent; `facts` has what the columns say. */
export const mvsStyle = textStyle("mvs", readMvs);

type ReadRow = (row: Word[], clock: WallClock, raw: string) => FtpEntry | undefined;

const HEADERS: readonly (readonly [RegExp, ReadRow])[] = [
  [/^\s*Volume\s+Unit\s+Referred\s/, readDataset],
  [/^\s*Name\s+VV\.MM\s/, readMember],
  [/^\s*Name\s+Size\s+TTR\s/, readModule],
];
const DATASET_NAME = /^'?[A-Z@#$][A-Z0-9@#$.-]{0,43}(?:\([A-Z0-9@#$]{1,8}\))?'?$/;
const MEMBER_NAME = /^[A-Z@#${][A-Z0-9@#${]{0,7}$/;
/** Columns of a dataset row from the right; those left of them may run together. */
const COLUMNS = ["dsorg", "blksz", "lrecl", "recfm"] as const;

function readMvs(clock: WallClock): ReadText {
  let readRow: ReadRow = readDataset;
  let hasHeader = false;
  return (raw, out) => {
    const header = HEADERS.find(([pattern]) => pattern.test(raw));
    if (header !== undefined) {
      readRow = header[1];
      hasHeader = true;
      return true;
    }
    const row = words(raw, 12);
    const entry = readRow(row, clock, raw) ?? (hasHeader && readRow === readDataset ? readOdd(row, raw) : undefined);
    if (entry !== undefined) out.push(entry);
    return entry !== undefined;
  };
}

/** `VOL001 3390   2026/01/18  1  200  FB      80  8053  PS  LOG.FILE` */
function readDataset(row: Word[], _clock: WallClock, raw: string): FtpEntry | undefined {
  const texts = row.map((word) => word.text);
  const [name, dsorg] = [texts.at(-1), texts.at(-2)];
  if (name === undefined || !/^(?:PS|PO|DA|IS|VS)[A-Z-]*$/.test(dsorg ?? "") || texts.length < 7) return undefined;
  const referred = texts[2]!;
  if (!/^(?:\d{4}\/\d{2}\/\d{2}\d*|\*\*NONE\*\*)$/.test(referred)) return undefined;
  const facts: Record<string, string> = { volume: texts[0]!, unit: texts[1]! };
  // The day it was last opened is not the day it was last changed: no `modified`.
  if (referred !== "**NONE**") facts.referred = referred.slice(0, 10);
  for (const [index, column] of COLUMNS.entries()) facts[column] = texts.at(-2 - index)!;
  return { name, type: dsorg!.startsWith("PO") ? "directory" : "file", raw, facts };
}

/** Datasets that have no columns: migrated to tape, VSAM, not mounted, or a level of names. */
function readOdd(row: Word[], raw: string): FtpEntry | undefined {
  const name = row.at(-1)?.text;
  if (row.length < 2 || name === undefined || !DATASET_NAME.test(name)) return undefined;
  if (/^\s*Pseudo Directory\s/i.test(raw)) return { name, type: "directory", raw };
  // A migrated dataset is recalled when it is retrieved.
  return { name, type: /^\s*(?:Migrat|ARCIV)/i.test(raw) ? "file" : "other", raw };
}

/** `MEMBER1   01.07 2025/09/12 2026/01/18 09:37    11    11     0 USER1`, or only the name. */
function readMember(row: Word[], clock: WallClock, raw: string): FtpEntry | undefined {
  const texts = row.map((word) => word.text);
  const name = texts[0];
  if (name === undefined || !MEMBER_NAME.test(name)) return undefined;
  if (texts.length === 1) return { name, type: "file", raw };
  const date = clock.numeric(texts[3] ?? "", texts[4]);
  if (!/^\d{2}\.\d{2}$/.test(texts[1]!) || date === undefined) return undefined;
  const entry: FtpEntry = { name, type: "file", raw, ...dateFields(date) };
  entry.facts = { version: texts[1]!, created: texts[2]! };
  if (texts[5] !== undefined) entry.facts.lines = texts[5];
  if (texts[8] !== undefined) entry.owner = texts[8];
  return entry;
}

/** `MODULE1   000F3A   00030F   ALIAS  00 FO  31 ANY` */
function readModule(row: Word[], _clock: WallClock, raw: string): FtpEntry | undefined {
  const [name, length] = [row[0]?.text, row[1]?.text];
  if (name === undefined || !MEMBER_NAME.test(name)) return undefined;
  if (length === undefined) return { name, type: "file", raw };
  return /^[0-9A-F]{4,8}$/.test(length) ? { name, type: "file", raw, facts: { length } } : undefined;
}
