/** The report of a move: summary.json, failed.csv, moved.ndjson and one page for people. */
import { createWriteStream } from "node:fs";
import { mkdir, rename } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SinkError } from "../../../client/errors.js";
import { displayName } from "../../../ftp/name.js";
import { type JournalFile, JournalReader } from "../../journal/journal.js";
import { failureClass } from "../look/failure-class.js";
import { pageOf } from "./page.js";
import { type MoveSummary, summarize } from "./summary.js";

/** The files of a report. */
export interface WrittenReport {
  readonly summary: MoveSummary;
  /** Paths of what was written. */
  readonly files: readonly string[];
}

/** Failures that the page shows; failed.csv has all of them. */
const SHOWN = 100;
/** Rows written together. */
const ROWS = 1_000;

/**
 * Writes the report of a move into a folder, which is made; files of an earlier one are replaced, each as a whole. The
 * move may be at work meanwhile.
 *
 * - `summary.json`: settings, counts and bytes by state, runs, rates, failures by kind, warnings
 * - `failed.csv` (RFC 4180): every file that failed, conflicts or vanished, and why
 * - `moved.ndjson`: every moved file: name, target, bytes, modified, and its digest where that is known
 * - `report.html`: one page with charts that loads nothing from anywhere
 *
 * @throws UsageError where the journal cannot be read, SinkError where the folder cannot be written.
 */
export async function writeReport(journal: string, folder: string): Promise<WrittenReport> {
  using reader = JournalReader.read(journal);
  const summary = summarize(reader);
  const files = ["summary.json", "failed.csv", "moved.ndjson", "report.html"].map((name) => join(folder, name));
  const [json, csv, ndjson, html] = files as [string, string, string, string];
  try {
    await mkdir(folder, { recursive: true });
    const shown: JournalFile[] = [];
    await replace(csv, failedRows(reader, shown));
    await replace(ndjson, movedRows(reader));
    await replace(json, [`${JSON.stringify(summary, undefined, 2)}\n`]);
    await replace(html, [pageOf(summary, reader.samples(), shown)]);
  } catch (cause) {
    throw new SinkError(`cannot write the report: ${(cause as Error).message}`, { cause });
  }
  return { summary, files };
}

/** A reader never finds half a file under its name. */
async function replace(path: string, pieces: Iterable<string>): Promise<void> {
  const part = `${path}.part`;
  await pipeline(Readable.from(pieces), createWriteStream(part));
  await rename(part, path);
}

function* failedRows(reader: JournalReader, shown: JournalFile[]): IterableIterator<string> {
  let text = csvRow(["name", "target", "state", "code", "kind", "tries", "updated", "error"]);
  let rows = 0;
  for (const file of reader.failed()) {
    if (shown.length < SHOWN) shown.push(file);
    const { name, target, state, code, tries, updated, error } = file;
    const kind = failureClass(state, code);
    text += csvRow([name, target, state, code, kind, tries, new Date(updated).toISOString(), error]);
    if (++rows % ROWS > 0) continue;
    yield text;
    text = "";
  }
  yield text;
}

function* movedRows(reader: JournalReader): IterableIterator<string> {
  let text = "";
  let rows = 0;
  for (const { name, target, size, mtime, digest } of reader.files(["DONE"])) {
    const modified = mtime === undefined ? undefined : new Date(mtime).toISOString();
    text += `${JSON.stringify({ name, target, bytes: size, modified, digest })}\n`;
    if (++rows % ROWS > 0) continue;
    yield text;
    text = "";
  }
  yield text;
}

/** A row with its line end. Control characters are shown as `\x07`: exact names are in the journal. */
function csvRow(values: readonly (string | number | undefined)[]): string {
  const cells = values.map((value) => displayName(String(value ?? "")));
  return `${cells.map((cell) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell)).join(",")}\r\n`;
}
