/** polywire worker and polywire move --redis, --processes: as processes, with a real Redis; their configuration; what is refused. */
import { chmodSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { afterAll, expect, test } from "vitest";
import { FtpServer } from "../../src/testing/index.js";
import { describeLive } from "../live/available.js";
import { startRedis } from "../live/servers/redis.js";
import { cleanUp, folder, PASSWORD, polywire, type RunOptions, USERS, urlOf } from "./polywire.js";

afterAll(cleanUp);

const REDIS_PASSWORD = "redis-t0p-secret";
const BOTH = { POLYWIRE_FROM_PASSWORD: PASSWORD, POLYWIRE_TO_PASSWORD: PASSWORD };

/** Two servers, `files` on the first one, a folder of its own, and the configuration of a worker in it. */
async function pair(files: number) {
  const from = await FtpServer.start(USERS);
  const to = await FtpServer.start(USERS);
  for (let i = 0; i < files; i++) from.tree.write(`/out/${i}.dat`, `file ${i}`);
  to.tree.mkdir("/in");
  const cwd = join(folder, `${from.port}`);
  mkdirSync(cwd);
  const plain = (server: FtpServer, path: string) => `${urlOf(server, path)}?security=plain`;
  const write = (name: string, content: unknown, mode = 0o600) => {
    writeFileSync(join(cwd, name), typeof content === "string" ? content : JSON.stringify(content));
    chmodSync(join(cwd, name), mode);
    return name;
  };
  write("password", `${PASSWORD}\n`);
  const config = write("workers.json", {
    places: {
      source: { url: plain(from, "/out"), passwordFile: "password" },
      target: { url: plain(to, "/in"), password: PASSWORD },
    },
  });
  const move = (more: string[], options: RunOptions = {}) =>
    polywire(["move", plain(from, "/out"), plain(to, "/in"), "--match", "*.dat", ...more], {
      env: BOTH,
      cwd,
      ...options,
    });
  const close = async () => {
    await from.close();
    await to.close();
  };
  return { from, to, cwd, config, write, plain, move, [Symbol.asyncDispose]: close };
}

test("--processes: the files are moved by others, and no password is on a command line", async () => {
  await using job = await pair(60);
  const { code, stdout } = await job.move(["--processes", "2", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({ moved: 60, failed: 0, left: 0 });
  expect(code).toBe(0);
  expect(job.to.tree.count("/in")).toBe(60);
});

test.each([
  [["--processes", "2", "--redis", "redis://localhost"], /one or the other/],
  [["--queue", "x"], /--queue is about workers, which need --redis/],
  [["--redis", "redis://localhost", "--places", "one"], /two names/],
  [["--redis", "http://localhost"], /is not the URL of a Redis/],
  [["--processes", "9"], /8 lanes cannot be shared by 9 processes/],
])("move %j is refused", async (args, message) => {
  await using job = await pair(1);
  const { code, stderr } = await job.move(args);
  expect(stderr).toMatch(message);
  expect(code).toBe(64);
  expect(job.from.tree.count("/out")).toBe(1);
});

test("a configuration that cannot be used is refused, without showing what is in it", async () => {
  await using job = await pair(1);
  const { url } = { url: job.plain(job.from, "/out") };
  const cases: [unknown, number, RegExp][] = [
    ['{"places": {"source": {"password": "t0p-secret', 0o600, /it is no JSON/],
    [{ source: { url } }, 0o600, /"places" in bad.json is no object/],
    [{ places: {} }, 0o600, /names no places/],
    [{ places: { source: { url, passwort: "x" } } }, 0o600, /has "passwort": it may have url, user, password/],
    [{ places: { source: { user: "alice" } } }, 0o600, /has no "url"/],
    [{ places: { source: { url, password: PASSWORD } } }, 0o644, /holds a password, and others may read it: chmod 600/],
    [{ places: { source: { url, passwordFile: "nowhere" } } }, 0o600, /nowhere could not be read/],
  ];
  for (const [content, mode, message] of cases) {
    const config = job.write("bad.json", content, mode);
    const { code, stderr } = await polywire(["worker", "--redis", "redis://127.0.0.1:1", "--config", config], {
      cwd: job.cwd,
    });
    expect(stderr).toMatch(message);
    expect(code).toBe(64);
  }
});

test("without the packages for Redis, it says what is to be installed", async () => {
  await using job = await pair(1);
  const refuse = `export async function resolve(name, context, next) {
    if (name !== "bullmq") return next(name, context);
    throw Object.assign(new Error("Cannot find package"), { code: "ERR_MODULE_NOT_FOUND" });
  }`;
  const register = `import { register } from "node:module"; register(${JSON.stringify(`data:text/javascript,${encodeURIComponent(refuse)}`)});`;
  job.write("hide.mjs", register);
  const env = { ...BOTH, NODE_OPTIONS: `--import=${pathToFileURL(join(job.cwd, "hide.mjs")).href}` };
  const worker = ["worker", "--redis", "redis://127.0.0.1:1", "--config", job.config];
  for (const run of [job.move(["--redis", "redis://127.0.0.1:1"], { env }), polywire(worker, { env, cwd: job.cwd })]) {
    const { code, stderr } = await run;
    expect(stderr).toMatch(/two packages that are not installed: npm install bullmq ioredis/);
    expect(code).toBe(64);
  }
});

describeLive("redis", "with a Redis", () => {
  test("a coordinator hands out files, a worker moves them until Ctrl-C, and no password is shown", async () => {
    await using job = await pair(60);
    const redis = await startRedis({ password: REDIS_PASSWORD });
    try {
      const url = redis.url.replace(`:${REDIS_PASSWORD}@`, "");
      const env = { POLYWIRE_REDIS_PASSWORD: REDIS_PASSWORD };
      let interrupt = () => {};
      const working = polywire(["worker", "--redis", url, "--config", job.config, "--name", "w1"], {
        ...{ env, cwd: job.cwd },
        running: (child) => {
          interrupt = () => void child.kill("SIGINT");
        },
      });
      const moved = await job.move(["--redis", url, "--max-connections", "4", "--json"], { env: { ...BOTH, ...env } });
      expect(JSON.parse(moved.stdout)).toMatchObject({ moved: 60, failed: 0, left: 0, warnings: [] });
      expect(moved.code).toBe(0);
      interrupt();
      const { code, stdout, stderr } = await working;
      expect(stdout).toMatch(/^60 files, 410 B\n$/);
      expect(stderr).toMatch(/^Working for redis:\/\/127.0.0.1:\d+ as it hands out files of source, target/);
      expect(code).toBe(0);
      expect(`${moved.stdout}${moved.stderr}${stdout}${stderr}`).not.toContain(REDIS_PASSWORD);
    } finally {
      await redis.stop();
    }
  });

  test("the coordinator need not reach the destination of its workers", async () => {
    await using job = await pair(20);
    const redis = await startRedis();
    try {
      let interrupt = () => {};
      const working = polywire(["worker", "--redis", redis.url, "--config", job.config], {
        cwd: job.cwd,
        running: (child) => {
          interrupt = () => void child.kill("SIGINT");
        },
      });
      const nowhere = "ftp://alice@127.0.0.1:1/in?security=plain";
      const args = ["move", job.plain(job.from, "/out"), nowhere, "--match", "*.dat", "--redis", redis.url, "--json"];
      const { code, stdout, stderr } = await polywire(args, { env: BOTH, cwd: job.cwd });
      expect(stderr).not.toMatch(/127\.0\.0\.1:1\b.*refused/);
      expect(JSON.parse(stdout)).toMatchObject({ moved: 20, failed: 0, left: 0 });
      expect(code).toBe(0);
      interrupt();
      expect((await working).code).toBe(0);
    } finally {
      await redis.stop();
    }
  });

  test("a Redis that refuses the password: exit code 77", async () => {
    await using job = await pair(1);
    const redis = await startRedis({ password: REDIS_PASSWORD });
    try {
      const url = redis.url.replace(REDIS_PASSWORD, "wrong-one");
      const { code, stderr } = await polywire(["worker", "--redis", url, "--config", job.config], { cwd: job.cwd });
      expect(stderr).toMatch(/WRONGPASS/);
      expect(stderr).not.toContain("wrong-one");
      expect(code).toBe(77);
    } finally {
      await redis.stop();
    }
  });
});
