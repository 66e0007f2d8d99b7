/** What `get`, `put` and `rm -r` have in common: their options, a line of progress, the result. */
import { basename } from "node:path";
import type { Command } from "commander";
import { isPlainName, type TreeResult, UsageError } from "../index.js";
import type { Context } from "./context.js";
import { EXIT } from "./exit-codes.js";
import { counted, size } from "./format.js";
import { oneOf, whole } from "./globals.js";
import { print, printJson } from "./output.js";
import { transferView } from "./progress.js";
import { sentence } from "./report.js";

/** The options of `get` and `put` as commander gives them. */
export interface CopyArguments {
  recursive?: boolean;
  resume?: boolean;
  parents?: boolean;
  onExists?: "overwrite" | "skip" | "fail";
  connections?: number;
}

/** Adds the options that `get` and `put` share. */
export function addCopyOptions(command: Command): Command {
  return command
    .option("-r, --recursive", "a folder with everything in it")
    .option("-p, --parents", "make the folders above it")
    .option("--resume", "go on where an earlier try broke off")
    .option("--on-exists <rule>", "overwrite (default), skip, fail", oneOf("overwrite", "skip", "fail"))
    .option("--connections <n>", "with -r: connections that move files (default: 1)", whole);
}

/** Runs a copy with its progress, and tells its result. @returns the exit code. */
export async function copy(
  context: Context,
  given: CopyArguments,
  run: (options: object) => Promise<TreeResult>,
): Promise<number> {
  const { resume, onExists, connections, parents } = given;
  const { signal } = context;
  const view = transferView();
  try {
    const onBytes = (bytes: number, path: string) => view.show(bytes, path);
    const result = await run({ resume, onExists, connections, makePath: parents, signal, onBytes });
    view.stop();
    return await tellTree(context, result, "copied");
  } finally {
    view.stop();
  }
}

/** Tells what came of a tree. @returns 1 where some of it failed. */
export async function tellTree(context: Context, result: TreeResult, verb: string): Promise<number> {
  const { files, folders, bytes, skipped, unlisted } = result;
  const failed = result.failed.map(({ path, error }) => ({ path, error: sentence(error) }));
  const code = failed.length + unlisted > 0 ? EXIT.refused : EXIT.done;
  if (context.json) {
    await printJson({ ...result, failed });
    return code;
  }
  const inside = folders > 0 ? ` in ${counted(folders, "folder")}` : "";
  const lines = [
    `${counted(files, "file")}${inside} ${verb}${bytes > 0 ? `, ${size(bytes)}` : ""}`,
    ...skipped.map(({ path, why }) => `! skipped${path === "" ? "" : ` ${path}`}: ${why}`),
    ...failed.map(({ path, error }) => `✗ ${path === "" ? "" : `${path}: `}${error}`),
  ];
  if (unlisted > 0) lines.push(`… and ${unlisted} more`);
  await print(lines.join("\n"));
  return code;
}

/** The last name of a path of the server's, fit for use here. */
export function localName(path: string): string {
  const name = basename(path);
  if (isPlainName(name)) return name;
  throw new UsageError(`${JSON.stringify(name)} cannot be the name of a file here`, { advice: "give another one" });
}
