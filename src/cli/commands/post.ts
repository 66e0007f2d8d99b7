/** `polywire post`: an article from stdin to a server. */
import { addAbortSignal } from "node:stream";
import type { Command } from "commander";
import { UsageError } from "../../index.js";
import { decodeBytes, parseHeaders } from "../../message/index.js";
import { withClient } from "../connect.js";
import { act, type Context } from "../context.js";
import { checkDraft, type Draft, readDraft } from "../news/draft.js";
import { newsPlace } from "../news/place.js";
import { note, print, printJson, writeBytes } from "../output.js";

interface Options extends Draft {
  dryRun?: true;
}

const EXAMPLES = `
The text comes from stdin.

Examples:
  polywire post nntps://news.example.org --from 'Alice <a@example.org>' --group misc.test --subject hello < text
  polywire post nntps://alice@news.example.org/misc.test --from a@example.org --subject results --attach r.csv < text
  polywire post nntps://news.example.org --from a@example.org --reply-to-article '<1@example.com>' < answer
  polywire post … --dry-run > article.eml                     what would be sent, headers and all
  polywire post nntps://news.example.org --raw < article.eml  a whole article; headers that it needs are filled in
An answer has the groups and the subject of what it answers, unless they are given. Posting is never tried twice. Where
the connection is lost on the way, nobody knows what became of the article: post the same one again by --raw, as a
server takes each message-id once only.`;

export function post(program: Command): void {
  program
    .command("post <url>")
    .description("post an article; its text is read from stdin")
    .option("--from <address>", "who writes: Name <user@host>")
    .option("--group <name>", "newsgroup, or several with commas between them (default: that of the URL)")
    .option("--subject <text>", "subject")
    .option("--reply-to-article <id>", "message-id of the article that this one answers")
    .option("--attach <file>", "a file to go with it; may be repeated", gathered)
    .option("--raw", "stdin is the whole article: headers, an empty line, the body")
    .option("--dry-run", "print what would be sent, post nothing")
    .addHelpText("after", EXAMPLES)
    .action(act<[string], Options>(run));
}

function gathered(file: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), file];
}

async function run(context: Context, options: Options, url: string): Promise<void> {
  const { group } = newsPlace(url, context.globals);
  const draft = group === undefined || options.group !== undefined || options.raw ? options : { ...options, group };
  checkDraft(draft);
  if (context.globals.passwordStdin) throw new UsageError("stdin cannot hold both the password and the article");
  const input = await stdin(context.signal);
  if (options.dryRun && draft.replyToArticle === undefined) return show(context, await readDraft(draft, input));
  await withClient(context, url, "nntp", async (nntp) => {
    const { signal } = context;
    const article = await readDraft(draft, input, (id) => nntp.head(id, { signal }));
    if (options.dryRun) return show(context, article);
    const { messageId, reply } = await nntp.post(article, { signal });
    if (context.json) await printJson({ posted: messageId, code: reply.code, text: reply.text });
    else await print(`posted ${messageId}`);
  });
}

async function show(context: Context, article: Buffer): Promise<void> {
  const messageId = parseHeaders(article).get("message-id");
  if (context.json) await printJson({ messageId, article: decodeBytes(article) });
  else await writeBytes(article, decodeBytes);
}

async function stdin(signal: AbortSignal): Promise<Buffer> {
  if (process.stdin.isTTY) note("polywire: write the text, then Ctrl-D on a line of its own");
  const pieces: Buffer[] = [];
  for await (const piece of addAbortSignal(signal, process.stdin)) pieces.push(piece as Buffer);
  return Buffer.concat(pieces);
}
