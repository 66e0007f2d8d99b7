/** Where sources go that are put away instead of removed: into a folder beside them, never onto each other. Pure. */
import { UsageError } from "../../../client/errors.js";
import { displayName } from "../../../ftp/name.js";
import { compileMatch, type Match, type MatchPattern, type MatchSyntax, matchOf } from "../names/match.js";
import { checkTarget, compileRoute, split } from "../names/route.js";
import { parseTemplate, templateError } from "../names/template.js";
import { folderOf } from "../places/folder-place.js";
import { locateIn, type SourceFolder } from "../places/sources.js";

/** A match that is no function: a RegExp where it has flags, if only empty ones. */
interface PlainMatch {
  readonly source: string;
  readonly flags: string | undefined;
  readonly syntax: MatchSyntax | undefined;
}

/** Where sources are put away: plain data, which may be sent to another process. */
export interface ArchiveTraits {
  /** A template of a folder, relative to each source folder. */
  readonly to: string;
  /** The match whose fields it uses; undefined where that cannot be written down. */
  readonly match: PlainMatch | undefined;
  /** True where the match is about the path, not about the last part of it. */
  readonly aboutPath: boolean;
  readonly recursive: boolean;
  readonly sources: readonly SourceFolder[];
}

/** The same, at work. Names are those of the journal. */
export interface Archive {
  /** Where a file is put. Throws UsageError where that is no place to put it. */
  pathOf(name: string): string;
  /** Whether a folder is the archive, which a listing must not enter: sources are not taken out of it again. */
  isArchive(folder: string): boolean;
}

/** The words of a route that are about the file itself: its folder and name are added in any case. */
const OWN = new Set(["name", "stem", "ext", "folder"]);

/** What a move is told of its archive. */
export interface ArchiveOptions {
  readonly to: string;
  readonly pattern: MatchPattern | undefined;
  readonly syntax: MatchSyntax | undefined;
  readonly aboutPath: boolean;
  readonly recursive: boolean;
  readonly sources: readonly SourceFolder[];
}

/** Sees that an archive can be. Throws UsageError. */
export function resolveArchive({ to, pattern, syntax, ...more }: ArchiveOptions): ArchiveTraits {
  const traits = { to, match: matchData(pattern ?? /^/, syntax), ...more };
  archiveOf(traits);
  return traits;
}

function matchData(pattern: MatchPattern, syntax: MatchSyntax | undefined): ArchiveTraits["match"] {
  if (typeof pattern === "function") return undefined;
  if (typeof pattern === "string") return { source: pattern, flags: undefined, syntax };
  return { source: pattern.source, flags: pattern.flags, syntax: undefined };
}

function matchFrom(match: ArchiveTraits["match"], aboutPath: boolean): Match {
  const { source, flags, syntax } = match ?? { source: "^", flags: "", syntax: undefined };
  const compiled = compileMatch(flags === undefined ? source : new RegExp(source, flags), { syntax });
  return aboutPath ? compiled : matchOf((path) => split(path).name, compiled);
}

const MADE = new WeakMap<ArchiveTraits, Archive>();

/** An archive at work. */
export function archiveOf(traits: ArchiveTraits): Archive {
  const made = MADE.get(traits) ?? makeArchive(traits);
  MADE.set(traits, made);
  return made;
}

function makeArchive({ to, match, aboutPath, recursive, sources }: ArchiveTraits): Archive {
  const template = to.replace(/^\/|\/$/g, "");
  if (template === "") throw new UsageError("archiveTo is empty: it names a folder in the source folder");
  const depth = template.split("/").length;
  refuseOwnWords(template);
  const route = compileRoute(`${template}/`, matchFrom(match, aboutPath));
  const roots = recursive ? sources.map(({ path }) => join(path, fixedPart(template))) : [];
  const entered = sources.find(({ path }) => roots.some((root) => path === root || path.startsWith(`${root}/`)));
  if (entered) throw new UsageError(`the source ${entered.shown} lies in the archive`);
  const locate = locateIn(sources);
  return {
    pathOf(name) {
      const { source, path } = locate(name);
      const put = route.apply({ name: path, source: source.name });
      // Two files never have the same place: each has its own path behind so many folders.
      if (put.split("/").length !== depth + path.split("/").length)
        throw new UsageError(`archiveTo of ${displayName(name)} has a field that holds a slash`);
      const whole = checkTarget(join(source.path, put), name);
      const listed = sources.find((each) => each.path === folderOf(whole));
      if (listed) throw new UsageError(`archiveTo puts ${displayName(name)} into the source ${listed.shown}`);
      return whole;
    },
    isArchive: (folder) => roots.includes(folder),
  };
}

const join = (folder: string, path: string) => (folder === "" ? path : `${folder}/${path}`);

function refuseOwnWords(template: string): void {
  for (const piece of parseTemplate(template))
    if ("field" in piece && OWN.has(piece.field))
      throw templateError(
        template,
        piece.column,
        `archiveTo is a folder, to which folder and name of each file are added: {${piece.field}} is not for it`,
      );
}

/** The folders before the first field. A recursive listing has to know what not to enter. */
function fixedPart(template: string): string {
  const [first, ...more] = parseTemplate(template);
  const literal = first && "literal" in first ? first.literal : "";
  const fixed = more.length === 0 ? literal : literal.slice(0, Math.max(literal.lastIndexOf("/"), 0));
  if (fixed !== "") return fixed;
  throw new UsageError(`archiveTo ${JSON.stringify(template)} begins with a field`, {
    advice: "with recursive it begins with a folder that is always the same, as done/{date:yyyy}",
  });
}
