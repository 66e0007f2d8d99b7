/** A sink that writes rows into a file, in whatever format. */
import { createReadStream } from "node:fs";
import { pipeline } from "node:stream";
import { createGunzip } from "node:zlib";
import type { KeptId, Sink, SinkPosition } from "../sink.js";
import { BLOCK, Bytes } from "./bytes.js";
import type { OutputFile } from "./output-file.js";

/** How rows become bytes. */
export interface RowFormat<Row> {
  /** What an empty file begins with. */
  readonly header?: string | undefined;
  /** The rows that follow are of this group. */
  begin(group: string): void;
  /** Adds one row, at once or by the next {@link settle}. */
  put(bytes: Bytes, row: Row): void;
  /** Adds what `put` has kept for doing many at once. */
  settle?(bytes: Bytes): void;
  /** Reads back which articles a file holds. */
  ids?(source: AsyncIterable<Buffer>): AsyncIterable<readonly KeptId[]>;
}

/** Rows are encoded as they come, and written in blocks of a mebibyte. */
export class FileSink<Row> implements Sink<{ readonly group: string; readonly rows: readonly Row[] }> {
  readonly #output: OutputFile;
  readonly #format: RowFormat<Row>;
  readonly #gzip: boolean;
  readonly #bytes = new Bytes();
  #header: string;
  #closed = false;
  readonly messageIds?: () => AsyncIterable<readonly KeptId[]>;

  constructor(output: OutputFile, format: RowFormat<Row>, options: { gzip?: boolean | undefined } = {}) {
    this.#output = output;
    this.#format = format;
    this.#gzip = options.gzip ?? false;
    // Not before the first row: what is opened and not yet committed must be empty, so that it can be opened again.
    this.#header = output.position === 0 ? (format.header ?? "") : "";
    if (format.ids) this.messageIds = () => this.#readBack();
  }

  write(batch: { readonly group: string; readonly rows: readonly Row[] }): void | Promise<void> {
    const bytes = this.#bytes;
    let full: Promise<void> | undefined;
    this.#format.begin(batch.group);
    if (batch.rows.length > 0) this.#begin();
    for (const row of batch.rows) {
      this.#format.put(bytes, row);
      if (bytes.length >= BLOCK) full = this.#spill() ?? full;
    }
    // All of this batch, for the next may be of another group, and what is written is what `flush` covers.
    this.#format.settle?.(bytes);
    return bytes.length >= BLOCK ? (this.#spill() ?? full) : full;
  }

  async flush(): Promise<SinkPosition> {
    this.#spill();
    return { [this.#output.path]: await this.#output.flush() };
  }

  async close(): Promise<void> {
    if (!this.#closed) {
      this.#closed = true;
      this.#begin();
      this.#spill();
    }
    await this.#output.close();
  }

  #begin(): void {
    if (this.#header === "") return;
    this.#bytes.text(this.#header);
    this.#header = "";
  }

  #spill(): Promise<void> | undefined {
    if (this.#bytes.length === 0) return undefined;
    const block = this.#bytes.take();
    return this.#output.append(block, () => this.#bytes.reuse(block));
  }

  async *#readBack(): AsyncGenerator<readonly KeptId[]> {
    const end = this.#output.position;
    if (end === 0) return;
    const file = createReadStream(this.#output.path, { end: end - 1, highWaterMark: 1024 * 1024 });
    // pipeline: a file that cannot be read ends the unpacking, too.
    const source = this.#gzip ? pipeline(file, createGunzip(), () => {}) : file;
    yield* this.#format.ids!(source as AsyncIterable<Buffer>);
  }
}
