/** polywire move as a process: --verify, --source, --archive-to, --on-exists newer. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { FtpServer, type FtpServerOptions } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, polywire, USERS, urlOf } from "./polywire.js";

afterAll(cleanUp);

async function pair(options: FtpServerOptions = {}) {
  const from = await FtpServer.start(USERS);
  const to = await FtpServer.start({ ...USERS, ...options });
  const cwd = join(folder, `verify-${from.port}`);
  mkdirSync(cwd);
  const env = { POLYWIRE_FROM_PASSWORD: PASSWORD, POLYWIRE_TO_PASSWORD: PASSWORD };
  const run = (...more: string[]) =>
    polywire(["move", urlOf(from, "/out"), urlOf(to, "/in"), "--plain", ...more], { env, cwd });
  const close = async () => {
    await Promise.all([from.close(), to.close()]);
  };
  return { from, to, run, [Symbol.asyncDispose]: close };
}

describe.concurrent("move", () => {
  test("--archive-to alone puts sources away; --verify hash has the server compute digests", async () => {
    await using job = await pair();
    for (let i = 0; i < 5; i++) job.from.tree.write(`/out/f_${i}.dat`, `file ${i}`);
    const { code, stdout } = await job.run("--match", "f_{n:d}.dat", "--archive-to", "done/{n:3d}", "--verify", "hash");
    expect(stdout).toMatch(/^5 files moved/);
    expect(code).toBe(0);
    expect(job.from.tree.read("/out/done/004/f_4.dat").toString()).toBe("file 4");
    expect(job.to.commands.filter((line) => line.startsWith("HASH "))).toHaveLength(5);
  });

  test("what arrived damaged is sent again", async () => {
    await using job = await pair({ faults: { damageDataAt: 0 } });
    job.from.tree.write("/out/a.dat", "abc");
    const running = job.run("--verify", "readback", "--on-exists", "newer", "--json");
    const { code } = await Promise.race([
      running,
      // The second try finds the server mended.
      new Promise<never>((_, reject) => setTimeout(reject, 60_000, new Error("it hangs")).unref()),
      (async () => {
        while (!job.to.commands.some((line) => line.startsWith("DELE "))) await new Promise((r) => setTimeout(r, 20));
        job.to.faults.damageDataAt = undefined;
        return running;
      })(),
    ]);
    expect(code).toBe(0);
    expect(job.to.tree.read("/in/a.dat").toString()).toBe("abc");
    expect(job.to.commands.filter((line) => line.startsWith("STOR "))).toHaveLength(2);
  });

  test("--verify hash of a server that computes none: 64, and the other way is named as it is written here", async () => {
    await using job = await pair({ features: { hash: false } });
    job.from.tree.write("/out/a.dat", "abc");
    const { code, stderr } = await job.run("--verify", "hash");
    expect(code).toBe(64);
    expect(stderr).toContain("--verify readback");
    expect(job.from.tree.exists("/out/a.dat")).toBe(true);
  });

  test.each([
    [["--copy", "--source", "delete"], "--copy keeps the source, --source delete does not"],
    [["--source", "archive"], "--source archive needs --archive-to"],
    [["--source", "keep", "--archive-to", "done"], "--archive-to goes with --source archive"],
    [["--verify", "mtime", "--no-times"], "--verify mtime compares times"],
  ])("%j is refused: 64", async (more, why) => {
    await using job = await pair();
    const { code, stderr } = await job.run(...more);
    expect([code, stderr]).toEqual([64, expect.stringContaining(why)]);
    expect([...job.from.commands, ...job.to.commands]).toEqual([]);
  });
});
