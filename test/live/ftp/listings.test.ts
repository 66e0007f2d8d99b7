/** Listings of real servers: names that break clients, many rows, loops that are left or that make calls. */
import { chmodSync, closeSync, mkdirSync, mkdtempSync, openSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ReplyError, UsageError } from "../../../src/client/errors.js";
import { ABILITIES } from "../servers/ftp.js";
import { AWKWARD, type Bed, describeRows, errorOf, expectUsable, PLAIN_AND_TLS, ROWS } from "./bed.js";

const MANY = 20_000;

describeRows(PLAIN_AND_TLS, {}, (bed) => {
  const { mlsd } = ABILITIES[bed.kind];

  describe("awkward names", () => {
    const names = Object.values(AWKWARD);
    beforeAll(() => {
      mkdirSync(join(bed.server.home, "awkward"));
      for (const name of names) {
        closeSync(openSync(bed.local(`awkward/${name}`), "w"));
        mkdirSync(bed.local(name));
        closeSync(openSync(bed.local(`${name}/inside`), "w"));
      }
      bed.server.handOver();
    });

    it("come whole from entries()", async () => {
      const ftp = await bed.ready();
      const entries = await ftp.entries("awkward").toArray();
      expect(entries.map(({ name }) => name).sort()).toEqual(listed(bed, names));
      expect(new Set(entries.map(({ type }) => type))).toEqual(new Set(["file"]));
    });

    it("come whole from list()", async () => {
      const ftp = await bed.ready();
      const entries = await ftp.list("awkward").toArray();
      expect(entries.map(({ name }) => name).sort()).toEqual(listed(bed, visible(bed, names)));
    });

    it("come whole from nlst()", async () => {
      const ftp = await bed.ready();
      await ftp.cwd("awkward");
      expect((await ftp.nlst().toArray()).sort()).toEqual(listed(bed, visible(bed, names)));
    });

    it.runIf(mlsd)("come whole from mlsd() and mlst()", async () => {
      const ftp = await bed.ready();
      expect((await ftp.mlsd("awkward").toArray()).map(({ name }) => name).sort()).toEqual(listed(bed, names));
      await ftp.cwd("awkward");
      for (const name of sendable(bed, names)) {
        const entry = await ftp.mlst(name);
        expect(entry.type).toBe("file");
        expect(entry.name.endsWith(name), `${entry.raw} for ${name}`).toBe(true);
      }
    });

    it("lead to the folders of that name", async () => {
      const ftp = await bed.ready();
      const home = await ftp.pwd();
      for (const name of sendable(bed, names)) {
        const path = name === AWKWARD["a tilde"] ? `./${name}` : name;
        await ftp.cwd(path);
        expect((await ftp.pwd()).endsWith(`/${name}`), `${await ftp.pwd()} for ${name}`).toBe(true);
        await ftp.cdup();
        expect((await ftp.entries(path).toArray()).map((entry) => entry.name)).toEqual(["inside"]);
        expect(await ftp.pwd()).toBe(home);
      }
    });
  });

  it("an empty folder has no rows, whatever the command", async () => {
    const ftp = await bed.ready();
    await ftp.mkd("empty");
    expect(await ftp.entries("empty").toArray()).toEqual([]);
    expect(await ftp.list("empty").toArray()).toEqual([]);
    if (mlsd) expect(await ftp.mlsd("empty").toArray()).toEqual([]);
    await ftp.cwd("empty");
    // inetutils answers 550 "No files found.".
    expect(await ftp.nlst().toArray()).toEqual([]);
    expect(await ftp.entries().toArray()).toEqual([]);
    await expectUsable(ftp);
  });

  it("rawList() gives the lines as they came, with options of LIST", async () => {
    const ftp = await bed.ready();
    bed.put("raw.txt", "12345");
    const lines = await ftp.rawList("LIST -a").toArray();
    expect(lines.filter((line) => /^-rw-r--r--.* 5 .*raw\.txt$/.test(line))).toHaveLength(1);
    expect(() => ftp.rawList("RETR raw.txt")).toThrow(UsageError);
  });

  it("a folder that is not there is refused or empty, and the client usable", async () => {
    const ftp = await bed.ready();
    const rows = await ftp
      .entries("no such folder")
      .toArray()
      .catch((error) => error);
    if (rows instanceof Error) expect(rows).toBeInstanceOf(ReplyError);
    else expect(rows).toEqual([]);
    await expectUsable(ftp);
  });

  it("stat() answers in the reply itself", async () => {
    const ftp = await bed.ready();
    bed.put("stat.txt", "12345");
    expect((await ftp.stat()).code).toMatch(/^21[12]$/);
    expect((await ftp.stat("stat.txt")).lines.join("\n")).toMatch(/ 5 .*stat\.txt/);
  });
});

