/** Who moves the files: defaults, shares of lanes and bytes, and what is refused. */
import { expect, test } from "vitest";
import { resolveDispatch } from "../../../src/jobs/dispatch/options.js";
import { checkRedisUrl } from "../../../src/jobs/dispatch/redis-url.js";

const REDIS = "redis://localhost";

test("the lanes and the bytes of a job are shared by processes and their batches", () => {
  expect(resolveDispatch({ processes: 3 }, { lanes: 13, maxBytesPerSecond: 600 })).toEqual({
    ...{ kind: "processes", processes: 3, batches: 2, lanes: 2, lanesEach: 4, bytesPerSecond: 100 },
    ...{ adaptive: false, hangUp: false },
  });
  expect(resolveDispatch({ processes: 8 }, {})).toMatchObject({ batches: 1, lanes: 1, lanesEach: 1, adaptive: false });
  expect(() => resolveDispatch({ processes: 9 }, {})).toThrow("8 lanes cannot be shared by 9 processes");
  expect(resolveDispatch({ processes: 4 }, { lanes: "auto" })).toMatchObject({
    ...{ batches: 2, lanes: 16, lanesEach: 16, adaptive: true },
  });
  expect(resolveDispatch({ processes: 4 }, { maxConnections: 21, lanes: "auto" })).toMatchObject({
    ...{ lanesEach: 5, hangUp: false },
  });
  expect(resolveDispatch({ processes: 4 }, { maxConnections: 20, lanes: "auto" })).toMatchObject({
    ...{ lanesEach: 5, hangUp: true },
  });
});

test("as many batches are worked on as connections are allowed", () => {
  expect(resolveDispatch({ redis: REDIS, maxConnections: 30 }, { maxBytesPerSecond: 700 })).toMatchObject({
    ...{ lanes: 4, batches: 7, bytesPerSecond: 100, queue: "polywire", places: { from: "source", to: "target" } },
  });
  expect(resolveDispatch({ redis: REDIS, maxConnections: 3 }, {})).toMatchObject({ lanes: 3, batches: 1 });
  expect(resolveDispatch({ redis: REDIS }, { maxConnections: 30 })).toMatchObject({
    ...{ lanes: 4, batches: 7, adaptive: false },
  });
  expect(resolveDispatch({ redis: REDIS }, { lanes: "auto" })).toMatchObject({ lanes: 4, adaptive: true });
  const oneServer = resolveDispatch({ redis: REDIS }, { maxConnections: 30 }, { oneServer: true });
  expect(oneServer).toMatchObject({ lanes: 4, batches: 3 });
  expect(resolveDispatch({ redis: REDIS }, { lanes: 6 })).toMatchObject({ lanes: 6, batches: undefined });
});

test.each([
  [{ redis: REDIS, processes: 2 }, {}, /not both/],
  [{ redis: REDIS }, { maxBytesPerSecond: 1000 }, /give maxConnections/],
  [{ redis: REDIS, queue: "a b" }, {}, /a queue is letters/],
  [{ redis: REDIS, lease: 10 }, {}, /lease/],
  [{ processes: 0 }, {}, /processes/],
] as const)("%j with %j is refused", (dispatch, shares, message) => {
  expect(() => resolveDispatch(dispatch, shares)).toThrow(message);
});

test.each(["http://host", "redis:", "redis://", "redis://u:geheim@host/x", "rediss://:geheim@/0"])(
  "%s is no Redis, and its password is not shown",
  (url) => {
    expect(() => checkRedisUrl(url)).toThrow(/redis:\/\/user:password@host/);
    try {
      checkRedisUrl(url);
    } catch (error) {
      expect((error as Error).message).not.toContain("geheim");
    }
  },
);
