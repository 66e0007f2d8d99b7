/** upload() of one file: atomic, checked, resumed, and what is left where it fails. */
import { mkdirSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { pathToFileURL } from "node:url";
import { describe, expect, test } from "vitest";
import {
  AbortedError,
  ConnectionError,
  ProtocolError,
  ReplyError,
  SinkError,
  UsageError,
} from "../../src/client/errors.js";
import type { Source } from "../../src/client/sink.js";
import type { FileEvent } from "../../src/ftp/copy.js";
import { encodeName } from "../../src/ftp/name.js";
import { copying, errorOf, TIME } from "./copying.js";

const bed = copying();

/** A file of this machine. */
function local(name: string, content: string | Buffer = "hello", time = TIME): string {
  const path = join(bed.here, name);
  writeFileSync(path, content);
  utimesSync(path, time, time);
  return path;
}

const there = (path: string) => bed.server.tree.read(path).toString();
const PART = /^\/?a\.txt\.[0-9a-f]{8}\.part$/;

describe("a file", () => {
  test("arrives under a temporary name, is checked, gets its time, then its name", async () => {
    const result = await bed.ftp.upload(local("a.txt"), "/a.txt");
    expect(result).toEqual({ files: 1, folders: 0, bytes: 5, skipped: [], failed: [], unlisted: 0 });
    expect(bed.verbs()).toEqual(["EPSV", "STOR", "SIZE", "MFMT", "RNFR", "RNTO"]);
    const stored = bed.server.commands.find((line) => line.startsWith("STOR"))?.slice(5);
    expect(stored).toMatch(PART);
    expect(bed.server.tree.list()).toEqual(["a.txt"]);
    expect(bed.server.tree.stat("/a.txt")?.modified).toEqual(TIME);
  });

  test("may be given as a file URL, bytes, text, a stream, an iterable", async () => {
    const sources: Source[] = [
      pathToFileURL(local("a.txt")),
      Buffer.from("hello"),
      { text: "hello" },
      Readable.from([Buffer.from("hel"), Buffer.from("lo")]),
      (async function* () {
        yield "hello";
      })(),
    ];
    for (const [i, source] of sources.entries()) {
      expect(await bed.ftp.upload(source, `/${i}`)).toMatchObject({ files: 1, bytes: 5 });
      expect(there(`/${i}`)).toBe("hello");
    }
  });

  test("an empty one", async () => {
    expect(await bed.ftp.upload(local("empty", ""), "/empty")).toMatchObject({ files: 1, bytes: 0 });
    expect(there("/empty")).toBe("");
  });

  test("replaces what is there, only at the end", async () => {
    bed.server.tree.write("/a.txt", "old");
    bed.server.faults.cutDataAt = 3;
    bed.server.faults.dataFaultsTimes = 1;
    await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt"));
    expect(there("/a.txt")).toBe("old");
    await bed.ftp.upload(local("a.txt"), "/a.txt");
    expect(there("/a.txt")).toBe("hello");
  });

  test("a name of 255 bytes gets a temporary one that fits", async () => {
    const name = "é".repeat(127);
    await bed.ftp.upload({ text: "x" }, `/${name}`);
    const stored = bed.server.commands.find((line) => line.startsWith("STOR"))?.slice(6) ?? "";
    expect(stored.length).toBeLessThanOrEqual(255);
    expect(there(`/${encodeName(name).toString("latin1")}`)).toBe("x");
  });

  test("makePath makes the folders above, and without it their absence is an error", async () => {
    expect(await errorOf(bed.ftp.upload({ text: "x" }, "/a/b/c.txt"))).toBeInstanceOf(ReplyError);
    await bed.ftp.upload({ text: "x" }, "/a/b/c.txt", { makePath: true });
    await bed.ftp.upload({ text: "y" }, "relative/c.txt", { makePath: true });
    expect([there("/a/b/c.txt"), there("/relative/c.txt")]).toEqual(["x", "y"]);
  });

  test("onExists", async () => {
    bed.server.tree.write("/a.txt", "old");
    const kept = await bed.ftp.upload(local("a.txt"), "/a.txt", { onExists: "skip" });
    expect(kept).toMatchObject({ files: 0, skipped: [{ path: "", why: "it exists" }] });
    expect(await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt", { onExists: "fail" }))).toBeInstanceOf(UsageError);
    expect(there("/a.txt")).toBe("old");
    await bed.ftp.upload(local("a.txt"), "/new.txt", { onExists: "fail" });
    expect(there("/new.txt")).toBe("hello");
  });

  test("onFile and onBytes tell of it", async () => {
    const events: FileEvent[] = [];
    const bytes: number[] = [];
    const onBytes = (count: number, path: string) => bytes.push(count) && expect(path).toBe("");
    await bed.ftp.upload({ text: "hello" }, "/a.txt", { onFile: (event) => events.push(event), onBytes });
    expect(events).toEqual([{ path: "", outcome: "done", bytes: 5 }]);
    expect(bytes.at(-1)).toBe(5);
  });

  test("a name that cannot be sent is a UsageError, and nothing is sent", async () => {
    for (const name of ["/a\r\nDELE b", "/a\nb", "/a\0"]) {
      expect(await errorOf(bed.ftp.upload({ text: "x" }, name))).toBeInstanceOf(UsageError);
    }
    expect(bed.server.tree.list()).toEqual([]);
    expect(bed.server.commands.some((line) => /DELE b|STOR/.test(line))).toBe(false);
  });

  test("a file that is not there, or not to be read", async () => {
    const error = await errorOf(bed.ftp.upload(join(bed.here, "none"), "/a.txt"));
    expect(error).toBeInstanceOf(SinkError);
    expect(error.message).toContain("none");
    expect(bed.verbs()).toEqual([]);
    expect(bed.ftp.state).toBe("ready");
  });

  test("the time is kept only where it is wanted and can be", async () => {
    await bed.ftp.upload(local("a.txt"), "/a.txt", { keepTimes: false });
    expect(bed.server.tree.stat("/a.txt")?.modified.getFullYear()).toBeGreaterThan(2021);
    await bed.serve({ features: { mfmt: false, mff: false, mdtmSet: true, site: false } });
    await bed.ftp.upload(local("a.txt"), "/a.txt");
    expect(bed.server.tree.stat("/a.txt")?.modified).toEqual(TIME);
    bed.server.faults.reply = { MDTM: "550 No." };
    await bed.ftp.upload(local("a.txt"), "/b.txt");
    expect(there("/b.txt")).toBe("hello");
  });

  test("a link as the source is followed: it is your own word", async () => {
    symlinkSync(local("a.txt"), join(bed.here, "link"));
    await bed.ftp.upload(join(bed.here, "link"), "/a.txt");
    expect(there("/a.txt")).toBe("hello");
  });
});

describe("what is not like the original", () => {
  test("a server that keeps less than it confirms", async () => {
    Object.assign(bed.server.faults, { cutDataAt: 3, cutDataCleanly: true });
    const error = await errorOf(bed.ftp.upload(local("a.txt", "x".repeat(100_000)), "/a.txt"));
    // Where the client notices the early end by itself it is a broken data connection.
    expect(error instanceof ProtocolError || error instanceof ConnectionError).toBe(true);
    expect(error.clientUsable).toBe(true);
    expect(bed.server.tree.list()).toEqual([]);
  });

  test("a wrong SIZE", async () => {
    bed.server.faults.reply = { SIZE: "213 4" };
    const error = await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt"));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ retryable: true, clientUsable: true });
    expect(error.message).toMatch(/has 4 bytes on the server, not 5/);
    expect(bed.server.tree.list()).toEqual([]);
    await bed.ftp.noop();
  });

  test("a server without SIZE says what to do", async () => {
    await bed.serve({ features: { size: false } });
    const error = await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt"));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('verify: "none"');
    await bed.ftp.upload(local("a.txt"), "/a.txt", { verify: "none" });
    expect(bed.server.tree.list()).toEqual(["a.txt"]);
  });

  test("hash: right, wrong, and not to be had", async () => {
    await bed.ftp.upload(local("a.txt"), "/a.txt", { verify: "hash" });
    expect(bed.verbs()).toContain("HASH");
    bed.server.faults.reply = { HASH: `213 SHA-512 0-4 ${"0".repeat(128)} a.txt` };
    const error = await errorOf(bed.ftp.upload(local("a.txt"), "/b.txt", { verify: "hash" }));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ retryable: true, clientUsable: true });
    expect(bed.server.tree.list()).toEqual(["a.txt"]);
    await bed.serve({ features: { hash: false } });
    expect(await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt", { verify: "hash" }))).toBeInstanceOf(UsageError);
    expect(bed.verbs()).not.toContain("STOR");
  });
});

describe("failures", () => {
  test("a full disk: the temporary file is removed, the error kept", async () => {
    bed.server.faults.diskFullAfter = 3;
    const error = await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt"));
    expect(error).toMatchObject({ code: "552" });
    expect(bed.server.tree.list()).toEqual([]);
    expect(bed.ftp.state).toBe("ready");
  });

  test("a rename that is refused", async () => {
    bed.server.faults.reply = { RNTO: "553 Not this name" };
    expect(await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt"))).toMatchObject({ code: "553" });
    expect(bed.server.tree.list()).toEqual([]);
  });

  test("a server that does not rename over a file", async () => {
    bed.server.tree.write("/a.txt", "old");
    bed.server.faults.reply = { RNTO: { reply: "550 File exists", times: 1 } };
    await bed.ftp.upload(local("a.txt"), "/a.txt");
    expect(there("/a.txt")).toBe("hello");
    expect(bed.server.tree.list()).toEqual(["a.txt"]);
  });

  test("a rename that fails for good keeps the copy, once the old file is gone", async () => {
    bed.server.tree.write("/a.txt", "old");
    bed.server.faults.reply = { RNTO: "550 No" };
    await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt"));
    expect(bed.server.tree.list()).toEqual([expect.stringMatching(PART)]);
  });

  test("a reply that is lost", async () => {
    bed.server.faults.loseReply = { command: "RNTO" };
    const error = await errorOf(bed.ftp.upload(local("a.txt"), "/a.txt"));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(bed.ftp.state).toBe("closed");
    expect(there("/a.txt")).toBe("hello");
  });

  test("a source that fails in the middle", async () => {
    const source = (async function* () {
      yield Buffer.from("hel");
      throw new Error("the disk is on fire");
    })();
    const error = await errorOf(bed.ftp.upload(source, "/a.txt"));
    expect(error).toBeInstanceOf(SinkError);
    expect(error.message).toContain("on fire");
    expect(bed.server.tree.list()).toEqual([]);
    expect(bed.ftp.state).toBe("ready");
  });

  test("a signal in mid transfer: ABOR, no file left, the client usable", async () => {
    const abort = new AbortController();
    const source = (async function* () {
      yield Buffer.alloc(100_000);
      abort.abort();
      await new Promise((resolve) => setTimeout(resolve, 20));
      yield Buffer.alloc(100_000);
    })();
    const error = await errorOf(bed.ftp.upload(source, "/a.txt", { signal: abort.signal }));
    expect(error).toBeInstanceOf(AbortedError);
    expect(bed.server.tree.list()).toEqual([]);
    await bed.ftp.noop();
  });

  test("a signal between two steps is heeded at the next, and no file is left", async () => {
    const abort = new AbortController();
    bed.server.faults.replyDelay = 20;
    const upload = bed.ftp.upload(local("a.txt"), "/a.txt", { signal: abort.signal });
    while (!bed.server.commands.some((line) => line.startsWith("SIZE"))) await new Promise((go) => setTimeout(go, 1));
    abort.abort();
    expect(await errorOf(upload)).toBeInstanceOf(AbortedError);
    expect(bed.server.tree.list()).toEqual([]);
    await bed.ftp.noop();
  });
});

describe("resume", () => {
  const whole = "0123456789".repeat(1000);
  const later = new Date();

  test("goes on in the temporary file that a failure left", async () => {
    const path = local("a.txt", whole);
    Object.assign(bed.server.faults, { diskFullAfter: 4_000, dataFaultsTimes: 1 });
    await errorOf(bed.ftp.upload(path, "/a.txt", { resume: true }));
    expect(bed.server.tree.list()).toEqual(["a.txt.part"]);
    expect(await bed.ftp.upload(path, "/a.txt", { resume: true })).toMatchObject({ files: 1, bytes: 6_000 });
    expect(bed.verbs().slice(-7)).toEqual(["EPSV", "REST", "STOR", "SIZE", "MFMT", "RNFR", "RNTO"]);
    expect(bed.server.tree.list()).toEqual(["a.txt"]);
    expect(there("/a.txt")).toBe(whole);
  });

  test.each(["REST", "STOR"])("by APPE where %s is refused", async (verb) => {
    bed.server.tree.write("/a.txt.part", whole.slice(0, 4_000));
    bed.server.faults.reply = { [verb]: "451 Append/Restart not permitted" };
    await bed.ftp.upload(local("a.txt", whole), "/a.txt", { resume: true, verify: "hash" });
    expect(there("/a.txt")).toBe(whole);
  });

  test("by APPE where the server announces no REST", async () => {
    await bed.serve({ features: { rest: false } });
    bed.server.tree.write("/a.txt.part", whole.slice(0, 4_000));
    expect(await bed.ftp.upload(local("a.txt", whole), "/a.txt", { resume: true })).toMatchObject({ bytes: 6_000 });
    expect(there("/a.txt")).toBe(whole);
  });

  test("a temporary file that is whole is only renamed", async () => {
    bed.server.tree.write("/a.txt.part", whole);
    const options = { resume: true, verify: "hash" } as const;
    expect(await bed.ftp.upload(local("a.txt", whole), "/a.txt", options)).toMatchObject({ files: 1, bytes: 0 });
    expect(bed.server.tree.list()).toEqual(["a.txt"]);
  });

  test("a final file that is shorter is continued in place, one of the same size left as it is", async () => {
    bed.server.tree.write("/a.txt", whole.slice(0, 4_000));
    const path = local("a.txt", whole);
    expect(await bed.ftp.upload(path, "/a.txt", { resume: true })).toMatchObject({ files: 1, bytes: 6_000 });
    expect(there("/a.txt")).toBe(whole);
    expect(await bed.ftp.upload(path, "/a.txt", { resume: true })).toMatchObject({
      files: 0,
      skipped: [{ path: "", why: "it is there already" }],
    });
  });

  test("what is older than the source is of another version, and begun anew", async () => {
    for (const name of ["/a.txt", "/a.txt.part"]) bed.server.tree.write(name, "OTHER", { modified: TIME });
    const result = await bed.ftp.upload(local("a.txt", whole, later), "/a.txt", { resume: true });
    expect(result).toMatchObject({ files: 1, bytes: whole.length });
    expect(there("/a.txt")).toBe(whole);
    expect(bed.server.tree.list()).toEqual(["a.txt"]);
  });

  test("a temporary file that is longer than the source is begun anew", async () => {
    bed.server.tree.write("/a.txt.part", `${whole}more`);
    await bed.ftp.upload(local("a.txt", whole), "/a.txt", { resume: true });
    expect(there("/a.txt")).toBe(whole);
  });

  test("hash: a beginning that differs fails, and is not continued again", async () => {
    bed.server.tree.write("/a.txt.part", "X".repeat(4_000));
    const options = { resume: true, verify: "hash" } as const;
    expect(await errorOf(bed.ftp.upload(local("a.txt", whole), "/a.txt", options))).toBeInstanceOf(ProtocolError);
    expect(bed.server.tree.list()).toEqual([]);
  });

  test("hash: a final file of the right size with other bytes is replaced", async () => {
    bed.server.tree.write("/a.txt", "X".repeat(whole.length));
    const options = { resume: true, verify: "hash" } as const;
    expect(await bed.ftp.upload(local("a.txt", whole), "/a.txt", options)).toMatchObject({ bytes: whole.length });
    expect(there("/a.txt")).toBe(whole);
  });

  test("a connection that dies leaves the temporary file; another client goes on", async () => {
    const path = local("a.txt", whole);
    bed.server.faults.loseReply = { command: "STOR" };
    expect(await errorOf(bed.ftp.upload(path, "/a.txt", { resume: true }))).toBeInstanceOf(ConnectionError);
    const again = await bed.login();
    expect(await again.upload(path, "/a.txt", { resume: true })).toMatchObject({ files: 1, bytes: 0 });
    expect(there("/a.txt")).toBe(whole);
  });

  test("bytes and text can be resumed, a stream cannot", async () => {
    bed.server.tree.write("/a.txt.part", whole.slice(0, 4_000));
    expect(await bed.ftp.upload({ text: whole }, "/a.txt", { resume: true })).toMatchObject({ bytes: 6_000 });
    expect(there("/a.txt")).toBe(whole);
    const stream = Readable.from([Buffer.from(whole)]);
    expect(await errorOf(bed.ftp.upload(stream, "/b.txt", { resume: true }))).toBeInstanceOf(UsageError);
  });
});

test("a folder of this machine is uploaded as a tree", async () => {
  mkdirSync(join(bed.here, "folder/sub"), { recursive: true });
  local("folder/a.txt");
  local("folder/sub/b.txt", "b");
  expect(await bed.ftp.upload(join(bed.here, "folder"), "/up")).toMatchObject({ files: 2, folders: 2, bytes: 6 });
  expect(there("/up/sub/b.txt")).toBe("b");
});
