/** download() of one file: atomic, checked, resumed, no links followed, and what is left where it fails. */
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, ProtocolError, SinkError, UsageError } from "../../src/client/errors.js";
import type { FileEvent } from "../../src/ftp/copy.js";
import { copying, errorOf, TIME } from "./copying.js";

const bed = copying();
const at = (name: string) => join(bed.here, name);
const here = (name: string) => readFileSync(at(name), "utf8");
const list = () => readdirSync(bed.here).sort();
const serve = (path: string, content = "hello") => bed.server.tree.write(path, content, { modified: TIME });

describe("a file", () => {
  test("arrives under a temporary name, is checked, gets its time, then its name", async () => {
    serve("/a.txt");
    const seen: string[][] = [];
    const onBytes = () => seen.push(list());
    const result = await bed.ftp.download("/a.txt", at("a.txt"), { onBytes });
    expect(result).toEqual({ files: 1, folders: 0, bytes: 5, skipped: [], failed: [], unlisted: 0 });
    expect(bed.verbs()).toEqual(["SIZE", "MDTM", "EPSV", "RETR"]);
    expect(seen.flat().filter((name) => !/^a\.txt\.[0-9a-f]{8}\.part$/.test(name))).toEqual([]);
    expect(list()).toEqual(["a.txt"]);
    expect(here("a.txt")).toBe("hello");
    expect(statSync(at("a.txt")).mtime).toEqual(TIME);
  });

  test("an empty one, and one by a relative path", async () => {
    serve("/in/empty", "");
    await bed.ftp.cwd("/in");
    expect(await bed.ftp.download("empty", at("empty"))).toMatchObject({ files: 1, bytes: 0 });
    expect(here("empty")).toBe("");
  });

  test("keepTimes false leaves the time of now", async () => {
    serve("/a.txt");
    await bed.ftp.download("/a.txt", at("a.txt"), { keepTimes: false });
    expect(Date.now() - statSync(at("a.txt")).mtimeMs).toBeLessThan(60_000);
  });

  test("what is not there is refused in the server's words, and leaves nothing", async () => {
    const error = await errorOf(bed.ftp.download("/none", at("none")));
    expect(error).toMatchObject({ name: "ReplyError", code: "550" });
    expect(list()).toEqual([]);
    await bed.ftp.noop();
  });

  test("onExists", async () => {
    serve("/a.txt");
    writeFileSync(at("a.txt"), "mine");
    const kept = await bed.ftp.download("/a.txt", at("a.txt"), { onExists: "skip" });
    expect(kept).toMatchObject({ files: 0, skipped: [{ path: "", why: "it exists" }] });
    expect(await errorOf(bed.ftp.download("/a.txt", at("a.txt"), { onExists: "fail" }))).toBeInstanceOf(UsageError);
    expect(here("a.txt")).toBe("mine");
    await bed.ftp.download("/a.txt", at("a.txt"));
    expect(here("a.txt")).toBe("hello");
  });

  test("makePath makes the folders above, and without it their absence is an error", async () => {
    serve("/a.txt");
    expect(await errorOf(bed.ftp.download("/a.txt", at("x/y/a.txt")))).toBeInstanceOf(SinkError);
    await bed.ftp.download("/a.txt", at("x/y/a.txt"), { makePath: true });
    expect(here("x/y/a.txt")).toBe("hello");
  });

  test("a folder in the way is an error before anything is fetched", async () => {
    serve("/a.txt");
    mkdirSync(at("a.txt"));
    expect(await errorOf(bed.ftp.download("/a.txt", at("a.txt")))).toBeInstanceOf(SinkError);
    expect(bed.verbs()).not.toContain("RETR");
  });

  test("a link in the way is replaced, not written through", async () => {
    serve("/a.txt");
    writeFileSync(at("precious"), "kept");
    symlinkSync(at("precious"), at("a.txt"));
    await bed.ftp.download("/a.txt", at("a.txt"));
    expect(lstatSync(at("a.txt")).isSymbolicLink()).toBe(false);
    expect([here("a.txt"), here("precious")]).toEqual(["hello", "kept"]);
  });

  test("onFile tells of it", async () => {
    serve("/a.txt");
    const events: FileEvent[] = [];
    await bed.ftp.download("/a.txt", at("a.txt"), { onFile: (event) => events.push(event) });
    expect(events).toEqual([{ path: "", outcome: "done", bytes: 5 }]);
  });
});

describe("what is not like the original", () => {
  test("a data connection that ends early, and the server says 226", async () => {
    serve("/a.txt", "x".repeat(10_000));
    Object.assign(bed.server.faults, { cutDataAt: 3_000, cutDataCleanly: true, dataFaultsOn: "RETR" });
    const error = await errorOf(bed.ftp.download("/a.txt", at("a.txt")));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error).toMatchObject({ retryable: true, clientUsable: true });
    expect(error.message).toMatch(/3000 bytes .* not 10000/);
    expect(list()).toEqual([]);
    await bed.ftp.noop();
  });

  test("hash: right, wrong, not to be had", async () => {
    serve("/a.txt");
    await bed.ftp.download("/a.txt", at("a.txt"), { verify: "hash" });
    bed.server.faults.reply = { HASH: `213 SHA-512 0-4 ${"0".repeat(128)} a.txt` };
    expect(await errorOf(bed.ftp.download("/a.txt", at("b.txt"), { verify: "hash" }))).toBeInstanceOf(ProtocolError);
    await bed.serve({ features: { hash: false }, files: { "/a.txt": "hello" } });
    expect(await errorOf(bed.ftp.download("/a.txt", at("b.txt"), { verify: "hash" }))).toBeInstanceOf(UsageError);
    expect(list()).toEqual(["a.txt"]);
  });

  test("a server without SIZE says what to do", async () => {
    await bed.serve({ features: { size: false }, files: { "/a.txt": "hello" } });
    const error = await errorOf(bed.ftp.download("/a.txt", at("a.txt")));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain('verify: "none"');
    await bed.ftp.download("/a.txt", at("a.txt"), { verify: "none" });
    expect(here("a.txt")).toBe("hello");
  });
});

