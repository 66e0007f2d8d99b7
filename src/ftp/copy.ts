/** What upload and download share: their options, their result, the steps of one file. */
import { cancelled } from "../client/abort.js";
import { UsageError } from "../client/errors.js";
import type { Call, CallOptions } from "../client/session.js";
import type { FtpClient } from "./client.js";
import type { FtpEntry } from "./entry.js";
import type { FtpSession } from "./session.js";

/** How one file is copied, in either direction. */
export interface CopyOptions extends CallOptions {
  /**
   * How the copy is compared with the original before it gets its name: by `size` (default), by a `hash` that the
   * server computes (HASH, XSHA256, XMD5 …; UsageError where it has none), or not at all (`none`).
   */
  verify?: "size" | "hash" | "none" | undefined;
  /** Give the copy the original's time, where the server can. Default: true. */
  keepTimes?: boolean | undefined;
  /**
   * Go on where an earlier attempt ended. The temporary file is `<name>.part` then, and stays where the copy fails. A
   * final file that is shorter and not older than the original is continued in place, which is not atomic; one of the
   * same size is left as it is. Only `verify: "hash"` notices that the beginnings differ. Default: false.
   */
  resume?: boolean | undefined;
  /** What happens where the name is taken: `overwrite` (default), `skip`, or `fail` with UsageError. */
  onExists?: "overwrite" | "skip" | "fail" | undefined;
  /** Make the folders above the destination. Default: false. */
  makePath?: boolean | undefined;
  /** Called as bytes move, with how many of a file have, and its path below the root of the tree (`""` for one file). */
  onBytes?: ((bytes: number, path: string) => void) | undefined;
}

/** What a filter is told of a file or folder. */
export type TreeEntry = Pick<FtpEntry, "name" | "type" | "size" | "modified">;

/** How a tree is gone through. */
export interface TreeOptions {
  /** False leaves a file out, or a folder with all that is in it. `path` is below the root: `sub/a.txt`. */
  filter?: ((entry: TreeEntry, path: string) => boolean) | undefined;
  /**
   * Connections that move files. Default: 1, the client's own. With more the client itself only lists, and these are
   * opened besides it, fewer where the server allows fewer.
   */
  connections?: number | undefined;
  /** Go through symbolic links as if they were what they point to; loops are noticed. Default: false, they are skipped. */
  followLinks?: boolean | undefined;
  /** End at the first file that fails, and reject with its error. Default: false. */
  stopOnError?: boolean | undefined;
  /** Called behind every file. */
  onFile?: ((event: FileEvent) => void) | undefined;
}

/** What became of one file. */
export interface FileEvent {
  /** Below the root of the tree; `""` where one file was copied. */
  readonly path: string;
  readonly outcome: "done" | "skipped" | "failed";
  /** Bytes moved. */
  readonly bytes: number;
  /** Why it was skipped. */
  readonly why?: string | undefined;
  readonly error?: unknown;
}

/** What came of a whole call. */
export interface TreeResult {
  /** Files copied or removed. */
  readonly files: number;
  /** Folders gone through. */
  readonly folders: number;
  /** Bytes moved. */
  readonly bytes: number;
  /** What was left out, and why: names that are not safe here, links, files that were there. */
  readonly skipped: readonly { readonly path: string; readonly why: string }[];
  readonly failed: readonly { readonly path: string; readonly error: unknown }[];
  /** How many more were skipped or failed than are listed, which are at most 10 000 each. `onFile` tells of all. */
  readonly unlisted: number;
}

/** What came of one file; `why` where it was skipped. */
export interface Outcome {
  readonly bytes: number;
  readonly why?: string | undefined;
}

/** Runs steps alone on a client's connection. */
export type Alone = <T>(
  client: FtpClient,
  options: CallOptions,
  body: (session: FtpSession, call: Call) => Promise<T>,
) => Promise<T>;

/** `in` and `a.txt` → `in/a.txt`. */
export function joinPath(folder: string, name: string): string {
  return folder === "" || folder.endsWith("/") ? folder + name : `${folder}/${name}`;
}

/** Where a name is taken and must stay as it is. */
export function taken(path: string, onExists: "skip" | "fail"): Outcome {
  if (onExists === "skip") return { bytes: 0, why: "it exists" };
  throw new UsageError(`${JSON.stringify(path)} exists already`, { advice: 'onExists: "overwrite" replaces it' });
}

/** Milliseconds that a step may go on behind a signal. */
const PATIENCE = 5_000;

/**
 * Runs a call of several steps. A signal that fires between transfers is heeded at the next `step()`, so that what is
 * half done can be cleaned up; it hangs up only where a step does not come to its end.
 */
export async function inSteps<T>(call: Call, body: (step: () => void) => Promise<T>): Promise<T> {
  let over = (_inOrder: boolean) => {};
  const end = new Promise<boolean>((resolve) => {
    over = resolve;
  });
  const step = () => {
    const { signal } = call;
    if (signal?.aborted) throw cancelled(signal.reason);
    call.cancel = () => {
      setTimeout(over, PATIENCE, false).unref();
      return end;
    };
  };
  try {
    step();
    return await body(step);
  } finally {
    over(true);
  }
}
