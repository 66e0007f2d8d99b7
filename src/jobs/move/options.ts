/** What a move takes, and every default in one place. */
import { UsageError } from "../../client/errors.js";
import { wholeNumber } from "../../client/options.js";
import { displayName } from "../../ftp/name.js";
import { type MoveDispatch, type ResolvedDispatch, resolveDispatch } from "../dispatch/options.js";
import type { JobSettings } from "../journal/settings.js";
import { type ArchiveTraits, archiveOf, resolveArchive } from "./lanes/archive.js";
import { type BigOptions, type BigTraits, resolveBig } from "./lanes/big-options.js";
import type { BreakerOptions } from "./lanes/breaker.js";
import { Bucket } from "./lanes/bucket.js";
import { ON_EXISTS, type OnExists } from "./lanes/exists.js";
import { type FxpOption, resolveFxp } from "./lanes/fxp-options.js";
import { type LimitOptions, perSecond, resolveLimits } from "./lanes/limits.js";
import { Logins } from "./lanes/logins.js";
import { VERIFY, type Verify } from "./lanes/verify.js";
import {
  type ListingOptions,
  listingSettings,
  type ResolvedListing,
  resolveListing,
} from "./listing/listing-options.js";
import { notedOptions } from "./look/samples.js";
import { compileMatch, isAboutPath, type Match, type MatchPattern, type MatchSyntax, matchOf } from "./names/match.js";
import { compileRoute, type Route, type RoutedFile, split } from "./names/route.js";
import { parseTempName } from "./names/temp-name.js";
import type { Place } from "./places/place.js";
import { type MoveSide, type SourceFolder, type SourceSide, sideOf, sourcesOf } from "./places/sources.js";
import type { MoveProgress } from "./progress.js";

export type { OnExists } from "./lanes/exists.js";
export type { Verify } from "./lanes/verify.js";
export { type MoveSide, sideOf as side } from "./places/sources.js";

/** What a move takes. */
export interface MoveOptions extends ListingOptions, LimitOptions, BigOptions, FxpOption {
  /** The folder the files are in; or several, all local, or all on one server and account. */
  from: MoveSide | readonly MoveSide[];
  /** The folder they go to; it is made where it is not there. */
  to: MoveSide;
  /** Which files: a template, a glob or a RegExp; see `compileMatch`. Default: all. */
  match?: MatchPattern | undefined;
  /** How a string `match` is to be read. Default: by what it holds. */
  syntax?: MatchSyntax | undefined;
  /**
   * Where each file goes, relative to `to`: a template or a function; see `compileRoute`. Default: the same name; with
   * `recursive` in the same folder (`{folder}/{name}`).
   */
  route?: string | ((file: RoutedFile) => string) | undefined;
  /** The source once the file is safe: `delete` (default), `archive` (see `archiveTo`), or `keep` for a copy. */
  source?: "delete" | "archive" | "keep" | undefined;
  /**
   * With `source: "archive"`: the folder that sources are put away into, by renames on their own server: a template as
   * `route`, relative to the source folder: `done/{date:yyyy}`. Each file keeps its name there, and with `recursive` its
   * folder. It is made as needed; nothing in it is replaced: where a name is taken, the file gets `name-1.ext`. A recursive
   * listing does not enter it, so it begins with a folder that is always the same.
   */
  archiveTo?: string | undefined;
  /**
   * `same-skip` (default): a file of the same size and time is taken for moved, another is a conflict. `fail`: any
   * file is a conflict. `overwrite`: replaced. `newer`: as `same-skip`, but a file that is 2 s older or more is replaced.
   * `rename`: the new file gets a free name, `name-1.ext`.
   */
  onExists?: OnExists | undefined;
  /**
   * Give files the time they had, to the second, by what the server has: MFMT, MFF, MDTM with a time, SITE UTIME. Where it
   * cannot, or refuses one (some take none before 1970), they have the time of the move, and are counted as `untimed`.
   * Default: true.
   */
  keepTimes?: boolean | undefined;
  /**
   * How a file is compared with its source before it gets its final name. What differs is sent again (see `tries.retry`),
   * and fails with the code `VERIFY` in the end; the source stays.
   *
   * - `size` (default): as many bytes were sent as the destination says it has, and as the source had.
   * - `mtime`: its time, too, within 2 s. The job stops where the destination cannot set or tell one.
   * - `hash`: the destination computes a digest (HASH, XSHA256, XSHA512, XSHA1, XMD5, XCRC; of a local folder the file is
   *   read), which is compared with that of the bytes that were sent: SHA-256 where it has that, else the strongest. A
   *   UsageError at the start where it has none.
   * - `readback`: every file is read back, and its SHA-256 compared. Twice the traffic; `maxBytesPerSecond` counts both.
   *
   * With `hash` and `readback` the journal keeps the SHA-256 of every file, and a file that is there already is taken for
   * the same, and its source removed, only where the bytes are.
   */
  verify?: Verify | undefined;
  /** Bytes per second over all lanes. Default: no limit. */
  maxBytesPerSecond?: number | undefined;
  /** Tries of a file that its server refuses, and of one whose connections fail. Default: 3 and 10. */
  tries?: { readonly fail?: number | undefined; readonly retry?: number | undefined } | undefined;
  /** Try again what failed or was in conflict in an earlier run of the journal. Default: true. */
  retryFailed?: boolean | undefined;
  /**
   * False: the source is not listed; only what the journal has planned, and what failed (`retryFailed`), is moved. A journal
   * without a complete listing gets one all the same. Default: true.
   */
  list?: boolean | undefined;
  /**
   * The file in which the job remembers what it did, so that it can be killed at any moment and started again.
   * Default: in memory, which cannot.
   */
  journal?: string | undefined;
  /** Who moves the files: processes of this machine, or workers on Redis. Default: this process. */
  dispatch?: MoveDispatch | undefined;
  /** Ends the job in order: files under way are finished or given back. */
  signal?: AbortSignal | undefined;
  /** Called once a second, and at the end. */
  onProgress?: ((progress: MoveProgress) => void) | undefined;
}

