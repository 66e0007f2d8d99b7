/** Headers as NDJSON: one JSON object per line. Rows that need no decoding go by way of RowMachine. */
import { Overview } from "../../../nntp/overview.js";
import type { HeaderRow, KeptId } from "../sink.js";
import type { Bytes } from "./bytes.js";
import type { RowFormat } from "./file-sink.js";
import { readLines } from "./read-back.js";
import { RowMachine } from "./row-machine.js";

/** What a row has by itself: a further field of such a name (`Lines:full`) is written as `header:lines`. */
const OWN = new Set(["group", "number", "subject", "from", "date", "references", "bytes", "lines", "broken"]);
/** Characters of rows that are done at once. */
const PIECE = 32 * 1024;
const DAY = 86_400_000;
const TWO = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, "0"));

/**
 * `{"group","number","subject","from","date","rawDate","messageId","references","bytes","lines",…,"broken"}`: `date` in
 * ISO 8601 or null, `bytes` and `lines` where the server told, further fields of the overview by their names in lower
 * case, `broken` only where something is wrong with the row. Any text makes valid JSON in valid UTF-8.
 */
export class NdjsonFormat implements RowFormat<HeaderRow> {
  readonly #machine: RowMachine | undefined;
  #head = "";
  /** True where the machine takes rows of this group. */
  #isMachines = false;
  /** Rows for the machine, and their octets. */
  readonly #rows: Overview[] = [];
  #text = "";
  /** The day of the last date, counted from 1970, and its text up to the T: articles of one time come together. */
  #day = Number.NaN;
  #dayText = "";

  /** `fast`: false does without the machine. */
  constructor(fast = true) {
    this.#machine = fast ? RowMachine.make() : undefined;
  }

  begin(group: string): void {
    this.#head = `{"group":${JSON.stringify(group)},"number":`;
    this.#isMachines = this.#machine?.begin(this.#head) ?? false;
  }

  put(bytes: Bytes, row: HeaderRow): void {
    if (!this.#isMachines || !isMachines(row)) {
      this.settle(bytes);
      bytes.text(this.#line(row));
      return;
    }
    this.#rows.push(row);
    this.#text += `${row.rawLine}\n`;
    if (this.#text.length >= PIECE) this.settle(bytes);
  }

  settle(bytes: Bytes): void {
    const rows = this.#rows;
    const machine = this.#machine;
    if (machine === undefined || rows.length === 0) return;
    machine.load(this.#text);
    for (let at = 0; machine.isLeft; ) {
      at += machine.run();
      bytes.raw(machine.lines);
      if (!machine.refused) continue;
      const row = rows[at++] as Overview;
      bytes.text(this.#line(row));
      machine.skip(row.rawLine.length);
    }
    this.#text = "";
    rows.length = 0;
  }

  async *ids(source: AsyncIterable<Buffer>): AsyncGenerator<readonly KeptId[]> {
    for await (const lines of readLines(source)) {
      yield lines.map((line) => {
        const { group, messageId } = JSON.parse(line) as KeptId;
        return { group, messageId };
      });
    }
  }

  #line(row: HeaderRow): string {
    const texts = `"subject":${JSON.stringify(row.subject)},"from":${JSON.stringify(row.from)}`;
    const ids = `"messageId":${JSON.stringify(row.messageId)},"references":${listOf(row.references)}`;
    const broken = row.broken === undefined ? "" : `,"broken":${JSON.stringify(row.broken)}`;
    return (
      `${this.#head}${row.number},${texts},"date":${this.#date(row.date)},"rawDate":${JSON.stringify(row.rawDate)}` +
      `,${ids}${countsOf(row)}${extraOf(row)}${broken}}\n`
    );
  }

  /** As Date.toISOString gives it, in quotes; `null` where there is none. */
  #date(date: Date | undefined): string {
    const time = date?.getTime() ?? Number.NaN;
    if (Number.isNaN(time)) return "null";
    const day = Math.floor(time / DAY);
    if (day !== this.#day) {
      this.#day = day;
      // Years before 0 and past 9999 have a sign and six digits.
      this.#dayText = new Date(day * DAY).toISOString().slice(0, -13);
    }
    const left = time - day * DAY;
    const seconds = Math.trunc(left / 1000);
    const thousandths = left === seconds * 1000 ? "000" : String(left - seconds * 1000).padStart(3, "0");
    const minutes = Math.trunc(seconds / 60);
    return `"${this.#dayText}${TWO[Math.trunc(minutes / 60)]}:${TWO[minutes % 60]}:${TWO[seconds % 60]}.${thousandths}Z"`;
  }
}

/** True where the machine may try: it knows no fields by the format. */
function isMachines(row: HeaderRow): row is Overview {
  if (!(row instanceof Overview) || row.broken !== undefined || row.rawLine.length >= PIECE) return false;
  return row.rawExtra === "" || row.extraIsFull;
}

function listOf(ids: readonly string[]): string {
  return ids.length === 0 ? "[]" : JSON.stringify(ids);
}

function countsOf({ bytes, lines }: HeaderRow): string {
  if (bytes !== undefined && lines !== undefined) return `,"bytes":${bytes},"lines":${lines}`;
  return `${bytes === undefined ? "" : `,"bytes":${bytes}`}${lines === undefined ? "" : `,"lines":${lines}`}`;
}

function extraOf(row: HeaderRow): string {
  let text = "";
  for (const [name, value] of row.extra) {
    text += `,${JSON.stringify(OWN.has(name) ? `header:${name}` : name)}:${JSON.stringify(value)}`;
  }
  return text;
}
