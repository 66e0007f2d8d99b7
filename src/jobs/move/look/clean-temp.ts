/** Temporary files that a move left behind: which are of no use, and which may be the only copy of something. */
import { UsageError } from "../../../client/errors.js";
import { Journal, type JournalFile, JournalReader } from "../../journal/journal.js";
import { codeOf } from "../lanes/ledger.js";
import { parseTempName, tempName } from "../names/temp-name.js";
import { type MoveOptions, type MoveSide, resolveMove } from "../options.js";
import { folderOf } from "../places/folder-place.js";
import type { ListingNotes, Place } from "../places/place.js";
import { sideOf } from "../places/sources.js";

/** What to clean up, and where. */
export interface CleanTempOptions {
  /** The folder: the target of the move, or one in it. Default: that of `job`. */
  at?: MoveSide | undefined;
  /** The move whose temporary files are looked for: it needs a journal. */
  job?: MoveOptions | undefined;
  /** Also temporary files of the job with this id (8 letters, in their names), of which there is no journal. */
  jobId?: string | undefined;
  /** Also those of any other job that are older than this many milliseconds. */
  olderThan?: number | undefined;
  /** Remove what is of no use; else it is only told. Default: false. */
  remove?: boolean | undefined;
  signal?: AbortSignal | undefined;
}

/** A temporary file that was found. */
export interface TempFile {
  /** Relative to the folder. */
  readonly path: string;
  /** Of which job, and at which of its attempts. */
  readonly jobId: string;
  readonly attempt: number;
  readonly size: number | undefined;
  readonly modified: Date | undefined;
  /** `useless`: it may go, or went · `needed`, `unsure`, `foreign`: it stays, for the reason given · `failed`: it should have gone. */
  readonly fate: "useless" | "removed" | "needed" | "unsure" | "foreign" | "failed";
  readonly why: string;
}

/** Names asked about, or removed, together. */
const PAGE = 200;
/** Temporary files compared with the journal together: it is read from end to end each time. */
const MANY = 10_000;
/** A folder that is not there. */
const ABSENT = new Set(["550", "ENOENT", "ENOTDIR"]);

/**
 * Finds the temporary files of a move below its target folder, and removes those that no file needs any more.
 *
 * With a journal the folders that the job wrote to are looked through, else all below `at`. A file that the journal has as
 * moved needs no temporary file. Of any other it may be the only copy: it goes only where the source is still there. Those
 * of a job that runs stay, and those of other jobs, too, unless they are asked for by `jobId` or `olderThan`.
 *
 * @throws UsageError without a folder, JournalInUseError to remove files of a job that runs; what stops the connection.
 */
export async function* cleanTemp(options: CleanTempOptions): AsyncGenerator<TempFile, void, undefined> {
  const { job } = options;
  if (job !== undefined && job.journal === undefined)
    throw new UsageError("to clean up after a move needs its journal");
  // Open for writing while files are removed: so no run of the job can begin meanwhile.
  const journal = job?.journal === undefined ? undefined : openJournal(job.journal, options.remove ?? false);
  const signal = options.signal ?? new AbortController().signal;
  const at = options.at === undefined ? job && resolveMove(job).to(false) : sideOf(options.at).make(false);
  if (at === undefined) throw new UsageError("clean up where? name a folder or a journal");
  try {
    await at.open(signal);
    const cleaner = new Cleaner(options, journal, at, signal);
    for await (const found of cleaner.find()) yield* await cleaner.settle(found);
  } finally {
    await at.close();
    journal?.close();
  }
}

function openJournal(path: string, remove: boolean): JournalReader {
  return remove ? Journal.open(path) : JournalReader.read(path);
}

interface Found {
  readonly path: string;
  readonly jobId: string;
  readonly attempt: number;
  readonly size: number | undefined;
  readonly mtime: number | undefined;
}

type Verdict = Pick<TempFile, "fate" | "why">;

class Cleaner {
  readonly #running: boolean;
  readonly #options: CleanTempOptions;
  readonly #journal: JournalReader | undefined;
  readonly #at: Place;
  readonly #signal: AbortSignal;

  constructor(options: CleanTempOptions, journal: JournalReader | undefined, at: Place, signal: AbortSignal) {
    this.#options = options;
    this.#journal = journal;
    this.#at = at;
    this.#signal = signal;
    this.#running = journal !== undefined && !options.remove && journal.isRunning;
  }

