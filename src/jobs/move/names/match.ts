/** Which names belong to the job, and what their parts say: template, glob, RegExp or function → one `test`. Pure. */
import picomatch from "picomatch";
import { UsageError } from "../../../client/errors.js";
import { compileKind, type FieldKind, type Fields, TEXT } from "../job-file/fields.js";
import { escapeRegExp } from "./date-format.js";
import { type FieldPiece, type Piece, parseTemplate, templateError } from "./template.js";

export type { FieldKind, Fields, FieldValue } from "../job-file/fields.js";
export type { DateParts } from "./date-format.js";

/** How a string is to be read. */
export type MatchSyntax = "template" | "glob" | "regexp";

/** What a job takes for `match`. */
export type MatchPattern = string | RegExp | ((name: string) => boolean | Record<string, string>);

/** A compiled match. */
export interface Match {
  /** The pattern as it was written; of a function only its name. */
  readonly source: string;
  readonly kind: MatchSyntax | "function";
  /** Every field a match gives; undefined for a function, whose fields are known only when it is called. */
  readonly fields: ReadonlyMap<string, FieldKind> | undefined;
  /** The values of a name's fields ({} where the pattern has none); undefined where the name does not match. */
  test(name: string): Fields | undefined;
  /** The same fields exactly as they stand in the name. */
  texts(name: string): Record<string, string> | undefined;
}

/** Fields of unbounded length whose end is not marked by what follows: each multiplies the worst case by the length. */
const MAX_LOOSE = 3;

/**
 * Compiles a pattern. `test` compares it with the whole of what it is given. A move gives it the last part of a file's
 * path; a template or glob that holds a `/`, or any match with `matchPath`, gets the path relative to the source folder.
 *
 * A string is a **template** when it holds a field (`{id}`, `{id:5d}`), else a **glob** when it holds `*`, `?`, `[` or
 * braces with a comma (`*.{csv,dat}`), else a name that stands for itself. With a field, `[` and `]` are plain
 * characters, but `*` and `?` are refused as probably meant for a glob; `syntax` settles every doubt.
 *
 * Template: `{name}` anything but `/`, shortest that fits · `{name:5d}` exactly 5 digits · `{name:d}` digits ·
 * `{name:x}`, `{name:8x}` hex · `{name:w}`, `{name:3w}` letters, digits, `_` · `{name:a|b|c}` one of these (an empty
 * one makes the field optional) · `{name:*}` anything, `/` and nothing included · `{name:date}` = `{name:yyyyMMdd}`,
 * `{t:yyyy-MM-dd'T'HHmmss}` dates that exist, UTC (`yyyy yy MM dd DDD HH mm ss SSS`) · `{{` and `}}` braces.
 * Glob (picomatch): `*` and `?` leave out `/` and a leading dot; `**` does not leave out `/`; extglobs and `!` are off.
 * A RegExp is used as it is (anchor it yourself); its named groups are the fields, as text.
 *
 * @param options.syntax How to read a string. Default: by the rule above.
 * @throws UsageError that names the field, its column and what is allowed.
 * @example
 * const match = compileMatch("sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat");
 * match.test("sensor_00042_20240229_00000007.dat"); // { id: 42, date: { year: 2024, … }, seq: 7 }
 */
export function compileMatch(pattern: MatchPattern, options: { syntax?: MatchSyntax | undefined } = {}): Match {
  if (typeof pattern === "function") return functionMatch(pattern);
  if (typeof pattern !== "string") return regExpMatch(pattern, String(pattern));
  if (pattern === "") throw new UsageError("the match is empty: it would match no name");
  const syntax = options.syntax ?? guessSyntax(pattern);
  if (syntax === "template") return templateMatch(pattern);
  return syntax === "glob" ? globMatch(pattern) : regExpMatch(parseRegExp(pattern), pattern);
}

/** True where a pattern is about the folders of a file, too: a template or glob with a `/`. */
export function isAboutPath({ kind, source }: Match): boolean {
  return (kind === "template" || kind === "glob") && source.includes("/");
}

