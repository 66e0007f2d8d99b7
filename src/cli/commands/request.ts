/** `polywire request`: one command as it is, and the reply as it came. */
import type { Command } from "commander";
import { withClient } from "../connect.js";
import { act } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { print, printJson } from "../output.js";

const EXAMPLES = `
Examples:
  polywire request ftp://files.example.org FEAT
  polywire request ftp://alice@files.example.org/in SITE CHMOD 644 a.txt
  polywire request ftp://alice@files.example.org "STAT -l"    quote what begins with -
The command is sent in the folder of the URL. The exit code is 1 where the server refuses it.`;

export function request(program: Command): void {
  program
    .command("request <url> <command...>")
    .description("send any command, print the reply")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string, string[]]>((context, _options, url, command) =>
        withClient(context, url, async (ftp, path) => {
          const { signal } = context;
          if (path !== "") await ftp.cwd(path, { signal });
          const { ok, code, text, lines } = await ftp.request(command.join(" "), { expect: "any", signal });
          if (context.json) await printJson({ ok, code, text, lines });
          else await print(lines.join("\n"));
          return ok ? EXIT.done : EXIT.refused;
        }),
      ),
    );
}