/** What makes the work of lanes what it is: plain data, which may be sent to another process. */
export interface LaneTraits {
  /** True where no two names have the same target. */
  readonly oneToOne: boolean;
  /** True where every file keeps its name. */
  readonly sameNames: boolean;
  readonly removes: boolean;
  readonly onExists: OnExists;
  readonly keepTimes: boolean;
  readonly verify: Verify;
  /** Undefined where sources are removed, or kept. */
  readonly archive: ArchiveTraits | undefined;
  /** Milliseconds a file that changed since it was planned waits. */
  readonly stableFor: number;
  readonly tries: { readonly fail: number; readonly retry: number };
  /** True where servers are to send each other files. */
  readonly fxp: boolean;
  readonly big: BigTraits;
  /** True where the number of lanes is to be found out. */
  readonly adaptive: boolean;
  /** Milliseconds for which the job may stand still. */
  readonly maxPause: number;
  readonly breaker: BreakerOptions | undefined;
}

/** What lanes elsewhere must know. */
export function traitsOf(move: LaneTraits): LaneTraits {
  const { oneToOne, sameNames, removes, onExists, keepTimes, verify, archive, stableFor, tries } = move;
  const { fxp, big, adaptive, maxPause, breaker } = move;
  return {
    oneToOne,
    sameNames,
    removes,
    onExists,
    keepTimes,
    verify,
    archive,
    stableFor,
    tries,
    fxp,
    big,
    adaptive,
    maxPause,
    breaker,
  };
}

/** A move as lanes see it. */
export interface LaneMove extends LaneTraits {
  readonly from: (create: boolean) => Place;
  readonly to: (create: boolean) => Place;
  readonly lanes: number;
  readonly bucket: Pick<Bucket, "take">;
}

/** A move's options with every default filled in. */
export interface ResolvedMove extends LaneMove {
  readonly sources: readonly SourceFolder[];
  readonly listing: ResolvedListing;
  /**
   * Takes the paths of the destination in each source, where it was found there by another name. Throws UsageError where
   * the job cannot work then; undefined where nobody needs to look.
   */
  readonly foundWithin: ((paths: readonly (string | undefined)[]) => void) | undefined;
  /** Of names as the journal has them; so is `route`. */
  readonly match: Match;
  readonly route: Route;
  readonly dispatch: ResolvedDispatch | undefined;
  /** As they were given, for processes that open them themselves. */
  readonly sides: { readonly from: MoveSide; readonly to: MoveSide };
  /** Holds the connections of both sides back; undefined where there is no limit on them. */
  readonly logins: Logins | undefined;
  readonly retryFailed: boolean;
  readonly list: boolean;
  readonly journal: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: MoveProgress) => void) | undefined;
  /** What makes the job what it is: a journal of another one is refused. No secrets. */
  readonly settings: JobSettings;
  /** How this run goes about it, for the journal. No secrets. */
  readonly noted: JobSettings;
}

/**
 * Looks at the options of a move as {@link move} does before it begins; nothing is dialled.
 *
 * @throws UsageError for what cannot work.
 */
export function checkMove(options: MoveOptions): void {
  resolveMove(options);
}

