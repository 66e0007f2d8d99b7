/** What is said of a job that can be stopped and run again: its journal, its exit code, how to go on. */
import { EXIT, exitCodeOf } from "./exit-codes.js";
import { note } from "./output.js";

/** Says before the start which journal a new job has. */
export function noteNewJournal(path: string): void {
  note(`Journal: ${path}. If this is interrupted, the same command goes on where it stopped.`);
}

/** Says before the start that a job goes on. `known`: what its journal remembers. */
export function noteOldJournal(path: string, known = ""): void {
  note(`Going on with the journal ${path}${known}.`);
}

/** Says how a job that was stopped goes on. */
export function noteGoOn(path: string): void {
  note(`Run the same command again to go on (journal: ${path}).`);
}

/** Codes that mean "stopped part way" where some of the job was done before. */
const PART_WAY: readonly number[] = [EXIT.refused, EXIT.connection, EXIT.local];

/** The exit code for what stopped a job. `begun`: some of it was done. */
export function stopCode(reason: unknown, begun: boolean): number {
  const own = exitCodeOf(reason);
  return begun && PART_WAY.includes(own) ? EXIT.stopped : own;
}
