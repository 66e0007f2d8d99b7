/** What came of `polywire mail`: for people, for programs, and as an exit code. */
import { existsSync } from "node:fs";
import type { FetchMailResult, MailProgress } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT, exitCodeOf } from "../exit-codes.js";
import { count, counted, duration, size } from "../format.js";
import { noteGoOn, noteNewJournal, noteOldJournal, stopCode } from "../going-on.js";
import { note, print, printJson } from "../output.js";
import { report, sentence } from "../report.js";
import type { MailArguments, MailJob } from "./fetch-job.js";

export class MailOutcome {
  readonly #context: Context;
  readonly #to: string;
  readonly #mailbox: string | undefined;
  readonly #journal: string | undefined;
  /** Whether the job was begun by an earlier run. */
  readonly #goesOn: boolean;
  #fetched = 0;

  constructor(context: Context, given: MailArguments, job: MailJob) {
    this.#context = context;
    this.#to = given.to;
    this.#mailbox = job.mailbox;
    this.#journal = job.journal;
    this.#goesOn = job.journal !== undefined && existsSync(job.journal);
  }

  /** Says before the start where the journal is. */
  announce(): void {
    if (this.#journal === undefined) return;
    if (this.#goesOn) noteOldJournal(this.#journal);
    else noteNewJournal(this.#journal);
  }

  /** Keeps in mind how far the job is. */
  watch(show: (progress: MailProgress) => void): (progress: MailProgress) => void {
    return (progress) => {
      this.#fetched = progress.fetched;
      show(progress);
    };
  }

  /** Tells the result. @returns the exit code. */
  async tellResult(result: FetchMailResult): Promise<number> {
    const failures = result.failures.map(({ uid, number, error }) => ({ uid, number, error: sentence(error) }));
    for (const each of notes(result)) note(each);
    if (this.#context.json)
      await printJson({ ...result, failures, mailbox: this.#mailbox, to: this.#to, journal: this.#journal });
    else {
      const told = failures.map(({ number, error }) => `✗ message ${number}: ${error}`);
      await print([`${summary(result)}: ${this.#to}`, ...told].join("\n"));
    }
    return failures.length > 0 ? EXIT.refused : EXIT.done;
  }

  /** Tells what stopped the job. @returns the exit code. */
  async tellStop(error: unknown): Promise<number> {
    const { json, signal, globals } = this.#context;
    const to = this.#to;
    const journal = this.#journal;
    const reason: unknown = signal.aborted ? signal.reason : error;
    const code = stopCode(reason, this.#goesOn || this.#fetched > 0);
    await report(reason, { json, debug: globals.debug ?? false }, code, { mailbox: this.#mailbox, to, journal });
    if (json || exitCodeOf(reason) === EXIT.usage) return code;
    if (journal !== undefined && (this.#goesOn || existsSync(journal))) noteGoOn(journal);
    else if (this.#fetched > 0) note(`What was fetched until then is in ${to}.`);
    return code;
  }
}

/** What is out of the ordinary, and no failure. */
function notes({ renumbered, marked }: FetchMailResult): string[] {
  const told: string[] = [];
  if (renumbered) {
    const { uidValidity, recognised } = renumbered;
    const known = `${counted(recognised, "message")} known again by content`;
    told.push(`The mailbox has a new UIDVALIDITY (${uidValidity}), and new UIDs: ${known}, not stored twice.`);
  }
  if (marked > 0) {
    told.push("The server has no UIDPLUS: what is marked as deleted is there until your mail program expunges it.");
  }
  return told;
}

function summary({ fetched, bytes, milliseconds, ...result }: FetchMailResult): string {
  const { skipped, vanished, deleted, marked } = result;
  const more = [
    ...(skipped > 0 ? [`${count(skipped)} known`] : []),
    ...(vanished > 0 ? [`${count(vanished)} removed by others meanwhile`] : []),
    ...(deleted > 0 ? [`${count(deleted)} deleted from the server`] : []),
    ...(marked > 0 ? [`${count(marked)} marked as deleted`] : []),
  ];
  const what = `${counted(fetched, "message")} (${size(bytes)}) in ${duration(Math.max(milliseconds, 1) / 1000)}`;
  return [what, ...more].join(", ");
}
