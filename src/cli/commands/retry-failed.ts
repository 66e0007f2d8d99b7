/** `polywire retry-failed`: moves what failed or was in conflict, without listing the source again. */
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { byteCount, oneOf, whole } from "../globals.js";
import type { MoveArguments } from "../move/job.js";
import { VIEW_KINDS } from "../progress.js";

const EXAMPLES = `
JOB is the journal of a move, or its job file. Files that failed, or were in conflict, are tried again, and what was left
is moved, too; the source is not listed, which is what takes long where it holds millions of files. Every run of
"polywire move" does the same behind its listing. What is tried, and why, is in: polywire status JOB --failed

Examples:
  polywire retry-failed sensors.journal
  polywire retry-failed sensors.json --on-exists overwrite`;

export function retryFailed(program: Command): void {
  program
    .command("retry-failed <job>")
    .description("move again what failed or was in conflict, without a new listing")
    .option("--lanes <n>", "pairs of connections (default: as before)", whole)
    .option(
      "--on-exists <rule>",
      "where the name is taken: same-skip, fail, overwrite, rename (default: as before)",
      oneOf("same-skip", "fail", "overwrite", "rename"),
    )
    .option("--max-rate <bytes>", "bytes per second over all lanes: 500K, 10M", byteCount)
    .option("--no-times", "do not give files the time they had")
    .option("--quiet", "print only what went wrong")
    .option("--progress <kind>", "auto (default), bar, lines, json, none", oneOf(...VIEW_KINDS))
    .addHelpText("after", EXAMPLES)
    .action(act<[string], MoveArguments>(run));
}

async function run(context: Context, given: MoveArguments, path: string): Promise<number> {
  const { jobFrom } = await import("../move/job.js");
  const { runJob } = await import("../move/run.js");
  const job = { ...(await jobFrom(context, path, given)), retryFailed: true, list: false };
  return runJob(context, { job, named: true }, { progress: given.progress, quiet: given.quiet ?? false });
}
