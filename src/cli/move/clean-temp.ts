/** What `polywire clean-temp` found and did: rows, and what they come to. */
import { type CleanTempOptions, cleanTemp, type TempFile } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { counted, csvRow, size } from "../format.js";
import { note, printJson, write } from "../output.js";

const WORDS: Readonly<Record<TempFile["fate"], string>> = {
  useless: "of no use",
  removed: "removed",
  needed: "kept: the job needs it",
  unsure: "kept: it may be the only copy",
  foreign: "kept: of another job",
  failed: "could not be removed",
};

/** Prints them. @returns 1 where one could not be removed. */
export async function printCleaned(context: Context, options: CleanTempOptions): Promise<number> {
  const sums = new Map<TempFile["fate"], { files: number; bytes: number }>();
  if (!context.json) await write(csvRow(["fate", "path", "size", "modified", "why"]));
  for await (const file of cleanTemp(options)) {
    const sum = sums.get(file.fate) ?? { files: 0, bytes: 0 };
    sums.set(file.fate, { files: sum.files + 1, bytes: sum.bytes + (file.size ?? 0) });
    const { fate, path, size: bytes, modified, why } = file;
    if (context.json) await printJson(file);
    else await write(csvRow([fate, path, bytes, modified?.toISOString(), why]));
  }
  if (context.json) await printJson({ summary: Object.fromEntries(sums) });
  else note(summary(sums));
  return sums.has("failed") ? EXIT.refused : EXIT.done;
}

function summary(sums: ReadonlyMap<TempFile["fate"], { files: number; bytes: number }>): string {
  if (sums.size === 0) return "No temporary files.";
  const lines = [...sums].map(
    ([fate, { files, bytes }]) => `${counted(files, "file")} (${size(bytes)}) ${WORDS[fate]}.`,
  );
  return [...lines, ...(sums.has("useless") ? ["Nothing was removed: --delete does so."] : [])].join("\n");
}
