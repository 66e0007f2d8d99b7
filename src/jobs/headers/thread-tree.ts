/** Threads, one article after the other, and as lines of text. Never recursive: a thread may be very deep. Pure. */
import { parseAuthor } from "./author.js";
import { type HeaderRecord, recordTime } from "./records.js";
import { baseSubject } from "./subject.js";
import { fitText } from "./text-width.js";
import type { Thread } from "./threads.js";

/** Where a thread is in its tree. */
export interface ThreadStep {
  readonly thread: Thread;
  /** 0 for the first article. */
  readonly depth: number;
  /** The thread above; undefined for the first article. */
  readonly parent: Thread | undefined;
  /** True where no other answer to the same article follows. */
  readonly isLast: boolean;
}

/**
 * Every article of the threads, depth first: each before its answers.
 *
 * @example
 * for (const { thread, depth } of walkThreads(threads(records))) console.log("  ".repeat(depth) + thread.subject);
 */
export function* walkThreads(threads: readonly Thread[]): Generator<ThreadStep, void, undefined> {
  const open: { list: readonly Thread[]; at: number; parent: Thread | undefined }[] = [];
  open.push({ list: threads, at: 0, parent: undefined });
  for (let level = open.at(-1); level !== undefined; level = open.at(-1)) {
    const { list, parent } = level;
    const thread = list[level.at++];
    if (thread === undefined) {
      open.pop();
      continue;
    }
    yield { thread, depth: open.length - 1, parent, isLast: level.at === list.length };
    if (thread.children.length > 0) open.push({ list: thread.children, at: 0, parent: thread });
  }
}

/** How threads are shown. */
export interface FormatThreadsOptions {
  /** Columns of a line at most; at least 40. Default: 100. */
  width?: number | undefined;
}

const DATE_WIDTH = "2026-02-03 09:11".length;

/**
 * Threads as lines of text: date (UTC), author, and the subject behind the branches of the tree. A thread of several
 * articles has their number, a subject that is the same as above is an arrow. Control characters are left out.
 *
 * @example
 * for (const line of formatThreads(threads(records))) console.log(line);
 * // 2026-02-03 09:11  Alice Example       (3) Which parser?
 * // 2026-02-03 10:20  Bob                 ├─>
 * // 2026-02-04 08:00  Carol               │ └─> A parser I wrote
 */
export function* formatThreads(
  threads: readonly Thread[],
  options: FormatThreadsOptions = {},
): Generator<string, void, undefined> {
  const width = Math.max(40, options.width ?? 100);
  const authorWidth = Math.min(24, Math.floor(width / 4));
  const treeWidth = width - DATE_WIDTH - authorWidth - 4;
  const branches = new Branches(Math.floor(treeWidth / 2));
  for (const step of walkThreads(threads)) {
    const { record } = step.thread;
    const author = record === undefined ? "" : parseAuthor(record.from).name;
    const tree = `${branches.next(step)}${label(step)}`;
    yield `${day(record)}  ${fitText(author, authorWidth, true)}  ${fitText(tree, treeWidth)}`.trimEnd();
  }
}

/** `2026-02-03 09:11`, or as many blanks. */
function day(record: HeaderRecord | undefined): string {
  const time = record === undefined ? Number.NaN : recordTime(record);
  const text = Math.abs(time) <= 8.64e15 ? new Date(time).toISOString().slice(0, 16).replace("T", " ") : "";
  return text.slice(0, DATE_WIDTH).padEnd(DATE_WIDTH);
}

function label({ thread, depth, parent }: ThreadStep): string {
  const count = depth === 0 && thread.count > 1 ? `(${thread.count}) ` : "";
  if (thread.record === undefined) return `${count}[not there] ${thread.subject}`;
  const isSame = parent !== undefined && sameSubject(thread.subject, parent.subject);
  return isSame ? "" : `${count}${depth > 0 ? " " : ""}${thread.subject}`;
}

function sameSubject(a: string, b: string): boolean {
  return a === b || baseSubject(a).base.toLowerCase() === baseSubject(b).base.toLowerCase();
}

/** The lines that lead from an article to its answers. */
class Branches {
  readonly #limit: number;
  /** What stands before the answers at each depth, as far as it fits. */
  readonly #stems: string[] = [""];

  constructor(limit: number) {
    this.#limit = limit;
  }

  next({ depth, isLast }: ThreadStep): string {
    if (depth === 0) return "";
    const stem = this.#stems[depth - 1]!;
    this.#stems.length = depth;
    this.#stems.push(stem.length < this.#limit ? stem + (isLast ? "  " : "│ ") : stem);
    const branch = isLast ? "└─>" : "├─>";
    return stem.length < this.#limit ? stem + branch : `${stem}${depth}${branch}`;
  }
}
