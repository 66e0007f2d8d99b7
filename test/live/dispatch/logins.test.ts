/** How many connections a job makes to real servers, in a second and at a time, whoever moves its files. */
import { expect, test } from "vitest";
import type { MoveOptions, RunWorkerOptions } from "../../../src/jobs/index.js";
import { describeLive } from "../available.js";
import { url } from "../move/url.js";
import type { FtpOptions } from "../servers/ftp.js";
import { Bed } from "./bed.js";
import { Front } from "./front.js";

/** For every process two batches of 32 files, which is the least. */
const FILES = 256;
const LANES = 8;
const PER_SECOND = 2;

/** Files that take a while, and do not go in packs: no lane runs out of work while others are still to be connected. */
function bed(options: FtpOptions = { quiet: true }): Promise<Bed> {
  return Bed.make(FILES, {
    from: ["vsftpd", { rate: 300_000, ...options }],
    to: ["vsftpd", options],
    size: () => 66_000,
  });
}

/** Runs the job by way of a front on each side, with a worker where there is to be one. Gives the fronts. */
async function run(made: Bed, job: Partial<MoveOptions>, worker?: Partial<RunWorkerOptions>): Promise<Front[]> {
  await using from = await Front.before(made.from);
  await using to = await Front.before(made.to);
  const [source, target] = [url({ ...made.from, port: from.port }, "out"), url({ ...made.to, port: to.port }, "in")];
  const working = worker && made.worker({ places: { source, target }, ...worker });
  const result = await made.move({ from: source, to: target, ...job }).result();
  expect(result).toMatchObject({ moved: FILES, failed: 0, conflicts: 0, gone: 0, left: 0, warnings: [] });
  made.check();
  await working?.kill("SIGINT");
  return [from, to];
}

describeLive(["vsftpd", "redis"], "connections made in a second", () => {
  test.each<[string, Partial<MoveOptions>]>([
    ["by one process", {}],
    ["by four processes", { dispatch: { processes: 4 } }],
  ])("%s are no more than allowed", { timeout: 120_000 }, async (_, options) => {
    await using made = await bed();
    expectPaced(await run(made, { lanes: LANES, connectionsPerSecond: PER_SECOND, ...options }));
  });

  test("by a worker on Redis are no more than it may make", { timeout: 120_000 }, async () => {
    await using made = await bed();
    const dispatch = { redis: made.redis.url };
    expectPaced(await run(made, { lanes: LANES, dispatch }, { lanes: LANES, connectionsPerSecond: PER_SECOND }));
  });
});

/** One more than allowed: those at both ends of a second. */
function expectPaced(fronts: readonly Front[]): void {
  for (const { most, mostInASecond } of fronts) {
    expect(most).toBeGreaterThanOrEqual(LANES - 1);
    expect(mostInASecond).toBeLessThanOrEqual(PER_SECOND + 1);
  }
}

describeLive(["vsftpd", "redis"], "connections at a time", () => {
  // One more on the source's side is the listing's.
  test("two processes have eight lanes by default", { timeout: 120_000 }, async () => {
    await using made = await bed();
    expect((await run(made, { dispatch: { processes: 2 } })).map(({ most }) => most)).toEqual([8 + 1, 8]);
  });

  test('two processes find out how many they need with lanes: "auto"', { timeout: 120_000 }, async () => {
    await using made = await bed();
    const [, to] = await run(made, { lanes: "auto", dispatch: { processes: 2 } });
    expect(to?.most).toBeGreaterThan(8);
  });

  test("a worker on Redis has eight lanes by default", { timeout: 120_000 }, async () => {
    await using made = await bed();
    const fronts = await run(made, { dispatch: { redis: made.redis.url } }, {});
    expect(fronts.map(({ most }) => most)).toEqual([8 + 1, 8]);
  });

  test("maxConnections holds for the listing, too: none is refused", { timeout: 120_000 }, async () => {
    await using made = await bed({ maxClients: 4 });
    await run(made, { maxConnections: 4, dispatch: { processes: 2 } });
    for (const server of [made.from, made.to]) expect(server.log()).not.toContain('"421 ');
  });
});
