/** Where a file goes: a template of the match's fields, or a function → a checked path in the target folder. Pure. */
import { UsageError } from "../../../client/errors.js";
import { displayName, encodeName } from "../../../ftp/name.js";
import { compileDateFormat, type DateParts } from "./date-format.js";
import type { FieldKind, Fields, FieldValue, Match } from "./match.js";
import { type FieldPiece, type Piece, parseTemplate, templateError } from "./template.js";

/** What a route is given. */
export interface RouteFile {
  /** The path, relative to its source folder. */
  name: string;
  /** The source folder's own name. Default: "". */
  source?: string | undefined;
  /** Bytes, where the listing told. */
  size?: number | undefined;
  /** Milliseconds since 1970, UTC, where the listing told. */
  mtime?: number | undefined;
}

/** What a function is given: the file, its path taken apart, its fields. */
export interface RoutedFile extends Omit<RouteFile, "source"> {
  /** The path, relative to its source folder: `folder` and `name`. */
  path: string;
  /** The last part of the path. */
  name: string;
  /** What is before it, without a slash at its end; "" where there is nothing. */
  folder: string;
  /** The name without `ext`. */
  stem: string;
  /** The last dot of the name and what follows it: `.dat`; "" where there is none. */
  ext: string;
  /** The source folder's own name: which of several it was. */
  source: string;
  fields: Fields;
}

/** A compiled route. */
export interface Route {
  /** The route as it was written; of a function only its name. */
  readonly source: string;
  /**
   * What of a file's path its target has at the end, behind what may vary: the whole `path`, its last part (`name`), or
   * nothing that can be told. Two files with different ones never have the same target.
   */
  readonly keeps: "path" | "name" | "nothing";
  /**
   * The path of a file, relative to the target folder.
   *
   * @throws UsageError where the name does not match, or the path is not one that stays in the target folder.
   */
  apply(file: RouteFile): string;
}

/** FTP servers on every file system in use take 255 bytes per name. */
const MAX_COMPONENT_BYTES = 255;
const OWN_WORDS = new Set(["name", "stem", "ext", "folder", "source"]);
/** The default: every file keeps its path. */
const WHOLE = "{folder}/{name}";

/**
 * Compiles a route. The path it gives is relative to the target folder; one slash at its beginning is that folder.
 *
 * `{field}` stands for the field as it is in the name, `{seq:6d}` pads a number with zeros, `{date:yyyy/MM}` writes a
 * date anew. Of the file itself: `{folder}` is its folder, relative to the source folder, `{name}` its name, `{stem}` and
 * `{ext}` (with the dot) the parts of that, `{source}` the source folder's own name. A file at the top has no `{folder}`:
 * as a part of the path it vanishes with its slash. A slash at the end keeps folder and name.
 *
 * @param route Default: the same folder and name in the target folder.
 * @param match The match whose fields the route uses.
 * @throws UsageError for a field the match does not give, a form it cannot take, a path that leads out of the target.
 * @example
 * const route = compileRoute("/archive/{date:yyyy}/{date:MM}/", match);
 * route.apply({ name: "sensor_00042_20240229_00000007.dat" }); // "archive/2024/02/sensor_00042_…"
 */
export function compileRoute(route: string | ((file: RoutedFile) => string) | undefined, match: Match): Route {
  if (typeof route === "function") return functionRoute(route, match);
  if (route === undefined || route === "" || route === "/")
    return { source: "{name}", keeps: "path", apply: ({ name }) => checkTarget(name) };
  const pieces = parseTemplate(route.endsWith("/") ? `${route}${WHOLE}` : route);
  const writers = pieces.map((_, index) => pieceWriter(route, pieces, index, match));
  // With one letter for every field: what is wrong in any case is found before the run.
  checkTarget(pieces.map((piece) => ("literal" in piece ? piece.literal : "x")).join(""));
  return {
    source: route,
    keeps: keptBy(pieces),
    apply(file) {
      const subject = new Subject(file, match);
      const path = writers.map((writer) => (typeof writer === "string" ? writer : writer(subject))).join("");
      return checkTarget(path, file.name);
    },
  };
}

