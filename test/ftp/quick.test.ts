/** Files held in memory: both commands in one write, what goes wrong in the pack, and servers that want one by one. */
import { describe, expect, test } from "vitest";
import { ConnectionError, ReplyError, TimeoutError } from "../../src/client/errors.js";
import type { Faults } from "../../src/testing/ftp/faults.js";
import { failure } from "../net/loopback.js";
import { afterFirst, enter, FIRST, memory, QUICK, SECOND } from "./dialogue.js";

const FILES = { "/a": "one", "/b": "two two", "/empty": "" };

/** A client behind its first transfers, so that all others go the quick way. */
async function ready(faults: Faults = {}, impatient = false) {
  const timeouts = impatient ? { ...QUICK, idle: 600, command: 600 } : QUICK;
  const bed = await memory({ files: FILES, dataTimeout: 300 }, { timeouts });
  await enter(bed.ftp);
  await bed.ftp.retr("/a");
  await bed.ftp.stor("/first", Buffer.from("1"));
  Object.assign(bed.server.faults, faults);
  return bed;
}

const connections = () => process.getActiveResourcesInfo().filter((each) => each === "TCPSocketWrap").length;

describe("a file held in memory", () => {
  test("comes and goes whole, also an empty one and one of many pieces", async () => {
    const { ftp, server } = await ready();
    const large = Buffer.alloc(3_000_000, "0123456789");
    server.tree.write("/large", large);
    expect((await ftp.retr("/b")).toString()).toBe("two two");
    expect((await ftp.retr("/empty")).length).toBe(0);
    expect((await ftp.retr("/large")).equals(large)).toBe(true);
    for (const size of [0, 1, 4096, 64 * 1024]) {
      expect(await ftp.stor("/up", large.subarray(0, size))).toMatchObject({ bytes: size });
      expect(server.tree.read("/up").equals(large.subarray(0, size))).toBe(true);
    }
  });

  test("is two commands in one write, and nothing more until the final reply", async () => {
    const { ftp, server } = await afterFirst(`${SECOND}C: NOOP
      S: 200 yes
    `);
    const [file] = await Promise.all([ftp.retr("b"), ftp.noop()]);
    expect(file.toString()).toBe("two\r\n");
    await server.done;
  });

  test("keeps what was read when the next one is", async () => {
    const { ftp } = await ready();
    const first = await ftp.retr("/a");
    await ftp.retr("/b");
    expect(first.toString()).toBe("one");
  });

  test("may have 0xFF in its name", async () => {
    const { ftp, server } = await ready();
    await ftp.stor("/\xff", Buffer.from("y"));
    expect((await ftp.retr("/\xff")).toString()).toBe("y");
    expect(server.tree.list("/").length).toBe(5);
  });
});

describe("a refusal within the pack", () => {
  const rows = [
    ["EPSV", "450 no port is free", "450"],
    ["RETR", "425 Can't open data connection.", "425"],
    ["RETR", "426 it broke", "426"],
    ["RETR", "450 busy", "450"],
    ["RETR", "451 local error", "451"],
    ["RETR", "550 not there", "550"],
    ["STOR", "425 Can't open data connection.", "425"],
    ["STOR", "450 busy", "450"],
    ["STOR", "452 disk full", "452"],
    ["STOR", "550 you may not", "550"],
    ["STOR", "552 quota", "552"],
    ["STOR", "553 bad name", "553"],
  ] as const;

  test.each(rows)("%s: %s is that call's own, and closes its data connection", async (command, reply, code) => {
    const { ftp } = await ready({ reply: { [command]: { reply, times: 1 } } });
    const before = connections();
    const call = command === "STOR" ? ftp.stor("/up", Buffer.from("x")) : ftp.retr("/b");
    const error = await failure(call);
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code, clientUsable: true });
    expect((await ftp.retr("/b")).toString()).toBe("two two");
    await ftp.stor("/up", Buffer.from("x"));
    await new Promise((resolve) => setImmediate(resolve));
    expect(connections()).toBeLessThanOrEqual(before);
  });

  test.each([["EPSV"], ["RETR"]])("421 to %s ends the client", async (command) => {
    const { ftp } = await ready({ reply: { [command]: "421 too long" } });
    await failure(ftp.retr("/b"));
    expect(ftp.state).toBe("closed");
  });

  test.each([["EPSV"], ["RETR"]])("a connection that ends at %s is told as such", async (command) => {
    const { ftp } = await ready({ closeBeforeCommand: { command } });
    expect(await failure(ftp.retr("/b"))).toBeInstanceOf(ConnectionError);
    expect(ftp.state).toBe("closed");
  });

  test("a data connection that breaks is its own failure, and the client goes on", async () => {
    const { ftp } = await ready({ cutDataAt: 3, dataFaultsOn: "RETR", dataFaultsTimes: 1 });
    expect(await failure(ftp.retr("/b"))).toMatchObject({ clientUsable: true });
    expect((await ftp.retr("/b")).toString()).toBe("two two");
  });

  test("one that never comes about ends with the server's word", async () => {
    const { ftp } = await ready({ refuseData: true, dataFaultsTimes: 1 });
    expect(await failure(ftp.retr("/b"))).toMatchObject({ code: "425", clientUsable: true });
    expect((await ftp.retr("/b")).toString()).toBe("two two");
  });

  test("one that stands still ends the client: nobody knows what comes", async () => {
    const { ftp } = await ready({ stallDataAt: 2 }, true);
    expect(await failure(ftp.retr("/b"))).toBeInstanceOf(TimeoutError);
    expect(ftp.state).toBe("closed");
    expect(ftp.serial).toBe(false);
  });

  test("cancelling sends ABOR, and later calls get their own replies", async () => {
    const { ftp, server } = await ready({ stallDataAt: 2, dataFaultsTimes: 1 });
    const abort = new AbortController();
    const call = ftp.retr("/b", { signal: abort.signal });
    setTimeout(() => abort.abort(), 100);
    expect(await failure(call)).toMatchObject({ name: "AbortedError" });
    expect(server.commands).toContain("ABOR");
    if (ftp.state === "ready") expect((await ftp.retr("/b")).toString()).toBe("two two");
  });
});

