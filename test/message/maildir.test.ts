/** Maildirs: what is delivered is there as a whole, under a name of its own, and is found again wherever it was moved. */
import { spawn } from "node:child_process";
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { hostname, tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { SinkError, UsageError } from "../../src/client/errors.js";
import { lfPieces, toLf } from "../../src/message/line-ends.js";
import { Maildir } from "../../src/message/maildir.js";
import { maildirName, parseMaildirName } from "../../src/message/maildir-name.js";

const scratch = mkdtempSync(join(tmpdir(), "polywire-maildir-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

let made = 0;
const fresh = () => join(scratch, `m${++made}`, "Maildir");
const TEXT = Buffer.from("Subject: hi\r\n\r\nFrom me\r\n.\r\n");

describe("delivering", () => {
  test("into new, under a name by the convention that has the size, with LF line ends", async () => {
    const maildir = await Maildir.open(fresh());
    const { path, folder, flags, size, unique } = await maildir.deliver(TEXT);
    const host = hostname().replaceAll(".", "\\.");
    expect(path).toMatch(new RegExp(`/new/\\d{10}\\.M\\d{6}P${process.pid}Q\\d+\\.${host},S=23$`));
    expect({ folder, flags, size }).toEqual({ folder: "new", flags: "", size: 23 });
    expect(readFileSync(path, "latin1")).toBe("Subject: hi\n\nFrom me\n.\n");
    expect(readdirSync(join(maildir.path, "tmp"))).toEqual([]);
    expect(unique.startsWith(path.slice(path.lastIndexOf("/") + 1, -5))).toBe(true);
    expect(await maildir.read({ path, unique }, { crlf: true })).toEqual(TEXT);
  });

  test("as it is, where that is asked for", async () => {
    const maildir = await Maildir.open(fresh(), { fsync: false });
    const message = await maildir.deliver(TEXT, { lineEnds: "as-is" });
    expect(readFileSync(message.path)).toEqual(TEXT);
    expect(message.size).toBe(TEXT.length);
  });

  test("with flags into cur, sorted and once each", async () => {
    const maildir = await Maildir.open(fresh());
    const { path, flags, folder } = await maildir.deliver(TEXT, { flags: "SRFS" });
    expect(path).toMatch(/\/cur\/[^/]+,S=23:2,FRS$/);
    expect({ flags, folder }).toEqual({ flags: "FRS", folder: "cur" });
    await expect(maildir.deliver(TEXT, { flags: "a,b" })).rejects.toThrow(UsageError);
    expect(await maildir.list()).toHaveLength(1);
  });

  test("a stream, however it is cut", async () => {
    const maildir = await Maildir.open(fresh(), { fsync: false });
    for (const size of [1, 2, 3, 7, 100]) {
      const pieces: Buffer[] = [];
      for (let at = 0; at < TEXT.length; at += size) pieces.push(TEXT.subarray(at, at + size));
      const { path } = await maildir.deliver(Readable.from(pieces));
      expect(readFileSync(path, "latin1")).toBe("Subject: hi\n\nFrom me\n.\n");
    }
  });

  test("a stream that fails leaves nothing, and says why", async () => {
    const maildir = await Maildir.open(fresh());
    const broken = (async function* () {
      yield TEXT;
      throw new Error("the link is gone");
    })();
    const failure = maildir.deliver(broken);
    await expect(failure).rejects.toThrow(SinkError);
    await expect(failure).rejects.toThrow("the link is gone");
    for (const folder of ["tmp", "new", "cur"]) expect(readdirSync(join(maildir.path, folder))).toEqual([]);
  });

  test("many at once: each has a name of its own", async () => {
    const maildir = await Maildir.open(fresh());
    const all = await Promise.all(Array.from({ length: 200 }, (_, i) => maildir.deliver(Buffer.from(`${i}\n`))));
    expect(new Set(all.map(({ path }) => path)).size).toBe(200);
    const bodies = await Promise.all((await maildir.list()).map((message) => maildir.read(message)));
    expect(new Set(bodies.map(String)).size).toBe(200);
  });

  test("a name that is given is used, and never given to a second message", async () => {
    const maildir = await Maildir.open(fresh());
    const { path } = await maildir.deliver(TEXT, { unique: "1.U99.x" });
    expect(path).toMatch(/\/new\/1\.U99\.x,S=23$/);
    await expect(maildir.deliver(TEXT, { unique: "1.U99.x" })).rejects.toThrow(UsageError);
    await expect(maildir.deliver(Buffer.from("of another size"), { unique: "1.U99.x" })).rejects.toThrow(UsageError);
    const read = await maildir.setFlags({ unique: "1.U99.x", path }, "S");
    await expect(maildir.deliver(TEXT, { unique: "1.U99.x" })).rejects.toThrow(UsageError);
    expect(await maildir.read({ unique: "1.U99.x", path })).toEqual(readFileSync(read.path));
    expect(readdirSync(join(maildir.path, "tmp"))).toEqual([]);
    for (const unique of ["", ".hidden", "a/b", "a:2,S", "a\nb", "x".repeat(300)]) {
      await expect(maildir.deliver(TEXT, { unique })).rejects.toThrow(UsageError);
    }
  });

  test("a tag goes into the name; what would break a name is refused", async () => {
    const maildir = await Maildir.open(fresh());
    expect((await maildir.deliver(TEXT, { tag: "Uabc9" })).path).toMatch(/\/new\/\d+\.M\d+P\d+Q\d+Uabc9\.[^/]*,S=23$/);
    for (const tag of ["a/b", "a.b", "a:2,S", "x".repeat(65)]) {
      await expect(maildir.deliver(TEXT, { tag })).rejects.toThrow(UsageError);
    }
  });

  test("flags never put one message in the place of another", async () => {
    const maildir = await Maildir.open(fresh());
    for (const path of ["cur/1.a,S=2:2,S", "new/1.a,S=2"]) writeFileSync(join(maildir.path, path), path);
    const path = join(maildir.path, "new/1.a,S=2");
    await expect(maildir.setFlags({ unique: "1.a,S=2", path }, "S")).rejects.toThrow(/is there already/);
    expect(await maildir.list()).toHaveLength(2);
    const same = await maildir.setFlags({ unique: "1.a,S=2", path: join(maildir.path, "cur/1.a,S=2:2,S") }, "S");
    expect(readFileSync(same.path, "utf8")).toBe("cur/1.a,S=2:2,S");
  });

  test("a host whose name would lead elsewhere is written as the convention has it", async () => {
    const maildir = await Maildir.open(fresh(), { host: "../a:b" });
    expect((await maildir.deliver(TEXT)).path).toMatch(/\/new\/[^/]*\.\.\.\\057a\\072b,S=23$/);
  });

  test("where the folder cannot be, it says so", async () => {
    const file = join(scratch, "a-file");
    writeFileSync(file, "");
    await expect(Maildir.open(join(file, "Maildir"))).rejects.toThrow(SinkError);
    const maildir = await Maildir.open(fresh());
    rmSync(join(maildir.path, "tmp"), { recursive: true });
    await expect(maildir.deliver(TEXT)).rejects.toThrow(/tmp.*could not be made/);
  });
});

describe("reading", () => {
  test("new and cur, the oldest first; what is hidden or in tmp is none", async () => {
    const maildir = await Maildir.open(fresh());
    const put = (path: string, text = "x\n") => writeFileSync(join(maildir.path, path), text);
    put("new/1000000000.M1P2Q3.x,S=2");
    put("cur/999999999.old:2,RS");
    put("cur/1000000000.M1P2Q2.x,S=5,W=6:2,");
    put("new/.nfs01");
    put("tmp/1.unfinished");
    const all = await maildir.list();
    expect(all.map(({ unique, folder, flags, size }) => [unique, folder, flags, size])).toEqual([
      ["999999999.old", "cur", "RS", undefined],
      ["1000000000.M1P2Q2.x,S=5,W=6", "cur", "", 5],
      ["1000000000.M1P2Q3.x,S=2", "new", "", 2],
    ]);
  });

  test("as an iterable: each message once, with its flags, also where one is moved meanwhile", async () => {
    const maildir = await Maildir.open(fresh());
    for (let i = 0; i < 600; i++) {
      writeFileSync(join(maildir.path, i < 300 ? `new/${i}.x` : `cur/${i}.x:2,S`), "x\n");
    }
    const found: string[] = [];
    for await (const { unique, folder, flags } of maildir) {
      expect(flags).toBe(folder === "new" ? "" : "S");
      if (found.push(unique) !== 100) continue;
      // Those given already, and those that are not: in mid loop all are moved.
      for (let i = 0; i < 300; i++) {
        renameSync(join(maildir.path, `new/${i}.x`), join(maildir.path, `cur/${i}.x:2,S`));
      }
    }
    expect(new Set(found).size).toBe(found.length);
    expect(found.sort()).toEqual(Array.from({ length: 600 }, (_, i) => `${i}.x`).sort());
  });

  test("two messages under one name are both given", async () => {
    const maildir = await Maildir.open(fresh());
    writeFileSync(join(maildir.path, "new/1.x"), "a\n");
    writeFileSync(join(maildir.path, "cur/1.x:2,S"), "b\n");
    expect((await maildir.list()).map(({ folder }) => folder).sort()).toEqual(["cur", "new"]);
  });

  test("a loop over messages may be left, and a folder that is gone is a SinkError", async () => {
    const maildir = await Maildir.open(fresh());
    await maildir.deliver(TEXT);
    for await (const { path } of maildir) {
      expect(readFileSync(path, "latin1")).toContain("From me");
      break;
    }
    rmSync(join(maildir.path, "cur"), { recursive: true });
    await expect(maildir.list()).rejects.toThrow(SinkError);
  });

  test("a message that another program has moved is found again; one that is gone is not", async () => {
    const maildir = await Maildir.open(fresh());
    const message = await maildir.deliver(TEXT);
    const moved = join(maildir.path, "cur", maildirName(message.unique, "S"));
    renameSync(message.path, moved);
    expect((await maildir.read(message)).length).toBe(23);
    const flagged = await maildir.setFlags(message, "FS");
    expect(flagged).toMatchObject({ folder: "cur", flags: "FS", unique: message.unique });
    expect((await maildir.list()).map(({ flags }) => flags)).toEqual(["FS"]);
    rmSync(flagged.path);
    await expect(maildir.read(message)).rejects.toThrow(/no longer in the Maildir/);
    await expect(maildir.setFlags(message, "S")).rejects.toThrow(SinkError);
  });

  test("is() knows a Maildir by its three folders", async () => {
    const path = fresh();
    expect(await Maildir.is(path)).toBe(false);
    mkdirSync(join(path, "cur"), { recursive: true });
    mkdirSync(join(path, "new"));
    expect(await Maildir.is(path)).toBe(false);
    await Maildir.open(path);
    expect(await Maildir.is(path)).toBe(true);
  });

  test("sweep removes what is 36 hours old in tmp, and nothing else", async () => {
    const maildir = await Maildir.open(fresh());
    const [old, young] = ["1.old", "2.young"].map((name) => join(maildir.path, "tmp", name)) as [string, string];
    writeFileSync(old, "");
    writeFileSync(young, "");
    const then = Date.now() / 1000 - 37 * 3600;
    utimesSync(old, then, then);
    const { path } = await maildir.deliver(TEXT);
    utimesSync(path, then, then);
    expect(await maildir.sweep()).toBe(1);
    expect(readdirSync(join(maildir.path, "tmp"))).toEqual(["2.young"]);
    expect(await maildir.list()).toHaveLength(1);
  });
});

describe("names", () => {
  test("flags and size are read, and names that know no convention are left alone", () => {
    expect(parseMaildirName("1.a.b,S=5:2,SF")).toEqual({ unique: "1.a.b,S=5", flags: "FS", size: 5 });
    expect(parseMaildirName("1.a.b;2,S")).toEqual({ unique: "1.a.b", flags: "S", size: undefined });
    expect(parseMaildirName("anything:1,x")).toEqual({ unique: "anything:1,x", flags: "", size: undefined });
    expect(parseMaildirName("a,S=12x")).toMatchObject({ size: undefined });
  });

  test("what is made is read again", () => {
    const unique = fc.stringMatching(/^[0-9]{1,12}\.[A-Za-z0-9]{1,9}\.[a-z.\\]{0,9}$/);
    const flags = fc.stringMatching(/^[A-Z]{0,6}$/);
    fc.assert(
      fc.property(unique, flags, (unique, flags) => {
        const sorted = [...new Set(flags)].sort().join("");
        expect(parseMaildirName(maildirName(unique, flags))).toEqual({ unique, flags: sorted, size: undefined });
      }),
    );
  });
});

test("line ends of pieces are those of the whole, wherever it is cut", async () => {
  const piece = fc.array(fc.constantFrom("\r", "\n", "\r\n", "a", ""), { maxLength: 6 }).map((all) => all.join(""));
  await fc.assert(
    fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
      const out: Buffer[] = [];
      for await (const each of lfPieces(pieces.map((text) => Buffer.from(text)))) out.push(each);
      expect(Buffer.concat(out).toString()).toBe(toLf(Buffer.from(pieces.join(""))).toString());
    }),
  );
});

test("a process that is killed in mid delivery leaves whole messages, and none of them twice", async () => {
  const path = fresh();
  const script = fileURLToPath(new URL("./maildir-child.ts", import.meta.url));
  for (let life = 0; life < 3; life++) {
    const child = spawn(process.execPath, ["--import", "tsx", script, path, String(life)], { stdio: "pipe" });
    const ended = new Promise((resolve) => child.once("exit", resolve));
    await new Promise((resolve) => child.stdout.once("data", resolve));
    await sleep(20 + 40 * life);
    child.kill("SIGKILL");
    await ended;
  }
  const maildir = await Maildir.open(path);
  const messages = await maildir.list();
  const bodies = await Promise.all(messages.map((message) => maildir.read(message)));
  expect(messages.length).toBeGreaterThan(3);
  for (const [i, body] of bodies.entries()) {
    expect(body.length).toBe(messages[i]?.size);
    expect(body.toString("latin1")).toMatch(/^\d+ \d+\n(x{99}\n){2000}end\n$/);
  }
  expect(new Set(bodies.map((body) => body.toString("latin1", 0, 12))).size).toBe(messages.length);
});