/**
 * `x/{folder}/{name}` keeps the path, `{date:yyyy}/{name}` and `x/old_{name}` the name; behind a field, what is folder and
 * what is field cannot be told any more.
 */
function keptBy(pieces: readonly Piece[]): Route["keeps"] {
  const [last, between, folder] = [pieces.at(-1), pieces.at(-2), pieces.at(-3)];
  if (!isWord(last, "name")) return "nothing";
  if (between === undefined) return "name";
  if (!("literal" in between) || (pieces.length > 2 && !between.literal.includes("/"))) return "nothing";
  const before = pieces.slice(0, -3);
  const isWhole = isWord(folder, "folder") && between.literal === "/";
  return isWhole && before.every((piece) => "literal" in piece && piece.literal.endsWith("/")) ? "path" : "name";
}

type Writer = (subject: Subject) => string;

/** A file while its path is written: the match is run at most once for texts and once for values. */
class Subject {
  #texts: Record<string, string> | undefined;
  #values: Fields | undefined;
  constructor(
    readonly file: RouteFile,
    readonly match: Match,
  ) {}

  text(field: string): string {
    this.#texts ??= this.match.texts(this.file.name);
    return this.#texts?.[field] ?? this.#refuse(field, this.#texts);
  }

  value(field: string): FieldValue {
    this.#values ??= this.match.test(this.file.name);
    return this.#values?.[field] ?? this.#refuse(field, this.#values);
  }

  #refuse(field: string, fields: object | undefined): never {
    const name = displayName(this.file.name);
    throw new UsageError(
      fields ? `${name} has no field {${field}} for its route` : `${name} does not match ${this.match.source}`,
    );
  }
}

const OWN_WRITERS: Readonly<Record<string, Writer>> = {
  name: ({ file }) => split(file.name).name,
  folder: ({ file }) => split(file.name).folder,
  stem: ({ file }) => split(file.name).stem,
  ext: ({ file }) => split(file.name).ext,
  source: ({ file }) => file.source ?? "",
};

const isWord = (piece: Piece | undefined, word: string) =>
  piece !== undefined && "field" in piece && piece.field === word;
const begins = (piece: Piece | undefined) =>
  piece === undefined || ("literal" in piece && piece.literal.startsWith("/"));
const ends = (piece: Piece | undefined) => piece === undefined || ("literal" in piece && piece.literal.endsWith("/"));

/** True where {folder} is a whole part of the path. It writes the slash behind it then, or the one before it. */
function isFolderPart(pieces: readonly Piece[], index: number): boolean {
  return isWord(pieces[index], "folder") && ends(pieces[index - 1]) && begins(pieces[index + 1]);
}

