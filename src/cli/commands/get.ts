/** `polywire get`: a file, or a folder with -r, to this machine. */
import type { Command } from "commander";
import { withClient } from "../connect.js";
import { act } from "../context.js";

export function get(program: Command): void {
  program.command("get <url> [local]").action(
    act<[string, string | undefined]>((context, _o, url, local) =>
      withClient(context, url, async (ftp, path) => {
        await ftp.retr(path, { to: local ?? path, signal: context.signal });
      }),
    ),
  );
}
