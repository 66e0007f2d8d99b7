/** What came of `polywire copy`: for people, for programs, and as an exit code. */
import { existsSync } from "node:fs";
import type { CopyMailResult, CopyProgress } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT, exitCodeOf } from "../exit-codes.js";
import { count, counted, duration, size } from "../format.js";
import { noteGoOn, noteNewJournal, noteOldJournal, stopCode } from "../going-on.js";
import { note, print, printJson } from "../output.js";
import { report, sentence } from "../report.js";

export class CopyOutcome {
  readonly #context: Context;
  readonly #journal: string;
  /** Whether the job was begun by an earlier run. */
  readonly #goesOn: boolean;
  #copied = 0;

  constructor(context: Context, journal: string) {
    this.#context = context;
    this.#journal = journal;
    this.#goesOn = existsSync(journal);
  }

  /** Says before the start where the journal is. */
  announce(): void {
    if (this.#goesOn) noteOldJournal(this.#journal);
    else noteNewJournal(this.#journal);
  }

  /** Keeps in mind how far the job is. */
  watch(show: (progress: CopyProgress) => void): (progress: CopyProgress) => void {
    return (progress) => {
      this.#copied = progress.copied;
      show(progress);
    };
  }

  /** Tells the result. @returns the exit code. */
  async tellResult(result: CopyMailResult): Promise<number> {
    const failures = result.failures.map(({ uid, number, error }) => ({ uid, number, error: sentence(error) }));
    for (const each of notes(result)) note(each);
    if (this.#context.json) await printJson({ ...result, failures, journal: this.#journal });
    else await print([summary(result), ...failures.map(({ uid, error }) => `✗ UID ${uid}: ${error}`)].join("\n"));
    return failures.length > 0 ? EXIT.refused : EXIT.done;
  }

  /** Tells what stopped the job. @returns the exit code. */
  async tellStop(error: unknown): Promise<number> {
    const { json, signal, globals } = this.#context;
    const journal = this.#journal;
    const reason: unknown = signal.aborted ? signal.reason : error;
    const code = stopCode(reason, this.#goesOn || this.#copied > 0);
    await report(reason, { json, debug: globals.debug ?? false }, code, { journal });
    if (!json && exitCodeOf(reason) !== EXIT.usage && existsSync(journal)) noteGoOn(journal);
    return code;
  }
}

/** What is out of the ordinary, and no failure. */
function notes({ recognised, droppedFlags }: CopyMailResult): string[] {
  const told: string[] = [];
  if (recognised > 0) {
    const known = `${counted(recognised, "message")} known again by content`;
    told.push(`The source has a new UIDVALIDITY, and new UIDs: ${known}, not copied twice.`);
  }
  if (droppedFlags.length > 0) told.push(`Flags that the target cannot keep were left out: ${droppedFlags.join(" ")}`);
  return told;
}

function summary({ copied, bytes, skipped, vanished, milliseconds }: CopyMailResult): string {
  const more = [
    ...(skipped > 0 ? [`${count(skipped)} there already`] : []),
    ...(vanished > 0 ? [`${count(vanished)} removed by others meanwhile`] : []),
  ];
  const what = `${counted(copied, "message")} (${size(bytes)}) copied in ${duration(Math.max(milliseconds, 1) / 1000)}`;
  return [what, ...more].join(", ");
}