function pieceWriter(route: string, pieces: readonly Piece[], index: number, match: Match): string | Writer {
  const piece = pieces[index] as Piece;
  if ("literal" in piece) {
    const after = isFolderPart(pieces, index - 1) ? piece.literal.replace(/^\//, "") : piece.literal;
    const isLast = index === pieces.length - 2 && isFolderPart(pieces, index + 1);
    return isLast ? after.replace(/\/$/, "") : after;
  }
  const writer = fieldWriter(route, piece, match);
  if (!isFolderPart(pieces, index)) return writer;
  if (index < pieces.length - 1) return (subject) => writer(subject) && `${writer(subject)}/`;
  return index > 0 ? (subject) => writer(subject) && `/${writer(subject)}` : writer;
}

function fieldWriter(route: string, piece: FieldPiece, match: Match): Writer {
  const { field, spec, column } = piece;
  const kind = match.fields?.get(field);
  if (OWN_WORDS.has(field)) {
    if (kind) throw templateError(route, column, `{${field}} is also a field of the match: give that another name`);
    if (spec) throw templateError(route, column, `{${field}} takes no form`);
    return OWN_WRITERS[field]!;
  }
  if (match.fields && !kind) {
    const known = [...match.fields.keys(), ...OWN_WORDS].map((name) => `{${name}}`).join(" ");
    throw templateError(route, column, `the match gives no field {${field}}; there are ${known}`);
  }
  if (spec === "") return (subject) => subject.text(field);
  const writer = formWriter(field, spec, kind);
  if (typeof writer === "string") throw templateError(route, column, `{${field}:${spec}}: ${writer}`);
  return writer;
}

/** Writes a field in another form; a sentence where it cannot. Without a kind (functions) only the run can tell. */
function formWriter(field: string, spec: string, kind: FieldKind | undefined): Writer | string {
  const counted = /^(\d*)d$/.exec(spec);
  if (counted) {
    if (kind && kind.type !== "digits" && kind.type !== "text") return `the field is a ${kind.type}, not digits`;
    return (subject) => asDigits(field, subject).padStart(Number(counted[1]), "0");
  }
  const format = compileDateFormat(spec);
  if (typeof format === "string") return `neither digits such as 5d, nor a date: ${format}`;
  if (!kind?.format) return "the match does not read this field as a date";
  const missing = [...format.parts].find((part) => !kind.format?.parts.has(part));
  if (missing) return `the match reads no ${missing} there`;
  return (subject) => format.write(subject.value(field) as DateParts);
}

function asDigits(field: string, subject: Subject): string {
  const text = String(subject.value(field));
  if (/^\d+$/.test(text)) return text.replace(/^0+(?=\d)/, "");
  throw new UsageError(
    `the field {${field}} of ${displayName(subject.file.name)} is ${JSON.stringify(text)}, not digits`,
  );
}

function functionRoute(route: (file: RoutedFile) => string, match: Match): Route {
  return {
    source: `function ${route.name || "(anonymous)"}`,
    keeps: "nothing",
    apply(file) {
      const { name: path, source = "", size, mtime } = file;
      const fields = match.test(path) ?? {};
      const target: unknown = route({ ...{ path, source, size, mtime, fields }, ...split(path) });
      if (typeof target !== "string") throw new UsageError(`the route of ${displayName(path)} is not a string`);
      return checkTarget(target.endsWith("/") ? target + path : target, path);
    },
  };
}

/** A path taken apart. */
export function split(path: string): { folder: string; name: string; stem: string; ext: string } {
  const slash = path.lastIndexOf("/");
  const dot = path.lastIndexOf(".");
  // A dot that begins the last part begins no extension.
  const end = dot > slash + 1 ? dot : path.length;
  return {
    folder: path.slice(0, Math.max(slash, 0)),
    name: path.slice(slash + 1),
    stem: path.slice(slash + 1, end),
    ext: path.slice(end),
  };
}

/**
 * Checks that a path stays in the target folder and can be sent, and takes one slash off its beginning.
 *
 * @param name The file it is for, for the error.
 * @throws UsageError for a part that is empty, `.`, `..` or over 255 bytes, and for CR, LF and NUL.
 */
export function checkTarget(path: string, name?: string): string {
  const relative = path.startsWith("/") ? path.slice(1) : path;
  const problem = /[\r\n\0]/.test(relative) ? "holds CR, LF or NUL" : badPart(relative);
  if (problem === undefined) return relative;
  const whose = name === undefined ? "the route" : `the route of ${displayName(name)}`;
  throw new UsageError(`${whose} gives "${displayName(path)}", which ${problem}`);
}

function badPart(path: string): string | undefined {
  for (const part of path.split("/")) {
    if (part === "") return "has an empty part";
    if (part === "." || part === "..") return `has the part "${part}"`;
    // One UTF-16 unit is at most three bytes.
    if (part.length * 3 > MAX_COMPONENT_BYTES && encodeName(part).length > MAX_COMPONENT_BYTES) {
      return `has a part of more than ${MAX_COMPONENT_BYTES} bytes`;
    }
  }
  return undefined;
}
