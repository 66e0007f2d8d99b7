/** What is asked or set about files: names, sizes, times, digests, features, several at once. */
import { existsSync, readFileSync, statSync, utimesSync } from "node:fs";
import { beforeAll, expect, it } from "vitest";
import { ReplyError, UsageError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import type { FtpClient } from "../../../src/ftp/client.js";
import type { FtpSession } from "../../../src/ftp/session.js";
import { ABILITIES } from "../servers/ftp.js";
import { AWKWARD, describeRows, describeServer, errorOf, expectUsable, PLAIN_AND_TLS, pattern, sha256 } from "./bed.js";

const THEN = new Date("2020-02-29T12:34:56Z");

describeRows(PLAIN_AND_TLS, {}, (bed) => {
  const { setTime, hash } = ABILITIES[bed.kind];

  it("size() counts octets, also where the type is A", async () => {
    const ftp = await bed.ready();
    bed.put("lines.txt", "one\ntwo\n");
    expect(await ftp.size("lines.txt")).toBe(8);
    await ftp.request("TYPE A");
    expect(await ftp.size("lines.txt")).toBe(8);
  });

  it("mdtm() is in UTC", async () => {
    const ftp = await bed.ready();
    bed.put("old.txt");
    utimesSync(bed.local("old.txt"), THEN, THEN);
    expect(await ftp.mdtm("old.txt")).toEqual(THEN);
  });

  it.runIf(setTime !== "none")("setModified() sets the time", async () => {
    const ftp = await bed.ready();
    for (const name of ["new.txt", AWKWARD["a blank in front"], AWKWARD["UTF-8"]]) {
      bed.put(name);
      await ftp.setModified(name, THEN);
      expect(statSync(bed.local(name)).mtime).toEqual(THEN);
      const command = ftp.modifiedCommand(name, new Date("2001-01-01T00:00:00Z")) as string;
      expect((await ftp.pack([command])).map(({ ok }) => ok)).toEqual([true]);
      expect(statSync(bed.local(name)).mtime).toEqual(new Date("2001-01-01T00:00:00Z"));
    }
  });

  it("mfmt() works where it is announced, and is refused elsewhere", async () => {
    const ftp = await bed.ready();
    bed.put("mfmt.txt");
    expect(ftp.has("MFMT")).toBe(setTime === "MFMT");
    if (setTime !== "MFMT") expect(await errorOf(ftp.mfmt("mfmt.txt", THEN))).toBeInstanceOf(ReplyError);
    else {
      await ftp.mfmt("mfmt.txt", THEN);
      expect(statSync(bed.local("mfmt.txt")).mtime).toEqual(THEN);
    }
  });

  it.runIf(setTime === "none")("a server that sets no time is told by its refusal", async () => {
    // inetutils announces MDTM, and takes the time for a part of the name.
    const ftp = await bed.ready();
    bed.put("new.txt");
    const error = await errorOf(ftp.setModified("new.txt", THEN));
    expect(error).toBeInstanceOf(UsageError);
    expect(String(error)).toContain("MDTM 20200229123456 new.txt");
    await expectUsable(ftp);
  });

  it.runIf(hash)("hash() gives each digest that the server computes", async () => {
    const ftp = await bed.ready();
    const bytes = pattern(100_000);
    bed.put("hashed.dat", bytes);
    expect(await ftp.hash("hashed.dat", "SHA-256")).toEqual({ algorithm: "SHA-256", digest: sha256(bytes) });
    expect(await ftp.hash("hashed.dat")).toMatchObject({ algorithm: "SHA-512" });
    for (const algorithm of ["SHA-1", "MD5", "CRC32"] as const) {
      const { digest } = await ftp.hash("hashed.dat", algorithm);
      expect(digest).toMatch(/^[0-9a-f]+$/);
    }
    expect(await errorOf(ftp.hash("nowhere"))).toMatchObject({ name: "ReplyError", code: "550" });
  });

  it.skipIf(hash)("hash() says that the server has none, and sends nothing", async () => {
    const transcript = new Transcript();
    const ftp = await bed.ready({ transcript });
    const before = transcript.lines.length;
    expect(await errorOf(ftp.hash("a"))).toBeInstanceOf(UsageError);
    expect(transcript.lines.length).toBe(before);
  });

  it("renames, also over what is there, and into folders", async () => {
    const ftp = await bed.ready();
    bed.put("from", "from");
    bed.put("over", "over");
    await ftp.rename("from", "over");
    expect(readFileSync(bed.local("over"), "utf8")).toBe("from");
    await ftp.mkd("deep");
    await ftp.rename("over", "deep/over");
    expect(existsSync(bed.local("deep/over"))).toBe(true);
    expect(await errorOf(ftp.rename("nowhere", "x"))).toMatchObject({ code: "550", command: "RNFR nowhere" });
    await expectUsable(ftp);
    bed.put("stays", "");
    const error = (await errorOf(ftp.rename("stays", "no/such/folder"))) as ReplyError;
    expect(error).toMatchObject({ name: "ReplyError", command: "RNTO no/such/folder" });
    expect(existsSync(bed.local("stays"))).toBe(true);
  });

  it("renames and removes awkward names", async () => {
    const ftp = await bed.ready();
    for (const [what, name] of Object.entries(AWKWARD)) {
      // pyftpdlib reads commands as UTF-8 only; Pure-FTPd's RNTO turns a blank at either end into an underscore.
      if (bed.kind === "pyftpdlib" && !name.isWellFormed()) continue;
      if (bed.kind === "pureftpd" && name.trim() !== name) continue;
      bed.put("plain", what);
      await ftp.rename("plain", `./${name}`);
      expect(readFileSync(bed.local(name), "utf8"), what).toBe(what);
      expect(await ftp.size(`./${name}`), what).toBe(what.length);
      await ftp.dele(`./${name}`);
      expect(existsSync(bed.local(name)), what).toBe(false);
    }
  });

  it("mkd(), rmd(), cdup() and pwd() agree", async () => {
    const ftp = await bed.ready();
    const home = await ftp.pwd();
    expect((await ftp.mkd("made")).endsWith("made")).toBe(true);
    await ftp.cwd("made");
    expect(await ftp.pwd()).toBe(home === "/" ? "/made" : `${home}/made`);
    await ftp.cdup();
    expect(await ftp.pwd()).toBe(home);
    await ftp.rmd("made");
    expect(existsSync(bed.local("made"))).toBe(false);
    expect(await errorOf(ftp.cwd("made"))).toMatchObject({ code: "550" });
  });

  it("makePath() makes all of a path, and again without an error", async () => {
    const ftp = await bed.ready();
    const home = await ftp.pwd();
    for (let round = 0; round < 2; round++) await ftp.makePath('a/b "c"/d');
    await ftp.makePath(`${bed.server.folder}/a/x`.replace("//", "/"));
    expect([existsSync(bed.local('a/b "c"/d')), existsSync(bed.local("a/x"))]).toEqual([true, true]);
    expect(await ftp.pwd()).toBe(home);
    bed.put("file");
    expect(await errorOf(ftp.makePath("file/below"))).toBeInstanceOf(ReplyError);
    await expectUsable(ftp);
  });

  it("exists() knows files, folders and what is not there", async () => {
    const ftp = await bed.ready();
    const home = await ftp.pwd();
    bed.put("there", "");
    await ftp.mkd("folder");
    const asked = ["there", "folder", "nowhere", "folder/nowhere", "there/nowhere"];
    const found = [];
    for (const path of asked) found.push(await ftp.exists(path));
    expect(found).toEqual([true, true, false, false, false]);
    expect(await ftp.pwd()).toBe(home);
  });

  it("stats() tells size and time of hundreds of files, and what is missing", async () => {
    const ftp = await bed.ready();
    await ftp.mkd("stats");
    const names = Array.from({ length: 130 }, (_, i) => `stats/${i}`);
    for (const [i, name] of names.entries()) if (i % 3 > 0) bed.put(name, "x".repeat(i));
    const found = await ftp.stats(names);
    expect(found.map((each) => each?.size)).toEqual(names.map((_, i) => (i % 3 > 0 ? i : undefined)));
    const now = Date.now();
    for (const each of found) {
      if (each) expect(Math.abs(now - (each.modified as Date).getTime())).toBeLessThan(600_000);
    }
  });

  it("pack() sends many commands at once, refusals among them, and refuses what needs a method", async () => {
    const ftp = await bed.ready();
    await ftp.mkd("packed");
    const names = Array.from({ length: 200 }, (_, i) => `packed/${i}`);
    await ftp.pack(names.map((name) => `MKD ${name}`));
    const replies = await ftp.pack(names.flatMap((name) => [`RNFR ${name}`, `RNTO ${name}-moved`, `RMD ${name}`]));
    expect(replies.map(({ ok }) => ok)).toEqual(names.flatMap(() => [true, true, false]));
    expect(replies[0]?.code).toBe("350");
    expect(() => ftp.refusal(replies[2] as never, "RMD packed/0")).not.toThrow();
    expect(await errorOf(ftp.pack(["NOOP", "RETR x"]))).toBeInstanceOf(UsageError);
    expect(await errorOf(ftp.pack(["NOOP", "DELE a\r\nDELE b"]))).toBeInstanceOf(UsageError);
    await expectUsable(ftp);
  });

  it("calls that overlap get their own replies", async () => {
    const ftp = await bed.ready();
    await ftp.mkd("sizes");
    const sizes = Array.from({ length: 300 }, (_, i) => i);
    for (const i of [0, 1, 7, 250, 299]) bed.put(`sizes/${i}`, "x".repeat(i));
    const answers = await Promise.all(sizes.map((i) => ftp.size(`sizes/${i}`).catch((error) => error.code)));
    expect(answers).toEqual(sizes.map((i) => ([0, 1, 7, 250, 299].includes(i) ? i : "550")));
  });

  it("features(), has(), site(), opts(), syst() and request() ask for more", async () => {
    const ftp = await bed.ready();
    expect([...(await ftp.features()).keys()]).toEqual([...ftp.capabilities.keys()]);
    for (const feature of ["SIZE", "MDTM", "EPSV", "REST"]) expect(ftp.has(feature), feature).toBe(true);
    expect(ftp.has("mlst")).toBe(ABILITIES[bed.kind].mlsd);
    expect(await ftp.syst()).toMatch(/^UNIX/i);
    bed.put("chmod.txt");
    await ftp.site("CHMOD 600 chmod.txt");
    expect(statSync(bed.local("chmod.txt")).mode & 0o777).toBe(0o600);
    if (ftp.has("UTF8")) {
      // Two refuse it, although they announce the feature.
      const answer = await ftp.opts("UTF8 ON").catch((error) => error);
      expect(answer.code).toMatch({ pyftpdlib: /^501$/, pureftpd: /^504$/ }[bed.kind as string] ?? /^20\d$/);
    }
    expect((await ftp.request("NOOP")).ok).toBe(true);
    expect((await ftp.request("DELE nowhere", { expect: "any" })).code).toBe("550");
    for (const raw of ["RETR x", "PASV", "QUIT", "pass x", "NOOP\r\nDELE x"]) {
      expect(await errorOf(ftp.request(raw)), raw).toBeInstanceOf(UsageError);
    }
    await expectUsable(ftp);
  });

  it("a refusal names the command, the code and what it may mean", async () => {
    const ftp = await bed.ready();
    const error = await errorOf(ftp.retr("nowhere"));
    expect(error).toMatchObject({ name: "ReplyError", code: "550", command: "RETR nowhere", transient: false });
    expect(error.message).toMatch(/^the server refused "RETR nowhere": 550 .*\(it is not there, or you may not\)$/);
    expect(error.server).toBe(`${bed.server.host}:${bed.server.port}`);
    await expectUsable(ftp);
  });
});

/** A client that sees other features than the server announces. */
function withFeatures(ftp: FtpClient, change: (features: Map<string, string[]>) => void): void {
  change((ftp as unknown as { session: FtpSession }).session.capabilities as Map<string, string[]>);
}

/** Each way to set a time, and the features that hide the better ones. */
const RUNGS = [
  ["proftpd", "MFF", "MFF Modify=20200229123456; ./file", ["MFMT"], []],
  ["vsftpd", "MDTM", "MDTM 20200229123456 ./file", [], []],
  ["pureftpd", "SITE UTIME", `SITE UTIME ./file${" 20200229123456".repeat(3)} UTC`, ["MFMT", "MDTM"], ["UTIME"]],
] as const;

for (const [kind, way, command, hidden, site] of RUNGS) {
  describeServer(kind, {}, `${kind}, asked by ${way}`, (bed) => {
    beforeAll(() => bed.put("file"));

    it("sets the time of a file", async () => {
      const transcript = new Transcript();
      const ftp = await bed.ready({ transcript });
      withFeatures(ftp, (features) => {
        for (const each of hidden) features.delete(each);
        if (site.length > 0) features.set("SITE", [...site]);
      });
      await ftp.setModified("./file", THEN);
      expect(transcript.lines.map(({ text }) => text)).toContain(command);
      expect(statSync(bed.local("file")).mtime).toEqual(THEN);
    });
  });
}

// vsftpd and pyftpdlib without MLST go by SIZE and CWD.
describeServer("pyftpdlib", { deny: ["MLST", "MLSD", "MFMT"] }, "pyftpdlib without MLST", (bed) => {
  it("is asked by older commands", async () => {
    const ftp = await bed.ready();
    bed.put("there", "12345");
    await ftp.mkd("folder");
    expect([await ftp.exists("there"), await ftp.exists("folder"), await ftp.exists("nowhere")]).toEqual([
      true,
      true,
      false,
    ]);
    const entries = await ftp.entries().toArray();
    expect(entries.map(({ name, type, size }) => [name, type, type === "file" ? size : 0]).sort()).toEqual([
      ["folder", "directory", 0],
      ["there", "file", 5],
    ]);
  });
});