const many = mkdtempSync(join(tmpdir(), "polywire-many-"));
beforeAll(() => {
  chmodSync(many, 0o755);
  mkdirSync(join(many, "many"));
  for (let i = 0; i < MANY; i++) closeSync(openSync(join(many, "many", `file-${i}.dat`), "w"));
});
afterAll(() => rmSync(many, { recursive: true }));

// Of those with TLS, ProFTPD is the one that minds a listing that is broken off.
const manyRows = ROWS.filter(([kind, tls]) => tls === "none" || (tls === "explicit" && kind === "proftpd"));

describeRows(manyRows, { home: many }, (bed) => {
  describe(`a folder of ${MANY} files`, () => {
    // Pure-FTPd stops at 10,000 unless told otherwise; `.` and `..` count.
    const expected = bed.kind === "pureftpd" ? 9_998 : MANY;

    it("is listed whole", async () => {
      const ftp = await bed.ready();
      const names = new Set<string>();
      for await (const entry of ftp.entries("many")) names.add(entry.name);
      expect(names.size).toBe(expected);
      await ftp.cwd("many");
      expect(await ftp.nlst().toArray()).toHaveLength(expected);
    });

    it("can be left early, again and again", async () => {
      const ftp = await bed.ready();
      for (let round = 0; round < 2; round++) {
        for await (const entry of ftp.entries("many")) {
          expect(entry.type).toBe("file");
          break;
        }
        await expectUsable(ftp);
        // Pure-FTPd would begin this listing with what was left of the other.
        expect((await ftp.entries().toArray()).map(({ name }) => name)).toEqual(["many"]);
      }
    });

    it("may have calls within its loop", async () => {
      const ftp = await bed.ready();
      let calls = 0;
      let rows = 0;
      for await (const entry of ftp.entries("many")) {
        if (rows++ % 5000 !== 0) continue;
        expect(await ftp.size(`many/${entry.name}`)).toBe(0);
        calls++;
      }
      expect([rows, calls]).toEqual([expected, Math.ceil(expected / 5000)]);
    });

    it("refuses the call within the loop where the read-ahead would be too much, and goes on", async () => {
      const ftp = await bed.ready({ limits: { readAhead: 1000 } });
      let rows = 0;
      let refused: unknown;
      for await (const _ of ftp.entries("many")) {
        if (rows++ === 0) refused = await errorOf(ftp.noop());
      }
      expect(refused).toBeInstanceOf(UsageError);
      expect(rows).toBe(expected);
      await expectUsable(ftp);
    });
  });
});

/** The names as this server lists them. pyftpdlib writes `?` for bytes that are not UTF-8. */
function listed(bed: Bed, names: readonly string[]): string[] {
  return names.map((name) => (bed.kind === "pyftpdlib" ? name.replace(/[\udc80-\udcff]/g, "?") : name)).sort();
}

/** The names that can be sent back to this server: pyftpdlib reads commands as UTF-8 only. */
function sendable(bed: Bed, names: readonly string[]): readonly string[] {
  return bed.kind === "pyftpdlib" ? names.filter((name) => name.isWellFormed()) : names;
}

/** The names that LIST and NLST show: ProFTPD hides those with a leading dot, unless asked by `-a`. */
function visible(bed: Bed, names: readonly string[]): readonly string[] {
  return bed.kind === "proftpd" ? names.filter((name) => !name.startsWith(".")) : names;
}
