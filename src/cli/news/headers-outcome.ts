/** What came of `polywire headers`: for people, for programs, and as an exit code. */
import { existsSync } from "node:fs";
import type { FetchResult, HeadersProgress } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT, exitCodeOf } from "../exit-codes.js";
import { count, counted, duration } from "../format.js";
import { noteGoOn, noteNewJournal, noteOldJournal, stopCode } from "../going-on.js";
import { note, print, printJson } from "../output.js";
import { report } from "../report.js";
import type { HeadersArguments } from "./headers-job.js";

export class HeadersOutcome {
  readonly #context: Context;
  readonly #given: HeadersArguments;
  readonly #journal: string | undefined;
  readonly #groups: readonly string[];
  /** Whether the job was begun by an earlier run. */
  readonly #goesOn: boolean;
  #rows = 0;

  constructor(
    context: Context,
    given: HeadersArguments,
    job: { readonly journal: string | undefined; readonly groups: readonly string[] },
  ) {
    this.#context = context;
    this.#given = given;
    this.#journal = job.journal;
    this.#groups = job.groups;
    this.#goesOn = job.journal !== undefined && existsSync(job.journal);
  }

  /** Says before the start where the journal is. */
  announce(): void {
    if (this.#journal === undefined) return;
    if (this.#goesOn) noteOldJournal(this.#journal);
    else noteNewJournal(this.#journal);
  }

  /** Keeps in mind how far the job is. */
  watch(show: (progress: HeadersProgress) => void): (progress: HeadersProgress) => void {
    return (progress) => {
      this.#rows = progress.rows;
      show(progress);
    };
  }

  /** Tells the result. @returns the exit code. */
  async tellResult(result: FetchResult): Promise<number> {
    const { out } = this.#given;
    const noGroup = result.groups === 0 && result.failures.length === 0;
    const lines = [
      `${this.#summary(result)}${out === "-" ? "" : `: ${out}`}`,
      ...this.#details(result),
      ...(noGroup ? [`✗ no newsgroup matches ${this.#groups.join(" ")}`] : []),
    ];
    if (out === "-") note(lines.join("\n"));
    else if (this.#context.json) await printJson({ ...result, out, journal: this.#journal });
    else await print(lines.join("\n"));
    return noGroup || result.failures.length > 0 ? EXIT.refused : EXIT.done;
  }

  /** Tells what stopped the job. @returns the exit code. */
  async tellStop(error: unknown): Promise<number> {
    const { json, signal, globals } = this.#context;
    const { out } = this.#given;
    const journal = this.#journal;
    const reason: unknown = signal.aborted ? signal.reason : error;
    const code = stopCode(reason, this.#goesOn || this.#rows > 0);
    // stdout has rows, whatever --json says.
    await report(reason, { json, debug: globals.debug ?? false }, code, { out, journal });
    if (json || out === "-" || exitCodeOf(reason) === EXIT.usage) return code;
    if (journal !== undefined) noteGoOn(journal);
    else if (this.#rows > 0) note(`What was fetched until then is in ${out}.`);
    return code;
  }

  #summary({ rows, groups, milliseconds }: FetchResult): string {
    const seconds = Math.max(milliseconds, 1) / 1000;
    const rate = rows > 0 ? `, ${count(rows / seconds)}/s` : "";
    const what = counted(rows, this.#given.articles ? "article" : "header");
    return `${what} of ${counted(groups, "newsgroup")} in ${duration(seconds)}${rate}`;
  }

  #details({ passedOver, warnings, failures }: FetchResult): string[] {
    return [
      ...(passedOver > 0 ? [`${counted(passedOver, "row")} passed over: sent twice, not asked for, or known`] : []),
      ...warnings.map((warning) => `! ${warning}`),
      ...failures.map(({ group, error }) => `✗ ${group}: ${error}`),
    ];
  }
}
