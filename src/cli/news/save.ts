/** Files made of articles: their names are made safe, and no file that is there is ever touched. */
import { mkdir, open, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { isPlainName, UsageError } from "../../index.js";

/** Bytes of a name: file systems take 255, and something may be put behind it. */
const LONGEST = 200;

/**
 * A plain file name of what somebody wrote in an article: the last part of a path, without what a file system, a shell
 * or a terminal would misread. `fallback` where nothing is left. Pure.
 */
export function safeName(written: string | undefined, fallback: string): string {
  const base = (written ?? "").split(/[/\\]/).at(-1) as string;
  // A leading dot hides a file, a leading dash makes it an option.
  const plain = base
    .toWellFormed()
    .replace(/[\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu, "")
    .replace(/[<>:"|?*]/g, "_")
    .replace(/^[\s.-]+|[\s.]+$/g, "");
  const name = shortened(plain);
  return isPlainName(name) && isPlainName(name, "win32") ? name : fallback;
}

/** At most so many bytes; the extension stays. */
function shortened(name: string): string {
  if (Buffer.byteLength(name) <= LONGEST) return name;
  const extension = /\.[^.]{1,12}$/.exec(name)?.[0] ?? "";
  let stem = [...name.slice(0, name.length - extension.length)];
  while (Buffer.byteLength(stem.join("") + extension) > LONGEST) stem = stem.slice(0, -1);
  return stem.join("").trimEnd() + extension;
}

/** The name of an article's own file: `123.eml`, `left@right.eml`. Pure. */
export function articleName(id: string): string {
  const escaped = id
    .replace(/^<|>$/g, "")
    .replace(/[^\w.@+=$-]/g, (c) => `%${c.charCodeAt(0).toString(16).padStart(2, "0")}`);
  return `${safeName(escaped, "article")}.eml`;
}

/** Writes a new file; where the name is taken, `name-2.ext`, `name-3.ext` … @returns its path. */
export async function saveNew(folder: string, name: string, data: Uint8Array): Promise<string> {
  const [, stem = name, extension = ""] = /^(.+?)(\.[^.]+)?$/s.exec(name) ?? [];
  for (let n = 1; ; n++) {
    const path = join(folder, n === 1 ? name : `${stem}-${n}${extension}`);
    try {
      await writeFile(path, data, { flag: "wx" });
      return path;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST" || n === 1000) throw error;
    }
  }
}

/** Fills a new file; one that could not be filled is removed again, one that was there before is an error (EEXIST). */
export async function fillNew<T>(path: string, fill: (to: Writable) => Promise<T>): Promise<T> {
  const file = await open(path, "wx");
  try {
    return await fill(file.createWriteStream());
  } catch (error) {
    await rm(path, { force: true });
    throw error;
  } finally {
    // The stream has closed it, unless it was never used.
    await file.close().catch(() => {});
  }
}

/** Makes a folder where it is missing. */
export async function makeFolder(path: string): Promise<string> {
  await mkdir(path, { recursive: true });
  return path;
}

/** Where `--to` leads: a folder (there already, or written with a slash) or one file. Throws UsageError for many in one. */
export async function destinationOf(to: string, articles: number): Promise<(id: string) => string> {
  const isFolder = await stat(to).then(
    (is) => is.isDirectory(),
    () => false,
  );
  if (isFolder || /[/\\]$/.test(to)) {
    const folder = await makeFolder(to);
    return (id) => join(folder, articleName(id));
  }
  if (articles > 1) {
    throw new UsageError(`${articles} articles do not go into one file`, { advice: `write --to ${to}/ for a folder` });
  }
  return () => to;
}
