/** Where a file goes: a template of the match's fields, or a function → a checked path in the target folder. Pure. */
import { UsageError } from "../../client/errors.js";
import { displayName, encodeName } from "../../ftp/name.js";
import { compileDateFormat, type DateParts } from "./date-format.js";
import type { FieldKind, Fields, FieldValue, Match } from "./match.js";
import { type FieldPiece, type Piece, parseTemplate, templateError } from "./template.js";

/** What a route is given. */
export interface RouteFile {
  /** The name, relative to the source folder. */
  name: string;
  /** Bytes, where the listing told. */
  size?: number | undefined;
  /** Milliseconds since 1970, UTC, where the listing told. */
  mtime?: number | undefined;
}

/** What a function is given: the file, its name taken apart, its fields. */
export interface RoutedFile extends RouteFile {
  /** The folder part of the name, without a slash at its end; "" where there is none. */
  dir: string;
  /** The last part of the name, without `ext`. */
  stem: string;
  /** The last dot and what follows it: `.dat`; "" where there is none. */
  ext: string;
  fields: Fields;
}

/** A compiled route. */
export interface Route {
  /** The route as it was written; of a function only its name. */
  readonly source: string;
  /**
   * The path of a file, relative to the target folder.
   *
   * @throws UsageError where the name does not match, or the path is not one that stays in the target folder.
   */
  apply(file: RouteFile): string;
}

/** FTP servers on every file system in use take 255 bytes per name. */
const MAX_COMPONENT_BYTES = 255;
const OWN_WORDS = new Set(["name", "stem", "ext", "dir"]);

/**
 * Compiles a route. The path it gives is relative to the target folder; one slash at its beginning is that folder.
 *
 * `{field}` stands for the field as it is in the name, `{seq:6d}` pads a number with zeros, `{date:yyyy/MM}` writes a
 * date anew; `{name}` is the file's whole name (folders included), `{dir}` its folder (with its slash left out where it
 * is empty), `{stem}` and `{ext}` (with the dot) its last part. A slash at the end keeps the whole name.
 *
 * @param route Default: the same name in the target folder.
 * @param match The match whose fields the route uses.
 * @throws UsageError for a field the match does not give, a form it cannot take, a path that leads out of the target.
 * @example
 * const route = compileRoute("/archive/{date:yyyy}/{date:MM}/", match);
 * route.apply({ name: "sensor_00042_20240229_00000007.dat" }); // "archive/2024/02/sensor_00042_…"
 */
export function compileRoute(route: string | ((file: RoutedFile) => string) | undefined, match: Match): Route {
  if (typeof route === "function") return functionRoute(route, match);
  if (route === undefined || route === "" || route === "/")
    return { source: "{name}", apply: ({ name }) => checkTarget(name) };
  const pieces = parseTemplate(route.endsWith("/") ? `${route}{name}` : route);
  const writers = pieces.map((piece, index) => pieceWriter(route, piece, pieces[index - 1], pieces[index + 1], match));
  // With one letter for every field: what is wrong in any case is found before the run.
  checkTarget(pieces.map((piece) => ("literal" in piece ? piece.literal : "x")).join(""));
  return {
    source: route,
    apply(file) {
      const subject = new Subject(file, match);
      const path = writers.map((writer) => (typeof writer === "string" ? writer : writer(subject))).join("");
      return checkTarget(path, file.name);
    },
  };
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
  name: ({ file }) => file.name,
  dir: ({ file }) => split(file.name).dir,
  stem: ({ file }) => split(file.name).stem,
  ext: ({ file }) => split(file.name).ext,
};

const isDir = (piece: Piece | undefined) => piece !== undefined && "field" in piece && piece.field === "dir";

/** {dir} writes the slash that follows it, so that a file in no folder gets none. */
function pieceWriter(route: string, piece: Piece, before: Piece | undefined, after: Piece | undefined, match: Match) {
  if ("literal" in piece) return isDir(before) ? piece.literal.replace(/^\//, "") : piece.literal;
  const writer = fieldWriter(route, piece, match);
  if (!isDir(piece) || after === undefined || !("literal" in after) || !after.literal.startsWith("/")) return writer;
  return (subject: Subject) => writer(subject) && `${writer(subject)}/`;
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
    apply(file) {
      const path: unknown = route({ ...file, ...split(file.name), fields: match.test(file.name) ?? {} });
      if (typeof path !== "string") throw new UsageError(`the route of ${displayName(file.name)} is not a string`);
      return checkTarget(path.endsWith("/") ? path + file.name : path, file.name);
    },
  };
}

function split(name: string): { dir: string; stem: string; ext: string } {
  const slash = name.lastIndexOf("/");
  const dot = name.lastIndexOf(".");
  // A dot that begins the last part begins no extension.
  const end = dot > slash + 1 ? dot : name.length;
  return { dir: name.slice(0, Math.max(slash, 0)), stem: name.slice(slash + 1, end), ext: name.slice(end) };
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
