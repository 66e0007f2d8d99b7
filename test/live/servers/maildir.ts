/** Maildirs of live servers: messages put in and looked at as files, byte for byte. */
import { chownSync } from "node:fs";
import { mkdir, readdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Account } from "./launch.js";

/** Seconds of the last name given: names sort in the order of delivery, which is what a server's numbers follow. */
let last = Math.floor(Date.now() / 1000);

/** Makes the folders of a Maildir, unless they are there. */
export async function makeMaildir(folder: string, { uid, gid }: Account): Promise<void> {
  for (const each of [folder, ...["cur", "new", "tmp"].map((name) => join(folder, name))]) {
    const made = await mkdir(each, { recursive: true });
    if (made) chownSync(each, uid, gid);
  }
}

export async function putIntoMaildir(folder: string, messages: (Buffer | string)[], owner: Account): Promise<void> {
  for (const message of messages) {
    const name = `${++last}.M${process.pid}.polywire`;
    await writeFile(join(folder, "tmp", name), message);
    chownSync(join(folder, "tmp", name), owner.uid, owner.gid);
    await rename(join(folder, "tmp", name), join(folder, "new", name));
  }
}

/** All messages, oldest first; none if there is no such folder. A server may be at work in it. */
export async function readMaildir(folder: string): Promise<Buffer[]> {
  for (;;) {
    const files = new Map<string, string>();
    // Messages move from new to cur: in this order none is overlooked, and one that is seen twice counts once.
    for (const part of ["new", "cur"]) {
      const names = await readdir(join(folder, part)).catch(() => []);
      for (const name of names) files.set(name.replace(/:2,\w*$/, ""), join(folder, part, name));
    }
    const sorted = [...files].sort(([a], [b]) => moment(a) - moment(b) || (a < b ? -1 : 1));
    try {
      return await Promise.all(sorted.map(([, file]) => readFile(file)));
    } catch (error) {
      // It has another name by now.
      if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    }
  }
}

/** Microseconds: SECONDS.…M123…, in Exim's files SECONDS.H123…. */
function moment(name: string): number {
  const [, seconds, micros = 0] = /^(\d+)\.(?:.*?[MH](\d+))?/.exec(name) ?? [];
  return Number(seconds) * 1e6 + Number(micros);
}
