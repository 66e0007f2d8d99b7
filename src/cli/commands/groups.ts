/** `polywire groups`: the newsgroups of a server. */
import type { Command } from "commander";
import { type CountedGroup, type NntpClient, parseUrl, ReplyError, UsageError } from "../../index.js";
import { address } from "../address.js";
import { withClient } from "../connect.js";
import { act, type Context } from "../context.js";
import { moment } from "../news/moment.js";
import { print, writeJson } from "../output.js";

interface Options {
  long?: boolean;
  newSince?: Date;
}

/** A newsgroup as it is told. */
interface Group extends CountedGroup {
  /** True where the number of articles is made of the marks: there may be fewer. */
  readonly estimated: boolean;
  readonly description: string | undefined;
}

const EXAMPLES = `
Examples:
  polywire groups nntps://news.example.org                     name, articles, what it is about
  polywire groups nntps://news.example.org 'comp.lang.*'       those that match; '*,!alt.*' leaves some out
  polywire groups -l nntps://news.example.org/comp.lang.c      lowest and highest number, status, too
  polywire groups nntps://news.example.org --new-since 30d     made since then, by the server's clock
  polywire groups --json nntps://news.example.org | jq -r .name
Status: y posting is allowed, n it is not, m moderated. A number with ~ is an estimate: there may be fewer articles.`;

export function groups(program: Command): void {
  program
    .command("groups <url> [wildmat]")
    .description("list newsgroups: articles, descriptions")
    .option("-l, --long", "lowest and highest number, and status, too")
    .option("--new-since <date>", "only groups made since then: 2026-02-03, 2026-02-03T10:00, 12h, 7d", moment)
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string, string | undefined], Options>(async (context, options, url, given) => {
        const wildmat = wildmatOf(parseUrl(address(url, context.globals)).path, given);
        await withClient(context, url, "nntp", (nntp) => list(context, options, nntp, wildmat));
      }),
    );
}

/** The path of the URL may be a wildmat, too: `nntps://news.example/comp.*`. */
function wildmatOf(path: string, given: string | undefined): string | undefined {
  const inUrl = path.replace(/\/$/, "");
  if (inUrl !== "" && given !== undefined) {
    throw new UsageError(`which groups, ${JSON.stringify(inUrl)} of the URL or ${JSON.stringify(given)}?`);
  }
  return given ?? (inUrl === "" ? undefined : inUrl);
}

async function list(context: Context, options: Options, nntp: NntpClient, wildmat: string | undefined): Promise<void> {
  const { signal } = context;
  const made = options.newSince && (await madeSince(nntp, options.newSince, signal));
  if (made?.size === 0) return;
  const descriptions = await describe(nntp, wildmat, made, signal);
  const counted = nntp.has("LIST", "COUNTS");
  const format = options.long ? longRow : shortRow;
  for await (const batch of nntp.list(counted ? "COUNTS" : "ACTIVE", wildmat, { signal }).batches()) {
    const wanted = made ? batch.filter(({ name }) => made.has(name)) : batch;
    const told = wanted.map((group): Group => {
      const description = descriptions.get(group.name);
      descriptions.delete(group.name);
      const count = "count" in group ? group.count : Math.max(0, group.high - group.low + 1);
      return { ...group, count, estimated: !counted, description };
    });
    if (context.json) await writeJson(told);
    else if (told.length > 0) await print(told.map(format).join("\n"));
  }
}

async function madeSince(nntp: NntpClient, since: Date, signal: AbortSignal): Promise<Set<string>> {
  const names = new Set<string>();
  for await (const batch of nntp.newgroups(since, { signal }).batches()) for (const { name } of batch) names.add(name);
  return names;
}

/**
 * What each group is about. The two lists have no order in common, so this one is held until the other has come; a
 * server may not keep it.
 */
async function describe(
  nntp: NntpClient,
  wildmat: string | undefined,
  made: ReadonlySet<string> | undefined,
  signal: AbortSignal,
): Promise<Map<string, string>> {
  const descriptions = new Map<string, string>();
  try {
    for await (const batch of nntp.list("NEWSGROUPS", wildmat, { signal }).batches()) {
      for (const { name, description } of batch) {
        if (description !== "" && (made?.has(name) ?? true)) descriptions.set(name, description);
      }
    }
  } catch (error) {
    if (!(error instanceof ReplyError) || !error.clientUsable) throw error;
  }
  return descriptions;
}

function shortRow({ name, count, estimated, description }: Group): string {
  return row(name.padEnd(32), articles(count, estimated), description);
}

function longRow({ name, count, estimated, low, high, status, description }: Group): string {
  const marks = [low, high].map((number) => String(number).padStart(11));
  return row(name.padEnd(32), articles(count, estimated), ...marks, status.padEnd(1), description);
}

function articles(count: number, estimated: boolean): string {
  return `${estimated ? "~" : ""}${count}`.padStart(9);
}

function row(...columns: (string | undefined)[]): string {
  return columns
    .map((column) => column?.replace(/\t/g, " ") ?? "")
    .join("  ")
    .trimEnd();
}
