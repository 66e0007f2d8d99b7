/** Headers as NDJSON: one JSON object per line, put together by hand because that is three times as fast. */
import { Overview } from "../../../nntp/overview.js";
import type { HeaderRow, KeptId } from "../sink.js";
import type { Bytes } from "./bytes.js";
import type { RowFormat } from "./file-sink.js";
import { readLines } from "./read-back.js";

/** What a row has by itself: a further field of such a name (`Lines:full`) is written as `header:lines`. */
const OWN = new Set(["group", "number", "subject", "from", "date", "references", "bytes", "lines", "broken"]);
/** ASCII that can go into JSON as it is, but for the quote. Anchored, it is looked for fastest. */
const PLAIN = /^[\t\x20-\x5b\x5d-\x7e]*$/;
/** Message-ids with one blank between them, and nothing else. */
const IDS = /^<[^<> \t]+>(?: <[^<> \t]+>)*$/;
/** The field of nearly every overview. */
const XREF = "Xref: ";
const DAY = 86_400_000;
const TWO = Array.from({ length: 100 }, (_, i) => String(i).padStart(2, "0"));

/**
 * `{"group","number","subject","from","date","rawDate","messageId","references","bytes","lines",…,"broken"}`: `date` in
 * ISO 8601 or null, `bytes` and `lines` where the server told, further fields of the overview by their names in lower
 * case, `broken` only where something is wrong with the row. Any text makes valid JSON in valid UTF-8.
 */
export class NdjsonFormat implements RowFormat<HeaderRow> {
  #head = "";
  #headIsAscii = true;
  /** The day of the last date, counted from 1970, and its text up to the T: articles of one time come together. */
  #day = Number.NaN;
  #dayText = "";

  begin(group: string): void {
    this.#head = `{"group":${JSON.stringify(group)},"number":`;
    this.#headIsAscii = /^[\x20-\x7e]*$/.test(group);
  }

  put(bytes: Bytes, row: HeaderRow): void {
    // One look at the whole row: most are plain ASCII, and go from the server's line to ours as they are.
    const plain = row instanceof Overview && row.broken === undefined && isPlain(row.rawLine);
    const line = plain ? this.#plainLine(row) : this.#anyLine(row);
    bytes.text(line, plain && this.#headIsAscii);
  }

  async *ids(source: AsyncIterable<Buffer>): AsyncGenerator<readonly KeptId[]> {
    for await (const lines of readLines(source)) {
      yield lines.map((line) => {
        const { group, messageId } = JSON.parse(line) as KeptId;
        return { group, messageId };
      });
    }
  }

  /** A row whose octets need no decoding; only quotes are escaped. */
  #plainLine(row: Overview): string {
    const quotes = row.rawLine.includes('"');
    const subject = quotes ? escaped(row.rawSubject) : row.rawSubject;
    const from = quotes ? escaped(row.rawFrom) : row.rawFrom;
    const rawDate = quotes ? escaped(row.rawDate) : row.rawDate;
    const id = quotes ? escaped(row.messageId) : row.messageId;
    const references = quotes ? listOf(row.references) : plainList(row);
    const { rawExtra } = row;
    const xref = !quotes && rawExtra.startsWith(XREF) && !rawExtra.includes("\t") && row.extraIsFull;
    const extra = rawExtra === "" ? "" : xref ? `,"xref":"${rawExtra.slice(XREF.length)}"` : extraOf(row);
    return (
      `${this.#head}${row.number},"subject":"${subject}","from":"${from}","date":${this.#date(row.date)}` +
      `,"rawDate":"${rawDate}","messageId":"${id}","references":${references}${countsOf(row)}${extra}}\n`
    );
  }

  #anyLine(row: HeaderRow): string {
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

/** True where nothing needs decoding: no 8-bit octets, no encoded words (RFC 2047). */
function isPlain(line: string): boolean {
  return PLAIN.test(line) && !line.includes("=?");
}

function escaped(text: string): string {
  return text.includes('"') ? text.replaceAll('"', '\\"') : text;
}

/** References without quotes. */
function plainList(row: Overview): string {
  const raw = row.rawReferences;
  if (raw === "") return "[]";
  if (!IDS.test(raw)) return listOf(row.references);
  return raw.includes(" ") ? `["${raw.replaceAll(" ", '","')}"]` : `["${raw}"]`;
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
