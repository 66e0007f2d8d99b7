/** Real servers: names that a server may take for something else. What cannot be moved is told, and stays. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { encodeName } from "../../../src/ftp/name.js";
import { type MoveResult, move } from "../../../src/jobs/index.js";
import { describeLive } from "../available.js";
import { AWKWARD } from "../ftp/bed.js";
import { type Kind, start } from "../servers/ftp.js";
import { url } from "./url.js";

const HOMES = ["~", "~x", "~root.dat", "~-", "~d/~x", "~d/~"];
const OPTIONS = ["-", "--", "-a b", "- x", "-l"];
const PATTERNS = ["*", "?", "[", "[a-z]", "{a,b}", "a*", "%2F", "%", "$HOME", "`id`", "'", '"', '""', "!"];
const COMMANDS = [
  "LIST",
  "STOR x",
  "NOOP",
  "&",
  "|",
  ";",
  "#",
  "a#b",
  "+x",
  "=x",
  "@x",
  ":x",
  "x:y",
  "..x",
  "...",
  "x.",
];
const ROWS = ["total 0", "drwxr-xr-x", "a -> b", "d", "long".repeat(55), "u\u0308", "\u2028"];
const BLANKS = [" front", "behind ", "  two", "two  ", " lead/x"];
const CONTROLS = ["\ttab", "tab\t", "\x7f", "\x01x", "\x1b[0m"];
const BACKSLASHES = ["\\", "a\\b", "\\n", "\\*"];
/** No UTF-8; 0xFF is IAC on the control connection (RFC 959 section 3.2). */
const BYTES = ["caf\udce9", "\udcffiac\udcff", "\udcff\udcff", "a\udcff", "\udcff\udcf2"];
const NAMES = [
  ...new Set([
    ...Object.values(AWKWARD),
    ...HOMES,
    ...OPTIONS,
    ...PATTERNS,
    ...COMMANDS,
    ...ROWS,
    ...BLANKS,
    ...CONTROLS,
    ...BACKSLASHES,
    ...BYTES,
  ]),
];

interface Trouble {
  /** What stays where the server is the source: it does not list them, refuses them, or lists them by wrong names. */
  readonly stays: readonly string[];
  readonly failed: number;
  readonly code?: string;
  /** What stays where it is the destination. */
  readonly refuses: readonly string[];
}

const NONE = { stays: [], failed: 0, refuses: [] };
const TROUBLE: Readonly<Record<"vsftpd" | "proftpd" | "pureftpd" | "pyftpdlib", Trouble>> = {
  vsftpd: NONE,
  proftpd: NONE,
  pureftpd: {
    stays: [...CONTROLS, ...BACKSLASHES],
    failed: BACKSLASHES.length,
    code: "553",
    refuses: [...CONTROLS, ...BACKSLASHES, ...BLANKS],
  },
  // It is told to send UTF-8, and writes a "?" for what is none: two of these names are one then.
  pyftpdlib: { stays: BYTES, failed: BYTES.length - 1, code: "LISTED", refuses: BYTES },
};
const KINDS = Object.keys(TROUBLE) as (Kind & keyof typeof TROUBLE)[];

const pathOf = (folder: string, name: string) => Buffer.concat([Buffer.from(`${folder}/`), encodeName(name)]);
const contentOf = (name: string) => `content of ${JSON.stringify(name)}`;

function fill(folder: string, names: readonly string[]): void {
  mkdirSync(folder);
  for (const name of names) {
    mkdirSync(dirname(pathOf(folder, name).toString("latin1")), { recursive: true });
    writeFileSync(pathOf(folder, name), contentOf(name));
  }
}

/** The names that are there, each with its own content; what is not one of ours is a mistake. */
function namesIn(folder: string): string[] {
  const names = new Map(NAMES.map((name) => [encodeName(name).toString("latin1"), name]));
  const files = readdirSync(folder, { recursive: true, encoding: "latin1" }).flatMap((path) => {
    const content = read(Buffer.from(`${folder}/${path}`, "latin1"));
    if (content === undefined) return [];
    const name = names.get(path);
    expect(name, `a file ${JSON.stringify(path)}, ${content}`).toBeDefined();
    expect(content).toBe(contentOf(name as string));
    return [name as string];
  });
  return files.sort();
}

/** Undefined for a folder. */
function read(path: Buffer): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as { code?: string }).code === "EISDIR") return undefined;
    throw error;
  }
}

function expectResult(result: MoveResult, failed: number, code: string | undefined): void {
  expect(result).toMatchObject({ failed, gone: 0, conflicts: 0, left: 0, warnings: [] });
  if (code !== undefined)
    for (const failure of result.failures) expect(failure).toMatchObject({ state: "FAILED", code });
}

const without = (names: readonly string[]) => NAMES.filter((name) => !names.includes(name)).sort();

describeLive(KINDS, "odd names", () => {
  test.each(KINDS)("are moved from %s", { timeout: 60_000 }, async (kind) => {
    const server = await start(kind);
    const { stays, failed, code } = TROUBLE[kind];
    try {
      const [out, local] = [join(server.home, "out"), join(dirname(server.home), "in")];
      fill(out, NAMES);
      server.handOver();
      const result = await move({ from: url(server, "out"), to: local, recursive: true });
      expect(namesIn(local)).toEqual(without(stays));
      expect(namesIn(out)).toEqual([...stays].sort());
      expectResult(result, failed, code);
    } finally {
      await server.stop();
    }
  });

  test.each(KINDS)("are moved to %s, none by another name", { timeout: 60_000 }, async (kind) => {
    const server = await start(kind);
    const { refuses } = TROUBLE[kind];
    try {
      const local = join(dirname(server.home), "out");
      fill(local, NAMES);
      const result = await move({ from: local, to: url(server, "in"), recursive: true });
      expect(namesIn(join(server.home, "in"))).toEqual(without(refuses));
      expect(namesIn(local)).toEqual([...refuses].sort());
      expectResult(result, refuses.length, undefined);
    } finally {
      await server.stop();
    }
  });
});
