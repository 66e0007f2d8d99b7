/** Large files between real servers: killed in mid file and gone on with, and in parts where a server takes them. */
import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  createReadStream,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { expect, onTestFinished, test } from "vitest";
import { type MoveOptions, move } from "../../../src/jobs/index.js";
import { parseTempName } from "../../../src/jobs/move/names/temp-name.js";
import { describeLive } from "../available.js";
import { type FtpOptions, type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";

const MIB = 1024 * 1024;
const SIZE = 48 * MIB + 12_345;
const CHILD = fileURLToPath(new URL("./child.ts", import.meta.url));
const NAME = "large.bin";
/** Bytes that are sent once more. */
const BACK = MIB;

interface Yard {
  readonly from: LiveFtp;
  readonly to: LiveFtp;
  readonly digest: string;
  options(more?: Partial<MoveOptions>): MoveOptions;
}

/** A file at the source, no two blocks of which are alike. */
async function yard(
  [one, other]: readonly [Kind, Kind],
  source: FtpOptions = {},
  target: FtpOptions = {},
): Promise<Yard> {
  const [from, to] = await Promise.all([start(one, source), start(other, target)]);
  const scratch = mkdtempSync(join(tmpdir(), "polywire-large-"));
  onTestFinished(async () => {
    await Promise.all([from.stop(), to.stop()]);
    rmSync(scratch, { recursive: true });
  });
  const content = Buffer.alloc(SIZE);
  for (let at = 0; at + 4 <= SIZE; at += 4) content.writeUInt32LE(at, at);
  mkdirSync(join(from.home, "out"));
  mkdirSync(join(to.home, "in"));
  writeFileSync(join(from.home, "out", NAME), content);
  for (const server of [from, to]) server.handOver();
  const digest = createHash("sha256").update(content).digest("hex");
  const sides = { from: folderOf(from, "out"), to: folderOf(to, "in"), journal: join(scratch, "journal") };
  // inetutils' server cannot set them, which would be told.
  const keepTimes = other !== "inetutils";
  return {
    from,
    to,
    digest,
    options: (more = {}) => ({ ...sides, resumeAbove: 16 * MIB, lanes: 1, keepTimes, ...more }),
  };
}

/** inetutils' server shows the machine's own paths. */
const folderOf = (server: LiveFtp, name: string) =>
  url(server, server.folder === "/" ? name : `${server.folder}/${name}`);

async function digestOf(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path, { highWaterMark: MIB })) hash.update(chunk);
  return hash.digest("hex");
}

async function expectMoved({ from, to, digest }: Yard): Promise<void> {
  expect(readdirSync(join(to.home, "in"))).toEqual([NAME]);
  expect(await digestOf(join(to.home, "in", NAME))).toBe(digest);
  expect(existsSync(join(from.home, "out", NAME))).toBe(false);
}

/** Bytes under the temporary name. */
function arrived({ to }: Yard): number {
  const temp = readdirSync(join(to.home, "in")).find((name) => parseTempName(name) !== undefined);
  return temp === undefined ? 0 : statSync(join(to.home, "in", temp)).size;
}

/** A process with this move, killed when so much has arrived. */
async function killAt(made: Yard, bytes: number, more: Partial<MoveOptions> = {}): Promise<void> {
  const options = made.options({ maxBytesPerSecond: 30 * MIB, ...more });
  const child = spawn(process.execPath, ["--import", "tsx", CHILD, JSON.stringify(options)], { stdio: "ignore" });
  const ended = new Promise<NodeJS.Signals | null>((resolve) => child.once("close", (_, signal) => resolve(signal)));
  while (arrived(made) < bytes && child.exitCode === null) await sleep(5);
  child.kill("SIGKILL");
  expect(await ended).toBe("SIGKILL");
}

const PAIRS: readonly (readonly [Kind, Kind])[] = [
  ["vsftpd", "proftpd"],
  ["proftpd", "pureftpd"],
  ["pureftpd", "pyftpdlib"],
  ["pyftpdlib", "inetutils"],
  ["inetutils", "vsftpd"],
];

