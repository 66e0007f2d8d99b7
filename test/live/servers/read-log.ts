/** What a server wrote: the last of it, as some (pyftpdlib, whose clients are killed) may write half a gigabyte. */
import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";

/** Octets read of a file at most. */
const MOST = 16 * 1024 * 1024;

/** The end of a file; "" where it is not there. */
export function readLog(file: string): string {
  if (!existsSync(file)) return "";
  const opened = openSync(file, "r");
  try {
    const { size } = fstatSync(opened);
    const room = Buffer.alloc(Math.min(size, MOST));
    const read = readSync(opened, room, 0, room.length, size - room.length);
    return room.toString("utf8", 0, read);
  } finally {
    closeSync(opened);
  }
}
