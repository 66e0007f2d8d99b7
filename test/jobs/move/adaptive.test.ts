/** Moves whose number of lanes follows what their servers give, take and refuse; and that wait where nothing else helps. */
import { existsSync } from "node:fs";
import { describe, expect, test, vi } from "vitest";
import { JournalReader, type MoveOptions, type MoveProgress, move, readStatus } from "../../../src/jobs/index.js";
import type { FtpServer } from "../../../src/testing/index.js";
import { type Bed, bed, filesBelow } from "./bed.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/times.js"), async (original) => {
  const { TIMES } = await original();
  const short = { look: 10, interval: 400, doubling: 200, cap: 100, halt: 50, haltMost: 200, idle: 500 };
  return { TIMES: { ...TIMES, ...short } };
});
vi.mock(import("../../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: (attempt: number) => Math.min(100, 5 * 2 ** attempt),
}));

const nameOf = (i: number) => `f${String(i).padStart(4, "0")}.dat`;
const all = (files: number) => Array.from({ length: files }, (_, i) => nameOf(i));
const commands = ({ commands }: FtpServer, verb: string) => commands.filter((line) => line.startsWith(verb)).length;

/** `files` at the source. */
async function filled(files: number, options?: Parameters<typeof bed>[0]): Promise<Bed> {
  const made = await bed(options);
  for (const name of all(files)) made.put(name);
  return made;
}

/** Calls `look` every few milliseconds while a move runs; gives what came of the move. */
async function watched<T>(moving: Promise<T>, look: () => void): Promise<T> {
  const timer = setInterval(look, 3);
  return moving.finally(() => clearInterval(timer));
}

function pausedIn(journal: string): string | undefined {
  using reader = JournalReader.read(journal);
  return readStatus(reader).paused;
}

