/** `polywire ls`: the entries of a folder. */
import type { Command } from "commander";
import { displayName, type FtpClient, type FtpEntry, ReplyError } from "../../index.js";
import { withClient } from "../connect.js";
import { act, type Context } from "../context.js";
import { time } from "../format.js";
import { print, write } from "../output.js";

interface Options {
  long?: boolean;
  recursive?: boolean;
}

const EXAMPLES = `
Examples:
  polywire ls ftp://files.example.org/pub              names, one per line; folders end with /
  polywire ls -l ftp://alice@files.example.org/in      type and mode, bytes, time (UTC), name
  polywire ls -R --json ftps://files.example.org/in    everything below, one JSON object per line`;

export function ls(program: Command): void {
  program
    .command("ls <url>")
    .description("list a folder")
    .option("-l, --long", "type and mode, bytes, time (UTC) and name")
    .option("-R, --recursive", "the folders below, too")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string], Options>(async (context, options, url) => {
        await withClient(context, url, "ftp", (ftp, path) => list(context, options, ftp, path));
      }),
    );
}

async function list(context: Context, options: Options, ftp: FtpClient, path: string): Promise<void> {
  const show = context.json
    ? (entries: FtpEntry[]) => write(entries.map((entry) => `${JSON.stringify(entry)}\n`).join(""))
    : (entries: FtpEntry[]) => print(entries.map(options.long ? longRow : shortRow).join("\n"));
  // Folders still to be listed, relative to the one that was asked for.
  const folders = [""];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const below: string[] = [];
    for await (const batch of entriesOf(ftp, join(path, folder), context.signal)) {
      const inside = folder;
      const entries = batch.map((entry) => Object.assign(entry, { name: join(inside, entry.name) }));
      if (entries.length > 0) await show(entries);
      if (options.recursive) below.push(...entries.filter(({ type }) => type === "directory").map(({ name }) => name));
    }
    folders.push(...below.reverse());
  }
}

/** A folder's entries; of a file its own, where the server can tell (MLST). */
async function* entriesOf(ftp: FtpClient, path: string, signal: AbortSignal): AsyncGenerator<FtpEntry[]> {
  try {
    yield* ftp.entries(path === "" ? undefined : path, { signal }).batches();
  } catch (error) {
    if (!(error instanceof ReplyError) || path === "" || !ftp.has("MLST")) throw error;
    const entry = await ftp.mlst(path, { signal }).catch(() => undefined);
    if (entry === undefined || entry.type === "directory") throw error;
    // Some servers write the whole path.
    yield [{ ...entry, name: path }];
  }
}

function join(folder: string, name: string): string {
  return folder === "" ? name : name === "" ? folder : `${folder.replace(/\/$/, "")}/${name}`;
}

function shortRow({ name, type, raw }: FtpEntry): string {
  return displayName(type === "unparsed" ? raw : `${name}${type === "directory" ? "/" : ""}`);
}

const TYPES: Readonly<Record<FtpEntry["type"], string>> = {
  file: "-",
  directory: "d",
  symlink: "l",
  other: "o",
  unparsed: "?",
};

function longRow(entry: FtpEntry): string {
  const { type, size, modified, mode, target } = entry;
  const bits = [0o400, 0o200, 0o100, 0o40, 0o20, 0o10, 0o4, 0o2, 0o1];
  const letters = bits.map((bit, i) => (mode === undefined ? " " : (mode & bit) !== 0 ? "rwx"[i % 3] : "-")).join("");
  const when = modified === undefined ? "" : time(modified);
  const columns = [TYPES[type] + letters, String(size ?? "").padStart(13), when.padEnd(16), shortRow(entry)];
  return columns.join("  ") + (target === undefined ? "" : ` -> ${displayName(target)}`);
}
