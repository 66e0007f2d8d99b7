/** The command line of a move → the library's options, and where its journal is. */
import { createHash } from "node:crypto";
import { statSync } from "node:fs";
import { extname } from "node:path";
import { redactUrl, UsageError } from "../../index.js";
import {
  isJobFile,
  JournalReader,
  jobOfJournal,
  loadMoveJob,
  type MatchSyntax,
  type MoveOptions,
  type OnExists,
  type Verify,
} from "../../jobs/index.js";
import type { Context } from "../context.js";
import type { ViewKind } from "../progress.js";
import { type DispatchArguments, dispatchOf, redisUrl } from "./dispatch.js";
import { completeSides } from "./sides.js";

/** The options of `polywire move` as commander gives them. */
export interface MoveArguments extends DispatchArguments {
  match?: string;
  syntax?: MatchSyntax;
  route?: string;
  recursive?: boolean;
  matchPath?: boolean;
  removeEmptyFolders?: boolean;
  /** Milliseconds. */
  stableFor?: number;
  doneFile?: string;
  moveDoneFiles?: boolean;
  journal?: string;
  lanes?: number | "auto";
  maxConnections?: number;
  connectionsPerSecond?: number;
  /** Milliseconds. */
  maxPause?: number;
  /** commander: true unless --breaker or --no-breaker was given. */
  breaker?: { share: number; files?: number } | boolean;
  copy?: boolean;
  source?: "delete" | "archive" | "keep";
  archiveTo?: string;
  verify?: Verify;
  onExists?: OnExists;
  /** Bytes. */
  resumeAbove?: number;
  resume?: boolean;
  segments?: number;
  /** Bytes. */
  segmentAbove?: number;
  /** Bytes per second. */
  maxRate?: number;
  fxp?: boolean;
  times?: boolean;
  dryRun?: boolean;
  /** Undefined where neither --quiet nor --no-quiet was given. */
  quiet?: boolean;
  progress?: ViewKind;
}

/** A move as it is to be run: its journal is known. */
export type Job = MoveOptions & { readonly journal: string };

/** A job, and what is known of its journal. */
export interface FoundJob {
  readonly job: Job;
  /** True where the journal was named, or belongs to a job file: it stays. */
  readonly named: boolean;
}

/** `move FROM… TO`, or `move JOBFILE`. */
export async function jobOf(context: Context, paths: readonly string[], given: MoveArguments): Promise<FoundJob> {
  const [first = "", second] = paths;
  if (second === undefined && !isJobFile(first))
    throw new UsageError("TO is missing", { advice: "write FROM and TO, or a job file (job.json, job.mjs)" });
  if (second === undefined) return { job: await jobFrom(context, first, given), named: true };
  if (paths.length > 2) refuseExpanded(given.match, paths.at(-1) as string);
  const [from, to] = [paths.length === 2 ? first : paths.slice(0, -1), paths.at(-1) as string];
  const journal = given.journal ?? defaultJournal(from, to, given.match);
  return { job: complete(context, { from, to, journal }, given), named: given.journal !== undefined };
}

/** `FROM TO --match *.csv` without quotes is `FROM TO --match 1.csv 2.csv 3.csv` to us: the last file is no folder to move to. */
function refuseExpanded(match: string | undefined, to: string): void {
  if (match === undefined || /[*?[{(]/.test(match) || extname(to) === "" || extname(to) !== extname(match)) return;
  if (statSync(to, { throwIfNoEntry: false })?.isDirectory()) return;
  throw new UsageError(`${to} is no folder to move to`, { advice: "put the pattern behind --match in quotes" });
}

/** The job that a job file, or a journal, tells. */
export async function jobFrom(context: Context, path: string, given: MoveArguments = {}): Promise<Job> {
  if (isJobFile(path)) {
    const options = await loadMoveJob(path);
    return complete(context, { ...options, journal: options.journal as string }, given);
  }
  using reader = JournalReader.read(path);
  return complete(context, { ...jobOfJournal(reader), journal: path }, given);
}

/** The journal that a job file names, or the journal itself. */
export async function journalFrom(path: string): Promise<string> {
  return isJobFile(path) ? ((await loadMoveJob(path)).journal as string) : path;
}

/** What the command line says comes before what the job file says. */
function complete(context: Context, job: Job, given: MoveArguments): Job {
  const said: Partial<MoveOptions> = {
    match: given.match,
    syntax: given.syntax,
    route: given.route,
    recursive: given.recursive,
    matchPath: given.matchPath,
    removeEmptyFolders: given.removeEmptyFolders,
    stableFor: given.stableFor,
    doneFile: doneFileOf(given),
    journal: given.journal,
    ...sourceOf(given),
    verify: given.verify,
    onExists: given.onExists,
    // commander: true unless --no-resume was given.
    resumeAbove: given.resume === false ? false : given.resumeAbove,
    segments: given.segments,
    segmentAbove: given.segmentAbove,
    // commander: true unless --no-times was given.
    keepTimes: given.times === false ? false : undefined,
    lanes: given.lanes,
    maxConnections: given.maxConnections,
    connectionsPerSecond: given.connectionsPerSecond,
    maxPause: given.maxPause,
    breaker: given.breaker === true ? undefined : given.breaker,
    maxBytesPerSecond: given.maxRate,
    fxp: given.fxp,
    dispatch: dispatchOf(given) ?? withPassword(job.dispatch),
  };
  const wins = Object.fromEntries(Object.entries(said).filter(([, value]) => value !== undefined));
  return { ...job, ...wins, ...completeSides(context, job), signal: context.signal };
}

function doneFileOf({ doneFile, moveDoneFiles }: MoveArguments): MoveOptions["doneFile"] {
  if (moveDoneFiles && doneFile === undefined) throw new UsageError("--move-done-files goes with --done-file");
  return doneFile !== undefined && moveDoneFiles ? { name: doneFile, after: "move" } : doneFile;
}

/** `--archive-to` alone says enough, and so does `--copy`. */
function sourceOf({ copy, source, archiveTo }: MoveArguments): Pick<MoveOptions, "source" | "archiveTo"> {
  const said = copy ? "keep" : archiveTo === undefined ? source : (source ?? "archive");
  if (copy && source !== undefined && source !== "keep")
    throw new UsageError(`--copy keeps the source, --source ${source} does not`);
  return { source: said, archiveTo };
}

/** Workers' Redis, as a job file names it: its password may be in the environment. */
function withPassword(dispatch: MoveOptions["dispatch"]): MoveOptions["dispatch"] {
  if (dispatch === undefined || !("redis" in dispatch)) return dispatch;
  return { ...dispatch, redis: redisUrl(String(dispatch.redis)) };
}

/** The journal of a move that names none: the same move finds it again in the same folder. */
export function defaultJournal(from: string | readonly string[], to: string, match: string | undefined): string {
  const sources = typeof from === "string" ? redactUrl(from) : from.map((each) => redactUrl(each));
  const job = JSON.stringify([sources, redactUrl(to), match ?? null]);
  return `polywire-move-${createHash("sha256").update(job).digest("hex").slice(0, 10)}.journal`;
}
