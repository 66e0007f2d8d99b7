/** `polywire rename`: another name, or another folder on the same server. */
import type { Command } from "commander";
import { UsageError } from "../../index.js";
import { withClient } from "../connect.js";
import { act } from "../context.js";
import { printJson } from "../output.js";

const EXAMPLES = `
Examples:
  polywire rename ftp://alice@files.example.org/in/a.txt b.txt         in/a.txt becomes in/b.txt
  polywire rename ftp://alice@files.example.org/in/a.txt done/a.txt    moves it to done/, seen from the login folder
  polywire rename ftp://alice@files.example.org/in/a.txt /srv/a.txt    moves it to /srv/
Most servers replace an existing file without a word.`;

export function rename(program: Command): void {
  program
    .command("rename <url> <newpath>")
    .description("rename or move a file or folder on its server")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string, string]>((context, _options, url, newpath) =>
        withClient(context, url, "ftp", async (ftp, path) => {
          if (path === "") throw new UsageError("the URL names nothing to rename");
          // A plain name stays in its folder.
          const to = newpath.includes("/") ? newpath : path.replace(/[^/]*\/?$/, () => newpath);
          await ftp.rename(path, to, { signal: context.signal });
          if (context.json) await printJson({ from: path, to });
        }),
      ),
    );
}
