/** `polywire put`: a local file. */
import type { Command } from "commander";
import { withClient } from "../connect.js";
import { act } from "../context.js";

export function put(program: Command): void {
  program.command("put <local> <url>").action(
    act<[string, string]>((context, _o, local, url) =>
      withClient(context, url, async (ftp, path) => {
        await ftp.stor(path, local, { signal: context.signal });
      }),
    ),
  );
}