describe("a server that wants one command at a time", () => {
  test("for transfers: what it refuses in a pack is asked for again, and the next ones are not packed", async () => {
    const { ftp, server } = await afterFirst(`C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 503 bad sequence of commands
      ${FIRST.replaceAll("RETR a", "RETR b")}${FIRST.replaceAll("RETR a", "RETR c")}`);
    expect((await ftp.retr("b")).toString()).toBe("one\r\n");
    await ftp.retr("c");
    await server.done;
  });

  test("for transfers to a sink: no byte had moved, so it is asked for again", async () => {
    const { ftp, server } = await afterFirst(`C: PASV
      C: RETR b
      S: 227 ok ({pasv})
      S: 425 Use PORT or PASV first.
      ${FIRST.replaceAll("RETR a", "RETR b")}`);
    const chunks: Buffer[] = [];
    await ftp.retr("b", { to: (chunk) => void chunks.push(Buffer.from(chunk)) });
    expect(Buffer.concat(chunks).toString()).toBe("one\r\n");
    await server.done;
  });

  test("that has lost EPSV is asked by PASV, in packs again", async () => {
    const { ftp, server } = await ready({ reply: { EPSV: "500 what?" } });
    expect((await ftp.retr("/b")).toString()).toBe("two two");
    const from = server.commands.length;
    await ftp.retr("/b");
    expect(server.commands.slice(from)).toEqual(["PASV", "RETR /b"]);
  });

  test("a refusal that stays one is told, and costs no later pack", async () => {
    const { ftp, server } = await ready({ reply: { STOR: { reply: "500 never", times: 2 } } });
    expect(await failure(ftp.stor("/up", Buffer.from("x")))).toMatchObject({ code: "500", clientUsable: true });
    await ftp.stor("/up", Buffer.from("x"));
    expect(server.tree.read("/up").toString()).toBe("x");
  });

  const all = async (given: Parameters<typeof memory>[1]) => {
    const bed = await memory({ files: FILES, faults: { dropsTogether: true } }, given);
    const { ftp, server } = bed;
    await enter(ftp);
    expect((await ftp.retr("/a")).toString()).toBe("one");
    expect((await ftp.retr("/b")).toString()).toBe("two two");
    await ftp.stor("/c", Buffer.from("three"));
    await ftp.rename("/c", "/d");
    expect(server.tree.read("/d").toString()).toBe("three");
    expect(await ftp.stats(["/a", "/none", "/b"])).toMatchObject([{ size: 3 }, undefined, { size: 7 }]);
    expect((await ftp.pack(["SIZE /a", "SIZE /none", "SIZE /b"])).map(({ code }) => code)).toEqual([
      "213",
      "550",
      "213",
    ]);
    expect((await ftp.entries("/").toArray()).length).toBe(4);
    return bed;
  };

  test("for everything: the trial behind the login finds out, and all goes on", async () => {
    const { ftp, server } = await all({ timeouts: { ...QUICK, command: 400 } });
    expect(ftp.serial).toBe(true);
    expect(server.commands.filter((line) => line === "NOOP")).toHaveLength(1);
  });

  test("with pipelining: 1 there is no trial, and nothing is sent together", async () => {
    const { ftp, server } = await all({ pipelining: 1 });
    expect(ftp.serial).toBe(false);
    expect(server.commands).not.toContain("NOOP");
  });

  test("a command that is lost behind EPSV is noticed for the next connection", async () => {
    const { ftp } = await ready({ hang: "RETR" }, true);
    expect(ftp.serial).toBe(false);
    expect(await failure(ftp.retr("/b"))).toBeInstanceOf(TimeoutError);
    expect(ftp.serial).toBe(true);
  });
});
