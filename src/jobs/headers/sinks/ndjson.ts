/** Headers as NDJSON: one JSON object per line, written by hand because that is three times as fast. */
import type { HeaderRow, KeptId } from "../sink.js";
import type { Bytes } from "./bytes.js";
import type { RowFormat } from "./file-sink.js";
import { readLines } from "./read-back.js";

const part = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text));
const PARTS = {
  subject: part(',"subject":"'),
  from: part('","from":"'),
  date: part('","date":"'),
  noDate: part('","date":null'),
  afterDate: part('"'),
  rawDate: part(',"rawDate":"'),
  messageId: part('","messageId":"'),
  noReferences: part('","references":[]'),
  references: part('","references":["'),
  between: part('","'),
  afterReferences: part('"]'),
  bytes: part(',"bytes":'),
  lines: part(',"lines":'),
  field: part(',"'),
  value: part('":"'),
  afterValue: part('"'),
  end: part("}\n"),
};

/** What a row has by itself: a further field of such a name (`Lines:full`) is written as `header:lines`. */
const OWN = new Set(["group", "number", "subject", "from", "date", "references", "bytes", "lines", "broken"]);

/**
 * `{"group","number","subject","from","date","rawDate","messageId","references","bytes","lines",…,"broken"}`: `date` in
 * ISO 8601 or null, `bytes` and `lines` where the server told, further fields of the overview by their names in lower
 * case, `broken` only where something is wrong with the row. Any text makes valid JSON in valid UTF-8.
 */
export class NdjsonFormat implements RowFormat<HeaderRow> {
  readonly #groups = new Map<string, Uint8Array>();
  #head = part("");

  begin(group: string): void {
    let head = this.#groups.get(group);
    if (!head) this.#groups.set(group, (head = part(`{"group":${JSON.stringify(group)},"number":`)));
    this.#head = head;
  }

  put(bytes: Bytes, row: HeaderRow): void {
    bytes.raw(this.#head);
    bytes.number(row.number);
    bytes.raw(PARTS.subject);
    bytes.json(row.subject);
    bytes.raw(PARTS.from);
    bytes.json(row.from);
    const time = row.date?.getTime() ?? Number.NaN;
    if (Number.isNaN(time)) bytes.raw(PARTS.noDate);
    else {
      bytes.raw(PARTS.date);
      bytes.date(time);
      bytes.raw(PARTS.afterDate);
    }
    bytes.raw(PARTS.rawDate);
    bytes.json(row.rawDate);
    bytes.raw(PARTS.messageId);
    bytes.json(row.messageId);
    putReferences(bytes, row.references);
    putRest(bytes, row);
    bytes.raw(PARTS.end);
  }

  async *ids(source: AsyncIterable<Buffer>): AsyncGenerator<readonly KeptId[]> {
    for await (const lines of readLines(source)) {
      yield lines.map((line) => {
        const { group, messageId } = JSON.parse(line) as KeptId;
        return { group, messageId };
      });
    }
  }
}

function putReferences(bytes: Bytes, references: readonly string[]): void {
  if (references.length === 0) {
    bytes.raw(PARTS.noReferences);
    return;
  }
  bytes.raw(PARTS.references);
  for (let i = 0; i < references.length; i++) {
    if (i > 0) bytes.raw(PARTS.between);
    bytes.json(references[i]!);
  }
  bytes.raw(PARTS.afterReferences);
}

function putRest(bytes: Bytes, row: HeaderRow): void {
  if (row.bytes !== undefined) {
    bytes.raw(PARTS.bytes);
    bytes.number(row.bytes);
  }
  if (row.lines !== undefined) {
    bytes.raw(PARTS.lines);
    bytes.number(row.lines);
  }
  for (const [name, value] of row.extra) putField(bytes, OWN.has(name) ? `header:${name}` : name, value);
  if (row.broken !== undefined) putField(bytes, "broken", row.broken);
}

function putField(bytes: Bytes, name: string, value: string): void {
  bytes.raw(PARTS.field);
  bytes.json(name);
  bytes.raw(PARTS.value);
  bytes.json(value);
  bytes.raw(PARTS.afterValue);
}
