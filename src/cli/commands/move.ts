/** `polywire move`: files from one folder to another, by FTP on either side. */
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { breakerOf, byteCount, laneCount, milliseconds, oneOf, rate, whole } from "../globals.js";
import type { MoveArguments } from "../move/job.js";
import { VIEW_KINDS } from "../progress.js";

const EXAMPLES = `
FROM and TO are FTP URLs of folders, or local folders; or one job file says all. Each file is written under a temporary
name, checked, renamed, and only then removed from the source. The journal remembers everything: after a crash, a Ctrl-C
or a power cut, run the same command again.

Examples:
  polywire move ftp://alice@old.example.org/out ftp://bob@new.example.org/in --match "*.csv"
  polywire move ftps://alice@old.example.org//data /srv/archive --match "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat" \\
    --route "{date:yyyy}/{date:MM}/{name}" --dry-run > plan.csv
  polywire move ./spool ftp://bob@new.example.org/in --copy --max-rate 10M --lanes 4
  polywire move ./a ./b ftp://bob@new.example.org/in -r --route "{source}/{folder}/{name}" --stable-for 30s
  polywire move sensors.json                 from cron: silent unless something is wrong
  polywire move FROM TO --json --progress json 2> progress.ndjson > result.json

Match:  *.{csv,dat} a glob · {id} anything · {id:5d} digits · {date:yyyyMMdd} a date · {kind:a|b} one of these
Route:  {name} the name · {id} a field · {date:yyyy} a part of a date; folders are made
        {folder} the file's folder in FROM · {source} FROM's own name · {stem} {ext} the parts of the name

A job file is JSON, or JavaScript (.mjs) whose default export is the job: the options of move() by their names, with
paths relative to the file. What stands on the command line comes first. Its journal is beside it, unless it says where:
  { "from": { "url": "ftps://alice@old.example.org/out", "passwordFile": "old.password" },
    "to": { "url": "ftps://bob@new.example.org/in", "passwordEnv": "NEW_PASSWORD" },
    "match": "*.csv", "lanes": 4 }
A run that finds another one of the same job at work ends with exit code 75 and does nothing.

How it goes, and what came of it: polywire status, verify, retry-failed, clean-temp, report.

--dry-run prints what would happen as CSV (with --json: a JSON object per line, the summary last); its exit code is 1
where some files would stay. Passwords of two servers: POLYWIRE_FROM_PASSWORD, POLYWIRE_TO_PASSWORD (and …_USER).`;

export function move(program: Command): void {
  program
    .command("move <from> [to] [more...]")
    .usage("[options] <from...> <to> | <jobfile>")
    .description("move or copy files: millions of them, and again after a crash")
    .option("--match <pattern>", "which files: a template or a glob (default: all)")
    .option("--syntax <syntax>", "how to read --match: template, glob, regexp", oneOf("template", "glob", "regexp"))
    .option("--route <template>", "where each file goes below TO (default: {name}, with -r {folder}/{name})")
    .option("-r, --recursive", "the files in folders of FROM, too; links are not followed")
    .option("--match-path", "--match is about the path in FROM (default: where it holds a slash)")
    .option("--remove-empty-folders", "with -r: remove folders of FROM that are empty in the end")
    .option("--stable-for <time>", "only files that have not changed for so long: 500ms, 30s, 5m, 1h", milliseconds)
    .option("--done-file <template>", "only files that have a done file, which is removed after them: {name}.done")
    .option("--move-done-files", "done files are moved, too, after their files")
    .option("--journal <file>", "where the job remembers what it did (default: polywire-move-….journal here)")
    .option("--lanes <n>", "pairs of connections: a number, or auto: as many as make it faster (default)", laneCount)
    .option("--max-connections <n>", "connections to one server at most, over all lanes, processes and workers", whole)
    .option("--connections-per-second <n>", "connections made in a second to one server at most", rate)
    .option(
      "--max-pause <time>",
      "wait so long where the disk is full, or the like; 0: stop (default: 1h)",
      milliseconds,
    )
    .option("--breaker <part>", "wait where this part of the last files failed alike (default: 90%/200)", breakerOf)
    .option("--no-breaker", "go on, however many files fail")
    .option("--copy", "leave the source as it is")
    .option(
      "--source <what>",
      "the source once a file is safe: delete (default), archive, keep",
      oneOf("delete", "archive", "keep"),
    )
    .option("--archive-to <folder>", "put sources away into this folder in FROM: done/{date:yyyy}")
    .option(
      "--verify <how>",
      "compare before the final name is given: size (default), mtime, hash, readback",
      oneOf("size", "mtime", "hash", "readback"),
    )
    .option("--resume-above <bytes>", "go on with larger files where they were broken off (default: 16M)", byteCount)
    .option("--no-resume", "send files that were broken off again from their beginning")
    .option("--segments <n>", "parts of a large file on their way at once (default: 4; 1: no parts)", whole)
    .option("--segment-above <bytes>", "larger files go in parts (default: 256M)", byteCount)
    .option(
      "--on-exists <rule>",
      "where the name is taken: same-skip (default), fail, overwrite, newer, rename",
      oneOf("same-skip", "fail", "overwrite", "newer", "rename"),
    )
    .option("--fxp", "have the two servers send each other files of more than 64 KiB, where they do")
    .option("--max-rate <bytes>", "bytes per second over all lanes: 500K, 10M", byteCount)
    .option("--no-times", "do not give files the time they had")
    .option("--processes <n>", "processes of this machine that share the lanes (default: this one)", whole)
    .option("--redis <url>", "workers (polywire worker) move the files: redis://host:port/db")
    .option("--queue <name>", "with --redis: where the workers look (default: polywire)")
    .option("--places <from,to>", "with --redis: the workers' names of FROM and TO (default: source,target)")
    .option("--dry-run", "print what would happen, change nothing")
    .option("--quiet", "print only what went wrong (default for a job file without a terminal)")
    .option("--no-quiet", "print the result, too")
    .option("--progress <kind>", "auto (default), bar, lines, json, none", oneOf(...VIEW_KINDS))
    .addHelpText("after", EXAMPLES)
    .action(act<[string, string | undefined, string[]], MoveArguments>(run));
}

async function run(
  context: Context,
  given: MoveArguments,
  from: string,
  to: string | undefined,
  more: readonly string[],
) {
  const { jobOf } = await import("../move/job.js");
  const found = await jobOf(context, to === undefined ? [from] : [from, to, ...more], given);
  if (given.dryRun) return (await import("../move/plan.js")).printPlan(context, found.job);
  const silent = to === undefined && !context.json && process.stdout.isTTY !== true && process.stderr.isTTY !== true;
  const { runJob } = await import("../move/run.js");
  return runJob(context, found, { progress: given.progress, quiet: given.quiet ?? silent });
}
