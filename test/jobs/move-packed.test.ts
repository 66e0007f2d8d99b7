/** Lanes that pack their commands: refusals at each place of a pack, servers that want one at a time, who waits for whom. */
import { type AddressInfo, connect, createServer } from "node:net";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type MoveOptions, type MoveResult, move } from "../../src/jobs/index.js";
import type { Faults } from "../../src/testing/ftp/faults.js";
import { FtpServer } from "../../src/testing/index.js";

let from: FtpServer;
let to: FtpServer;
/** Called with each command that the source is given. */
let onFrom: (line: string) => void;

beforeEach(async () => {
  onFrom = () => {};
  from = await FtpServer.start({ onCommand: (line) => onFrom(line) });
  to = await FtpServer.start();
});
afterEach(async () => {
  await Promise.all([from.close(), to.close()]);
});

const nameOf = (i: number) => `file-${String(i).padStart(4, "0")}.dat`;
const contentOf = (i: number) => `content of ${i}\n`.repeat(i % 50);

interface Servers {
  readonly from: FtpServer;
  readonly to: FtpServer;
}

function fill({ from }: Servers, count: number): void {
  from.tree.fill(count, (i) => `/out/${nameOf(i)}`, contentOf);
}

function run({ from, to }: Servers, more: Partial<MoveOptions> = {}): Promise<MoveResult> {
  return move({ from: from.urlOf("/out"), to: to.urlOf("/in"), lanes: 2, ...more });
}

/** Every file is whole on one side at least, and nothing else has a final name. */
function nothingIsLost({ from, to }: Servers, count: number): void {
  for (let i = 0; i < count; i++) {
    const here = from.tree.exists(`/out/${nameOf(i)}`);
    const there = to.tree.exists(`/in/${nameOf(i)}`);
    if (here) expect(from.tree.read(`/out/${nameOf(i)}`).toString()).toBe(contentOf(i));
    if (there) expect(to.tree.read(`/in/${nameOf(i)}`).toString()).toBe(contentOf(i));
    expect(here || there, nameOf(i)).toBe(true);
  }
}

const isRetr = (written: string) => /^RETR /m.test(written);

