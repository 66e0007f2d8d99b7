/** polywire headers as a process: into files, to stdout, stopped and run again, and what is refused. */
import type { ChildProcess } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { gunzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { headersFigures } from "../../src/cli/news/headers-figures.js";
import { articleRange } from "../../src/cli/news/headers-job.js";
import { progressLine } from "../../src/cli/progress.js";
import type { HeadersProgress } from "../../src/jobs/index.js";
import { readMbox } from "../../src/message/index.js";
import { NntpServer, type NntpServerOptions } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, PLAIN, polywire, type RunOptions, USERS } from "./polywire.js";

afterAll(cleanUp);

const GROUPS = {
  "comp.lang.python": { generate: 3_000 },
  "comp.lang.c": { generate: 40, low: 101 },
  "comp.empty": {},
  "misc.test": {
    articles: [
      { subject: "Grüße", messageId: "<1@x>" },
      { subject: "\x9b2J", messageId: "<2@x>" },
    ],
  },
};

let runs = 0;

/** A server, and a folder of its own to run in. */
async function bed(options: NntpServerOptions = {}) {
  const server = await NntpServer.start({ ...USERS, groups: GROUPS, ...options });
  const cwd = join(folder, `run${++runs}`);
  mkdirSync(cwd);
  const urlOf = (path = "") => `${server.url.replace(`:${PASSWORD}`, "")}/${path}`;
  const run = (path: string, args: string[], more: RunOptions = {}) =>
    polywire(["headers", urlOf(path), ...args, "--plain"], { ...PLAIN, cwd, ...more });
  const read = (name: string) => readFileSync(join(cwd, name), "utf8");
  const lines = (name: string) => records(read(name));
  const files = () => readdirSync(cwd).sort();
  return { server, cwd, urlOf, run, read, lines, files, [Symbol.asyncDispose]: () => server.close() };
}

interface Line {
  group: string;
  number: number;
  subject: string;
  messageId: string;
}

const records = (text: string) =>
  text
    .split("\n")
    .slice(0, -1)
    .map((line) => JSON.parse(line) as Line);
const numbersOf = (all: readonly Line[]) => all.map(({ number }) => number).sort((a, b) => a - b);
const upTo = (high: number, low = 1) => Array.from({ length: high - low + 1 }, (_, i) => low + i);

