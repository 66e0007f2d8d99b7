/** A job file: the options of a move in a file of JSON or JavaScript, for cron. No password need be in it. */
import { readFile } from "node:fs/promises";
import { dirname, extname, resolve as resolvePath } from "node:path";
import { pathToFileURL } from "node:url";
import { PolywireError, UsageError } from "../../../client/errors.js";
import { nearest } from "../../../client/nearest.js";
import { isServerUrl } from "../../../client/url.js";
import type { MoveOptions } from "../options.js";
import { readSides } from "./job-side.js";

/** What a value may be. */
type Form = "string" | "number" | "boolean" | "object" | "function";

/** Every option of move(), and what it may be: what is not here is refused. */
const FORMS: Readonly<Record<keyof MoveOptions, readonly Form[]>> = {
  from: ["string", "object"],
  to: ["string", "object"],
  match: ["string", "object", "function"],
  syntax: ["string"],
  route: ["string", "function"],
  source: ["string"],
  archiveTo: ["string"],
  verify: ["string"],
  resumeAbove: ["number", "boolean"],
  segmentAbove: ["number", "boolean"],
  segments: ["number"],
  fxp: ["boolean"],
  onExists: ["string"],
  keepTimes: ["boolean"],
  recursive: ["boolean"],
  matchPath: ["boolean"],
  removeEmptyFolders: ["boolean"],
  stableFor: ["number"],
  doneFile: ["string", "object"],
  lanes: ["number", "string"],
  maxConnections: ["number"],
  connectionsPerSecond: ["number"],
  maxPause: ["number"],
  breaker: ["object", "boolean"],
  maxBytesPerSecond: ["number"],
  tries: ["object"],
  retryFailed: ["boolean"],
  list: ["boolean"],
  journal: ["string"],
  dispatch: ["object"],
  signal: ["object"],
  onProgress: ["function"],
};

/** The ends of the names of job files. */
const ENDS = [".json", ".mjs", ".js"];

/** Whether a word of a command line is the name of a job file, by its end. */
export function isJobFile(path: string): boolean {
  return ENDS.includes(extname(path).toLowerCase()) && !isServerUrl(path);
}

/**
 * Reads a job file: `job.json`, or `job.mjs` whose default export is the options or a function that gives them.
 *
 * The options are those of {@link move}, by their names. Relative paths of folders, of the journal and of other files are
 * relative to the job file; without `journal` the journal is beside it (`job.json` → `job.journal`). A side may be an
 * object: `url`, the options of a connection, and `passwordFile`, `passwordEnv` (the name of a variable of the
 * environment), `caFile`, `certFile`, `keyFile`.
 *
 * @throws UsageError where the file cannot be read, holds a name that is not known (the nearest one is told), or a value
 *   that cannot be.
 *
 * @example
 * const result = await move(await loadMoveJob("/etc/polywire/sensors.json"));
 */
export async function loadMoveJob(path: string): Promise<MoveOptions> {
  const file = resolvePath(path);
  if (!isJobFile(path))
    throw new UsageError(`${path} is no job file`, { advice: `its name ends in ${ENDS.join(", ")}` });
  const given = extname(file).toLowerCase() === ".json" ? await readJson(path, file) : await importJob(path, file);
  if (!isRecord(given)) throw new UsageError(`the job file ${path} holds no options`, { advice: "it is one object" });
  checkNames(path, given);
  for (const name of ["from", "to"]) if (given[name] === undefined) fail(path, `says no "${name}"`);
  const folder = dirname(file);
  const journal = (given.journal as string | undefined) ?? `${file.slice(0, -extname(file).length)}.journal`;
  const sides = readSides(given, folder, (why, advice) => fail(path, why, advice));
  return { ...(given as unknown as MoveOptions), ...sides, journal: resolvePath(folder, journal) };
}

async function readJson(path: string, file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, "utf8"));
  } catch (cause) {
    // A message of JSON.parse quotes what it read, which may be a password.
    const why = cause instanceof SyntaxError ? `is no JSON${placeOf(cause)}` : `could not be read: ${messageOf(cause)}`;
    throw new UsageError(`the job file ${path} ${why}`, cause instanceof SyntaxError ? {} : { cause });
  }
}

async function importJob(path: string, file: string): Promise<unknown> {
  try {
    const { default: given } = (await import(pathToFileURL(file).href)) as { default?: unknown };
    return typeof given === "function" ? await given() : given;
  } catch (cause) {
    if (cause instanceof PolywireError) throw cause;
    throw new UsageError(`the job file ${path} could not be run: ${messageOf(cause)}`, { cause });
  }
}

function checkNames(path: string, given: Record<string, unknown>): void {
  const names = Object.keys(FORMS);
  for (const [name, value] of Object.entries(given)) {
    const forms = Object.hasOwn(FORMS, name) ? FORMS[name as keyof MoveOptions] : undefined;
    if (forms === undefined) {
      const meant = nearest(name, names);
      fail(path, `has an option ${JSON.stringify(name)} that is not known`, meant && `did you mean ${meant}?`);
    } else if (value !== undefined && (value === null || !(forms as readonly string[]).includes(typeof value)))
      fail(path, `has ${name}: it is a ${forms.join(" or a ")}, not ${value === null ? "null" : typeof value}`);
  }
}

function fail(path: string, why: string, advice?: string): never {
  throw new UsageError(`the job file ${path} ${why}`, advice === undefined ? {} : { advice });
}

/** ` (line 3 column 5)`, where the error tells. */
function placeOf(error: SyntaxError): string {
  const place = /\(?(line \d+ column \d+)\)?/.exec(error.message)?.[1] ?? /at (position \d+)/.exec(error.message)?.[1];
  return place === undefined ? "" : ` at ${place}`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
