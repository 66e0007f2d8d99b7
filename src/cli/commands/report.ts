/** `polywire report`: what a move came to, as files for programs and a page for people. */
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { print, printJson } from "../output.js";

const EXAMPLES = `
JOB is the journal of a move, or its job file. The folder gets:
  summary.json   settings, counts and bytes in each state, runs, rates, failures by kind, warnings
  failed.csv     every file that failed, conflicts or vanished, and why
  moved.ndjson   every moved file: name, target, bytes, modified, and its digest where that is known
  report.html    one page with charts, which loads nothing from anywhere

Examples:
  polywire report sensors.journal --out report
  polywire report sensors.json --out /var/www/moves --json > summary.json`;

export function report(program: Command): void {
  program
    .command("report <job>")
    .description("write what a move came to: JSON, CSV, NDJSON and a page with charts")
    .requiredOption("--out <folder>", "the folder to write into; it is made")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string], { out: string }>(async (context: Context, { out }, job) => {
        const { journalFrom } = await import("../move/job.js");
        const { writeReport } = await import("../../jobs/index.js");
        const { summary, files } = await writeReport(await journalFrom(job), out);
        await (context.json ? printJson(summary) : print(files.join("\n")));
      }),
    );
}
