/** Files that were under way when a process or a connection died: the recovery table, put into practice. */
import type { ClaimedFile, SettledFile } from "../../journal/journal.js";
import type { FileStat } from "../places/place.js";
import { type Arrived, giveUp, unknown } from "./arrived.js";
import { goOn } from "./big.js";
import { above } from "./big-options.js";
import { isEqual } from "./equal.js";
import { replaces } from "./exists.js";
import type { Workplace } from "./lane.js";
import { lookAgain } from "./look-again.js";
import { type Recovery, recovery, same } from "./recover.js";
import { removeSources } from "./remove.js";
import { together } from "./suspects.js";
import { isAlone } from "./twins.js";
import { proves } from "./verify.js";

interface Case {
  readonly file: ClaimedFile;
  readonly action: Recovery;
  /** False where what is there may be another file's, of the same final name. */
  readonly alone: boolean;
  readonly source: FileStat | undefined;
  readonly temp: FileStat | undefined;
  readonly final: FileStat | undefined;
}

/**
 * Looks at sources, temporary and final files, and settles or gives back every file. Whoever is broken off in it leaves
 * what the table knows, too: it is begun again from the look.
 */
export async function resume(lane: Workplace, files: readonly ClaimedFile[]): Promise<void> {
  const begun: Case[] = [];
  const all = files.map((file) => ({ file }));
  await together(lane, all, {
    suspects: lane.context.roster.suspects.recover,
    do: async (group) => void begun.push(...(await settleAll(lane, group))),
    giveUp: (file, error) => unknown(lane, file, error),
  });
  // They take their time: what is known of the others is known by then.
  for (const each of begun) await takeUp(lane, each);
}

/** Gives those that are to be gone on with. */
async function settleAll(lane: Workplace, files: readonly Pick<Case, "file">[]): Promise<Case[]> {
  const cases = await look(
    lane,
    files.map(({ file }) => file),
  );
  await dropUseless(lane, cases);
  const ours: Arrived[] = [];
  for (const each of cases) if (each.action === "finish" && (await isOurs(lane, each))) ours.push(arrived(each));
  await removeSources(lane, ours);
  for (const each of cases) await settle(lane, each);
  return cases.filter(({ action }) => action === "go-on");
}

/** Temporary files of sources that are there. What may be another file's may be the only copy of that one. */
async function dropUseless(lane: Workplace, cases: readonly Case[]): Promise<void> {
  const useless = cases.filter(
    ({ action, temp }) => temp && (action === "again" || action === "policy" || action === "changed"),
  );
  for (const { file, alone } of useless)
    if (!alone) lane.context.warn(`${file.temp} was left: another file under way may have written it`);
  await lane.drop(useless.filter(({ alone }) => alone).map(({ file }) => file));
}

/** A large file, part of which has arrived. */
async function takeUp(lane: Workplace, { file, source, temp, final }: Case): Promise<void> {
  // The next run recovers it as this one would have.
  if (lane.context.signal.aborted) return lane.ledger.suspend(file);
  const there = (temp as FileStat).size;
  const { retry } = lane.context.move.tries;
  // Others may have taken their time since the look.
  if (lane.context.roster.stuck.is(file, there, retry))
    return giveUp(lane, file, new Error(`its connections broke ${retry} times behind byte ${there}`));
  const before = final === undefined ? "absent" : (file.destBefore ?? "other");
  const ready = { file, source: source as FileStat, before, lookedAt: performance.now() } as const;
  await goOn(lane, ready, there);
}