/** A line to a server's control connections, its replies late: what is sent before the next one of them is one write. */
async function relayed({ host, port }: FtpServer, late: number) {
  const writes: string[] = [];
  const server = createServer((client) => {
    const upstream = connect({ host, port });
    let isNext = true;
    client.on("data", (chunk: Buffer) => {
      if (isNext) writes.push("");
      isNext = false;
      writes[writes.length - 1] += chunk.toString("latin1");
      upstream.write(chunk);
    });
    upstream.on("data", (chunk: Buffer) => {
      setTimeout(() => {
        isNext = true;
        client.write(chunk);
      }, late);
    });
    client.on("error", () => {}).on("close", () => upstream.destroy());
    upstream.on("error", () => {}).on("close", () => client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { port: (server.address() as AddressInfo).port, writes, close: () => server.close() };
}

/** Verbs as they came, without the login. */
const verbs = (server: FtpServer) => server.commands.map((line) => line.split(" ")[0]);

describe("a refusal at any place of a pack", () => {
  const PLACES = [
    ...(["MDTM", "EPSV", "RETR", "SIZE", "DELE"] as const).map((verb) => ["from", verb] as const),
    ...(["SIZE", "EPSV", "STOR", "MFMT", "RNFR", "RNTO"] as const).map((verb) => ["to", verb] as const),
  ];
  const REPLIES = ["421 bye", "425 no data", "450 busy", "451 local error", "500 what?", "550 no"];
  const CASES = PLACES.flatMap(([side, verb]) => REPLIES.map((reply) => ({ side, verb, reply })));

  const each = async ({ side, verb, reply }: (typeof CASES)[number]) => {
    const servers = { from: await FtpServer.start(), to: await FtpServer.start() };
    const what = `${reply} to ${verb} (${side})`;
    try {
      fill(servers, 12);
      servers[side].faults.reply = { [verb]: { reply, times: 1 } };
      // A job may end by it (a server without SIZE), but nothing may be lost by it.
      await run(servers).catch(() => {});
      nothingIsLost(servers, 12);
      servers[side].faults.reply = {};
      expect(await run(servers), what).toMatchObject({ failed: 0, conflicts: 0, left: 0 });
      expect(servers.from.tree.count("/out"), what).toBe(0);
      expect(servers.to.tree.list("/in").map(String).sort(), what).toEqual(
        Array.from({ length: 12 }, (_, i) => nameOf(i)),
      );
      nothingIsLost(servers, 12);
    } finally {
      await Promise.all([servers.from.close(), servers.to.close()]);
    }
  };

  test("loses nothing, and what is left is moved by the next run", { timeout: 120_000 }, async () => {
    expect(CASES).toHaveLength(66);
    for (let at = 0; at < CASES.length; at += 11) await Promise.all(CASES.slice(at, at + 11).map(each));
  });
});

describe("a server that wants one command at a time", () => {
  const side = (server: FtpServer, path: string) => ({ url: server.urlOf(path), timeouts: { command: 700 } });

  test.each([["from"], ["to"], ["both"]])("moves all the same: %s", { timeout: 60_000 }, async (which) => {
    fill({ from, to }, 40);
    if (which !== "to") from.faults.dropsTogether = true;
    if (which !== "from") to.faults.dropsTogether = true;
    const result = await move({ from: side(from, "/out"), to: side(to, "/in"), lanes: 2 });
    expect(result).toMatchObject({ moved: 40, failed: 0, conflicts: 0, left: 0 });
    nothingIsLost({ from, to }, 40);
    expect(to.tree.count("/in")).toBe(40);
  });

  test("is tried once: later connections of the job know", { timeout: 60_000 }, async () => {
    fill({ from, to }, 40);
    to.faults.dropsTogether = true;
    to.faults.closeBeforeCommand = { command: "STOR", times: 3 };
    const result = await move({ from: from.urlOf("/out"), to: side(to, "/in"), lanes: 1 });
    expect(result).toMatchObject({ moved: 40, failed: 0 });
    const logins = verbs(to).filter((verb) => verb === "PASS").length;
    expect(logins).toBeGreaterThan(3);
    // The fence behind the one trial; another trial would have sent another.
    expect(verbs(to).filter((verb) => verb === "SYST")).toHaveLength(1);
  });

  test("for transfers only costs no try", async () => {
    fill({ from, to }, 20);
    from.faults.reply = { [`RETR ${nameOf(7)}`]: { reply: "503 bad sequence of commands", times: 1 } };
    const result = await run({ from, to }, { lanes: 1, tries: { fail: 1 } });
    expect(result).toMatchObject({ moved: 20, failed: 0 });
  });
});

describe("what is said, and when", () => {
  test("nothing is said on a connection between a transfer's command and its end", async () => {
    fill({ from, to }, 100);
    // It would answer at once, and out of order.
    from.faults.prematureReplies = true;
    to.faults.prematureReplies = true;
    expect(await run({ from, to })).toMatchObject({ moved: 100, failed: 0 });
    nothingIsLost({ from, to }, 100);
  });

  test("a file takes six commands at its source, seven at its destination, and no more", async () => {
    fill({ from, to }, 128);
    await run({ from, to }, { lanes: 1 });
    const count = (server: FtpServer, verb: string) =>
      server.commands.filter((line) => line.startsWith(`${verb} `) && line.includes("file-")).length;
    for (const [verb, times] of Object.entries({ RETR: 128, MDTM: 256, SIZE: 128, DELE: 128 }))
      expect(count(from, verb), verb).toBe(times);
    for (const [verb, times] of Object.entries({ STOR: 128, SIZE: 256, RNFR: 128, RNTO: 128 }))
      expect(count(to, verb), verb).toBe(times);
    // Once more for the first file of a connection: whether the server can at all.
    expect(count(to, "MFMT")).toBeLessThanOrEqual(129);
  });

  test("looks, checks and removals go along with transfers: none has a round trip of its own before the last file", {
    timeout: 20_000,
  }, async () => {
    fill({ from, to }, 100);
    const line = await relayed(from, 3);
    try {
      const url = from.urlOf("/out").replace(`:${from.port}`, `:${line.port}`);
      expect(await move({ from: url, to: to.urlOf("/in"), lanes: 1 })).toMatchObject({ moved: 100, failed: 0 });
    } finally {
      line.close();
    }
    const [first, last] = [line.writes.findIndex((each) => /RETR/.test(each)), line.writes.findLastIndex(isRetr)];
    const between = line.writes.slice(first, last);
    expect(between.filter((each) => /DELE/.test(each)).length).toBeGreaterThan(3);
    expect(between.filter((each) => !isRetr(each))).toEqual([]);
  });

  test("small files and large ones take turns", async () => {
    const large = Buffer.alloc(1_000_000, "large");
    for (let i = 0; i < 20; i++) from.tree.write(`/out/${nameOf(i)}`, i % 3 === 1 ? large : Buffer.from(contentOf(i)));
    expect(await run({ from, to })).toMatchObject({ moved: 20, failed: 0 });
    for (let i = 0; i < 20; i++) {
      const expected = i % 3 === 1 ? large : Buffer.from(contentOf(i));
      expect(to.tree.read(`/in/${nameOf(i)}`).equals(expected), nameOf(i)).toBe(true);
    }
  });

  test("a small file that has become a large one since it was listed is moved as it is now", {
    timeout: 20_000,
  }, async () => {
    fill({ from, to }, 5);
    const large = Buffer.alloc(3_000_000, "large");
    let listed = false;
    onFrom = (line) => {
      if (!listed && line.startsWith("RETR ")) from.tree.write(`/out/${nameOf(2)}`, large);
      listed ||= line.startsWith("RETR ");
    };
    expect(await run({ from, to }, { tries: { fail: 1 } })).toMatchObject({ moved: 5, failed: 0 });
    expect(to.tree.read(`/in/${nameOf(2)}`).equals(large)).toBe(true);
  });

  test("a source that is refused in the middle of a group ends no other file", async () => {
    fill({ from, to }, 40);
    from.faults.reply = { [`RETR ${nameOf(7)}`]: "550 you may not" } satisfies Faults["reply"];
    const result = await run({ from, to }, { lanes: 1, tries: { fail: 1 } });
    expect(result).toMatchObject({ moved: 39, failed: 1 });
    expect(from.tree.list("/out").map(String)).toEqual([nameOf(7)]);
    expect(to.tree.count("/in")).toBe(39);
  });

  test("an end in the middle of a group leaves whole files or none", async () => {
    fill({ from, to }, 300);
    const abort = new AbortController();
    const moving = run({ from, to }, { lanes: 2, signal: abort.signal });
    while (!verbs(to).includes("RNTO")) await new Promise((resolve) => setTimeout(resolve, 1));
    abort.abort();
    await moving.catch(() => {});
    nothingIsLost({ from, to }, 300);
    expect(await run({ from, to })).toMatchObject({ failed: 0, conflicts: 0, left: 0 });
    expect(from.tree.count("/out")).toBe(0);
    expect(to.tree.list("/in").map(String).sort()).toEqual(Array.from({ length: 300 }, (_, i) => nameOf(i)));
  });
});
