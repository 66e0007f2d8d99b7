/** `polywire headers`: the headers of newsgroups, or their articles, into a file that is added to by the next run. */
import { type Command, Option } from "commander";
import { clientFor } from "../../index.js";
import { greet } from "../connect.js";
import { act, type Context } from "../context.js";
import { oneOf, whole } from "../globals.js";
import { articleRange, type HeadersArguments, headersJob, toStdout } from "../news/headers-job.js";
import { moment } from "../news/moment.js";
import { progressView, VIEW_KINDS } from "../progress.js";

const EXAMPLES = `
GROUP is a newsgroup or a wildmat: 'comp.lang.*', '!comp.lang.c' to leave one out; quote them. The extension of FILE says
what it is: .ndjson .jsonl .csv (each with .gz, too) .sqlite .db, for articles .mbox; - is NDJSON on stdout.

Examples:
  polywire headers nntps://news.example.org/comp.lang.python --newest 1000 --out headers.ndjson
  polywire headers nntps://news.example.org 'comp.lang.*' '!comp.lang.c' --since 30d --out headers.sqlite
  polywire headers nntps://news.example.org/comp.lang.c --range 5000-5999 --out - | jq -r .subject
  polywire headers nntps://news.example.org/misc.test --articles --newest 50 --out test.mbox
  polywire threads headers.ndjson --top 10

The same command again goes on where it stopped, after Ctrl-C or a crash as well, each header once; later it adds what is
new. For that the journal is there: keep it beside FILE. Exit code 1: some newsgroups failed, the others are there.`;

export function headers(program: Command): void {
  program
    .command("headers <url> [group...]")
    .description("fetch the headers of newsgroups into a file, and later what is new")
    .requiredOption("--out <file>", "where they go; - for stdout")
    .addOption(new Option("--newest <n>", "the newest so many numbers").argParser(whole).conflicts(["range", "since"]))
    .addOption(new Option("--range <a-b>", "these numbers: 100-200, 100-").argParser(articleRange).conflicts(["since"]))
    .option("--since <date>", "what came since then: 2026-02-03, 2026-02-03T10:00, 12h, 7d", moment)
    .option("--articles", "whole articles, to a .mbox")
    .option("--connections <n>", "at most (default: 4)", whole)
    .addOption(new Option("--ordered", "by group and number, not as they come").conflicts("newestFirst"))
    .option("--newest-first", "begin with the newest ranges")
    .addOption(new Option("--append", "a new job adds to a FILE that is there").conflicts("replace"))
    .option("--replace", "a new job replaces a FILE that is there")
    .option("--journal <file>", "where the job remembers what it has (default: FILE.journal)")
    .option("--no-journal", "remember nothing")
    .option(
      "--compress <how>",
      "auto (default), or what the server does not announce: deflate, gzip, xzver",
      oneOf("auto", "deflate", "gzip", "xzver"),
    )
    .option("--no-compress", "do not compress")
    .option("--progress <kind>", "auto (default), bar, lines, json, none", oneOf(...VIEW_KINDS))
    .addHelpText("after", EXAMPLES)
    .action(act<[string, string[]], HeadersArguments>(run));
}

async function run(context: Context, given: HeadersArguments, url: string, groups: string[]): Promise<number> {
  const job = headersJob(context, given, url, groups);
  const { fetchArticles, fetchHeaders } = await import("../../jobs/index.js");
  const { headersFigures } = await import("../news/headers-figures.js");
  const { HeadersOutcome } = await import("../news/headers-outcome.js");
  const { url: server, ...options } = job.server;
  await greet(await clientFor(server, options, "nntp"), context.signal);
  const outcome = new HeadersOutcome(context, given, job);
  outcome.announce();
  const view = progressView(given.progress ?? "auto", headersFigures);
  const onProgress = outcome.watch((progress) => view.show(progress));
  try {
    const result = given.articles
      ? await fetchArticles({ ...job, to: given.out, onProgress })
      : await fetchHeaders({ ...job, to: given.out === "-" ? toStdout : given.out, onProgress });
    view.stop();
    return await outcome.tellResult(result);
  } catch (error) {
    view.stop();
    return outcome.tellStop(error);
  }
}