/** Fills in the defaults and refuses what cannot work, before anything is dialled. Throws UsageError. */
export function resolveMove(options: MoveOptions): ResolvedMove {
  const source = choice("source", options.source ?? "delete", ["delete", "archive", "keep"] as const);
  const onExists = choice("onExists", options.onExists ?? "same-skip", ON_EXISTS);
  const verify = choice("verify", options.verify ?? "size", VERIFY);
  if (verify === "mtime" && options.keepTimes === false)
    throw new UsageError('verify: "mtime" compares times, which keepTimes: false does not keep');
  const listing = resolveListing(options, source !== "keep");
  const limit = perSecond(options.connectionsPerSecond);
  const logins = limit === undefined ? undefined : new Logins(limit);
  const from = sourcesOf(options.from, logins);
  const to = sideOf(options.to, logins);
  const fxp = resolveFxp(options, verify, from.remote && to.remote);
  const oneServer = from.server !== undefined && from.server === to.server;
  const pattern = compileMatch(options.match ?? /^/, { syntax: options.syntax });
  const aboutPath = listing.matchPath ?? isAboutPath(pattern);
  if (isAboutPath(pattern) && !listing.recursive)
    throw new UsageError(`the match ${pattern.source} is about files in folders: those are found with recursive only`);
  const own = aboutPath ? pattern : matchOf((path) => split(path).name, pattern);
  const route = compileRoute(options.route ?? (listing.recursive ? "{folder}/{name}" : undefined), own);
  const archive = archiveTraits(options, from, { aboutPath, recursive: listing.recursive });
  const targets = from.inside(to);
  const refuseTargets = (paths: readonly (string | undefined)[]) => {
    if (paths.includes("") && route.keeps === "path")
      throw new UsageError(`from and to are the same folder, ${to.shown}`);
    if (listing.recursive && !aboutPath && paths.some((path) => path !== undefined))
      throw new UsageError(`${to.shown} lies in the source: a recursive move would find its own files again`, {
        advice: "choose another target, or a match that is about the path",
      });
  };
  refuseTargets(targets);
  const refuse = ({ name }: { name: string }, target: string): string | undefined => {
    const again = targets.some((path) => path !== undefined && isSource(path === "" ? target : `${path}/${target}`));
    if (again)
      return `its target ${displayName(target)} is in the folder of the sources, and would be taken for another one`;
    // What cannot be put away is not begun.
    if (archive) archiveOf(archive).pathOf(name);
    return from.remote && /[\r\n\0]/.test(name) ? `FTP has no way to name ${displayName(name)}` : undefined;
  };
  const sameNames = route.source === "{name}" && from.sources.length === 1 && !listing.recursive;
  // Of local folders it is known. Where names stay the same, what is in the way is looked at.
  const isKnown = source === "keep" || sameNames || !(from.remote || to.remote);
  const foundWithin = (paths: readonly (string | undefined)[]) => {
    refuseTargets(paths);
    targets.push(...paths);
  };
  const isSource = (path: string) => (listing.recursive || !path.includes("/")) && own.test(path) !== undefined;
  return {
    from: from.make,
    to: to.make,
    sources: from.sources,
    listing,
    foundWithin: isKnown ? undefined : foundWithin,
    match: matchOf((name) => from.locate(name).path, own),
    route: routeFrom(from, route, refuse),
    oneToOne: from.sources.length === 1 && (route.keeps === "path" || (route.keeps === "name" && !listing.recursive)),
    sameNames,
    removes: source !== "keep",
    onExists,
    keepTimes: options.keepTimes ?? true,
    verify,
    archive,
    stableFor: listing.stableFor,
    fxp,
    big: resolveBig(fxp ? { ...options, resumeAbove: false, segmentAbove: false } : options),
    ...resolveLimits(options, { oneServer }),
    bucket: new Bucket({ bytesPerSecond: options.maxBytesPerSecond }),
    tries: {
      fail: wholeNumber("tries.fail", options.tries?.fail ?? 3, 0),
      retry: wholeNumber("tries.retry", options.tries?.retry ?? 10, 0),
    },
    dispatch: resolveDispatch(options.dispatch, options, { oneServer }),
    sides: { from: from.side, to: options.to },
    logins,
    retryFailed: options.retryFailed ?? true,
    list: options.list ?? true,
    journal: options.journal,
    signal: options.signal,
    onProgress: options.onProgress,
    settings: {
      ...{ from: from.settings, to: to.shown, match: pattern.source, route: route.source, source },
      ...(archive && { archiveTo: archive.to }),
      ...listingSettings(listing),
    },
    noted: notedOptions(options),
  };
}

function archiveTraits(
  { source, archiveTo, match, syntax }: MoveOptions,
  { sources }: SourceSide,
  more: { readonly aboutPath: boolean; readonly recursive: boolean },
): ArchiveTraits | undefined {
  if (source === "archive" && archiveTo !== undefined)
    return resolveArchive({ to: archiveTo, pattern: match, syntax, sources, ...more });
  if (source === "archive") throw new UsageError('source: "archive" needs archiveTo, the folder it goes to');
  if (archiveTo !== undefined) throw new UsageError('archiveTo goes with source: "archive"');
  return undefined;
}

function choice<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new UsageError(`${name} is one of ${allowed.join(", ")}, not ${JSON.stringify(value)}`);
}

/** A route of names as the journal has them. `refuse` tells what is wrong with a target. */
function routeFrom(
  from: SourceSide,
  route: Route,
  refuse: (file: { name: string }, target: string) => string | undefined,
): Route {
  return {
    ...route,
    apply(file) {
      const { source, path } = from.locate(file.name);
      const target = route.apply({ ...file, name: path, source: source.name });
      const reason = refuse(file, target);
      if (reason !== undefined) throw new UsageError(reason);
      return target;
    },
  };
}

/** Whether a listed file is one of the job's: its name matches, and is not the temporary one of a file that arrives. */
export function isWanted(move: Pick<ResolvedMove, "match">, { name }: { name: string }): boolean {
  return move.match.test(name) !== undefined && parseTempName(name) === undefined;
}
