/** What the CLI does without a server: numbers, URLs as typed, secrets in arguments, lines of progress. */
import { describe, expect, test } from "vitest";
import { address, isServer } from "../../src/cli/address.js";
import { EXIT, EXIT_CODES, exitCodeOf } from "../../src/cli/exit-codes.js";
import { count, counted, csvRow, duration, size } from "../../src/cli/format.js";
import { byteCount, seconds } from "../../src/cli/globals.js";
import { redactArguments } from "../../src/cli/hide-arguments.js";
import { moveFigures } from "../../src/cli/move/figures.js";
import { defaultJournal } from "../../src/cli/move/job.js";
import { linesView, progressLine } from "../../src/cli/progress.js";
import * as polywire from "../../src/index.js";
import type { MoveProgress } from "../../src/jobs/index.js";

describe("numbers", () => {
  test.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [1024 * 1024 - 1, "1.0 MiB"],
    [123 * 1024 ** 2, "123 MiB"],
  ])("%d bytes", (bytes, text) => expect(size(bytes)).toBe(text));

  test.each([
    [4.13, "4.1 s"],
    [59.97, "1 min 00 s"],
    [125, "2 min 05 s"],
    [11_220, "3 h 07 min"],
    [187_200, "2 d 4 h"],
  ])("%d seconds", (value, text) => expect(duration(value)).toBe(text));

  test("counts and their nouns", () => {
    expect([count(1234567), counted(1, "file"), counted(2000, "file")]).toEqual(["1,234,567", "1 file", "2,000 files"]);
  });

  test.each([
    ["500K", 512_000],
    ["10M", 10_485_760],
    ["1.5G", 1_610_612_736],
    ["100", 100],
    ["2 MiB/s", 2_097_152],
  ])("--max-rate %s", (text, bytes) => expect(byteCount(text)).toBe(bytes));

  test.each(["", "0", "-1", "10X", "M", "1e9"])("--max-rate %j is refused", (text) =>
    expect(() => byteCount(text)).toThrow(/500K/),
  );

  test.each(["", "0", "-1", "abc", "Infinity"])("--timeout %j is refused", (text) =>
    expect(() => seconds(text)).toThrow(/seconds/),
  );

  test("a CSV row: quotes, and no control characters", () => {
    expect(csvRow(["a,b", 'say "x"', 7, undefined, "new\nline"])).toBe('"a,b","say ""x""",7,,new\\nline\n');
  });
});

describe("URLs as typed", () => {
  test.each([
    ["ftp://h/in", { user: "alice" }, "ftp://alice@h/in"],
    ["ftp://bob@h/in", { user: "alice" }, "ftp://bob@h/in"],
    ["ftp://:pw@h/in", { user: "al@ice" }, "ftp://al%40ice:pw@h/in"],
    ["ftp://h/in", { plain: true }, "ftp://h/in?security=plain"],
    ["ftp://h/in?security=plain", { plain: true }, "ftp://h/in?security=plain"],
    ["ftps://h/a@b", { user: "x" }, "ftps://x@h/a@b"],
  ])("%s %j", (url, globals, out) => expect(address(url, globals)).toBe(out));

  test.each(["ftp://h/a#b", "ftp://h/a?b", "ftp://h/?securty=plain"])("%s is refused", (url) =>
    expect(() => address(url)).toThrow(polywire.UsageError),
  );

  test.each([
    ["ftp://h/", true],
    ["ftps://h/", true],
    ["file:///tmp", false],
    ["C:\\data", false],
    ["./a", false],
  ])("%s is a server: %s", (text, is) => expect(isServer(text)).toBe(is));

  test("the journal's name depends on from, to and match, not on the password", () => {
    const name = defaultJournal("ftp://a:1@h/", "ftp://h2/", "*.csv");
    expect(name).toMatch(/^polywire-move-[0-9a-f]{10}\.journal$/);
    expect(defaultJournal("ftp://a:2@h/", "ftp://h2/", "*.csv")).toBe(name);
    expect(defaultJournal("ftp://a:1@h/", "ftp://h2/", "*.dat")).not.toBe(name);
  });
});

test("arguments that hold a password are redacted wherever they are quoted", () => {
  const argv = ["node", "polywire", "ls", "ftp://a:secret@h/", "--proxy=socks5://u:hush@p"];
  const text = redactArguments("no ftp://a:secret@h/ by socks5://u:hush@p", polywire.redactUrl, argv);
  expect(text).toBe("no ftp://a:***@h/ by socks5://u:***@p");
});

describe("exit codes", () => {
  test("every error of the library has one, and every code is in the table", () => {
    const codes = EXIT_CODES.map(([code]) => code);
    expect(Object.values(EXIT).sort()).toEqual([...codes].sort());
    const details = { phase: "tls", command: "X", code: "550", transient: false } as const;
    for (const [name, Kind] of Object.entries(polywire)) {
      if (!/Error$/.test(name) || name === "PolywireError") continue;
      const error = new (Kind as typeof polywire.ReplyError)("no", details);
      expect([name, exitCodeOf(error)]).not.toEqual([name, EXIT.bug]);
    }
    expect(exitCodeOf(new TypeError("x"))).toBe(EXIT.bug);
  });
});

describe("progress", () => {
  const progress: MoveProgress = {
    phase: "moving",
    files: 2000,
    settled: 1200,
    moved: 1190,
    skipped: 0,
    failed: 10,
    bytes: 4_300_000,
    filesPerSecond: 490,
    bytesPerSecond: 1_258_291,
    secondsLeft: 1.6,
    lanes: 8,
    paused: undefined,
  };

  test("a line", () => {
    expect(progressLine(moveFigures(progress))).toBe(
      "moving: 1,200 of 2,000 files, 10 failed, 4.1 MiB, 490 files/s, 1.2 MiB/s, 8 lanes, 1.6 s left",
    );
  });

  test("in a log one line every ten seconds", () => {
    const lines: string[] = [];
    let now = 0;
    const view = linesView(
      moveFigures,
      (line) => lines.push(line),
      () => now,
    );
    for (now = 1000; now <= 35_000; now += 1000) view.show(progress);
    expect(lines).toHaveLength(3);
  });
});
