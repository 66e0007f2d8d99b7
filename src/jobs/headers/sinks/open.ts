/** From what a caller names to a sink: by the file's extension, or a function, or a sink of his own. */
import { UsageError } from "../../../client/errors.js";
import type { Overview } from "../../../nntp/overview.js";
import type { SqlEngine } from "../../journal/sqlite.js";
import type { ArticleBatch, ArticleSink, HeaderBatch, HeaderRow, HeaderSink, OutputOptions } from "../sink.js";
import { CsvFormat } from "./csv.js";
import { FileSink, type RowFormat } from "./file-sink.js";
import { FunctionSink } from "./function-sink.js";
import { NdjsonFormat } from "./ndjson.js";
import { OutputFile } from "./output-file.js";
import { SqliteSink } from "./sqlite-sink.js";

/** Where headers may go: a path, a function that takes batches, or a sink. */
export type HeaderTarget<Row extends HeaderRow = Overview> =
  | string
  | ((batch: HeaderBatch<Row>) => void | Promise<void>)
  | HeaderSink<Row>;

/** Where articles may go. */
export type ArticleTarget = string | ((batch: ArticleBatch) => void | Promise<void>) | ArticleSink;

/** What a path's extension says. */
export interface OutputKind {
  readonly holds: "headers" | "articles";
  readonly format: "ndjson" | "csv" | "sqlite" | "mbox";
  readonly gzip: boolean;
}

const EXTENSIONS: Readonly<Record<string, Pick<OutputKind, "holds" | "format">>> = {
  ndjson: { holds: "headers", format: "ndjson" },
  jsonl: { holds: "headers", format: "ndjson" },
  csv: { holds: "headers", format: "csv" },
  sqlite: { holds: "headers", format: "sqlite" },
  db: { holds: "headers", format: "sqlite" },
  mbox: { holds: "articles", format: "mbox" },
};

/**
 * What a file of this name holds: `headers` (.ndjson .jsonl .csv, each with .gz; .sqlite .db) or `articles` (.mbox, .mbox.gz).
 *
 * @throws UsageError for any other extension.
 */
export function kindOf(path: string): OutputKind {
  const [, extension = "", gz] = /\.([a-z]+)(\.gz)?$/i.exec(path) ?? [];
  const kind = EXTENSIONS[extension.toLowerCase()];
  if (kind && !(gz && kind.format === "sqlite")) return { ...kind, gzip: gz !== undefined };
  throw new UsageError(`the extension of ${path} says nothing of its form`, {
    advice: "use .ndjson, .jsonl, .csv (or these with .gz), .sqlite or .db for headers, .mbox for whole articles",
  });
}

/**
 * Opens a sink for headers. Its position now, before anything is written, is what a first `flush` gives: a job commits
 * that at once, so that it knows its own file when it is killed.
 *
 * @param options For paths; the `engine` for .sqlite and .db. Default: a new file.
 */
export async function openHeaderSink<Row extends HeaderRow = Overview>(
  to: HeaderTarget<Row>,
  options: OutputOptions & { engine?: SqlEngine | undefined } = {},
): Promise<HeaderSink<Row>> {
  if (typeof to === "function") return new FunctionSink(to);
  if (typeof to !== "string") return to;
  const { holds, format, gzip } = kindOf(to);
  if (holds === "articles") throw new UsageError(`${to} would hold whole articles, not headers`);
  if (format === "sqlite") return await SqliteSink.open<Row>(to, options);
  const rows: RowFormat<HeaderRow> = format === "csv" ? new CsvFormat() : new NdjsonFormat();
  return new FileSink<Row>(await OutputFile.open(to, { ...options, gzip }), rows, { gzip });
}

/** Opens a sink for whole articles: an mbox, a function or a sink. Otherwise as {@link openHeaderSink}. */
export async function openArticleSink(to: ArticleTarget, options: OutputOptions = {}): Promise<ArticleSink> {
  if (typeof to === "function") return new FunctionSink(to);
  if (typeof to !== "string") return to;
  const { holds, gzip } = kindOf(to);
  if (holds === "headers") throw new UsageError(`${to} would hold headers, not whole articles`);
  // Loaded when it is needed: headers alone want nothing of articles.
  const { MboxFormat } = await import("./mbox-format.js");
  return new FileSink(await OutputFile.open(to, { ...options, gzip }), new MboxFormat(), { gzip });
}