describe.concurrent("headers", () => {
  test("the newest into a file; the same line again fetches what is new", async () => {
    await using job = await bed();
    const { server, run, lines, files } = job;
    const args = ["--newest", "1000", "--out", "headers.ndjson"];
    const first = await run("comp.lang.python", args);
    expect(first).toMatchObject({
      code: 0,
      stderr: expect.stringMatching(/^Journal: headers\.ndjson\.journal\. .*\n$/),
    });
    expect(first.stdout).toMatch(/^1,000 headers of 1 newsgroup in [\d.]+ s, [\d,]+\/s: headers\.ndjson\n$/);
    expect(numbersOf(lines("headers.ndjson"))).toEqual(upTo(3_000, 2_001));
    expect(files()).toContain("headers.ndjson.journal");
    server.groups.get("comp.lang.python")?.add({ subject: "new" });
    const second = await run("comp.lang.python", args);
    expect(second.stderr).toBe("Going on with the journal headers.ndjson.journal.\n");
    expect(second.stdout).toMatch(/^1 header of 1 newsgroup/);
    expect(numbersOf(lines("headers.ndjson"))).toEqual(upTo(3_001, 2_001));
    expect((await run("comp.lang.python", args)).stdout).toMatch(/^0 headers of 1 newsgroup in [\d.]+ s: /);
  });

  test("several newsgroups: by name, by wildmat, and without some of them", async () => {
    await using job = await bed();
    const { run, lines } = job;
    await run("misc.test", ["comp.lang.c", "--out", "two.ndjson"]);
    expect(new Set(lines("two.ndjson").map(({ group }) => group))).toEqual(new Set(["misc.test", "comp.lang.c"]));
    const { stdout } = await run("", ["comp.*", "!*.python", "--out", "wild.ndjson", "--no-journal"]);
    expect(stdout).toMatch(/^40 headers of 2 newsgroups/);
    expect(numbersOf(lines("wild.ndjson"))).toEqual(upTo(140, 101));
  });

  test("a newsgroup that is not there is told, the others are fetched: 1", async () => {
    await using job = await bed();
    const { run, lines } = job;
    const { code, stdout } = await run("no.such", ["comp.lang.c", "--out", "a.ndjson"]);
    expect(code).toBe(1);
    expect(stdout).toMatch(/^40 headers of 1 newsgroup .*\n✗ no\.such: .*411/);
    expect(lines("a.ndjson")).toHaveLength(40);
    const json = await run("no.such", ["comp.lang.c", "--json", "--out", "a.ndjson"]);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ rows: 0, groups: 1, failures: [{ group: "no.such", code: "411" }] },
      ...{ out: "a.ndjson", journal: "a.ndjson.journal" },
    });
    expect(json.code).toBe(1);
    const none = await run("rec.*", ["--out", "b.ndjson"]);
    expect(none).toMatchObject({ code: 1, stdout: expect.stringContaining("✗ no newsgroup matches rec.*\n") });
  });

  test("--out -: NDJSON on stdout that no terminal obeys, the summary on stderr, no journal", async () => {
    await using job = await bed();
    const { run, files } = job;
    const { code, stdout, stderr } = await run("misc.test", ["--out", "-"]);
    expect(stdout).not.toMatch(/[\x80-\x9f]/);
    expect(records(stdout)).toMatchObject([
      { group: "misc.test", number: 1, subject: "Grüße", messageId: "<1@x>", references: [] },
      { number: 2, subject: "\x9b2J" },
    ]);
    expect(stderr).toMatch(/^2 headers of 1 newsgroup in [\d.]+ s, [\d,]+\/s\n$/);
    expect(code).toBe(0);
    expect(files()).toEqual([]);
  });

  test("--out - into a reader that leaves early is no error", async () => {
    await using job = await bed();
    const { run } = job;
    const leave = (child: ChildProcess) => child.stdout?.once("data", () => child.stdout?.destroy());
    expect(await run("comp.lang.python", ["--out", "-"], { running: leave })).toMatchObject({ code: 0, stderr: "" });
  });

  test("--articles: whole articles, as another command reads them", async () => {
    await using job = await bed();
    const { run, cwd } = job;
    const { code, stdout } = await run("comp.lang.c", ["--articles", "--newest", "5", "--out", "c.mbox"]);
    expect(stdout).toMatch(/^5 articles of 1 newsgroup/);
    expect(code).toBe(0);
    let number = 136;
    for await (const { content } of readMbox([readFileSync(join(cwd, "c.mbox"))])) {
      const args = ["article", job.urlOf("comp.lang.c"), `${number++}`, "--plain", "--to", "one.eml"];
      expect((await polywire(args, { ...PLAIN, cwd })).code).toBe(0);
      expect(content.toString("latin1").replaceAll("\n", "\r\n")).toBe(readFileSync(join(cwd, "one.eml"), "latin1"));
      rmSync(join(cwd, "one.eml"));
    }
    expect(number).toBe(141);
  });

  test("--range, --since, --ordered, --newest-first; CSV, gzip and SQLite by the extension", async () => {
    const begins = new Date("2026-01-01T00:00:00Z");
    await using job = await bed({ groups: { "a.b": { generate: 60_000, begins } } });
    const { run, read, cwd, lines } = job;
    await run("a.b", ["--range", "100-199", "--ordered", "--out", "r.ndjson"]);
    expect(lines("r.ndjson").map(({ number }) => number)).toEqual(upTo(199, 100));
    await run("a.b", ["--range", "59990-", "--newest-first", "--out", "r.csv"]);
    expect(read("r.csv").trim().split("\n")).toHaveLength(12);
    await run("a.b", ["--since", "2026-01-03", "--connections", "2", "--out", "s.ndjson.gz"]);
    const since = records(gunzipSync(readFileSync(join(cwd, "s.ndjson.gz"))).toString());
    expect(since.at(-1)?.number).toBe(60_000);
    expect(since.length).toBeLessThan(59_500);
    await run("a.b", ["--newest", "10", "--out", "r.db"]);
    expect(read("r.db")).toMatch(/^SQLite format 3/);
  });

  test("an output that is there: refused, added to, or replaced", async () => {
    await using job = await bed();
    const { server, run, read, cwd, files } = job;
    writeFileSync(join(cwd, "a.ndjson"), "mine\n");
    const args = ["--out", "a.ndjson", "--no-journal"];
    const refused = await run("misc.test", args);
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining("say --append or --replace") });
    expect(server.commandCount).toBe(0);
    expect((await run("misc.test", [...args, "--append"])).code).toBe(0);
    expect(read("a.ndjson")).toMatch(/^mine\n\{/);
    expect((await run("misc.test", [...args, "--replace"])).code).toBe(0);
    expect(read("a.ndjson").trim().split("\n")).toHaveLength(2);
    expect(files()).toEqual(["a.ndjson"]);
  });

  test("what a journal knows of is not changed behind its back", async () => {
    await using job = await bed();
    const { server, run, cwd, lines } = job;
    await run("misc.test", ["--out", "a.ndjson"]);
    const before = server.commandCount;
    for (const more of [["--replace"], ["--no-journal", "--append"], ["--journal", "j", "--replace"]]) {
      const { code, stderr } = await run("misc.test", ["--out", "a.ndjson", ...more]);
      expect([code, stderr]).toEqual([
        64,
        expect.stringMatching(/a\.ndjson\.journal remembers what is in a\.ndjson: /),
      ]);
    }
    expect(server.commandCount).toBe(before);
    expect(existsSync(join(cwd, "j"))).toBe(false);
    expect((await run("misc.test", ["--out", "a.ndjson", "--append"])).code).toBe(0);
    expect(lines("a.ndjson")).toHaveLength(2);
    const other = await run("misc.test", ["--out", "b.ndjson", "--journal", "a.ndjson.journal"]);
    expect(other).toMatchObject({ code: 64, stderr: expect.stringContaining("belongs to another job: to was") });
  });

  test("compression: as the server announces it, by the option, or not at all", async () => {
    await using job = await bed();
    const { server, run } = job;
    const ways = [
      [[], /^COMPRESS DEFLATE/],
      [["--compress", "gzip"], /^XFEATURE COMPRESS GZIP/],
      [["--no-compress"], /^GROUP/],
    ] as const;
    for (const [i, [args, line]] of ways.entries()) {
      const before = server.commandCount;
      const { code } = await run("misc.test", ["--out", `${i}.ndjson`, ...args]);
      expect(code).toBe(0);
      const commands = server.commands.slice(before);
      expect(commands.some((each) => line.test(each))).toBe(true);
      if (i === 2) expect(commands.some((each) => /COMPRESS|XZVER/.test(each))).toBe(false);
    }
  });

  test("--progress json: NDJSON on stderr, and with --json one object on stdout", async () => {
    await using job = await bed();
    const { run } = job;
    const args = ["--json", "--progress", "json", "--out", "a.ndjson"];
    const { stdout, stderr } = await run("comp.lang.python", args);
    expect(JSON.parse(stdout)).toMatchObject({ rows: 3_000, groups: 1, failures: [], warnings: [] });
    const told = stderr.trim().split("\n").slice(1);
    expect(JSON.parse(told.at(-1) as string)).toMatchObject({ phase: "done", rows: 3_000, wanted: 3_000 });
  });

  test("SIGINT ends it in order, and the same line goes on: each header once", async () => {
    await using job = await bed({ groups: { "a.b": { generate: 400_000 } }, faults: { replyDelay: 30 } });
    const args = ["--out", "a.ndjson", "--connections", "1", "--no-compress"];
    let child: ChildProcess | undefined;
    const running = job.run("a.b", args, { running: (started) => void (child = started) });
    const isGrowing = () => job.files().includes("a.ndjson") && job.read("a.ndjson").length > 100_000;
    while (child?.exitCode === null && !isGrowing()) await sleep(5);
    child?.kill("SIGINT");
    const { code, stderr, stdout } = await running;
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(
      /stopped by SIGINT\nRun the same command again to go on \(journal: a\.ndjson\.journal\)\.\n$/,
    );
    const before = job.lines("a.ndjson").length;
    expect(before).toBeGreaterThan(0);
    expect(before).toBeLessThan(400_000);
    job.server.clearFaults();
    const again = await job.run("a.b", [...args, "--json"]);
    expect(JSON.parse(again.stdout)).toMatchObject({ rows: 400_000 - before });
    expect(numbersOf(job.lines("a.ndjson"))).toEqual(upTo(400_000));
  });

  test("a server that cannot be reached, a refused login: told at once, and no file is left behind", async () => {
    await using job = await bed();
    const { server, run, urlOf, cwd, files } = job;
    const args = ["--plain", "--out", "a.ndjson"];
    const mallory = await polywire(["headers", urlOf("a.b").replace("alice", "mallory"), ...args], { ...PLAIN, cwd });
    expect(mallory.code).toBe(77);
    await server.close();
    const { code, stderr } = await run("misc.test", ["--out", "a.ndjson"]);
    expect([code, stderr]).toEqual([69, expect.stringMatching(/^polywire: cannot connect .*\n$/)]);
    expect(files()).toEqual([]);
  });

  test("what cannot be meant is refused before anything is sent: 64", async () => {
    await using job = await bed();
    const { server, run, files } = job;
    const cases: [string, string[], RegExp][] = [
      ["misc.test", [], /--out/],
      ["", ["--out", "a.ndjson"], /which newsgroup\?/],
      ["misc.test/7", ["--out", "a.ndjson"], /names article 7.*--range/],
      ["misc.test", ["--out", "a.txt"], /extension of a\.txt/],
      ["misc.test", ["--out", "a.mbox"], /whole articles: say --articles/],
      ["misc.test", ["--out", "a.csv", "--articles"], /for headers: name a \.mbox/],
      ["misc.test", ["--out", "-", "--articles"], /name a \.mbox/],
      ["misc.test", ["--out", "-", "--json"], /leave out --json/],
      ["misc.test", ["--out", "-", "--journal", "j"], /has no journal/],
      ["misc.test", ["--out", "-", "--append"], /for files/],
      ["misc.test", ["--out", "a.ndjson", "--append", "--replace"], /cannot be used with/],
      ["misc.test", ["--out", "a.ndjson", "--newest", "5", "--range", "1-2"], /cannot be used with/],
      ["misc.test", ["--out", "a.ndjson", "--range", "1-2", "--since", "7d"], /cannot be used with/],
      ["misc.test", ["--out", "a.ndjson", "--ordered", "--newest-first"], /cannot be used with/],
      ["misc.test", ["--out", "a.ndjson", "--range", "2-1"], /range of article numbers/],
      ["misc.test", ["--out", "a.ndjson", "--newest", "0"], /whole number/],
      ["misc.test", ["--out", "a.ndjson", "--compress", "best"], /one of auto, deflate/],
    ];
    for (const [path, args, says] of cases) {
      const { code, stderr, stdout } = await run(path, args);
      expect([args.join(" "), stderr + stdout]).toEqual([args.join(" "), expect.stringMatching(says)]);
      expect(code).toBe(64);
    }
    expect(server.commandCount).toBe(0);
    expect(files()).toEqual([]);
  });
});

