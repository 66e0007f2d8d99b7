/** Transfers that do not come about, break, or are cancelled. */
import { getEventListeners } from "node:events";
import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AbortedError, type PolywireError, SinkError, TimeoutError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { enter, HELLO, LOGIN, memory, QUICK, talk } from "./dialogue.js";

describe("transfers that do not come about", () => {
  /** A server that refuses RETR and leaves the data connection as it is, as pyftpdlib does. */
  const REFUSES = `C: PASV\nS: 227 ({pasv})\nC: RETR x\nS: 550 no\nC: NOOP\nS: 200 ok\n`;

  test("a refusal ends a download at once, though the server leaves the data connection open", async () => {
    const { ftp, server } = await talk(HELLO + LOGIN + REFUSES);
    await enter(ftp);
    expect(await failure(ftp.retr("x"))).toMatchObject({ name: "ReplyError", code: "550" });
    await ftp.noop();
    await server.done;
  });

  test("a refused transfer leaves no listener on its signal, and no timer", async () => {
    const { ftp } = await memory({ files: { "/a": "x" } });
    const { signal } = new AbortController();
    await enter(ftp);
    for (const mode of ["a", "missing", "a"]) await ftp.retr(mode, { signal }).catch(() => {});
    await ftp.entries(".", { signal }).toArray();
    expect(getEventListeners(signal, "abort")).toHaveLength(0);
  });

  test.each(["passive", "active"] as const)(
    "%s: a data connection that is refused by the server leaves the client usable",
    async (mode) => {
      const { ftp, server } = await memory({ files: { "/a": "x" } }, { mode });
      await enter(ftp);
      server.faults.refuseData = true;
      expect(await failure(ftp.retr("a"))).toMatchObject({ code: "425", retryable: true });
      server.faults.refuseData = false;
      expect((await ftp.retr("a")).toString()).toBe("x");
    },
  );

  test("a file cut in the middle is an error, though the data connection ended in order", async () => {
    const { ftp, server } = await memory({ files: { "/a": "x".repeat(100_000) } });
    await enter(ftp);
    server.faults.cutDataAt = 50_000;
    server.faults.dataFaultsTimes = 1;
    const error = await failure(ftp.retr("a"));
    expect(error).toMatchObject({ name: "ReplyError", code: "426", clientUsable: true });
    expect(await ftp.retr("a")).toHaveLength(100_000);
  });

  test("a transfer that stands still is a TimeoutError", async () => {
    const { ftp, server } = await memory(
      { files: { "/a": "x".repeat(1000) } },
      { timeouts: { ...QUICK, idle: 60, command: 60 } },
    );
    await enter(ftp);
    server.faults.stallDataAt = 10;
    expect(await failure(ftp.retr("a"))).toBeInstanceOf(TimeoutError);
  });

  test.each(["retr", "stor"] as const)("%s that is cancelled while its file is opened sends nothing", async (name) => {
    const { ftp } = await memory({ files: { "/a": "x" } });
    await enter(ftp);
    const path = join(await mkdtemp(join(tmpdir(), "polywire-")), "file");
    await writeFile(path, "there");
    const stop = new AbortController();
    const { signal } = stop;
    const call = name === "retr" ? ftp.retr("a", { to: path, signal }) : ftp.stor("b", path, { signal });
    stop.abort(new Error("enough"));
    expect(await failure(call)).toMatchObject({ name: "AbortedError", clientUsable: true });
    expect(await ftp.exists("b")).toBe(false);
    expect((await ftp.retr("a")).toString()).toBe("x");
  });

  test("a sink that fails leaves the client usable", async () => {
    const { ftp } = await memory({ files: { "/a": "x".repeat(1_000_000) } });
    await enter(ftp);
    const to = () => {
      throw new Error("disk on fire");
    };
    expect(await failure(ftp.retr("a", { to }))).toMatchObject({ name: "SinkError", clientUsable: true });
    await ftp.noop();
  });

  test("a source that fails is a SinkError, and the client stays usable", async () => {
    const { ftp } = await memory();
    await enter(ftp);
    async function* source() {
      yield Buffer.from("half");
      throw new Error("source gone");
    }
    const error = await failure(ftp.stor("a", source()));
    expect(error).toBeInstanceOf(SinkError);
    await ftp.noop();
  });
});

describe("cancelling", () => {
  test("a download in flight is broken off by ABOR, and the client stays usable", async () => {
    const { ftp, server } = await memory({ files: { "/a": "x".repeat(5_000_000), "/b": "y" } });
    await enter(ftp);
    const stop = new AbortController();
    const error = await failure(ftp.retr("a", { signal: stop.signal, to: () => stop.abort() }));
    expect(error).toMatchObject({ name: "AbortedError", clientUsable: true });
    expect(server.commands).toContain("ABOR");
    expect((await ftp.retr("b")).toString()).toBe("y");
  });

  test("a listing left early ends the transfer, and the client stays usable", async () => {
    const { ftp, server } = await memory();
    server.tree.generate("/many", 20_000, (i) => `file-${i}`);
    await enter(ftp);
    for await (const _ of ftp.entries("/many")) break;
    expect(await ftp.pwd()).toBe("/");
    expect((await ftp.entries("/many").toArray()).length).toBe(20_000);
  });

  test("a call made inside the loop of a listing waits for it and does not deadlock", async () => {
    const { ftp, server } = await memory();
    server.tree.generate("/many", 5_000, (i) => `file-${i}`);
    await enter(ftp);
    let count = 0;
    for await (const _ of ftp.entries("/many")) if (count++ % 1000 === 0) await ftp.noop();
    expect(count).toBe(5_000);
  });

  test("past the read-ahead the call inside the loop rejects and says why", async () => {
    const { ftp, server } = await memory({}, { limits: { readAhead: 1_000 } });
    server.tree.generate("/many", 50_000, (i) => `file-${i}`);
    await enter(ftp);
    let error: PolywireError | undefined;
    let count = 0;
    for await (const _ of ftp.entries("/many")) {
      count++;
      error ??= (await ftp.noop().catch((each) => each)) as PolywireError;
    }
    expect(error).toBeInstanceOf(UsageError);
    expect(error?.message).toContain("readAhead");
    expect(count).toBe(50_000);
  });

  test("close() in the middle of a download rejects it with the reason", async () => {
    const { ftp } = await memory({ files: { "/a": "x".repeat(5_000_000) } });
    await enter(ftp);
    const error = await failure(ftp.retr("a", { to: () => ftp.close() }));
    expect(error).toBeInstanceOf(AbortedError);
    expect(ftp.state).toBe("closed");
  });
});