describeLive(["vsftpd", "proftpd", "pureftpd", "pyftpdlib", "inetutils"], "a large file", () => {
  test.each(PAIRS)(
    "from %s to %s, killed in the middle: the next run sends only the rest",
    { timeout: 120_000 },
    async (...kinds) => {
      const made = await yard(kinds);
      await killAt(made, 24 * MIB);
      const there = arrived(made);
      const result = await move(made.options());
      expect(result).toMatchObject({ moved: 1, failed: 0, left: 0, warnings: [] });
      // What the server had not written when the process died may have come since.
      expect(result.bytes).toBeLessThanOrEqual(SIZE - there + BACK);
      expect(result.bytes).toBeLessThan(SIZE - 20 * MIB);
      await expectMoved(made);
    },
  );

  test("is read back as a whole where it was gone on with", { timeout: 120_000 }, async () => {
    const made = await yard(["pyftpdlib", "proftpd"]);
    await killAt(made, 24 * MIB, { verify: "hash" });
    const there = arrived(made);
    const result = await move(made.options({ verify: "hash" }));
    expect(result).toMatchObject({ moved: 1, failed: 0, warnings: [] });
    expect(result.bytes).toBeLessThanOrEqual(SIZE - there + BACK);
    await expectMoved(made);
  });

  test("is sent again to a server that refuses to go on, which is told", { timeout: 120_000 }, async () => {
    const made = await yard(["vsftpd", "proftpd"], {}, { wholeFiles: true });
    await killAt(made, 24 * MIB);
    const result = await move(made.options());
    expect(result).toMatchObject({ moved: 1, failed: 0, left: 0, bytes: SIZE });
    expect(result.warnings).toEqual([expect.stringMatching(/takes neither REST nor APPE/)]);
    await expectMoved(made);
  });

  test("is read from its beginning on a server that refuses to begin within it", { timeout: 120_000 }, async () => {
    const made = await yard(["proftpd", "vsftpd"], { wholeFiles: true });
    await killAt(made, 24 * MIB);
    const there = arrived(made);
    const result = await move(made.options());
    expect(result).toMatchObject({ moved: 1, failed: 0, left: 0 });
    expect(result.bytes).toBeLessThanOrEqual(SIZE - there + BACK);
    expect(result.warnings).toEqual([expect.stringMatching(/takes no REST/)]);
    await expectMoved(made);
  });
});

describeLive(["vsftpd", "proftpd"], "a large file that two servers send each other", () => {
  test.each<readonly [Kind, Kind]>([
    ["vsftpd", "vsftpd"],
    ["vsftpd", "proftpd"],
  ])(
    "from %s to %s, killed: while they go on, a run without fxp sends it anew",
    { timeout: 120_000 },
    async (...kinds) => {
      const source = { allowFxp: true, host: "127.0.1.1", rate: 8 * MIB };
      const made = await yard(kinds, source, { allowFxp: true, host: "127.0.1.2" });
      await killAt(made, 20 * MIB, { fxp: true, maxBytesPerSecond: undefined, resumeAbove: undefined });
      const there = arrived(made);
      while (arrived(made) === there) await sleep(5);
      expect(await move(made.options())).toMatchObject({ moved: 1, failed: 0, left: 0, bytes: SIZE, warnings: [] });
      await expectMoved(made);
    },
  );
});

const PARTS = { segmentAbove: 16 * MIB, lanes: 4 };

describeLive(["vsftpd", "proftpd", "pureftpd", "pyftpdlib", "inetutils"], "a large file in parts", () => {
  test.each<[Kind, FtpOptions]>([
    ["vsftpd", { sharedUploads: true }],
    ["inetutils", {}],
  ])("%s writes several parts of it at once", { timeout: 120_000 }, async (kind, target) => {
    const made = await yard(["vsftpd", kind], {}, target);
    const result = await move(made.options({ ...PARTS, verify: "readback" }));
    expect(result).toMatchObject({ moved: 1, failed: 0, bytes: SIZE, warnings: [] });
    await expectMoved(made);
  });

  test.each<Kind>(["vsftpd", "proftpd", "pureftpd", "pyftpdlib"])(
    "%s does not, as it comes: it is sent in one stream, which is told",
    { timeout: 120_000 },
    async (kind) => {
      const made = await yard(["vsftpd", kind]);
      const result = await move(made.options(PARTS));
      expect(result).toMatchObject({ moved: 1, failed: 0, bytes: SIZE });
      expect(result.warnings).toEqual([expect.stringMatching(/does not take several parts of a file at once/)]);
      await expectMoved(made);
    },
  );

  test.each<Kind>(["vsftpd", "proftpd", "pureftpd", "pyftpdlib", "inetutils"])(
    "%s gives several parts of it at once to a local folder",
    { timeout: 120_000 },
    async (kind) => {
      const made = await yard([kind, "vsftpd"]);
      const target = join(made.to.home, "in");
      const result = await move(made.options({ ...PARTS, to: target }));
      expect(result).toMatchObject({ moved: 1, failed: 0, bytes: SIZE, warnings: [] });
      await expectMoved(made);
    },
  );
});
