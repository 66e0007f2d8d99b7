/** `polywire cat`: a file to stdout, as fast as its reader takes it. */
import type { Command } from "commander";
import { withClient } from "../connect.js";
import { act } from "../context.js";
import { write } from "../output.js";

const EXAMPLES = `
Examples:
  polywire cat ftp://files.example.org/pub/README
  polywire cat ftps://alice@files.example.org/logs/today.gz | zcat | head`;

export function cat(program: Command): void {
  program
    .command("cat <url>")
    .description("write a file to stdout")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string]>((context, _options, url) =>
        withClient(context, url, "ftp", async (ftp, path) => {
          for await (const chunk of ftp.read(path, { signal: context.signal })) await write(chunk);
        }),
      ),
    );
}
