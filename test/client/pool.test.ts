/** The pool: order, caps, what died, what is thrown away, and the end. Against the in-memory FTP server. */
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, LoginError, ReplyError, UsageError } from "../../src/client/errors.js";
import { Pool, type PoolOptions } from "../../src/client/pool.js";
import { FtpClient } from "../../src/ftp/client.js";
import { FtpServer, type FtpServerOptions } from "../../src/testing/index.js";

let server: FtpServer;
let made: FtpClient[] = [];
const pools: Pool<FtpClient>[] = [];

beforeEach(async () => {
  server = await FtpServer.start({ files: { "/a.txt": "hello" } });
  made = [];
});
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.close()));
  await server.close();
});

async function serveWith(options: FtpServerOptions): Promise<void> {
  await server.close();
  server = await FtpServer.start(options);
}

function client(password = "test"): FtpClient {
  const { host, port } = server;
  const one = new FtpClient({ host, port, security: "plain", credentials: { user: "test", password } });
  made.push(one);
  return one;
}

function poolOf(options: Partial<PoolOptions<FtpClient>> = {}): Pool<FtpClient> {
  const pool = new Pool<FtpClient>({ create: () => client(), ...options });
  pools.push(pool);
  return pool;
}

const counts = ({ size, idle, waiting }: Pool<FtpClient>) => ({ size, idle, waiting });
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** Waits until something holds, for things nobody announces. */
async function until(holds: () => boolean): Promise<void> {
  for (let i = 0; i < 200 && !holds(); i++) await pause(10);
  expect(holds()).toBe(true);
}

describe("borrowing", () => {
  test("use connects, logs in, gives back, and uses the same connection again", async () => {
    const pool = poolOf();
    const names = [];
    for (let i = 0; i < 3; i++) names.push(await pool.use((ftp) => ftp.pwd()));
    expect(names).toEqual(["/", "/", "/"]);
    expect(made).toHaveLength(1);
    expect(counts(pool)).toEqual({ size: 1, idle: 1, waiting: 0 });
  });

  test("no more than max are opened, and those who wait are served in order", async () => {
    const pool = poolOf({ max: 2 });
    const order: number[] = [];
    const all = Array.from({ length: 10 }, (_, i) =>
      pool.use(async (ftp) => {
        order.push(i);
        await ftp.noop();
      }),
    );
    expect(counts(pool)).toEqual({ size: 2, idle: 0, waiting: 10 });
    await Promise.all(all);
    expect(order).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(made).toHaveLength(2);
    expect(counts(pool)).toEqual({ size: 2, idle: 2, waiting: 0 });
  });

  test("a client that comes back goes to the first in line, though its own is still being opened", async () => {
    const pool = poolOf({ max: 2 });
    const first = await pool.borrow();
    server.faults.replyDelay = 100;
    const second = pool.borrow();
    pool.giveBack(first);
    expect(await second).toBe(first);
    // The connection begun for it is not lost.
    const third = await pool.borrow();
    expect(third).not.toBe(first);
    expect(made).toHaveLength(2);
    pool.giveBack(first);
    pool.giveBack(third);
  });

  test("a client that create made ready is taken as it is", async () => {
    const pool = poolOf({
      create: async () => {
        const ftp = client();
        await ftp.connect();
        await ftp.login();
        await ftp.mkd("/work").catch(() => {});
        await ftp.cwd("/work");
        return ftp;
      },
    });
    expect(await pool.use((ftp) => ftp.pwd())).toBe("/work");
    expect(server.commands.filter((line) => line.startsWith("PASS"))).toHaveLength(1);
  });

  test("an error of fn is thrown on, and the client given back", async () => {
    const pool = poolOf();
    await expect(pool.use((ftp) => ftp.size("none"))).rejects.toBeInstanceOf(ReplyError);
    expect(counts(pool)).toEqual({ size: 1, idle: 1, waiting: 0 });
  });

  test("giving back what was not borrowed is refused", async () => {
    const pool = poolOf();
    expect(() => pool.giveBack(client())).toThrow(UsageError);
    const ftp = await pool.borrow();
    pool.giveBack(ftp);
    expect(() => pool.giveBack(ftp)).toThrow(UsageError);
  });
});

