/** Where headers and articles go: what a sink takes and what it promises. Types only. */
import type { Overview } from "../../nntp/overview.js";

/** What sinks read of a row; an {@link Overview} is one. */
export type HeaderRow = Pick<
  Overview,
  | "number"
  | "subject"
  | "from"
  | "date"
  | "rawDate"
  | "messageId"
  | "references"
  | "bytes"
  | "lines"
  | "broken"
  | "extra"
>;

/** Rows of one group, each article once, ascending within what one command brought. */
export interface HeaderBatch<Row extends HeaderRow = Overview> {
  readonly group: string;
  readonly rows: readonly Row[];
}

/** A whole article. */
export interface ArticleRow {
  readonly number: number;
  readonly messageId: string;
  /** Header and body as the server sent them, without dot-stuffing. */
  readonly content: Buffer;
  /** When it came, where its server keeps that. */
  readonly date?: Date | undefined;
}

/** Articles of one group. */
export interface ArticleBatch {
  readonly group: string;
  readonly rows: readonly ArticleRow[];
}

/**
 * How much of each output is safe: the length of a file in bytes, the last row id of a database, by the output's name.
 * What an output holds beyond that is taken off again when the job goes on: so each row is there exactly once.
 */
export type SinkPosition = Readonly<Record<string, number>>;

/** A message-id that an output holds. */
export interface KeptId {
  readonly group: string;
  readonly messageId: string;
}

/**
 * Takes batches. The cursor of a job is stored after `flush`, with the position it gave.
 *
 * Calls may overlap: `flush` covers exactly what was written before it was called, and whatever is written while it is
 * under way goes behind its position. A failure is told by the next call of any kind, and by all calls after it.
 */
export interface Sink<Batch> {
  /** Takes a batch at once. @returns A promise where there is enough in hand: wait for it before writing more. */
  write(batch: Batch): void | Promise<void>;
  /**
   * Resolves when everything written before is where it will survive the process.
   *
   * @returns How much that is; undefined from a sink that has no positions: its rows may come again after a crash.
   */
  flush(): Promise<SinkPosition | undefined>;
  /** Flushes and closes; a database gets its indexes, unless `complete` is false: the job will go on. Safe twice. */
  close(options?: { readonly complete?: boolean | undefined }): Promise<void>;
  /** Reads back which articles it holds, where it can. Called after a flush, while nothing is written. */
  messageIds?(): AsyncIterable<readonly KeptId[]>;
}

/** A sink for headers. */
export type HeaderSink<Row extends HeaderRow = Overview> = Sink<HeaderBatch<Row>>;
/** A sink for whole articles. */
export type ArticleSink = Sink<ArticleBatch>;

/** How an output is opened. */
export interface OutputOptions {
  /** The committed position of the job that goes on: the output is cut back to it. Default: a new job. */
  position?: SinkPosition | undefined;
  /** What a new job does with an output that holds something: `fail` (default), `append` to it, or `replace` it. */
  existing?: "fail" | "append" | "replace" | undefined;
  /** Whether a flush waits until the bytes are on the disk, so that they survive a power failure. Default: true. */
  fsync?: boolean | undefined;
}