async function look(lane: Workplace, files: readonly ClaimedFile[]): Promise<Case[]> {
  const { context, ledger } = lane;
  const alone = files.map((file) => ledger.reserve(file.target, file.id) && isAlone(context, file));
  const [sources, temps, finals] = await Promise.all([
    lookAgain(
      lane,
      lane.from,
      files.map((file) => file.name),
    ),
    lookAgain(
      lane,
      lane.to,
      files.map((file) => file.temp),
    ),
    lookAgain(
      lane,
      lane.to,
      files.map((file) => file.target),
    ),
  ]);
  const { onExists, verify, big } = context.move;
  const begun = { above: above(big.resumeAbove), proves: proves(verify), overwrites: onExists === "overwrite" };
  const never = { ...begun, above: Number.POSITIVE_INFINITY };
  const cases: Case[] = [];
  for (const [i, file] of files.entries()) {
    const [source, temp, final] = [sources[i], temps[i], finals[i]];
    if (source instanceof Error || temp instanceof Error || final instanceof Error) {
      const error = [source, temp, final].find((each) => each instanceof Error) as Error;
      unseen(lane, file, source, error);
      continue;
    }
    const isMine = alone[i] as boolean;
    // Before the look at the destination it sent nothing.
    const there = { source, temp: isMine || file.destBefore !== undefined ? temp : undefined, final };
    const action = recovery({
      planned: file,
      before: file.destBefore,
      fxp: file.fxp,
      replaces: replaces(onExists, file.destBefore),
      begun: isMine ? begun : never,
      ...there,
    });
    cases.push({ file, action, alone: isMine, ...there });
  }
  return cases;
}

/** A server would not tell of one name. Where the source may be gone, a temporary file may be the only copy. */
function unseen(lane: Workplace, file: ClaimedFile, source: FileStat | Error | undefined, error: Error): void {
  if (source === undefined || source instanceof Error) unknown(lane, file, error);
  else {
    lane.context.warn(`${file.temp} may have been left: ${error.message}`);
    lane.ledger.retry(file, error);
  }
}

function arrived({ file, source, final }: Case): Arrived {
  const found = final as FileStat;
  return { file, source: source as FileStat, before: "absent", lookedAt: performance.now(), bytes: found.size };
}

async function settle(lane: Workplace, each: Case): Promise<void> {
  const { ledger } = lane;
  const { file, action, source } = each;
  switch (action) {
    case "again":
    case "policy":
      return ledger.again(file);
    case "changed":
      return ledger.release(file, { now: source });
    case "finish":
    case "go-on":
      return;
    case "done":
      return each.alone ? done(lane, each) : ledger.settle(notOurs(each));
    case "skipped":
      return ledger.settle({ id: file.id, state: "SKIPPED_SAME" });
    case "rename":
      return rename(lane, each);
    case "keep-partial":
      return ledger.keep(file, "FAILED", "what arrived is not whole");
    case "conflict":
      return ledger.conflict(file, "another file has the final name");
    case "gone": {
      // Before the look at the destination nothing was sent.
      const sent = file.destBefore === undefined ? "" : ": what may have arrived was taken away since";
      return ledger.settle({ id: file.id, state: "GONE", error: `the source is gone${sent}` });
    }
  }
}

/** The source is gone, and a file of its size has the final name, which another one was to have, too. */
function notOurs({ file: { id } }: Case): SettledFile {
  return { id, state: "GONE", error: "the source is gone: what has its final name may be another file of this move" };
}

/** The source is gone, and a file of its size has the final name. */
function done({ context, ledger }: Workplace, { file, final }: Case): void {
  const planned = { size: (final as FileStat).size, mtime: file.mtime };
  if (file.destBefore !== "absent" && !same(planned, final as FileStat))
    context.warn(`${file.target} was taken for moved by its size: its source was gone already`);
  ledger.settle({ id: file.id, state: "DONE" });
}

/**
 * What was published by us has the source's time, too; where that could not be set, or another file under way was to
 * have the same name, its bytes tell.
 */
async function isOurs(lane: Workplace, { file, alone, source, final }: Case): Promise<boolean> {
  try {
    if ((alone && same(source as FileStat, final as FileStat)) || (await isEqual(lane, file))) return true;
    lane.ledger.conflict(file, "another file has the final name");
  } catch (error) {
    await lane.failed(file, error);
  }
  return false;
}

/** The source is gone and the temporary file is whole. */
async function rename(lane: Workplace, { file, alone, final }: Case): Promise<void> {
  const { context, ledger } = lane;
  if (final !== undefined || !alone) return ledger.keep(file, "CONFLICT", "another file has the final name");
  const mtime = context.move.keepTimes ? file.mtime : undefined;
  const [result] = await lane.to.publish([{ temp: file.temp, final: file.target, mtime }]);
  if (result instanceof Error) return ledger.keep(file, "FAILED", `its name was refused: ${result.message}`);
  context.warn(`${file.target} was published from what an earlier run left: its source was gone already`);
  ledger.settle({ id: file.id, state: "DONE" });
}
