/** The folders a move takes files from: one or several, seen from the place that holds them all. */
import { realpathSync } from "node:fs";
import { dirname, relative, resolve as resolvePath, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { isDeepStrictEqual } from "node:util";
import { UsageError } from "../../../client/errors.js";
import { isFileUrl, isServerUrl, type ParsedUrl, parseUrl, redactUrl } from "../../../client/url.js";
import { encodeName } from "../../../ftp/name.js";
import type { FtpOptions } from "../../../ftp/options.js";
import { clientFor, type OpenOptions } from "../../../open.js";
import type { Logins } from "../lanes/logins.js";
import { FolderPlace } from "./folder-place.js";
import { FtpPlace } from "./ftp-place.js";
import type { Place } from "./place.js";

/** One side: the URL of a folder on an FTP server, a local folder (path or file URL), or a URL with options. */
export type MoveSide = string | URL | ({ readonly url: string | URL } & OpenOptions<FtpOptions>);

/** A folder that files are taken from. */
export interface SourceFolder {
  /** Relative to the place; "" where it is the place's own folder. */
  readonly path: string;
  /** Its own name; "" where it has none that is known: the folder after login, the root. */
  readonly name: string;
  readonly shown: string;
}

/** A side, resolved. Nothing is dialled. */
export interface Side {
  /** What messages and the journal call it. No secrets. */
  readonly shown: string;
  readonly remote: boolean;
  /** Host and port; undefined for this machine. */
  readonly server: string | undefined;
  readonly make: (create: boolean) => Place;
  readonly folder: Folder;
}

/** The sources of a move: the place is the folder they have in common. */
export interface SourceSide extends Omit<Side, "folder"> {
  /** The place, as one side that can be made anew elsewhere. */
  readonly side: MoveSide;
  /** As settings of the job: one, or each of several. */
  readonly settings: string | string[];
  readonly sources: readonly SourceFolder[];
  /** For each source, the path of `other` in it: "" where it is the same folder; undefined where it is outside. */
  inside(other: Side): (string | undefined)[];
  /** The source a file is in, and its path there. */
  locate(name: string): { readonly source: SourceFolder; readonly path: string };
}

/** Where a folder is: on which server and account, and its path. */
interface Folder {
  /** Whose folders can be compared with each other; "" for this machine. */
  readonly server: string;
  /** True for a path from the root; FTP also has such from the folder after login. */
  readonly absolute: boolean;
  readonly parts: readonly string[];
}

/** One side of a move. `logins` holds its connections back, where there is a limit on them. */
export function sideOf(given: MoveSide, logins?: Pick<Logins, "take">): Side {
  const { url, ...options } = typeof given === "object" && "url" in given ? given : { url: given };
  const local = localPath(url);
  if (local !== undefined) {
    const make = (create: boolean) => new FolderPlace(local, create);
    return { shown: local, remote: false, server: undefined, make, folder: localFolder(local) };
  }
  const parsed = parseUrl(url);
  const shown = redactUrl(url);
  const server = `${parsed.host}:${parsed.port}`;
  const connect = async (serial: boolean, signal: AbortSignal) => {
    await logins?.take(server, signal);
    return clientFor(url, serial ? { ...options, pipelining: 1 } : options, "ftp");
  };
  const access = { connect, serial: false, names: new Map(), abilities: {} };
  const make = (create: boolean) => new FtpPlace(shown, access, parsed.path, create);
  return { shown, remote: true, server, make, folder: remoteFolder(parsed, options) };
}

/**
 * The sources of a move.
 *
 * @throws UsageError for none at all, the same one twice, folders of different servers or accounts.
 */
export function sourcesOf(given: MoveSide | readonly MoveSide[], logins?: Pick<Logins, "take">): SourceSide {
  const all: readonly MoveSide[] = isList(given) ? given : [given];
  const [first, ...more] = all.map((each) => sideOf(each, logins));
  if (first === undefined) throw new UsageError("from names no folder");
  if (more.length === 0) {
    const own = { path: "", name: first.folder.parts.at(-1) ?? "", shown: first.shown };
    return sourceSide(all[0] as MoveSide, first, [first.folder], [own]);
  }
  for (const [i, each] of more.entries()) refuseOther(all[0] as MoveSide, first, all[i + 1] as MoveSide, each);
  const sides = [first, ...more];
  const folders = sides.map(({ folder }) => folder);
  const common = commonOf(folders);
  const sources = sides.map(({ folder, shown }) => ({
    path: folder.parts.slice(common.length).join("/"),
    name: folder.parts.at(-1) ?? "",
    shown,
  }));
  const twice = sources.find(({ path }, i) => sources.findIndex((each) => each.path === path) < i);
  if (twice) throw new UsageError(`from names the folder ${twice.shown} twice`);
  const side = sideAt(all[0] as MoveSide, { ...first.folder, parts: common });
  const shown = sides.map((each) => each.shown).join(" ");
  return sourceSide(side, { ...sideOf(side, logins), shown }, folders, sources);
}

const isList = (given: MoveSide | readonly MoveSide[]): given is readonly MoveSide[] => Array.isArray(given);

function sourceSide(
  side: MoveSide,
  { shown, remote, server, make }: Side,
  folders: readonly Folder[],
  sources: readonly SourceFolder[],
): SourceSide {
  return {
    ...{ side, shown, remote, server, make, sources },
    settings: sources.length === 1 ? shown : sources.map((each) => each.shown),
    inside: ({ folder }) => folders.map((each) => pathFrom(each, folder)),
    locate: locateIn(sources),
  };
}

/** Gives for a file's name the source it is in, and its path there. Throws UsageError where it is in none. */
export function locateIn(sources: readonly SourceFolder[]): SourceSide["locate"] {
  // The longest first: a source may lie in another one.
  const byLength = [...sources].sort((a, b) => b.path.length - a.path.length);
  return (name) => {
    const source = byLength.find(({ path }) => path === "" || name.startsWith(`${path}/`));
    if (source === undefined) throw new UsageError(`${JSON.stringify(name)} is in none of the source folders`);
    return { source, path: source.path === "" ? name : name.slice(source.path.length + 1) };
  };
}

function localPath(url: string | URL): string | undefined {
  const text = typeof url === "string" ? url : url.href;
  if (isServerUrl(text)) return undefined;
  return resolvePath(isFileUrl(text) ? fileURLToPath(text) : text);
}

function localFolder(path: string): Folder {
  return { server: "", absolute: true, parts: path.split(sep).filter((part) => part !== "") };
}

function remoteFolder({ host, port, credentials, path }: ParsedUrl, options: OpenOptions<FtpOptions>): Folder {
  const login = options.credentials;
  // A function that gives credentials is asked later: the URL may name the account.
  const user = (typeof login === "object" ? login.user : undefined) ?? credentials?.user ?? "";
  const parts = path.split("/").filter((part) => part !== "");
  return { server: `${host}:${port} ${user}`, absolute: path.startsWith("/"), parts };
}

/** All sources are entered over the first one's connection: what the others say of the server must be the same. */
function refuseOther(one: MoveSide, first: Side, other: MoveSide, side: Side): void {
  const [{ server, absolute }, { folder }] = [first.folder, side];
  if (first.remote !== side.remote || server !== folder.server || !isSameAccess(one, other))
    throw new UsageError(`the sources ${first.shown} and ${side.shown} are not on one server and account`, {
      advice: "a move has one source server: run one for each",
    });
  if (absolute !== folder.absolute)
    throw new UsageError(`of the sources ${first.shown} and ${side.shown}, only one path begins at the root`);
  const odd = [...first.folder.parts, ...folder.parts].find((part) => part === "." || part === "..");
  if (odd !== undefined) throw new UsageError(`with several sources, their paths must not hold "${odd}"`);
}

/** How both sides' server is reached, less the folder. A URL alone goes by the options of the first one. */
function isSameAccess(one: MoveSide, other: MoveSide): boolean {
  const [a, b] = [one, other].map((given) => {
    const { url, ...options } = typeof given === "object" && "url" in given ? given : { url: given };
    if (localPath(url) !== undefined) return { server: {}, options: {} };
    const { path: _, credentials, ...server } = parseUrl(url);
    // Functions cannot be compared: the account's name was.
    const comparable = Object.entries(options).filter(([, value]) => typeof value !== "function");
    return { server, password: credentials?.password, options: Object.fromEntries(comparable) };
  });
  if (!isDeepStrictEqual(a!.server, b!.server)) return false;
  if (b!.password !== undefined && b!.password !== a!.password) return false;
  return Object.keys(b!.options).length === 0 || isDeepStrictEqual(a!.options, b!.options);
}

function commonOf(folders: readonly Folder[]): readonly string[] {
  const [first, ...more] = folders.map(({ parts }) => parts);
  const end = first!.findIndex((part, i) => more.some((parts) => parts[i] !== part));
  return end === -1 ? first! : first!.slice(0, end);
}

/** The same server, another folder. */
function sideAt(given: MoveSide, folder: Folder): MoveSide {
  if (folder.server === "") return pathOf(folder);
  const { url, ...options } = typeof given === "object" && "url" in given ? given : { url: given };
  const text = typeof url === "string" ? url : url.href;
  const path = folder.parts.map((part) => [...encodeName(part)].map(percent).join("")).join("/");
  const [, server = "", query = ""] = /^([a-z0-9+.-]+:\/\/[^/?#]*)[^?]*(\?.*)?$/i.exec(text) ?? [];
  return { ...options, url: `${server}/${folder.absolute ? "/" : ""}${path}${query}` };
}

const percent = (byte: number) =>
  /[\w.~-]/.test(String.fromCharCode(byte))
    ? String.fromCharCode(byte)
    : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;

function pathOf({ parts }: Folder): string {
  return process.platform === "win32" ? `${parts.join(sep)}${sep}` : `/${parts.join("/")}`;
}

/** The path of `to` seen from `from`: "" where both are one; undefined where it is not below. */
function pathFrom(from: Folder, to: Folder): string | undefined {
  if (from.server !== to.server || from.absolute !== to.absolute) return undefined;
  if (from.server === "") {
    const path = relative(real(from), real(to));
    return path === ".." || path.startsWith(`..${sep}`) || resolvePath(path) === path
      ? undefined
      : path.split(sep).join("/");
  }
  const isBelow = from.parts.every((part, i) => part === to.parts[i]);
  return isBelow ? to.parts.slice(from.parts.length).join("/") : undefined;
}

/** Links resolved as far as the path is there. */
function real(folder: Folder): string {
  const path = pathOf(folder);
  for (let there = path; ; there = dirname(there)) {
    try {
      return resolvePath(realpathSync(there), relative(there, path));
    } catch {
      if (dirname(there) === there) return path;
    }
  }
}
