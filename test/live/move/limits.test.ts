/** Real servers that take few connections, or whose disk is full: a move has as many lanes as they take, and waits for room. */
import { execFileSync } from "node:child_process";
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { describeLive } from "../available.js";
import { type FtpOptions, type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";

// The same rules, but no long waits.
vi.mock(import("../../../src/jobs/move/lanes/times.js"), async (original) => {
  const { TIMES } = await original();
  return { TIMES: { ...TIMES, halt: 500, haltMost: 1_000, cap: 1_000, interval: 500, doubling: 300 } };
});

const FILES = 400;
const nameOf = (i: number) => `sensor_${String(i).padStart(5, "0")}.dat`;
const contentOf = (i: number) => Buffer.alloc(8_000, `${i},`);

/** Servers of these kinds and options; the first one has the files. */
async function servers(...wanted: readonly (readonly [Kind, FtpOptions])[]): Promise<LiveFtp[]> {
  const live = await Promise.all(wanted.map(([kind, options]) => start(kind, options)));
  onTestFinished(async () => void (await Promise.all(live.map((each) => each.stop()))));
  const [from] = live as [LiveFtp];
  mkdirSync(join(from.home, "out"));
  for (let i = 0; i < FILES; i++) writeFileSync(join(from.home, "out", nameOf(i)), contentOf(i));
  from.handOver();
  return live;
}

function expectAll(folder: string): void {
  expect(readdirSync(folder).sort()).toEqual(Array.from({ length: FILES }, (_, i) => nameOf(i)));
  for (let i = 0; i < FILES; i++)
    expect(readFileSync(join(folder, nameOf(i))).equals(contentOf(i)), nameOf(i)).toBe(true);
}

const DONE = { moved: FILES, failed: 0, conflicts: 0, gone: 0, left: 0 };

describeLive(["vsftpd", "proftpd", "pyftpdlib", "pureftpd"], "a move", () => {
  test.each<[Kind, FtpOptions]>([
    ["vsftpd", { maxClients: 3 }],
    ["vsftpd", { maxPerHost: 3 }],
    ["proftpd", { maxClients: 3 }],
    ["proftpd", { maxPerHost: 3 }],
    ["pyftpdlib", { maxClients: 3 }],
    ["pyftpdlib", { maxPerHost: 3 }],
    ["pureftpd", { maxPerHost: 3 }],
  ])("has as many lanes as %s with %j takes, on either side", { timeout: 120_000 }, async (kind, options) => {
    const [one, other] = (await servers([kind, options], ["vsftpd", {}])) as [LiveFtp, LiveFtp];
    const job = (from: string, to: string): MoveOptions => ({ from, to, lanes: 8, tries: { fail: 1 } });
    const there = await move(job(url(one, "out"), url(other, "in")));
    expect(there).toMatchObject(DONE);
    expectAll(join(other.home, "in"));
    const back = await move(job(url(other, "in"), url(one, "back")));
    expect(back).toMatchObject(DONE);
    expectAll(join(one.home, "back"));
    for (const { warnings } of [there, back])
      expect(warnings).toEqual([expect.stringMatching(/^a server takes no more than [1-3] connections: /)]);
  });

  test("has no more connections to one server than maxConnections: none is refused", { timeout: 120_000 }, async () => {
    const [one] = (await servers(["vsftpd", { maxClients: 6 }])) as [LiveFtp];
    const options = { from: url(one, "out"), to: url(one, "in"), lanes: 20, maxConnections: 6 };
    expect(await move(options)).toMatchObject({ ...DONE, warnings: [] });
    expectAll(join(one.home, "in"));
  });

  test.each<Kind>(["vsftpd", "proftpd", "pureftpd"])(
    "waits while the disk of %s is full",
    {
      timeout: 120_000,
    },
    async (kind) => {
      const home = mkdtempSync(join(tmpdir(), "polywire-full-"));
      chmodSync(home, 0o755);
      execFileSync("mount", ["-t", "tmpfs", "-o", "size=1m,mode=755", "none", home]);
      onTestFinished(() => {
        execFileSync("umount", [home]);
        rmdirSync(home);
      });
      const [from, to] = (await servers(["vsftpd", {}], [kind, { home }])) as [LiveFtp, LiveFtp];
      let isFull = false;
      const onProgress: MoveOptions["onProgress"] = ({ paused }) => {
        if (paused === undefined || isFull) return;
        isFull = true;
        expect(readdirSync(join(home, "in")).length).toBeLessThan(FILES);
        execFileSync("mount", ["-o", "remount,size=64m", home]);
      };
      const result = await move({ from: url(from, "out"), to: url(to, "in"), lanes: 4, onProgress });
      expect(isFull).toBe(true);
      expect(result).toMatchObject(DONE);
      expect(result.warnings.some((warning) => /^the job was paused: .*45[12] /.test(warning))).toBe(true);
      expectAll(join(home, "in"));
      rmSync(join(home, "in"), { recursive: true });
    },
  );
});
