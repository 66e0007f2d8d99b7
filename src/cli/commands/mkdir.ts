/** `polywire mkdir`: makes a folder. */
import type { Command } from "commander";
import { withClient } from "../connect.js";
import { act } from "../context.js";
import { printJson } from "../output.js";

interface Options {
  parents?: boolean;
}

const EXAMPLES = `
Examples:
  polywire mkdir ftp://alice@files.example.org/in/2026
  polywire mkdir -p ftp://alice@files.example.org/in/2026/08    those above it, too; no error where it is there`;

export function mkdir(program: Command): void {
  program
    .command("mkdir <url>")
    .description("make a folder")
    .option("-p, --parents", "make those above it, too; no error where it is there")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string], Options>((context, options, url) =>
        withClient(context, url, "ftp", async (ftp, path) => {
          const { signal } = context;
          if (options.parents) await ftp.makePath(path, { signal });
          else await ftp.mkd(path, { signal });
          if (context.json) await printJson({ made: path });
        }),
      ),
    );
}
