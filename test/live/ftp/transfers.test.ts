/** Files up and down, in every form that a sink or a source may have, byte by byte compared. */
import { createReadStream, createWriteStream, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { beforeAll, expect, it } from "vitest";
import type { Source } from "../../../src/client/sink.js";
import { AWKWARD, describeRows, errorOf, expectUsable, pattern, ROWS, sha256 } from "./bed.js";

const MiB = 1024 * 1024;
const LARGE = pattern(64 * MiB);
const SMALL = LARGE.subarray(0, 100_000);

describeRows(ROWS, {}, (bed) => {
  beforeAll(() => bed.put("small.dat", SMALL));

  it("retr() gives a Buffer, or fills a path, a stream or a function", async () => {
    const ftp = await bed.ready();
    expect((await ftp.retr("small.dat")).equals(SMALL)).toBe(true);
    const [path, piped] = [join(bed.scratch, "path"), join(bed.scratch, "piped")];
    expect(await ftp.retr("small.dat", { to: path })).toMatchObject({ bytes: SMALL.length, reply: { code: "226" } });
    expect(readFileSync(path).equals(SMALL)).toBe(true);
    await ftp.retr("small.dat", { to: createWriteStream(piped) });
    expect(readFileSync(piped).equals(SMALL)).toBe(true);
    const chunks: Buffer[] = [];
    await ftp.retr("small.dat", { to: (chunk) => void chunks.push(Buffer.from(chunk)) });
    expect(Buffer.concat(chunks).equals(SMALL)).toBe(true);
    await expectUsable(ftp);
  });

  it("stor() takes a Buffer, text, a path, a stream and an iterable", async () => {
    const ftp = await bed.ready();
    const path = join(bed.scratch, "source");
    writeFileSync(path, SMALL);
    const sources: Record<string, Source> = {
      buffer: SMALL,
      path,
      stream: createReadStream(path),
      readable: Readable.from([SMALL.subarray(0, 7), SMALL.subarray(7)]),
      iterable: [SMALL.subarray(0, 60_000), SMALL.subarray(60_000)],
    };
    for (const [name, source] of Object.entries(sources)) {
      expect(await ftp.stor(name, source)).toMatchObject({ bytes: SMALL.length, reply: { code: "226" } });
      expect(readFileSync(bed.local(name)).equals(SMALL), name).toBe(true);
    }
    await ftp.stor("text", { text: "žluť\r\n\n" });
    expect(readFileSync(bed.local("text"), "utf8")).toBe("žluť\r\n\n");
    await expectUsable(ftp);
  });

  it("moves files of no bytes at all", async () => {
    const ftp = await bed.ready();
    expect(await ftp.stor("empty", Buffer.alloc(0))).toMatchObject({ bytes: 0 });
    expect(statSync(bed.local("empty")).size).toBe(0);
    expect(await ftp.retr("empty")).toEqual(Buffer.alloc(0));
    const path = join(bed.scratch, "empty");
    expect(await ftp.retr("empty", { to: path })).toMatchObject({ bytes: 0 });
    expect(statSync(path).size).toBe(0);
    expect(await ftp.size("empty")).toBe(0);
  });

  it("reads a part of a file: from an offset, up to a length, or both", async () => {
    const ftp = await bed.ready();
    expect((await ftp.retr("small.dat", { offset: 99_000 })).equals(SMALL.subarray(99_000))).toBe(true);
    bed.put("large.dat", LARGE.subarray(0, 8 * MiB));
    expect((await ftp.retr("large.dat", { length: 1000 })).equals(SMALL.subarray(0, 1000))).toBe(true);
    await expectUsable(ftp);
    const part = await ftp.retr("large.dat", { offset: 50_000, length: 20_000 });
    expect(part.equals(SMALL.subarray(50_000, 70_000))).toBe(true);
    await expectUsable(ftp);
    expect(await ftp.retr("small.dat", { offset: SMALL.length })).toEqual(Buffer.alloc(0));
    expect((await ftp.retr("small.dat", { length: SMALL.length })).equals(SMALL)).toBe(true);
    await expectUsable(ftp);
  });

  it("goes on with a download that was broken off", async () => {
    const ftp = await bed.ready();
    const path = join(bed.scratch, "resumed");
    writeFileSync(path, SMALL.subarray(0, 40_000));
    await ftp.retr("small.dat", { to: path, offset: 40_000, flags: "r+" });
    expect(readFileSync(path).equals(SMALL)).toBe(true);
  });

  it("goes on with an upload that was broken off, by REST and by APPE", async () => {
    const ftp = await bed.ready();
    const path = join(bed.scratch, "source");
    writeFileSync(path, SMALL);
    await ftp.stor("rest.dat", SMALL.subarray(0, 40_000));
    await ftp.stor("rest.dat", path, { offset: 40_000, start: 40_000 });
    expect(readFileSync(bed.local("rest.dat")).equals(SMALL)).toBe(true);
    await ftp.appe("appe.dat", SMALL.subarray(0, 40_000));
    await ftp.appe("appe.dat", SMALL, { start: 40_000 });
    expect(readFileSync(bed.local("appe.dat")).equals(SMALL)).toBe(true);
  });

  it("an offset is forgotten after the transfer", async () => {
    const ftp = await bed.ready();
    await ftp.retr("small.dat", { offset: 99_999 });
    await errorOf(ftp.retr("nowhere", { offset: 10 }));
    expect((await ftp.retr("small.dat")).length).toBe(SMALL.length);
    await errorOf(ftp.stor("no/such/folder", SMALL, { offset: 10 }));
    await ftp.stor("fresh", Buffer.from("fresh"));
    expect(readFileSync(bed.local("fresh"), "utf8")).toBe("fresh");
  });

  it("stou() stores under a new name, which the server tells", async () => {
    const ftp = await bed.ready();
    if (bed.kind === "inetutils") {
      // As all BSD servers, it wants a name to begin with, which RFC 959 does not know.
      expect(await errorOf(ftp.stou(SMALL))).toMatchObject({ name: "ReplyError", code: "500" });
      return expectUsable(ftp);
    }
    const { name, bytes } = await ftp.stou(Buffer.from("unique"));
    expect(bytes).toBe(6);
    expect(name).toBeDefined();
    expect(readFileSync(bed.local(name as string), "utf8")).toBe("unique");
    const second = await ftp.stou(Buffer.from("another"));
    expect(second.name).not.toBe(name);
  });

  it("type A turns line ends, type I leaves them", async () => {
    const ftp = await bed.ready();
    bed.put("unix.txt", "one\ntwo\n");
    expect((await ftp.retr("unix.txt", { type: "A" })).toString()).toBe("one\r\ntwo\r\n");
    expect((await ftp.retr("unix.txt")).toString()).toBe("one\ntwo\n");
    await ftp.stor("ascii.txt", Buffer.from("one\r\ntwo\r\n"), { type: "A" });
    expect(readFileSync(bed.local("ascii.txt"), "utf8")).toBe("one\ntwo\n");
    expect(await ftp.size("unix.txt")).toBe(8);
  });

  it.skipIf(bed.tls === "implicit")("moves 64 MiB up and down unchanged", async () => {
    const ftp = await bed.ready();
    const path = join(bed.scratch, "64M");
    writeFileSync(path, LARGE);
    const digest = sha256(LARGE);
    expect(await ftp.stor("64M", path)).toMatchObject({ bytes: LARGE.length });
    expect(sha256(readFileSync(bed.local("64M")))).toBe(digest);
    expect(await ftp.retr("64M", { to: path })).toMatchObject({ bytes: LARGE.length });
    expect(sha256(readFileSync(path))).toBe(digest);
    await ftp.dele("64M");
  });

  it.skipIf(bed.tls === "implicit")("moves hundreds of small files in a row on one connection", async () => {
    const ftp = await bed.ready();
    const [count, seen] = [bed.tls === "none" ? 250 : 50, new Set<string>()];
    await ftp.mkd("row");
    for (let i = 0; i < count; i++) await ftp.stor(`row/${i}`, Buffer.from(`file ${i}`));
    for (let i = 0; i < count; i++) seen.add((await ftp.retr(`row/${i}`)).toString());
    expect(seen).toEqual(new Set(Array.from({ length: count }, (_, i) => `file ${i}`)));
  });

  it("takes awkward names in both directions", async () => {
    const ftp = await bed.ready();
    await ftp.mkd("names");
    for (const [what, name] of Object.entries(AWKWARD)) {
      // It stores U+FFFD for bytes that are not UTF-8.
      if (bed.kind === "pyftpdlib" && !name.isWellFormed()) continue;
      await ftp.stor(`names/${name}`, Buffer.from(what));
      // A blank at the end becomes another character there.
      const stored = bed.kind === "pureftpd" ? name.replace(/ $/, "_") : name;
      expect(readFileSync(bed.local(`names/${stored}`), "utf8"), what).toBe(what);
      expect((await ftp.retr(`names/${stored}`)).toString(), what).toBe(what);
    }
    await expectUsable(ftp);
  });

  it("calls that overlap run one after the other", async () => {
    const ftp = await bed.ready();
    const files = Array.from({ length: 20 }, (_, i) => `overlap-${i}`);
    await Promise.all(files.map((name) => ftp.stor(name, Buffer.from(name))));
    const got = await Promise.all(files.flatMap((name) => [ftp.retr(name), ftp.size(name)]));
    expect(got.map(String)).toEqual(files.flatMap((name) => [name, String(name.length)]));
  });

  it("read() feeds another client's stor()", async () => {
    const [source, destination] = [await bed.ready(), await bed.ready()];
    expect(await destination.stor("copy.dat", source.read("small.dat"))).toMatchObject({ bytes: SMALL.length });
    expect(readFileSync(bed.local("copy.dat")).equals(SMALL)).toBe(true);
    await Promise.all([expectUsable(source), expectUsable(destination)]);
  });
});
