/** Two FTP servers in memory and a local folder, for tests of moves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { type MoveOptions, type MoveResult, move } from "../../../src/jobs/index.js";
import { FtpServer, type FtpServerOptions } from "../../../src/testing/index.js";

export interface Bed {
  readonly from: FtpServer;
  readonly to: FtpServer;
  /** A local folder; `journal` is a file in it. */
  readonly folder: string;
  readonly journal: string;
  /** From `/out` to `/in`. */
  options(more?: Partial<MoveOptions>): MoveOptions;
  /** Writes a file at the source, long ago unless it is told when. */
  put(path: string, content?: string, modified?: Date): void;
}

export const LONG_AGO = new Date("2020-02-29T12:00:00Z");

/** Made for one test, and gone behind it. */
export async function bed(source: FtpServerOptions = {}, target: FtpServerOptions = {}): Promise<Bed> {
  const [from, to] = await Promise.all([FtpServer.start(source), FtpServer.start(target)]);
  const folder = mkdtempSync(join(tmpdir(), "polywire-listing-"));
  onTestFinished(async () => {
    await Promise.all([from.close(), to.close()]);
    rmSync(folder, { recursive: true, force: true });
  });
  from.tree.mkdir("/out");
  to.tree.mkdir("/in");
  return {
    ...{ from, to, folder, journal: join(folder, "journal") },
    options: (more = {}) => ({ from: from.urlOf("/out"), to: to.urlOf("/in"), lanes: 3, ...more }),
    put: (path, content = `content of ${path}`, modified = LONG_AGO) =>
      from.tree.write(`/out/${path}`, content, { modified }),
  };
}

/** A bed of which the files are moved by one lane. */
export interface OneLane extends Bed {
  run(more?: Partial<MoveOptions>): Promise<MoveResult>;
}

/** So many files in `/out`, called as {@link nameOf} says; `how`: the servers. */
export async function oneLane(
  files = 0,
  how: { readonly from?: FtpServerOptions; readonly to?: FtpServerOptions } = {},
): Promise<OneLane> {
  const made = await bed(how.from, how.to);
  for (const name of names(files)) made.put(name);
  const options = (more?: Partial<MoveOptions>) => made.options({ lanes: 1, ...more });
  return { ...made, options, run: (more) => move(options(more)) };
}

export const nameOf = (i: number) => `f${String(i).padStart(4, "0")}`;

/** The first names, sorted, but for one. */
export function names(files: number, but?: string): string[] {
  return Array.from({ length: files }, (_, i) => nameOf(i)).filter((name) => name !== but);
}

/** The paths of all files below a folder, sorted. */
export function filesBelow({ tree }: FtpServer, folder: string): string[] {
  const walk = (path: string): string[] =>
    tree.list(path).flatMap((name) => {
      const each = `${path}/${name}`;
      return tree.stat(each)?.type === "directory" ? walk(each) : [each.slice(folder.length + 1)];
    });
  return walk(folder).sort();
}

/** The paths of all folders below a folder, sorted. */
export function foldersBelow({ tree }: FtpServer, folder: string): string[] {
  const walk = (path: string): string[] =>
    tree.list(path).flatMap((name) => {
      const each = `${path}/${name}`;
      return tree.stat(each)?.type === "directory" ? [each.slice(folder.length + 1), ...walk(each)] : [];
    });
  return walk(folder).sort();
}
