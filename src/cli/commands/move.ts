/** `polywire move`: files from one folder to another, by FTP on either side. */
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { byteCount, oneOf, whole } from "../globals.js";
import { moveFigures } from "../move/figures.js";
import { defaultJournal, greetServers, jobOf, type MoveArguments } from "../move/job.js";
import { progressView, VIEW_KINDS } from "../progress.js";

const EXAMPLES = `
FROM and TO are FTP URLs of folders, or local folders. Each file is written under a temporary name, checked, renamed,
and only then removed from the source. The journal remembers everything: after a crash, a Ctrl-C or a power cut, run
the same command again.

Examples:
  polywire move ftp://alice@old.example.org/out ftp://bob@new.example.org/in --match "*.csv"
  polywire move ftps://alice@old.example.org//data /srv/archive --match "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat" \\
    --route "{date:yyyy}/{date:MM}/{name}" --dry-run > plan.csv
  polywire move ./spool ftp://bob@new.example.org/in --copy --max-rate 10M --lanes 4
  polywire move FROM TO --json --progress json 2> progress.ndjson > result.json

Match:  *.{csv,dat} a glob · {id} anything · {id:5d} digits · {date:yyyyMMdd} a date · {kind:a|b} one of these
Route:  {name} the name · {id} a field · {date:yyyy} a part of a date; folders are made

--dry-run prints what would happen as CSV (with --json: a JSON object per line, the summary last); its exit code is 1
where some files would stay. Passwords of two servers: POLYWIRE_FROM_PASSWORD, POLYWIRE_TO_PASSWORD (and …_USER).`;

export function move(program: Command): void {
  program
    .command("move <from> <to>")
    .description("move or copy files: millions of them, and again after a crash")
    .option("--match <pattern>", "which files: a template or a glob (default: all)")
    .option("--syntax <syntax>", "how to read --match: template, glob, regexp", oneOf("template", "glob", "regexp"))
    .option("--route <template>", "where each file goes below TO (default: {name})")
    .option("--journal <file>", "where the job remembers what it did (default: polywire-move-….journal here)")
    .option("--lanes <n>", "pairs of connections (default: 8)", whole)
    .option("--copy", "leave the source as it is")
    .option(
      "--on-exists <rule>",
      "where the name is taken: same-skip (default), fail, overwrite, rename",
      oneOf("same-skip", "fail", "overwrite", "rename"),
    )
    .option("--max-rate <bytes>", "bytes per second over all lanes: 500K, 10M", byteCount)
    .option("--no-times", "do not give files the time they had")
    .option("--dry-run", "print what would happen, change nothing")
    .option("--progress <kind>", "auto (default), bar, lines, json, none", oneOf(...VIEW_KINDS))
    .addHelpText("after", EXAMPLES)
    .action(act<[string, string], MoveArguments>(run));
}

async function run(context: Context, given: MoveArguments, from: string, to: string) {
  const job = jobOf(context, from, to, given);
  if (given.dryRun) return (await import("../move/plan.js")).printPlan(context, job);
  const outcome = await import("../move/outcome.js");
  const { compileMatch, compileRoute, move } = await import("../../jobs/index.js");
  compileRoute(given.route, compileMatch(given.match ?? /^/, { syntax: given.syntax }));
  await greetServers(job, context.signal);
  const named = given.journal !== undefined;
  const journal = { path: given.journal ?? defaultJournal(from, to, given.match), named };
  outcome.announce(journal);
  const view = progressView(given.progress ?? "auto", moveFigures);
  try {
    const result = await move({ ...job, journal: journal.path, onProgress: (progress) => view.show(progress) });
    view.stop();
    return await outcome.tellResult(context, result, journal, given.copy ?? false);
  } catch (error) {
    view.stop();
    return outcome.tellStop(context, error, journal);
  }
}
