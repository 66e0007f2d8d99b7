/** `polywire rm`: removes a file, or a folder with everything in it. */
import type { Command } from "commander";
import { UsageError } from "../../index.js";
import { withClient } from "../connect.js";
import { act } from "../context.js";
import { tellTree } from "../copying.js";
import { EXIT } from "../exit-codes.js";
import { printJson } from "../output.js";

interface Options {
  recursive?: boolean;
}

const EXAMPLES = `
Examples:
  polywire rm ftp://alice@files.example.org/in/old.csv
  polywire rm -r ftp://alice@files.example.org/in/2019     the folder and everything in it
Nothing is asked before: the name is removed as it is written, patterns have no meaning.`;

export function rm(program: Command): void {
  program
    .command("rm <url>")
    .description("remove a file, or a folder with -r")
    .option("-r, --recursive", "a folder with everything in it")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string], Options>((context, options, url) =>
        withClient(context, url, "ftp", async (ftp, path) => {
          const { signal } = context;
          if (path === "") throw new UsageError("the URL names nothing to remove");
          if (options.recursive) return tellTree(context, await ftp.removeTree(path, { signal }), "removed");
          await ftp.dele(path, { signal });
          if (context.json) await printJson({ removed: path });
          return EXIT.done;
        }),
      ),
    );
}
