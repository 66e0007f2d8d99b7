/** `polywire move --dry-run`: the plan as rows, and what it comes to. */
import { type MoveOptions, type PlannedFile, planMove } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { counted, csvRow, size } from "../format.js";
import { note, printJson, write } from "../output.js";

type Action = PlannedFile["action"];

/** What would happen, in words. */
const WORDS: Readonly<Record<Action, string>> = {
  move: "would be moved",
  skip: "would be skipped: the same is there",
  overwrite: "would replace a file that is there",
  rename: "would get another name: theirs is taken",
  conflict: "would stay: another file has their name",
  fail: "would fail: their route does",
  wait: "would wait: they may still be written",
};

/** Prints the plan. @returns 1 where some files would stay. */
export async function printPlan(context: Context, job: MoveOptions): Promise<number> {
  const totals = new Map<Action, { files: number; bytes: number }>();
  if (!context.json) await write(csvRow(["action", "name", "target", "size", "modified", "why"]));
  for await (const file of planMove(job)) {
    const { action, name, target, size, modified, why } = file;
    const total = totals.get(action) ?? { files: 0, bytes: 0 };
    totals.set(action, { files: total.files + 1, bytes: total.bytes + (size ?? 0) });
    if (context.json) await printJson(file);
    else await write(csvRow([action, name, target, size, modified?.toISOString(), why]));
  }
  if (context.json) await printJson({ summary: Object.fromEntries(totals) });
  else note(summary(totals, job.source === "keep"));
  return totals.has("conflict") || totals.has("fail") ? EXIT.refused : EXIT.done;
}

function summary(totals: Map<Action, { files: number; bytes: number }>, copy: boolean): string {
  if (totals.size === 0) return "No file matches.";
  const lines = (Object.keys(WORDS) as Action[]).flatMap((action) => {
    const total = totals.get(action);
    const words = copy ? WORDS[action].replace("moved", "copied") : WORDS[action];
    return total ? [`${counted(total.files, "file")} (${size(total.bytes)}) ${words}`] : [];
  });
  return [...lines, "Nothing was changed."].join("\n");
}