describe("signals", () => {
  test("one that has fired, or fires while waiting, ends the wait and nothing else", async () => {
    const pool = poolOf({ max: 1 });
    const held = await pool.borrow();
    const abort = new AbortController();
    const [gone, next] = [pool.borrow({ signal: abort.signal }), pool.borrow()];
    abort.abort(new Error("enough"));
    const error = await gone.catch((reason) => reason);
    expect(error).toBeInstanceOf(AbortedError);
    expect(error.cause).toEqual(new Error("enough"));
    await expect(pool.borrow({ signal: abort.signal })).rejects.toBeInstanceOf(AbortedError);
    expect(counts(pool)).toEqual({ size: 1, idle: 0, waiting: 1 });
    pool.giveBack(held);
    expect(await next).toBe(held);
    pool.giveBack(held);
  });

  test("a connection opened for one who left is kept for the next", async () => {
    const pool = poolOf();
    const abort = new AbortController();
    const gone = pool.borrow({ signal: abort.signal });
    abort.abort();
    await expect(gone).rejects.toBeInstanceOf(AbortedError);
    await pool.use((ftp) => ftp.noop());
    expect(made).toHaveLength(1);
  });
});

describe("what died", () => {
  test("a spare connection that died is replaced", async () => {
    const pool = poolOf();
    await pool.use((ftp) => ftp.noop());
    server.dropConnections();
    await until(() => made[0]?.state === "closed");
    expect(counts(pool)).toEqual({ size: 0, idle: 0, waiting: 0 });
    expect(await pool.use((ftp) => ftp.pwd())).toBe("/");
    expect(made).toHaveLength(2);
  });

  test("one that died while borrowed is thrown away; who waits gets a new one", async () => {
    const pool = poolOf({ max: 1 });
    const died = pool.use(async (ftp) => {
      server.faults.closeBeforeCommand = { command: "NOOP" };
      await ftp.noop();
    });
    const next = pool.use((ftp) => ftp.pwd());
    await expect(died).rejects.toBeInstanceOf(ConnectionError);
    expect(await next).toBe("/");
    expect(made).toHaveLength(2);
  });

  test("one that comes back in another state is thrown away", async () => {
    const pool = poolOf();
    const ftp = await pool.borrow();
    await ftp.quit();
    pool.giveBack(ftp);
    expect(counts(pool)).toEqual({ size: 0, idle: 0, waiting: 0 });
  });

  test("a spare connection is kept for a while only", async () => {
    const pool = poolOf({ idle: 30 });
    await pool.use((ftp) => ftp.noop());
    expect(pool.idle).toBe(1);
    await until(() => server.connections === 0);
    expect(counts(pool)).toEqual({ size: 0, idle: 0, waiting: 0 });
  });
});

