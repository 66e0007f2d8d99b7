/** `polywire status`: how a move stands, read from its journal, also while it runs. */
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { seconds } from "../globals.js";

interface Options {
  watch?: boolean;
  every?: number;
  failed?: boolean;
}

const EXAMPLES = `
JOB is the journal of a move, or its job file.

Examples:
  polywire status sensors.journal                     files in each state, rate, time left, who runs it, last errors
  polywire status sensors.json --watch                the same, again and again, until nobody works with it
  polywire status sensors.journal --failed > why.csv  every file that did not go through, and why

The exit code is 0 while the job runs, and where nothing is wrong; 1 where files failed or are in conflict; 2 where it
was stopped or killed part way.`;

export function status(program: Command): void {
  program
    .command("status <job>")
    .description("how a move stands, also while it runs")
    .option("--watch", "again and again, while the job runs")
    .option("--every <seconds>", "with --watch: seconds between two looks (default: 2)", seconds)
    .option("--failed", "every file that failed, conflicts or vanished: CSV (NDJSON with --json)")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string], Options>(async (context: Context, options, job) => {
        const { journalFrom } = await import("../move/job.js");
        const { printFailed, printStatus, watchStatus } = await import("../move/status.js");
        const journal = await journalFrom(job);
        if (options.failed) return printFailed(context, journal);
        return options.watch ? watchStatus(context, journal, options.every ?? 2) : printStatus(context, journal);
      }),
    );
}
