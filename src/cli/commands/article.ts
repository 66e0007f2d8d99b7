/** `polywire article`: articles to read, to keep, or to take their attachments from. */
import type { Command } from "commander";
import { UsageError } from "../../index.js";
import { act } from "../context.js";
import { newsPlace, wantedArticles } from "../news/place.js";
import type { ReadOptions } from "../news/read.js";

const EXAMPLES = `
Examples:
  polywire article nntps://news.example.org/comp.lang.c 3000234            by its number in the group
  polywire article nntps://news.example.org '<45223423@example.com>'       by its message-id; the brackets may go
  polywire article nntps://news.example.org/comp.lang.c 1 2 3 --head       all headers, decoded
  polywire article nntps://news.example.org/comp.lang.c 5 --raw            the bytes as they are (with --head, --body: those)
  polywire article nntps://news.example.org/comp.lang.c 5 6 --to kept/     the bytes as they are, to kept/5.eml, kept/6.eml
  polywire article nntps://news.example.org/alt.binaries.x 7 8 9 --attachments ./here
Attachments are those of MIME and files in yEnc; parts of a file are put together where all of them are asked for. Their
names are made safe, and no file that is there is ever overwritten. On a terminal, control characters are made visible.`;

export function article(program: Command): void {
  program
    .command("article <url> [article...]")
    .description("read articles, or save them or their attachments")
    .option("--raw", "the bytes as they are")
    .option("--head", "the headers")
    .option("--body", "the body")
    .option("--to <path>", "save the bytes as they are: to a file, or to a folder (there, or ending with /)")
    .option("--attachments <folder>", "save attachments; the folder is made where it is missing")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string, string[]], ReadOptions>(async (context, options, url, given) => {
        refuseMixed(options, context.json);
        const wanted = wantedArticles(newsPlace(url, context.globals), given);
        const { readArticles } = await import("../news/read.js");
        return readArticles(context, options, url, wanted);
      }),
    );
}

/** Options that say different things about what is to come. */
function refuseMixed(options: ReadOptions, json: boolean): void {
  const { raw, to, attachments, head } = options;
  const mixed: [boolean, string][] = [
    [raw !== undefined && json, "--raw is not JSON: leave out one of --raw and --json"],
    [raw !== undefined && to !== undefined, "--to saves the bytes as they are: leave out --raw"],
    [attachments !== undefined && (raw ?? to) !== undefined, "--attachments goes with neither --raw nor --to"],
    [attachments !== undefined && head !== undefined, "--attachments are not in the headers: leave out --head"],
  ];
  const found = mixed.find(([is]) => is);
  if (found) throw new UsageError(found[1]);
}
