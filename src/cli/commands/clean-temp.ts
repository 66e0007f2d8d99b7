/** `polywire clean-temp`: temporary files that a move left behind. */
import { statSync } from "node:fs";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { UsageError } from "../../index.js";
import { isServer } from "../address.js";
import { act, type Context } from "../context.js";

interface Options {
  journal?: string;
  delete?: boolean;
  job?: string;
  /** Milliseconds. */
  olderThan?: number;
}

const EXAMPLES = `
A file arrives as NAME.JOBn.part: JOB is 8 letters, n the attempt. A move removes its own; what a kill left is removed by
the next run. For what remains, say the journal of the move or its job file, and perhaps the folder (a URL or a path; by
default the target of the move). Without --delete nothing is removed.

Examples:
  polywire clean-temp sensors.journal                       list them, and what would become of each
  polywire clean-temp sensors.journal --delete
  polywire clean-temp ftp://bob@new.example.org/in --journal sensors.journal --delete
  polywire clean-temp /srv/archive --older-than 7d --delete of jobs without a journal, too

What stays: files of a job that runs, of other jobs (unless --job or --older-than asks for them), and those that may be
the only copy, as the file has not arrived and its source is gone. The exit code is 1 where something could not be removed.`;

export function cleanTemp(program: Command): void {
  program
    .command("clean-temp <place>")
    .description("list, or remove, temporary files that a move left behind")
    .option("--journal <file>", "the journal of the move, or its job file")
    .option("--delete", "remove what is of no use")
    .option("--job <id>", "also those of this job: the 8 letters in their names", jobId)
    .option("--older-than <age>", "also those of any job that are older: 12h, 7d", age)
    .addHelpText("after", EXAMPLES)
    .action(act<[string], Options>(run));
}

async function run(context: Context, given: Options, place: string): Promise<number> {
  const { jobFrom } = await import("../move/job.js");
  const { targetSide } = await import("../move/sides.js");
  const { printCleaned } = await import("../move/clean-temp.js");
  const isFolder = isServer(place) || isDirectory(place);
  if (!isFolder && given.journal !== undefined)
    throw new UsageError(`${place} is no folder`, { advice: "with --journal the place is a URL or a folder" });
  const path = isFolder ? given.journal : place;
  const { job: jobId, olderThan, delete: remove = false } = given;
  return printCleaned(context, {
    job: path === undefined ? undefined : await jobFrom(context, path),
    at: isFolder ? targetSide(context, place) : undefined,
    jobId,
    olderThan,
    remove,
    signal: context.signal,
  });
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function jobId(text: string): string {
  if (/^[a-z]{8}$/.test(text)) return text;
  throw new InvalidArgumentError("it is 8 letters from a to z, as in NAME.abcdefgh1.part.");
}

const UNITS: Readonly<Record<string, number>> = { m: 60_000, h: 3_600_000, d: 86_400_000 };

function age(text: string): number {
  const match = /^(\d{1,6})([mhd])$/.exec(text);
  if (match === null) throw new InvalidArgumentError("it is a number of minutes, hours or days: 90m, 12h, 7d.");
  return Number(match[1]) * (UNITS[match[2] as string] as number);
}