describe("what cannot be opened", () => {
  test("a create that fails rejects its own borrower only", async () => {
    let count = 0;
    const pool = poolOf({ create: () => client(count++ === 0 ? "wrong" : "test") });
    const [first, second] = [pool.use((ftp) => ftp.pwd()), pool.use((ftp) => ftp.pwd())];
    await expect(first).rejects.toBeInstanceOf(LoginError);
    expect(await second).toBe("/");
    expect(counts(pool)).toEqual({ size: 1, idle: 1, waiting: 0 });
  });

  test("a create that throws, and a client that is closed already", async () => {
    const broken = poolOf({
      create: () => {
        throw new Error("no");
      },
    });
    await expect(broken.borrow()).rejects.toThrow("no");
    const closed = poolOf({
      create: () => {
        const ftp = client();
        ftp.close();
        return ftp;
      },
    });
    await expect(closed.borrow()).rejects.toBeInstanceOf(UsageError);
    expect(counts(closed)).toEqual({ size: 0, idle: 0, waiting: 0 });
  });

  test.each([
    ["421 in the greeting", { maxClients: 2 }],
    ["530 after PASS", { maxLogins: 2 }],
  ])("a server that has enough connections: %s", async (_, limits) => {
    await serveWith({ limits });
    const pool = poolOf({ max: 8 });
    let most = 0;
    let now = 0;
    const all = Array.from({ length: 20 }, () =>
      pool.use(async (ftp) => {
        most = Math.max(most, ++now);
        await ftp.pwd();
        now--;
      }),
    );
    await Promise.all(all);
    expect(most).toBe(2);
    expect(pool.max).toBe(2);
    expect(pool.waiting).toBe(0);
  });

  test("the cap is forgotten after a while, and the waiting borrower gets its own", async () => {
    server.faults.greeting421 = 0;
    const pool = poolOf({ max: 2, retryAfter: 60 });
    const first = await pool.borrow();
    server.faults.greeting421 = 1;
    const second = pool.borrow();
    await until(() => pool.max === 1);
    expect(counts(pool)).toEqual({ size: 1, idle: 0, waiting: 1 });
    expect(await second).not.toBe(first);
    expect(pool.max).toBe(2);
  });

  test("with no other connection open the refusal is the borrower's", async () => {
    server.faults.greeting421 = true;
    const pool = poolOf();
    await expect(pool.borrow()).rejects.toMatchObject({ code: "421", retryable: true });
    const both = await Promise.allSettled([pool.borrow(), pool.borrow()]);
    expect(both.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(counts(pool)).toEqual({ size: 0, idle: 0, waiting: 0 });
  });
});

describe("the end", () => {
  test("close quits the spare and the lent, rejects who waits, and is safe twice", async () => {
    const pool = poolOf({ max: 2 });
    const [lent, spare] = [await pool.borrow(), await pool.borrow()];
    pool.giveBack(spare);
    const running = lent.pwd();
    await pool.borrow();
    const waiting = pool.borrow();
    const rejected = expect(waiting).rejects.toBeInstanceOf(AbortedError);
    await Promise.all([pool.close(), pool.close()]);
    await rejected;
    expect(await running).toBe("/");
    expect(server.commands.filter((line) => line === "QUIT")).toHaveLength(2);
    await expect(pool.borrow()).rejects.toBeInstanceOf(UsageError);
    pool.giveBack(lent);
    expect(pool.size).toBe(1);
    expect(made.map(({ state }) => state)).toEqual(["closed", "closed"]);
  });

  test("close does not wait for a connection in the making", async () => {
    server.faults.hang = "USER";
    const pool = poolOf();
    const opening = pool.borrow();
    const rejected = expect(opening).rejects.toBeInstanceOf(AbortedError);
    await until(() => server.commands.some((line) => line.startsWith("USER")));
    await pool.close();
    await rejected;
    expect(made[0]?.state).toBe("closed");
  });

  test("await using closes it", async () => {
    {
      await using pool = poolOf();
      await pool.use((ftp) => ftp.noop());
    }
    expect(made[0]?.state).toBe("closed");
  });

  test("inspect shows numbers and no secrets", async () => {
    const pool = poolOf({ create: () => client("test") });
    const ftp = await pool.borrow();
    expect(inspect(pool, { depth: 9, showHidden: true })).toBe("Pool { size: 1, idle: 0, waiting: 0, max: 4 }");
    pool.giveBack(ftp);
    await pool.close();
    expect(`${inspect({ pool })}`).not.toContain("test");
  });

  test("options are checked", () => {
    expect(() => poolOf({ max: 0 })).toThrow(UsageError);
    expect(() => poolOf({ idle: -1 })).toThrow(UsageError);
    expect(() => poolOf({ retryAfter: 0.5 })).toThrow(UsageError);
  });
});
