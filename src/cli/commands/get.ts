/** `polywire get`: a file, or a folder with -r, to this machine. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import type { Command } from "commander";
import { type FtpClient, UsageError } from "../../index.js";
import { withClient } from "../connect.js";
import { act } from "../context.js";
import { addCopyOptions, type CopyArguments, copy, localName } from "../copying.js";

const EXAMPLES = `
Examples:
  polywire get ftp://files.example.org/pub/big.iso              to ./big.iso
  polywire get ftp://files.example.org/pub/big.iso /tmp/        to /tmp/big.iso
  polywire get --resume ftp://files.example.org/pub/big.iso     goes on with ./big.iso.part
  polywire get -r ftps://alice@files.example.org/in ./in        the folder becomes ./in
  polywire get -r ftps://alice@files.example.org/in ./backup/   the folder becomes ./backup/in
Each file has a temporary name until it is whole. The exit code is 1 where some files of a folder failed.`;

export function get(program: Command): void {
  addCopyOptions(program.command("get <url> [local]").description("download a file, or a folder with -r"))
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string, string | undefined], CopyArguments>((context, options, url, given) =>
        withClient(context, url, "ftp", async (ftp, path) => {
          if (!options.recursive) await refuseFolder(ftp, path, context.signal);
          const local = await destination(path, given, options.recursive ?? false);
          return copy(context, options, (copyOptions) => ftp.download(path, local, copyOptions));
        }),
      ),
    );
}

/** What is there, but is no file, is a folder. */
async function refuseFolder(ftp: FtpClient, path: string, signal: AbortSignal): Promise<void> {
  const folder = path === "" || ((await ftp.stats([path], { signal }))[0] === undefined && (await ftp.exists(path)));
  if (folder) throw new UsageError(`${JSON.stringify(path || "/")} is a folder`, { advice: "add -r" });
}

async function destination(path: string, given: string | undefined, recursive: boolean): Promise<string> {
  if (given === undefined) return localName(path);
  const inside = /[/\\]$/.test(given) || (!recursive && (await isFolder(given)));
  return inside ? join(given, localName(path)) : given;
}

function isFolder(path: string): Promise<boolean> {
  return stat(path).then(
    (is) => is.isDirectory(),
    () => false,
  );
}
