/** Moves whose servers send each other the files: every two makes, allowed and not, compared, broken off and killed. */
import { chownSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type MoveOptions, type MoveResult, move } from "../../../src/jobs/index.js";
import { describeLive } from "../available.js";
import { pattern } from "../ftp/bed.js";
import { bytesSeen, describeMakes, PAIRS, type Yard as Side } from "../ftp/fxp-bed.js";
import { type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";
import { Yard } from "./yard.js";

const LARGE = 700_000;
/** Bytes of the files: those above 64 KiB are for FXP. */
const SIZES = [0, 100, 60_000, 65_537, LARGE, LARGE + 1, 2 * LARGE, 3 * LARGE];
const TOTAL = SIZES.reduce((sum, size) => sum + size, 0);
const nameOf = (i: number) => `file ${i}.dat`;
const timeOf = (i: number) => 1_740_000_000 + i * 61;

function fill({ home }: LiveFtp): void {
  const { uid, gid } = statSync(home);
  for (const folder of ["out", "in"]) {
    rmSync(join(home, folder), { recursive: true, force: true });
    mkdirSync(join(home, folder));
    chownSync(join(home, folder), uid, gid);
  }
  for (const [i, size] of SIZES.entries()) {
    const path = join(home, "out", nameOf(i));
    writeFileSync(path, pattern(size));
    utimesSync(path, timeOf(i), timeOf(i));
    chownSync(path, uid, gid);
  }
}

function expectAll({ home }: LiveFtp): void {
  expect(readdirSync(join(home, "in")).sort()).toEqual(SIZES.map((_, i) => nameOf(i)));
  for (const [i, size] of SIZES.entries()) {
    const path = join(home, "in", nameOf(i));
    expect(readFileSync(path).equals(pattern(size)), nameOf(i)).toBe(true);
    expect(Math.floor(statSync(path).mtimeMs / 1000)).toBe(timeOf(i));
  }
}

/** Moves what `fill` has made. Gives the bytes that this process has seen, too. */
async function moved(from: LiveFtp, to: LiveFtp, more: Partial<MoveOptions> = {}): Promise<[MoveResult, seen: number]> {
  for (const each of [from, to]) fill(each);
  const options = { from: url(from, "out"), to: url(to, "in"), fxp: true, lanes: 2, ...more };
  const results: MoveResult[] = [];
  const seen = await bytesSeen(async () => results.push(await move(options)));
  const [result] = results as [MoveResult];
  expect(result).toMatchObject({ moved: SIZES.length, failed: 0, conflicts: 0, left: 0, bytes: TOTAL });
  expectAll(to);
  expect(readdirSync(join(from.home, "out"))).toEqual([]);
  return [result, seen];
}

describeMakes("servers that allow FXP", { allowFxp: true }, (yards) => {
  test.each(PAIRS)("%s sends large files to %s itself", async (from, to) => {
    const [result, seen] = await moved(yards[from].server, yards[to].server);
    expect(result.warnings).toEqual([]);
    // The first of them may go while the other lane finds out.
    expect(seen).toBeLessThan(TOTAL - 3 * LARGE);
  });

  test("one lane sees no large file at all, and verify: mtime holds", async () => {
    const [result, seen] = await moved(yards.proftpd.server, yards.pureftpd.server, { lanes: 1, verify: "mtime" });
    expect(result.warnings).toEqual([]);
    expect(seen).toBeLessThan(200_000);
  });

  test("without a digest in common all goes through here, and a warning says so", async () => {
    const [result, seen] = await moved(yards.pureftpd.server, yards.proftpd.server, { verify: "hash" });
    expect(result.warnings).toEqual([expect.stringContaining("no digest in common")]);
    expect(seen).toBeGreaterThan(TOTAL);
  });
});

describeMakes("servers that do not allow FXP", { allowFxp: false }, (yards: Readonly<Record<string, Side>>) => {
  test.each(PAIRS)("from %s to %s all goes through here, and one warning says why", async (from, to) => {
    const [result, seen] = await moved((yards[from] as Side).server, (yards[to] as Side).server);
    expect(result.warnings).toHaveLength(1);
    expect(result.warnings[0]).toMatch(/^the servers do not send each other files.*PORT.*by 50[01]/s);
    expect(seen).toBeGreaterThan(TOTAL);
  });
});

describeLive(["vsftpd", "proftpd", "pureftpd", "pyftpdlib"], "FXP", () => {
  describe("between servers that compute digests", () => {
    let one: LiveFtp;
    let other: LiveFtp;
    beforeAll(async () => {
      one = await start("proftpd", { allowFxp: true, host: "127.0.1.8" });
      other = await start("proftpd", { allowFxp: true, host: "127.0.1.9" });
    });
    afterAll(() => Promise.all([one.stop(), other.stop()]));

    test('verify: "hash" compares theirs', async () => {
      const [result, seen] = await moved(one, other, { verify: "hash", lanes: 1 });
      expect(result.warnings).toEqual([]);
      expect(seen).toBeLessThan(200_000);
    });
  });

  test.each([
    ["vsftpd", "proftpd"],
    ["pureftpd", "pyftpdlib"],
    ["pyftpdlib", "vsftpd"],
    ["proftpd", "pureftpd"],
  ] as const)("from %s to %s, killed in the middle, again and again", { timeout: 120_000 }, async (...kinds) => {
    const yard = await Yard.start(kinds, 7, { fxp: true, lanes: 3 });
    try {
      yard.plant(60, () => 100_000 + Math.floor(yard.dice() * 3_000_000));
      for (let kills = 0; kills < 12; ) {
        if (yard.left < 20) yard.plant(20, () => 1_000_000);
        const behind = (["temp", "data", "final", "removed"] as const)[kills % 4] ?? "temp";
        if (await yard.run({ behind, nth: 1 + (kills % 3), later: yard.dice() * 10 }).wasKilled()) kills++;
        yard.check();
      }
      yard.checkEnd(await yard.run().result());
    } finally {
      await yard.stop();
    }
  });
});
