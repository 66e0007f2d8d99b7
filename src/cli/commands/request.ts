/** `polywire request`: one command as it is, and the reply as it came. */
import type { Command } from "commander";
import { withOpen } from "../connect.js";
import { act } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { print, printJson } from "../output.js";

const EXAMPLES = `
Examples:
  polywire request ftp://files.example.org FEAT
  polywire request ftp://alice@files.example.org/in SITE CHMOD 644 a.txt
  polywire request ftp://alice@files.example.org "STAT -l"    quote what begins with -
  polywire request nntps://news.example.org/misc.test HEAD 1
  polywire request pop3s://alice@mail.example.org TOP 1 0
  polywire request imaps://alice@mail.example.org/INBOX FETCH 1:10 FLAGS
  polywire request smtps://alice@mail.example.org VRFY bob
The command is sent behind the login, in the folder, newsgroup or mailbox of the URL. The exit code is 1 where the server refuses it.`;

export function request(program: Command): void {
  program
    .command("request <url> <command...>")
    .description("send any command, print the reply")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string, string[]]>((context, _options, url, command) =>
        withOpen(context, url, async (client) => {
          const { signal } = context;
          const { ok, code, text, lines, body } = await client.request(command.join(" "), { expect: "any", signal });
          // Literals of IMAP are in the lines already.
          const isApart = body !== undefined && client.protocol !== "imap";
          const shown = isApart ? [...lines, body.toString().replace(/\r?\n$/, "")] : lines;
          if (context.json) await printJson({ ok, code, text, lines, ...(body && { body: body.toString() }) });
          else await print(shown.join("\n"));
          return ok ? EXIT.done : EXIT.refused;
        }),
      ),
    );
}
