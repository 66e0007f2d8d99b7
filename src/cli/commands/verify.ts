/** `polywire verify`: looks at moved files again, and moves nothing. */
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { whole } from "../globals.js";

interface Options {
  times?: boolean;
  bytes?: boolean;
  lanes?: number;
  all?: boolean;
}

const EXAMPLES = `
JOB is the journal of a move, or its job file. Every file that it has moved, or found there, is looked for at its target:
is it there, and as large as it was? What is missing or differs is printed as CSV (NDJSON with --json), what it comes to
on stderr. The exit code is 1 where something is missing or differs.

Examples:
  polywire verify sensors.journal
  polywire verify sensors.json --bytes --lanes 4 > differs.csv

--bytes compares digests: those that the server computes, where it does, else files are read back. They are compared with
the journal's (jobs with --verify hash or readback keep them), or with the source's, where the job keeps that; without
either only the size is known. Times are compared where the job could give all of its files their times.`;

export function verify(program: Command): void {
  program
    .command("verify <job>")
    .description("look at moved files again: are they there, are they whole?")
    .option("--bytes", "compare bytes, too, by their digests")
    .option("--times", "compare times, too (default: where the job could set them)")
    .option("--no-times", "do not compare times")
    .option("--lanes <n>", "connections (default: as many as the job has)", whole)
    .option("--all", "print every file, not only what is missing or differs")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string], Options>(async (context: Context, { times, bytes, lanes, all = false }, path) => {
        const { jobFrom } = await import("../move/job.js");
        const { printVerified } = await import("../move/verify.js");
        const job = await jobFrom(context, path, lanes === undefined ? {} : { lanes });
        return printVerified(context, job, { times, bytes }, all);
      }),
    );
}
