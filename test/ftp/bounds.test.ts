/** Listings and downloads that are too long, left early, or in the way of quit. */
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { enter, memory, QUICK } from "./dialogue.js";

const MB = 1_000_000;
const QUITS_SOON = { timeouts: { ...QUICK, quit: 300 } };

test("toArray() of more than limits.body is a ProtocolError that says so, and the client goes on", async () => {
  const { ftp } = await memory({ files: { "/a": "x".repeat(10 * MB), "/b": "y" } }, { limits: { body: MB } });
  await enter(ftp);
  const error = await failure(ftp.read("a").toArray());
  expect(error).toBeInstanceOf(ProtocolError);
  expect(error).toMatchObject({ message: expect.stringContaining("limits.body"), clientUsable: true });
  expect(Buffer.concat(await ftp.read("b").toArray()).toString()).toBe("y");
});

test("a loop left before its first row leaves the client usable", async () => {
  const { ftp } = await memory({ files: { "/a": "x".repeat(10 * MB), "/b": "y" } });
  await enter(ftp);
  for (const rows of [ftp.read("a"), ftp.entries()]) {
    const batches = rows.batches() as AsyncIterableIterator<unknown>;
    batches.next().catch(() => {});
    await batches.return?.();
  }
  expect(Buffer.concat(await ftp.read("b").toArray()).toString()).toBe("y");
});

test("quit lets a transfer finish whose bytes move, for longer than its time-out", async () => {
  const { ftp, server } = await memory({ files: { "/a": "x".repeat(10 * MB) } }, QUITS_SOON);
  await enter(ftp);
  let chunks = 0;
  const down = ftp.retr("a", { to: () => (chunks++ % 20 === 0 ? sleep(100) : undefined) });
  async function* slow() {
    for (let i = 0; i < 8; i++) {
      await sleep(100);
      yield Buffer.from("b");
    }
  }
  const up = ftp.stor("b", slow());
  await ftp.quit();
  expect([(await down).bytes, (await up).bytes]).toEqual([10 * MB, 8]);
  expect(server.tree.read("/b").toString()).toBe("bbbbbbbb");
});

test("quit ends within its time-out behind a sink that never answers", async () => {
  const { ftp } = await memory({ files: { "/a": "x".repeat(10 * MB) } }, QUITS_SOON);
  await enter(ftp);
  const down = failure(ftp.retr("a", { to: () => new Promise<void>(() => {}) }));
  await sleep(50);
  await ftp.quit();
  expect([ftp.state, (await down).name]).toEqual(["closed", "AbortedError"]);
});
