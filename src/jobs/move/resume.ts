/** Files that were under way when a process or a connection died: the recovery table, put into practice. */
import type { ClaimedFile } from "../journal/journal.js";
import { type Arrived, removeSources } from "./deliver.js";
import { isEqual } from "./equal.js";
import type { Workplace } from "./lane.js";
import type { FileStat } from "./place.js";
import { type Recovery, recovery, same } from "./recover.js";

interface Case {
  readonly file: ClaimedFile;
  readonly action: Recovery;
  readonly source: FileStat | undefined;
  readonly temp: FileStat | undefined;
  readonly final: FileStat | undefined;
}

/** Looks at sources, temporary and final files, and settles or gives back every file. */
export async function resume(lane: Workplace, files: readonly ClaimedFile[]): Promise<void> {
  const cases = await look(lane, files);
  // Only of sources that are there.
  const useless = cases.filter(
    ({ action, temp }) => temp && (action === "again" || action === "policy" || action === "changed"),
  );
  await lane.drop(useless.map(({ file }) => file));
  const ours: Arrived[] = [];
  for (const each of cases) if (each.action === "finish" && (await isOurs(lane, each))) ours.push(arrived(each));
  await removeSources(lane, ours);
  for (const each of cases) await settle(lane, each);
}

async function look(lane: Workplace, files: readonly ClaimedFile[]): Promise<Case[]> {
  const { context, ledger } = lane;
  for (const file of files) ledger.reserve(file.target, file.id);
  const [sources, temps, finals] = await Promise.all([
    lane.from.stat(files.map((file) => file.name)),
    lane.to.stat(files.map((file) => file.temp)),
    lane.to.stat(files.map((file) => file.target)),
  ]);
  return files.flatMap((file, i) => {
    const [source, temp, final] = [sources[i], temps[i], finals[i]];
    const refused = [source, temp, final].find((each) => each instanceof Error);
    if (refused instanceof Error) {
      context.warn(`${file.temp} may have been left: ${refused.message}`);
      ledger.retry(file, refused);
      return [];
    }
    const there = { source, temp, final } as Pick<Case, "source" | "temp" | "final">;
    return [{ file, ...there, action: recovery({ planned: file, before: file.destBefore, ...there }) }];
  });
}

function arrived({ file, source, final }: Case): Arrived {
  const found = final as FileStat;
  return { file, source: source as FileStat, before: "absent", lookedAt: performance.now(), bytes: found.size };
}

async function settle(lane: Workplace, { file, action, source, final }: Case): Promise<void> {
  const { context, ledger } = lane;
  switch (action) {
    case "again":
    case "policy":
      return ledger.again(file);
    case "changed":
      return ledger.release(file, { now: source });
    case "finish":
      return;
    case "done": {
      const skipped = file.destBefore === "same" && context.move.onExists === "same-skip";
      return ledger.settle({ id: file.id, state: skipped ? "SKIPPED_SAME" : "DONE" });
    }
    case "rename":
      return rename(lane, file, final !== undefined || !ledger.reserve(file.target, file.id));
    case "keep-partial":
      return ledger.keep(file, "FAILED", "what arrived is not whole");
    case "conflict":
      return ledger.conflict(file, "another file has the final name");
    case "gone":
      return ledger.settle({ id: file.id, state: "GONE", error: "the source is gone, and nothing arrived" });
  }
}

/** What was published by us has the source's time, too; where that could not be set, its bytes tell. */
async function isOurs(lane: Workplace, { file, source, final }: Case): Promise<boolean> {
  try {
    if (same(source as FileStat, final as FileStat) || (await isEqual(lane, file))) return true;
    lane.ledger.conflict(file, "another file has the final name");
  } catch (error) {
    await lane.failed(file, error);
  }
  return false;
}

/** The source is gone and the temporary file is whole. */
async function rename(lane: Workplace, file: ClaimedFile, taken: boolean): Promise<void> {
  const { context, ledger } = lane;
  if (taken) return ledger.keep(file, "CONFLICT", "another file has the final name");
  const mtime = context.move.keepTimes ? file.mtime : undefined;
  const [result] = await lane.to.publish([{ temp: file.temp, final: file.target, mtime }]);
  if (result instanceof Error) return ledger.keep(file, "FAILED", `its name was refused: ${result.message}`);
  context.warn(`${file.target} was published from what an earlier run left: its source was gone already`);
  ledger.settle({ id: file.id, state: "DONE" });
}