/** The same match for names of another form: `part` gives what of such a name it is about. */
export function matchOf(part: (name: string) => string, match: Match): Match {
  return { ...match, test: (name) => match.test(part(name)), texts: (name) => match.texts(part(name)) };
}

function guessSyntax(pattern: string): MatchSyntax {
  const bare = pattern.replace(/\{\{|\}\}/g, "");
  const plain = bare.replace(/\{[A-Za-z]\w*(?::[^}]*)?\}/g, "");
  if (plain === bare) return /[*?[]|\{[^{}]*,[^{}]*\}/.test(bare) ? "glob" : "template";
  const wildcard = /[*?]/.exec(plain)?.[0];
  if (wildcard === undefined) return "template";
  throw new UsageError(
    `the match ${JSON.stringify(pattern)} holds both a field and ${wildcard}: write {rest} or {rest:*} for what varies, ` +
      `or set the syntax: in a "template" ${wildcard} stands for itself, in a "glob" there are no fields`,
  );
}

interface Reader {
  field: string;
  /** Number of its group in the RegExp. */
  group: number;
  read: FieldKind["read"];
}

function templateMatch(template: string): Match {
  const parts = parseTemplate(template).map((piece): Part => withKind(template, piece));
  const fields = new Map<string, FieldKind>();
  for (const part of parts) {
    if (!("field" in part)) continue;
    if (fields.has(part.field)) throw templateError(template, part.column, `the field {${part.field}} stands twice`);
    fields.set(part.field, part.kind);
  }
  refuseAmbiguity(template, parts);
  const { regexp, readers } = buildRegExp(parts);
  return { source: template, kind: "template", fields, ...execute(regexp, readers) };
}

function execute(regexp: RegExp, readers: readonly Reader[]): Pick<Match, "test" | "texts"> {
  return {
    test(name) {
      const found = regexp.exec(name);
      if (found === null) return undefined;
      const values: Fields = {};
      for (const { field, group, read } of readers) {
        const value = read(found[group]!);
        if (value === undefined) return undefined;
        values[field] = value;
      }
      return values;
    },
    texts(name) {
      const found = regexp.exec(name);
      return found === null ? undefined : Object.fromEntries(readers.map(({ field, group }) => [field, found[group]!]));
    },
  };
}

type Part = { literal: string } | (FieldPiece & { kind: FieldKind });

function withKind(template: string, piece: Piece): Part {
  if ("literal" in piece) return piece;
  const kind = compileKind(piece.spec);
  if (typeof kind !== "string") return { ...piece, kind };
  throw templateError(template, piece.column, `field {${piece.field}:${piece.spec}}: ${kind}`);
}

const isOpen = (part: Part | undefined): boolean =>
  part !== undefined && "kind" in part && part.kind.open !== undefined;
const widthOf = (part: Part): number | undefined => ("kind" in part ? part.kind.width : part.literal.length);

/** Where the next open field stands, if everything between has a fixed width; else -1. */
function nextOpen(parts: readonly Part[], at: number): number {
  const next = parts.findIndex((part, index) => index > at && isOpen(part));
  return next > 0 && parts.slice(at + 1, next).every((part) => widthOf(part) !== undefined) ? next : -1;
}

/**
 * True where the first place at which the text after this field fits is as good as any later one, so the RegExp need
 * never come back: what follows has a fixed width, then comes a field that can take up whatever this one leaves.
 */
function isSettledAtFirst(parts: readonly Part[], at: number): boolean {
  const [part, next] = [parts[at], parts[nextOpen(parts, at)]];
  if (part === undefined || next === undefined || !("kind" in part) || !("kind" in next)) return false;
  // {x} leaves out "/", which {x:*} may leave to it; everything else leaves out "/", too.
  return next.kind.type === "any" || (next.kind.type === "text" && part.kind.type !== "any");
}

/** True where the character after this field cannot be part of it. */
function isDelimited(part: Part, next: Part | undefined): boolean {
  if (next === undefined) return false;
  return "kind" in part && "literal" in next && !part.kind.open!.test(next.literal[0]!);
}

