/** Headers as CSV (RFC 4180): UTF-8, CRLF, a header row, the same columns for every row. */
import type { HeaderRow, KeptId } from "../sink.js";
import type { Bytes } from "./bytes.js";
import type { RowFormat } from "./file-sink.js";
import { CsvReader } from "./read-back.js";

/** The columns, in this order. References are separated by blanks; further fields of the overview are left out. */
export const CSV_COLUMNS = [
  "group",
  "number",
  "subject",
  "from",
  "date",
  "rawDate",
  "messageId",
  "references",
  "bytes",
  "lines",
  "broken",
] as const;

/**
 * Text goes in as it is. A subject may begin with `=`, `+`, `-` or `@`, which spreadsheets take for a formula: import the
 * columns as text, or look out for it, because a file that was changed here would no longer say what the server said.
 */
export class CsvFormat implements RowFormat<HeaderRow> {
  readonly header = `${CSV_COLUMNS.join(",")}\r\n`;
  #group = "";

  begin(group: string): void {
    this.#group = quoted(group);
  }

  put(bytes: Bytes, row: HeaderRow): void {
    const time = row.date?.getTime() ?? Number.NaN;
    const date = Number.isNaN(time) ? "" : row.date!.toISOString();
    const start = `${this.#group},${row.number},${quoted(row.subject)},${quoted(row.from)},${date},${quoted(row.rawDate)}`;
    const ids = `${quoted(row.messageId)},${quoted(row.references.join(" "))}`;
    bytes.text(`${start},${ids},${row.bytes ?? ""},${row.lines ?? ""},${quoted(row.broken ?? "")}\r\n`);
  }

  async *ids(source: AsyncIterable<Buffer>): AsyncGenerator<readonly KeptId[]> {
    const reader = new CsvReader();
    const [group, messageId] = [CSV_COLUMNS.indexOf("group"), CSV_COLUMNS.indexOf("messageId")];
    for await (const chunk of source) {
      const rows = reader.push(chunk);
      // The first one has the columns' names.
      if (rows.length === reader.rows) rows.shift();
      if (rows.length > 0) yield rows.map((row) => ({ group: row[group] ?? "", messageId: row[messageId] ?? "" }));
    }
  }
}

function quoted(text: string): string {
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
