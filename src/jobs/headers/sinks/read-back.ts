/** Reading back what a sink wrote: lines of NDJSON, rows of CSV, however the bytes are cut. Pure. */
import { StringDecoder } from "node:string_decoder";

/** The complete lines of each chunk; an unfinished last line is left out. */
export async function* readLines(source: AsyncIterable<Buffer>): AsyncGenerator<string[]> {
  const decoder = new StringDecoder("utf8");
  let rest = "";
  for await (const chunk of source) {
    const lines = (rest + decoder.write(chunk)).split("\n");
    rest = lines.pop() as string;
    if (lines.length > 0) yield lines;
  }
}

/** Takes CSV apart (RFC 4180, as this package writes it): fields with commas, quotes and line ends in quotes. */
export class CsvReader {
  readonly #decoder = new StringDecoder("utf8");
  #rest = "";
  /** Complete rows so far. */
  rows = 0;

  /** @returns The rows that are complete now. */
  push(chunk: Buffer): string[][] {
    const text = this.#rest + this.#decoder.write(chunk);
    const rows: string[][] = [];
    let row: string[] = [];
    let done = 0;
    // A field, and what ends it.
    const field = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r\n)/y;
    for (let found = field.exec(text); found; found = field.exec(text)) {
      row.push(found[1]?.replaceAll('""', '"') ?? found[2] ?? "");
      if (found[3] === ",") continue;
      rows.push(row);
      row = [];
      done = field.lastIndex;
    }
    this.#rest = text.slice(done);
    this.rows += rows.length;
    return rows;
  }
}