/** Calls `once` as soon as the move stands still. */
async function whenPaused(journal: string, moving: Promise<unknown>, once: (why: string) => void): Promise<void> {
  let isOver = false;
  moving.then(
    () => (isOver = true),
    () => (isOver = true),
  );
  for (;;) {
    expect(isOver, "the move is over, and never stood still").toBe(false);
    const paused = existsSync(journal) ? pausedIn(journal) : undefined;
    if (paused !== undefined) return once(paused);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

describe("lanes", () => {
  test("are added while that makes the job faster: from four, to many times as many", { timeout: 60_000 }, async () => {
    const { from, to, options } = await filled(1_200);
    from.faults.replyDelay = to.faults.replyDelay = 15;
    const seen: number[] = [];
    const result = await watched(move(options({ lanes: "auto" })), () => seen.push(to.connections));
    expect(result).toMatchObject({ moved: 1_200, failed: 0, left: 0 });
    expect(seen.indexOf(4)).toBeGreaterThan(-1);
    expect(seen.findIndex((lanes) => lanes > 4)).toBeGreaterThan(seen.indexOf(4));
    expect(Math.max(...seen)).toBeGreaterThanOrEqual(16);
    expect(to.tree.count("/in")).toBe(1_200);
  });

  test("are no more than maxConnections has room for: half as many where both sides are one server", async () => {
    const { from, options } = await filled(400);
    from.tree.mkdir("/in");
    from.faults.replyDelay = 5;
    let most = 0;
    const sides = { to: from.urlOf("/in"), lanes: "auto", maxConnections: 7 } as const;
    const result = await watched(move(options(sides)), () => (most = Math.max(most, from.connections)));
    expect(result).toMatchObject({ moved: 400, warnings: [] });
    expect(most).toBe(6);
  });

  test("are never more than a number that was asked for", async () => {
    const { from, to, options } = await filled(400);
    to.faults.replyDelay = 5;
    let most = 0;
    const look = () => (most = Math.max(most, from.connections, to.connections));
    expect(await watched(move(options({ lanes: 5 })), look)).toMatchObject({ moved: 400 });
    expect(most).toBe(5);
  });

  test("are as many as a server takes: told once, tried again now and then, more when it takes more", {
    timeout: 60_000,
  }, async () => {
    const limits: { maxClients: number | undefined } = { maxClients: 3 };
    const { from, to, options } = await filled(1_500, { limits });
    let logins = 0;
    const look = () => {
      if (to.tree.count("/in") <= 700) logins = commands(from, "PASS");
      else limits.maxClients = undefined;
    };
    const result = await watched(move(options({ lanes: 6, maxBytesPerSecond: 15_000 })), look);
    expect(result).toMatchObject({ moved: 1_500, failed: 0, left: 0 });
    expect(result.warnings).toEqual([expect.stringMatching(/a server takes no more than 3 connections: .*421/)]);
    expect([logins, commands(from, "PASS")]).toEqual([3, 6]);
  });

  test("of which the last files need none are not waited for", async () => {
    const { from, to, options } = await filled(40);
    // The second connection would have to wait for ten seconds, the third one for twenty.
    expect(await move(options({ lanes: 4, connectionsPerSecond: 0.1 }))).toMatchObject({ moved: 40 });
    expect([commands(from, "PASS"), commands(to, "PASS")]).toEqual([1, 1]);
  });
});

describe("a job that waits", () => {
  /** The move, what it told, and what it warned of. `tries`: one failure that counts would be one too many. */
  function begin({ options, journal }: Bed, more: Partial<MoveOptions> = {}) {
    const told: MoveProgress[] = [];
    const onProgress = (progress: MoveProgress) => told.push(progress);
    const moving = move(options({ journal, onProgress, tries: { fail: 1, retry: 1 }, ...more }));
    return { moving, told };
  }

  test.each(["452", "552"] as const)(
    "for a full disk (%s) goes on when there is room; no try was counted",
    {
      timeout: 60_000,
    },
    async (code) => {
      const at = await filled(300);
      Object.assign(at.to.faults, { diskFullAfter: 4, diskFullCode: code });
      const { moving, told } = begin(at);
      await whenPaused(at.journal, moving, (why) => {
        expect(why).toContain(code);
        expect(filesBelow(at.to, "/in")).toEqual([]);
        at.to.clearFaults();
      });
      const result = await moving;
      expect(result).toMatchObject({ moved: 300, failed: 0, left: 0 });
      expect(result.warnings).toEqual([expect.stringMatching(new RegExp(`^the job was paused: .*${code}`))]);
      expect(filesBelow(at.to, "/in")).toEqual(all(300));
      expect(told.at(-1)?.paused).toBeUndefined();
      using reader = JournalReader.read(at.journal);
      expect(reader.paused).toBeUndefined();
    },
  );

  test("finds the disk still full, waits longer, and stops when that has lasted too long; it can be gone on with", {
    timeout: 60_000,
  }, async () => {
    const at = await filled(100);
    at.to.faults.diskFullAfter = 4;
    await expect(begin(at, { maxPause: 400 }).moving).rejects.toMatchObject({ name: "ReplyError", code: "552" });
    // One lane at a time tried again, with one file each.
    expect(commands(at.to, "STOR")).toBeLessThan(25);
    expect(filesBelow(at.to, "/in")).toEqual([]);
    expect(at.from.tree.count("/out")).toBe(100);
    at.to.clearFaults();
    expect(await move(at.options({ journal: at.journal }))).toMatchObject({ moved: 100, left: 0 });
  });

  test("for an account that is refused in the middle goes on when it is not any more", {
    timeout: 60_000,
  }, async () => {
    const at = await filled(600);
    const { moving } = begin(at, { maxBytesPerSecond: 20_000, tries: { fail: 1, retry: 3 } });
    while (at.to.tree.count("/in") < 50) await new Promise((resolve) => setTimeout(resolve, 5));
    at.to.faults.reply = { PASS: "530 Account locked" };
    at.to.dropConnections();
    await whenPaused(at.journal, moving, (why) => {
      expect(why).toContain("530 Account locked");
      at.to.clearFaults();
    });
    expect(await moving).toMatchObject({ moved: 600, failed: 0, left: 0 });
  });

  test("for a server that is away goes on when it is there again", { timeout: 60_000 }, async () => {
    const at = await filled(600);
    const { moving } = begin(at, { maxBytesPerSecond: 20_000, tries: { fail: 1, retry: 3 } });
    while (at.to.tree.count("/in") < 50) await new Promise((resolve) => setTimeout(resolve, 5));
    at.to.faults.greeting421 = true;
    at.to.dropConnections();
    await whenPaused(at.journal, moving, (why) => {
      expect(why).toContain("421");
      at.to.clearFaults();
    });
    expect(await moving).toMatchObject({ moved: 600, failed: 0, left: 0 });
  });

  test.each([
    ["source", { PASS: "530 No" }, undefined],
    ["target", undefined, { PASS: "530 No" }],
  ])("does not for an account of the %s that never was good", async (_, source, target) => {
    const at = await filled(5);
    if (source) at.from.faults.reply = source;
    if (target) at.to.faults.reply = target;
    await expect(begin(at).moving).rejects.toMatchObject({ name: "LoginError", code: "530" });
    expect(commands(target ? at.to : at.from, "PASS")).toBeLessThanOrEqual(3);
  });

  test("ends at once when it is told to", { timeout: 60_000 }, async () => {
    const at = await filled(100);
    at.to.faults.diskFullAfter = 4;
    const abort = new AbortController();
    const { moving } = begin(at, { signal: abort.signal });
    const ended = expect(moving).rejects.toMatchObject({ name: "AbortedError" });
    await whenPaused(at.journal, moving, () => abort.abort());
    await ended;
    using reader = JournalReader.read(at.journal);
    expect(reader.counts()).toMatchObject({ CLAIMED: 0, PLANNED: 100 });
  });

  test("for files that nearly all fail alike goes on when they do not; most of them were not tried", {
    timeout: 60_000,
  }, async () => {
    const at = await filled(500);
    at.to.faults.reply = { STOR: "553 Permission denied" };
    const { moving } = begin(at, { breaker: { files: 40 }, tries: { fail: 3 } });
    await whenPaused(at.journal, moving, (why) => {
      expect(why).toMatch(/^\d+ of the last 40 files failed alike: .*553 Permission denied/);
      // 40, what three lanes had under way then, and perhaps a small batch.
      expect(commands(at.to, "STOR")).toBeLessThan(200);
      at.to.clearFaults();
    });
    expect(await moving).toMatchObject({ moved: 500, failed: 0, left: 0 });
  });

  test("for such files tries a few again each time, and stops in the end", { timeout: 60_000 }, async () => {
    const at = await filled(500);
    at.to.faults.reply = { STOR: "553 Permission denied" };
    const { moving } = begin(at, { breaker: { files: 40 }, tries: { fail: 3 }, maxPause: 500 });
    await expect(moving).rejects.toThrow(/files failed alike: .*553 Permission denied/);
    using reader = JournalReader.read(at.journal);
    expect(reader.counts()).toMatchObject({ DONE: 0, FAILED: 0, CLAIMED: 0, PLANNED: 500 });
  });

  test("does not where the breaker is off, or only some files fail", { timeout: 60_000 }, async () => {
    const at = await filled(120);
    at.to.faults.reply = { STOR: "553 Permission denied" };
    const off = begin(at, { breaker: false });
    expect(await off.moving).toMatchObject({ moved: 0, failed: 120, warnings: [] });
    at.to.clearFaults();
    at.to.faults.reply = Object.fromEntries(all(60).map((name) => [`RNTO ${name}`, "553 No"]));
    const some = begin(at, { breaker: { files: 40, share: 1 } });
    expect(await some.moving).toMatchObject({ moved: 60, failed: 60, warnings: [] });
  });
});

test("a file that is tried again keeps no fresh one from its turn", async () => {
  const at = await filled(200);
  at.from.faults.reply = { [`RETR ${nameOf(0)}`]: { reply: "450 Busy", times: 4 } };
  expect(await move(at.options({ lanes: 1, source: "delete" }))).toMatchObject({ moved: 200, failed: 0 });
  const removed = at.from.commands.filter((line) => line.startsWith("DELE")).map((line) => line.slice(5));
  expect(removed).toHaveLength(200);
  expect(removed.at(-1)).toBe(nameOf(0));
});