describe("what is shown while it goes on", () => {
  const progress: HeadersProgress = {
    ...{ phase: "fetching", groups: 1, groupsDone: 0, group: "a.b", wanted: 100_000, answered: 20_000 },
    ...{ rows: 19_000, rowsPerSecond: 4_500, secondsLeft: 17.8, connections: 4 },
  };

  test.each([
    [{}, "fetching: 20,000 of 100,000 numbers, 19,000 fetched, 4,500/s, 18 s left"],
    [{ groups: 9, groupsDone: 2, secondsLeft: undefined }, "fetching: 2 of 9 groups, 19,000 fetched, 4,500/s"],
    [
      { rowsPerSecond: 0, secondsLeft: undefined, connections: 0 },
      "fetching: 20,000 of 100,000 numbers, 19,000 fetched, 0/s, connecting",
    ],
  ])("%j", (more, line) => {
    expect(progressLine(headersFigures({ ...progress, ...more }))).toBe(line);
  });
});

test.each([
  ["100-200", [100, 200]],
  ["100-", [100]],
  ["100", [100, 100]],
  ["0-9007199254740991", [0, 2 ** 53 - 1]],
])("a range: %s", (text, range) => {
  expect(articleRange(text)).toEqual(range);
});

test.each(["", "-5", "5-4", "a-b", "1-2-3", "1-9007199254740993"])("no range: %j", (text) => {
  expect(() => articleRange(text)).toThrow(/range of article numbers/);
});
