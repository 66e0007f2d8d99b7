/** What a move takes, and every default in one place. */
import { resolve as resolvePath } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../../client/errors.js";
import { wholeNumber } from "../../client/options.js";
import { parseUrl, redactUrl } from "../../client/url.js";
import { displayName } from "../../ftp/name.js";
import type { FtpOptions } from "../../ftp/options.js";
import { clientFor, type OpenOptions } from "../../open.js";
import { Bucket } from "./bucket.js";
import { FolderPlace } from "./folder-place.js";
import { FtpPlace } from "./ftp-place.js";
import { compileMatch, type Match, type MatchPattern, type MatchSyntax } from "./match.js";
import type { Place } from "./place.js";
import type { MoveProgress } from "./progress.js";
import { compileRoute, type Route, type RoutedFile } from "./route.js";
import { parseTempName } from "./temp-name.js";

/** One side: the URL of a folder on an FTP server, a local folder (path or file URL), or a URL with options. */
export type MoveSide = string | URL | ({ readonly url: string | URL } & OpenOptions<FtpOptions>);

/** What to do where a file of the final name is there already. */
export type OnExists = "same-skip" | "fail" | "overwrite" | "rename";

/** What a move takes. */
export interface MoveOptions {
  /** The folder the files are in. Folders in it are passed over. */
  from: MoveSide;
  /** The folder they go to; it is made where it is not there. */
  to: MoveSide;
  /** Which files: a template, a glob or a RegExp; see `compileMatch`. Default: all. */
  match?: MatchPattern | undefined;
  /** How a string `match` is to be read. Default: by what it holds. */
  syntax?: MatchSyntax | undefined;
  /** Where each file goes, relative to `to`: a template or a function; see `compileRoute`. Default: the same name. */
  route?: string | ((file: RoutedFile) => string) | undefined;
  /** The source afterwards: `delete` once the file is safe (default), or `keep` for a copy. */
  source?: "delete" | "keep" | undefined;
  /**
   * `same-skip` (default): a file of the same size and time is taken for moved, another is a conflict. `fail`: any
   * file is a conflict. `overwrite`: replaced. `rename`: the new file gets a free name, `name-1.ext`.
   */
  onExists?: OnExists | undefined;
  /** Give files the time they had. Default: true, as far as the server can. */
  keepTimes?: boolean | undefined;
  /** Pairs of connections, one to each side. Default: 8. */
  lanes?: number | undefined;
  /** Bytes per second over all lanes. Default: no limit. */
  maxBytesPerSecond?: number | undefined;
  /** Tries of a file that its server refuses, and of one whose connections fail. Default: 3 and 10. */
  tries?: { readonly fail?: number; readonly retry?: number } | undefined;
  /** Try again what failed or was in conflict in an earlier run of the journal. Default: true. */
  retryFailed?: boolean | undefined;
  /**
   * The file in which the job remembers what it did, so that it can be killed at any moment and started again.
   * Default: in memory, which cannot.
   */
  journal?: string | undefined;
  /** Ends the job in order: files under way are finished or given back. */
  signal?: AbortSignal | undefined;
  /** Called once a second, and at the end. */
  onProgress?: ((progress: MoveProgress) => void) | undefined;
}

/** A move's options with every default filled in. */
export interface ResolvedMove {
  readonly from: (create: boolean) => Place;
  readonly to: (create: boolean) => Place;
  readonly match: Match;
  readonly route: Route;
  /** True where no two names have the same target. */
  readonly oneToOne: boolean;
  readonly removes: boolean;
  readonly onExists: OnExists;
  readonly keepTimes: boolean;
  readonly lanes: number;
  readonly bucket: Bucket;
  readonly tries: { readonly fail: number; readonly retry: number };
  readonly retryFailed: boolean;
  readonly journal: string | undefined;
  readonly signal: AbortSignal | undefined;
  readonly onProgress: ((progress: MoveProgress) => void) | undefined;
  /** What makes the job what it is: a journal of another one is refused. No secrets. */
  readonly settings: Record<string, string>;
}

const ON_EXISTS: readonly OnExists[] = ["same-skip", "fail", "overwrite", "rename"];

/** Fills in the defaults and refuses what cannot work, before anything is dialled. Throws UsageError. */
export function resolveMove(options: MoveOptions): ResolvedMove {
  const match = compileMatch(options.match ?? /^/, { syntax: options.syntax });
  const route = compileRoute(options.route, match);
  const source = choice("source", options.source ?? "delete", ["delete", "keep"] as const);
  const onExists = choice("onExists", options.onExists ?? "same-skip", ON_EXISTS);
  const from = side(options.from);
  const to = side(options.to);
  const inPlace = from.shown.replace(/\/+$/, "") === to.shown.replace(/\/+$/, "");
  if (inPlace && route.source === "{name}") throw new UsageError(`from and to are the same folder, ${from.shown}`);
  const refuse = ({ name }: { name: string }, target: string): string | undefined => {
    if (inPlace && !target.includes("/") && match.test(target) !== undefined)
      return `its target ${displayName(target)} is in the folder of the sources, and would be taken for another one`;
    return from.remote && /[\r\n\0]/.test(name) ? `FTP has no way to name ${displayName(name)}` : undefined;
  };
  return {
    from: from.make,
    to: to.make,
    match,
    route: { source: route.source, apply: (file) => checked(file, route.apply(file), refuse) },
    oneToOne: /(^|\/)(\{name\})?$/.test(route.source),
    removes: source === "delete",
    onExists,
    keepTimes: options.keepTimes ?? true,
    lanes: wholeNumber("lanes", options.lanes ?? 8, 1, 1000),
    bucket: new Bucket({ bytesPerSecond: options.maxBytesPerSecond }),
    tries: { fail: options.tries?.fail ?? 3, retry: options.tries?.retry ?? 10 },
    retryFailed: options.retryFailed ?? true,
    journal: options.journal,
    signal: options.signal,
    onProgress: options.onProgress,
    settings: { from: from.shown, to: to.shown, match: match.source, route: route.source, source },
  };
}

function choice<T extends string>(name: string, value: T, allowed: readonly T[]): T {
  if (allowed.includes(value)) return value;
  throw new UsageError(`${name} is one of ${allowed.join(", ")}, not ${JSON.stringify(value)}`);
}

function checked<F>(file: F, target: string, refuse: (file: F, target: string) => string | undefined): string {
  const reason = refuse(file, target);
  if (reason !== undefined) throw new UsageError(reason);
  return target;
}

function side(given: MoveSide): { shown: string; remote: boolean; make: (create: boolean) => Place } {
  const { url, ...options } = typeof given === "object" && "url" in given ? given : { url: given };
  const text = typeof url === "string" ? url : url.href;
  if (!/^[a-z][a-z0-9+.-]+:/i.test(text) || text.startsWith("file:")) {
    const folder = resolvePath(text.startsWith("file:") ? fileURLToPath(text) : text);
    return { shown: folder, remote: false, make: (create) => new FolderPlace(folder, create) };
  }
  const { path } = parseUrl(url);
  const shown = redactUrl(url);
  return {
    shown,
    remote: true,
    make: (create) => new FtpPlace(shown, () => clientFor(url, options, "ftp"), path, create),
  };
}

/** Whether a listed file is one of the job's: its name matches, and is not the temporary one of a file that arrives. */
export function isWanted(move: Pick<ResolvedMove, "match">, { name }: { name: string }): boolean {
  return move.match.test(name) !== undefined && parseTempName(name) === undefined;
}
