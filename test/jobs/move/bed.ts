/** Two FTP servers in memory and a local folder, for tests of moves. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import type { MoveOptions } from "../../../src/jobs/index.js";
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
export async function bed(source: FtpServerOptions = {}): Promise<Bed> {
  const [from, to] = await Promise.all([FtpServer.start(source), FtpServer.start()]);
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
