/** What came of a move: for people, for programs, and as an exit code; and what becomes of its journal. */
import { existsSync, rmSync } from "node:fs";
import { JournalInUseError, JournalReader, type MoveResult, type StateCounts } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT, exitCodeOf } from "../exit-codes.js";
import { count, counted, duration, size } from "../format.js";
import { noteGoOn, noteNewJournal, noteOldJournal, stopCode } from "../going-on.js";
import { note, print, printJson } from "../output.js";
import { report } from "../report.js";

/** The journal of a move. */
export interface JournalFile {
  readonly path: string;
  /** Named by --journal: it is kept. */
  readonly named: boolean;
}

/** How many files a journal knows in each state; undefined where there is none. */
export function countsOf(journal: JournalFile): StateCounts | undefined {
  if (!existsSync(journal.path)) return undefined;
  try {
    using reader = JournalReader.read(journal.path);
    return reader.counts();
  } catch {
    // No journal, or one of another version: the move itself says so.
    return undefined;
  }
}

/** Another run of the same job is at work: this one ends before it asks for a password. */
export function refuseSecond(journal: JournalFile): void {
  if (!existsSync(journal.path)) return;
  const { owner, running } = ownerOf(journal.path);
  if (!running) return;
  const who = owner ? `: process ${owner.pid} on ${owner.host}, since ${new Date(owner.since).toISOString()}` : "";
  throw new JournalInUseError(`another run of this job is at work (journal ${journal.path})${who}`);
}

function ownerOf(path: string) {
  try {
    using reader = JournalReader.read(path);
    return { owner: reader.owner, running: reader.isRunning };
  } catch {
    // No journal, or one of another version: the move itself says so.
    return { owner: undefined, running: false };
  }
}

/** Says before the start where the journal is, and what it remembers. */
export function announce(journal: JournalFile): void {
  const { PLANNED = 0, CLAIMED = 0, ...settled } = countsOf(journal) ?? {};
  const done = Object.values(settled).reduce((sum: number, files) => sum + files, 0);
  if (PLANNED + CLAIMED + done > 0) {
    noteOldJournal(journal.path, `: ${count(done)} done, ${count(PLANNED + CLAIMED)} left`);
  } else noteNewJournal(journal.path);
}

/** Tells the result. @returns the exit code. */
export async function tellResult(
  context: Context,
  result: MoveResult,
  journal: JournalFile,
  { copy, quiet }: { copy: boolean; quiet: boolean },
): Promise<number> {
  const troubled = result.failed + result.conflicts;
  // What was seen of files that wait counts in the next run.
  const kept = journal.named || troubled + result.left + result.waiting > 0;
  if (!kept) removeJournal(journal);
  if (context.json) await printJson({ ...result, journal: kept ? journal.path : undefined });
  else await tell(result, journal, { copy, quiet });
  if (troubled > 0) return EXIT.refused;
  return result.left > 0 ? EXIT.stopped : EXIT.done;
}

/** Tells what stopped a move. @returns the exit code. */
export async function tellStop(context: Context, error: unknown, journal: JournalFile): Promise<number> {
  const counts = countsOf(journal);
  const known = counts ? Object.values(counts).reduce((sum, files) => sum + files, 0) : 0;
  const { json, signal, globals } = context;
  const reason: unknown = signal.aborted ? signal.reason : error;
  const own = exitCodeOf(reason);
  const code = stopCode(reason, known > 0);
  // Of another job, or at work in another process: not ours to say anything of, or to remove.
  const ours = own !== EXIT.usage && own !== EXIT.busy;
  if (known === 0 && !journal.named && ours) removeJournal(journal);
  const how = { json, debug: globals.debug ?? false };
  if (counts === undefined || known === 0 || own === EXIT.busy) return report(reason, how, code);
  await report(reason, how, code, { states: counts, journal: journal.path });
  const left = counts.PLANNED + counts.CLAIMED;
  if (!json) note(`${count(counts.DONE)} of ${counted(known, "file")} moved, ${count(left)} left.`);
  if (!json && ours) noteGoOn(journal.path);
  return code;
}

/** Quiet: nothing where nothing is wrong, so that cron sends no mail. */
async function tell(result: MoveResult, journal: JournalFile, { copy, quiet }: { copy: boolean; quiet: boolean }) {
  const { failed, conflicts, left, warnings } = result;
  if (quiet && failed + conflicts + left + warnings.length === 0) return;
  await print([...summary(result, copy), ...failures(result, journal)].join("\n"));
}

function removeJournal({ path }: JournalFile): void {
  for (const suffix of ["", ".lock", "-wal", "-shm"]) rmSync(path + suffix, { force: true });
}

function summary(result: MoveResult, copy: boolean): string[] {
  const { moved, bytes, milliseconds, skipped, gone, passedOver, waiting, foldersRemoved, warnings } = result;
  const seconds = Math.max(milliseconds, 1) / 1000;
  const rate = bytes > 0 ? `, ${size(bytes / seconds)}/s` : "";
  return [
    `${counted(moved, "file")} ${copy ? "copied" : "moved"}, ${size(bytes)} in ${duration(seconds)}${rate}`,
    ...(skipped > 0 ? [`${counted(skipped, "file")} skipped: the same was there`] : []),
    ...(gone > 0 ? [`${counted(gone, "file")} vanished from the source before`] : []),
    ...(waiting > 0
      ? [`${counted(waiting, "file")} left for the next run: changed just now, or without a done file`]
      : []),
    ...(foldersRemoved > 0 ? [`${counted(foldersRemoved, "empty folder")} removed`] : []),
    ...(passedOver > 0 ? [`${counted(passedOver, "row")} of the listing passed over: folders, or no match`] : []),
    ...warnings.map((warning) => `! ${warning}`),
  ];
}

function failures(result: MoveResult, journal: JournalFile): string[] {
  const all = result.failed + result.conflicts + result.gone;
  if (all === 0) return [];
  const rows = result.failures.map(({ name, target, state, error }) => {
    const to = target === name || target === "" ? "" : ` -> ${target}`;
    return `✗ ${state} ${name}${to}${error === undefined ? "" : `: ${error}`}`;
  });
  const left = all - result.failures.length;
  const more = left > 0 ? [`… and ${count(left)} more`] : [];
  if (result.failed + result.conflicts === 0) return [...rows, ...more];
  return [...rows, ...more, `All of them: polywire status ${journal.path} --failed`];
}