  /** Temporary files, many at a time. */
  async *find(): AsyncGenerator<Found[], void, undefined> {
    const known = this.#journal && foldersOf(this.#journal);
    const open = known ? [...known] : [""];
    const notes: ListingNotes = { passedOver: 0 };
    let found: Found[] = [];
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      try {
        for await (const { files, folders } of this.#at.list(folder, { notes, signal: this.#signal })) {
          for (const file of files) found.push(...asTemp(join(folder, file.name), file));
          if (!known) for (const { name } of folders) open.push(join(folder, name));
        }
      } catch (error) {
        // A folder of the job that somebody took away holds nothing.
        if (!known || !ABSENT.has(codeOf(error) ?? "") || folder === "") throw error;
      }
      if (found.length < MANY) continue;
      yield found;
      found = [];
    }
    if (found.length > 0) yield found;
  }

  /** Judges them, and removes what may go, if that is wanted. */
  async settle(found: readonly Found[]): Promise<TempFile[]> {
    const own = found.filter(({ jobId }) => jobId === this.#journal?.jobId);
    const rows = this.#journal ? rowsOf(this.#journal, own) : new Map<string, JournalFile>();
    const there = await this.#sources([...rows.values()].filter(isOpen));
    const judged = found.map((each) => this.#judge(each, rows.get(each.path), there));
    if (this.#options.remove) await this.#remove(found, judged);
    return found.map(({ path, jobId, attempt, size, mtime }, i) => {
      const modified = mtime === undefined ? undefined : new Date(mtime);
      return { path, jobId, attempt, size, modified, ...(judged[i] as Verdict) };
    });
  }

  #judge({ jobId, attempt, mtime }: Found, row: JournalFile | undefined, there: ReadonlySet<number>): Verdict {
    if (jobId !== this.#journal?.jobId) return this.#judgeForeign(jobId, mtime);
    if (this.#running) return { fate: "needed", why: "the job is running" };
    if (row === undefined) return { fate: "unsure", why: "the journal knows no such file" };
    if (row.state === "CLAIMED" && row.attempt === attempt)
      return { fate: "needed", why: "the next run of the job looks at it" };
    if (!isOpen(row)) return { fate: "useless", why: "the file has arrived" };
    return there.has(row.id)
      ? { fate: "useless", why: `the source is there (${row.state})` }
      : { fate: "unsure", why: `the source is not there (${row.state}): this may be the only copy` };
  }

  #judgeForeign(jobId: string, mtime: number | undefined): Verdict {
    const { jobId: asked, olderThan } = this.#options;
    if (jobId === asked) return { fate: "useless", why: "asked for by its job" };
    const age = mtime === undefined ? -1 : Date.now() - mtime;
    if (olderThan !== undefined && age > olderThan) return { fate: "useless", why: "asked for by its age" };
    return { fate: "foreign", why: "it is of another job" };
  }

  /** Ids of the files whose sources are there. */
  async #sources(files: readonly JournalFile[]): Promise<Set<number>> {
    const there = new Set<number>();
    if (files.length === 0 || this.#running || this.#options.job === undefined) return there;
    const from = resolveMove(this.#options.job).from(false);
    try {
      await from.open(this.#signal);
      for (let i = 0; i < files.length; i += PAGE) {
        const page = files.slice(i, i + PAGE);
        const found = await from.stat(page.map(({ name }) => name));
        for (const [k, file] of page.entries()) if (found[k] && !(found[k] instanceof Error)) there.add(file.id);
      }
      return there;
    } finally {
      await from.close();
    }
  }

  async #remove(found: readonly Found[], judged: Verdict[]): Promise<void> {
    const useless = [...judged.keys()].filter((i) => judged[i]?.fate === "useless");
    for (let at = 0; at < useless.length; at += PAGE) {
      this.#signal.throwIfAborted();
      const page = useless.slice(at, at + PAGE);
      const errors = await this.#at.remove(page.map((i) => (found[i] as Found).path));
      for (const [k, i] of page.entries())
        judged[i] = errors[k] ? { fate: "failed", why: errors[k].message } : { fate: "removed", why: judged[i]!.why };
    }
  }
}

/** Whether a temporary file may hold what is nowhere else. */
function isOpen({ state }: JournalFile): boolean {
  return state !== "DONE" && state !== "SKIPPED_SAME";
}

function asTemp(path: string, { size, mtime }: { size?: number | undefined; mtime?: number | undefined }): Found[] {
  const temp = parseTempName(path);
  return temp === undefined ? [] : [{ path, jobId: temp.jobId, attempt: temp.attempt, size, mtime }];
}

/** The folders that the job may have written to: those of every file it began. */
function foldersOf(journal: JournalReader): Set<string> {
  const folders = new Set<string>();
  for (const { attempt, target } of journal.files(ALL)) if (attempt > 0) folders.add(folderOf(target));
  return folders;
}

const ALL = ["PLANNED", "CLAIMED", "DONE", "SKIPPED_SAME", "CONFLICT", "FAILED", "GONE"] as const;

/** Temporary names → the files they are of. Names are derived, as recovery does: long ones are cut and hashed. */
function rowsOf(journal: JournalReader, found: readonly Found[]): Map<string, JournalFile> {
  const rows = new Map<string, JournalFile>();
  if (found.length === 0) return rows;
  const wanted = new Set(found.map(({ path }) => path));
  const attempts = [...new Set(found.map(({ attempt }) => attempt))];
  const folders = new Set(found.map(({ path }) => folderOf(path)));
  for (const file of journal.files(ALL)) {
    if (file.attempt === 0 || !folders.has(folderOf(file.target))) continue;
    for (const attempt of attempts) {
      const temp = tempName(file.target, journal.jobId, attempt);
      if (wanted.has(temp)) rows.set(temp, file);
    }
  }
  return rows;
}

function join(folder: string, name: string): string {
  return folder === "" ? name : `${folder}/${name}`;
}