describe("failures", () => {
  test("a cut data connection leaves no file, and the client usable", async () => {
    serve("/a.txt", "x".repeat(100_000));
    Object.assign(bed.server.faults, { cutDataAt: 70_000, dataFaultsTimes: 1 });
    await errorOf(bed.ftp.download("/a.txt", at("a.txt")));
    expect(list()).toEqual([]);
    expect(await bed.ftp.download("/a.txt", at("a.txt"))).toMatchObject({ bytes: 100_000 });
  });

  test("a signal: ABOR, no file left, the client usable", async () => {
    serve("/a.txt", "x".repeat(5_000_000));
    const abort = new AbortController();
    const options = { signal: abort.signal, onBytes: () => abort.abort() };
    expect(await errorOf(bed.ftp.download("/a.txt", at("a.txt"), options))).toBeInstanceOf(AbortedError);
    expect(list()).toEqual([]);
    await bed.ftp.noop();
  });

  test("a lost connection", async () => {
    serve("/a.txt");
    bed.server.faults.loseReply = { command: "RETR" };
    expect(await errorOf(bed.ftp.download("/a.txt", at("a.txt")))).toBeInstanceOf(ConnectionError);
    expect(list()).toEqual([]);
  });
});

describe("resume", () => {
  const whole = "0123456789".repeat(10_000);

  test("goes on in the temporary file that a failure left", async () => {
    serve("/a.txt", whole);
    Object.assign(bed.server.faults, { stallDataAt: 40_000, dataFaultsTimes: 1 });
    const abort = new AbortController();
    const stop = (count: number) => void (count >= 40_000 && abort.abort());
    const broken = bed.ftp.download("/a.txt", at("a.txt"), { resume: true, signal: abort.signal, onBytes: stop });
    expect(await errorOf(broken)).toBeInstanceOf(AbortedError);
    expect(list()).toEqual(["a.txt.part"]);
    expect(here("a.txt.part") === whole.slice(0, 40_000)).toBe(true);
    const bytes: number[] = [];
    const options = { resume: true, onBytes: (count: number) => void bytes.push(count) };
    const result = await bed.ftp.download("/a.txt", at("a.txt"), options);
    expect(result.bytes).toBe(60_000);
    expect(bytes.at(-1)).toBe(whole.length);
    expect(list()).toEqual(["a.txt"]);
    expect(here("a.txt") === whole).toBe(true);
    expect(statSync(at("a.txt")).mtime).toEqual(TIME);
  });

  test("a temporary file that is whole, too long, or older", async () => {
    serve("/a.txt", whole);
    writeFileSync(at("a.txt.part"), whole);
    expect(await bed.ftp.download("/a.txt", at("a.txt"), { resume: true })).toMatchObject({ files: 1, bytes: 0 });
    writeFileSync(at("b.txt.part"), `${whole}more`);
    await bed.ftp.download("/a.txt", at("b.txt"), { resume: true });
    writeFileSync(at("c.txt.part"), "OTHER");
    utimesSync(at("c.txt.part"), new Date(0), new Date(0));
    await bed.ftp.download("/a.txt", at("c.txt"), { resume: true });
    for (const name of ["a.txt", "b.txt", "c.txt"]) expect(here(name) === whole).toBe(true);
    expect(list()).toEqual(["a.txt", "b.txt", "c.txt"]);
  });

  test("a final file that is shorter is continued in place, one of the same size left as it is", async () => {
    serve("/a.txt", whole);
    writeFileSync(at("a.txt"), whole.slice(0, 30_000));
    expect(await bed.ftp.download("/a.txt", at("a.txt"), { resume: true })).toMatchObject({ bytes: 70_000 });
    expect(here("a.txt") === whole).toBe(true);
    expect(await bed.ftp.download("/a.txt", at("a.txt"), { resume: true })).toMatchObject({
      files: 0,
      skipped: [{ path: "", why: "it is there already" }],
    });
  });

  test("hash covers the beginning, too", async () => {
    serve("/a.txt", whole);
    const options = { resume: true, verify: "hash" } as const;
    writeFileSync(at("a.txt.part"), whole.slice(0, 30_000));
    expect(await bed.ftp.download("/a.txt", at("a.txt"), options)).toMatchObject({ bytes: 70_000 });
    writeFileSync(at("b.txt.part"), "X".repeat(30_000));
    expect(await errorOf(bed.ftp.download("/a.txt", at("b.txt"), options))).toBeInstanceOf(ProtocolError);
    writeFileSync(at("c.txt"), "X".repeat(whole.length));
    expect(await bed.ftp.download("/a.txt", at("c.txt"), options)).toMatchObject({ bytes: whole.length });
    expect(list()).toEqual(["a.txt", "c.txt"]);
  });

  test.each(["a.txt", "a.txt.part"])("a link in the place of %s is not written through", async (name) => {
    serve("/a.txt", whole);
    writeFileSync(at("precious"), "kept");
    symlinkSync(at("precious"), at(name));
    expect(await errorOf(bed.ftp.download("/a.txt", at("a.txt"), { resume: true }))).toBeInstanceOf(SinkError);
    expect(here("precious")).toBe("kept");
    expect(existsSync(at("a.txt.part"))).toBe(name === "a.txt.part");
  });
});
