/** `polywire demo`: a bulk move, a fetch of headers, mail out, looked at and in, on servers in memory, with proof; a few seconds. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { JOB } from "../demo/sensors.js";
import { EXIT } from "../exit-codes.js";
import { count } from "../format.js";
import { print, printJson } from "../output.js";

const ON_YOUR_OWN = `
On your own servers:

  polywire move ftp://alice@old.example.org${JOB.source} ftp://bob@new.example.org${JOB.target} \\
    --match "${JOB.match}" \\
    --route "${JOB.route}"

  polywire headers nntps://alice@news.example.org/comp.lang.python --newest 1000 --out headers.ndjson
  polywire threads headers.ndjson --top 10
  polywire article nntps://alice@news.example.org/comp.lang.python 3000234

  polywire send smtps://alice@mail.example.org --from a@example.org --to b@example.net --subject hello < text
  polywire mail pop3s://alice@mail.example.org --to Maildir --delete-after
  polywire watch imaps://alice@mail.example.org
  polywire copy imaps://alice@old.example.org/INBOX imaps://alice@new.example.org/Archive

First see what a move would do: add --dry-run. Passwords: ~/.netrc, a prompt, or the environment (see polywire --help).
Stop a job at any time with Ctrl-C: the same command goes on. polywire COMMAND --help teaches by example.`;

export function demo(program: Command): void {
  program
    .command("demo")
    .description(
      "watch a bulk move of files, a fetch of headers, and mail sent, watched and fetched, on servers in memory; no network needed",
    )
    .addHelpText("after", "\nExample:\n  polywire demo")
    .action(act<[]>(run));
}

async function run(context: Context): Promise<number> {
  const { moveFiles } = await import("../demo/move.js");
  const { fetchNews } = await import("../demo/news.js");
  const { exchangeMail } = await import("../demo/mail.js");
  const folder = await mkdtemp(join(tmpdir(), "polywire-demo-"));
  try {
    const files = await moveFiles(context, folder);
    const news = await fetchNews(context, folder);
    const mail = await exchangeMail(context, folder);
    const wrong = [...files.wrong, ...news.wrong, ...mail.wrong];
    if (context.json) {
      const verified = wrong.length === 0;
      await printJson({ ...files.result, headers: news.result, mail: mail.result, verified, wrong });
    } else await print(wrong.length === 0 ? ON_YOUR_OWN : failure(wrong));
    return wrong.length === 0 ? EXIT.done : EXIT.refused;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function failure(wrong: readonly string[]): string {
  return ["", ...wrong.slice(0, 20).map((each) => `✗ ${each}`), `${count(wrong.length)} things are wrong.`].join("\n");
}
