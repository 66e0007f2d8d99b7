/** `polywire put`: a local file, a folder with -r, or stdin, to a server. */
import { stat } from "node:fs/promises";
import { basename, resolve } from "node:path";
import type { Command } from "commander";
import { UsageError } from "../../index.js";
import { withClient } from "../connect.js";
import { act } from "../context.js";
import { addCopyOptions, type CopyArguments, copy } from "../copying.js";

const EXAMPLES = `
Examples:
  polywire put report.csv ftp://alice@files.example.org/in/           to in/report.csv
  polywire put report.csv ftp://alice@files.example.org/in/r.csv      to in/r.csv
  polywire put --resume big.iso ftps://alice@files.example.org/in/    goes on with in/big.iso.part
  polywire put -r ./site ftps://alice@files.example.org/www           the folder becomes www
  tar c . | polywire put - ftps://alice@files.example.org/in/all.tar  what comes from stdin
Each file has a temporary name until it is whole. The exit code is 1 where some files of a folder failed.`;

export function put(program: Command): void {
  addCopyOptions(program.command("put <local> <url>").description("upload a file, or a folder with -r"))
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string, string], CopyArguments>(async (context, options, local, url) => {
        if (local === "-" && context.globals.passwordStdin) {
          throw new UsageError("stdin cannot hold both the password and the file");
        }
        if (local !== "-" && !options.recursive) await refuseFolder(local);
        return withClient(context, url, "ftp", (ftp, path) => {
          const source = local === "-" ? process.stdin : local;
          const remote = destination(path, local);
          return copy(context, options, (copyOptions) => ftp.upload(source, remote, copyOptions));
        });
      }),
    );
}

async function refuseFolder(local: string): Promise<void> {
  // What is not there is explained where it is opened.
  const is = await stat(local).catch(() => undefined);
  if (is?.isDirectory()) throw new UsageError(`${JSON.stringify(local)} is a folder`, { advice: "add -r" });
}

/** A path that ends with / is a folder to put it in. */
function destination(path: string, local: string): string {
  if (path !== "" && !path.endsWith("/")) return path;
  if (local === "-") throw new UsageError("the URL names no file", { advice: "stdin has no name" });
  return path + basename(resolve(local));
}