function refuseAmbiguity(template: string, parts: readonly Part[]): void {
  const loose: string[] = [];
  for (const [at, part] of parts.entries()) {
    if (!("kind" in part) || !isOpen(part)) continue;
    const next = parts[at + 1];
    if (next !== undefined && "kind" in next && isOpen(next)) {
      const advice = "put text between them, or give one a width such as {name:5d}";
      throw templateError(
        template,
        next.column,
        `nothing tells where {${part.field}} ends and {${next.field}} begins: ${advice}`,
      );
    }
    if (isSettledAtFirst(parts, at) || isDelimited(part, next)) continue;
    loose.push(`{${part.field}}`);
    if (loose.length <= MAX_LOOSE) continue;
    const advice = "give some of them a width or a kind, or pass a RegExp";
    throw templateError(template, part.column, `${loose.join(", ")} may each end in many places: ${advice}`);
  }
}

function buildRegExp(parts: readonly Part[]): { regexp: RegExp; readers: Reader[] } {
  const readers: Reader[] = [];
  let source = "^";
  let groups = 0;
  let closing = "";
  for (const [at, part] of parts.entries()) {
    if (isOpen(part)) {
      source += closing;
      closing = "";
      // (?=(…))\1 is what other engines write (?>…): once it fits it is never tried again.
      if (isSettledAtFirst(parts, at)) {
        source += "(?=(";
        closing = `))(?:\\${++groups})`;
      }
    }
    if ("literal" in part) source += escapeRegExp(part.literal);
    else {
      source += `(${part.kind.regexp})`;
      readers.push({ field: part.field, group: ++groups, read: part.kind.read });
    }
  }
  // With surrogates in the text, `u` keeps half a character from matching.
  return { regexp: new RegExp(`${source}$`, /[\ud800-\udfff]/.test(source) ? "u" : ""), readers };
}

function globMatch(glob: string): Match {
  if (glob.split("/").some((part) => part.replace(/\*+/g, "*").split("*").length > 5)) {
    throw new UsageError(`the glob ${JSON.stringify(glob)} holds more than four * in one name: use a template`);
  }
  return { source: glob, kind: "glob", fields: new Map(), ...execute(parseGlob(glob), []) };
}

function parseGlob(glob: string): RegExp {
  try {
    const { source } = picomatch.makeRe(glob, { nonegate: true, noextglob: true, strictBrackets: true });
    return new RegExp(source, "s");
  } catch (cause) {
    throw new UsageError(`the glob ${JSON.stringify(glob)} cannot be read: ${(cause as Error).message}`, { cause });
  }
}

function parseRegExp(source: string): RegExp {
  try {
    return new RegExp(source);
  } catch (cause) {
    throw new UsageError(`the match ${JSON.stringify(source)} is no regular expression: ${(cause as Error).message}`, {
      cause,
    });
  }
}

function regExpMatch(pattern: RegExp, source: string): Match {
  // g and y would make every test depend on the last one.
  const flags = pattern.flags.replace(/[gy]/g, "");
  const regexp = new RegExp(pattern.source, flags);
  // An empty alternative matches anything, and so tells the names of all groups.
  const names = Object.keys(new RegExp(`${pattern.source}|`, flags).exec("")?.groups ?? {});
  const test = (name: string): Record<string, string> | undefined => {
    const found = regexp.exec(name);
    if (found === null) return undefined;
    return Object.fromEntries(Object.entries(found.groups ?? {}).filter(([, text]) => text !== undefined));
  };
  return { source, kind: "regexp", fields: new Map(names.map((name) => [name, TEXT])), test, texts: test };
}

function functionMatch(pattern: (name: string) => boolean | Record<string, string>): Match {
  const test = (name: string): Record<string, string> | undefined => {
    const answer = pattern(name);
    return answer === true ? {} : answer || undefined;
  };
  return {
    source: `function ${pattern.name || "(anonymous)"}`,
    kind: "function",
    fields: undefined,
    test,
    texts: test,
  };
}
