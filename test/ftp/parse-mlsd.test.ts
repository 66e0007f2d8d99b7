/** MLSD rows (RFC 3659 section 7) as servers send them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeName } from "../../src/ftp/name.js";
import { MlsdParser, parseMlsdLine } from "../../src/ftp/parse-mlsd.js";

const parse = (line: string, options?: { keepDots?: boolean }) => parseMlsdLine(Buffer.from(line), options);

const PROFTPD =
  "modify=20260118213105;perm=adfrw;size=1057;type=file;unique=FD01U1A0B3;UNIX.group=1000;UNIX.groupname=staff;UNIX.mode=0644;UNIX.owner=1000;UNIX.ownername=alice; report.txt";
const PURE_FTPD =
  "type=file;siz=1057;size=1057;modify=20260118213105;UNIX.mode=0644;UNIX.uid=1000;UNIX.gid=100;unique=fd01g1a0b3; report.txt";
const PYFTPDLIB =
  "modify=20260118213105;perm=r;size=1057;type=file;unique=fd01g1a0b3;unix.gid=0;unix.mode=0o644;unix.uid=0; report.txt";

describe("real servers", () => {
  test("ProFTPD", () => {
    expect(parse(PROFTPD)).toEqual({
      name: "report.txt",
      type: "file",
      size: 1057,
      modified: new Date("2026-01-18T21:31:05Z"),
      precision: "second",
      mode: 0o644,
      owner: "alice",
      group: "staff",
      unique: "FD01U1A0B3",
      raw: PROFTPD,
    });
  });

  test("Pure-FTPd and pyftpdlib", () => {
    expect(parse(PURE_FTPD)).toMatchObject({
      size: 1057,
      mode: 0o644,
      owner: "1000",
      group: "100",
      unique: "fd01g1a0b3",
    });
    expect(parse(PYFTPDLIB)).toMatchObject({ size: 1057, mode: 0o644, owner: "0", group: "0" });
  });

  test("all facts, when asked for", () => {
    expect(parse("Type=file;PERM=adfr;X.Y=a=b;; n;m=1")?.facts).toEqual({ type: "file", perm: "adfr", "x.y": "a=b" });
    expect(parse(" no facts")?.facts).toEqual({});
  });
});

describe("types", () => {
  test.each([
    ["type=file", "file", undefined],
    ["Type=DIR", "directory", undefined],
    ["type=OS.unix=slink:/srv/x", "symlink", "/srv/x"],
    ["type=OS.unix=slink:", "symlink", undefined],
    ["type=OS.UNIX=symlink", "symlink", undefined],
    ["type=OS.unix=slinker", "other", undefined],
    ["type=OS.unix=chr-8/3", "other", undefined],
    ["perm=r", "other", undefined],
    ["typed=file", "other", undefined],
  ])("%s", (facts, type, target) => {
    const entry = parse(`${facts}; name`);
    expect([entry?.type, entry?.target]).toEqual([type, target]);
  });

  test("the directory itself and the one above are left out, unless asked for", () => {
    for (const row of ["type=cdir;; .", "type=pdir; ..", "Type=cDir; /srv/in", "type=dir; .", "type=dir; .."]) {
      expect(parse(row)).toBeUndefined();
      expect(parse(row, { keepDots: true })?.type).toBe("directory");
    }
    expect(parse("type=dir; ...")?.name).toBe("...");
  });
});

describe("values", () => {
  test.each([
    ["modify=20260118213105", "2026-01-18T21:31:05.000Z"],
    ["modify=20260118213105.014", "2026-01-18T21:31:05.014Z"],
    ["Modify=19991231235959.5", "1999-12-31T23:59:59.500Z"],
    ["modify=20260118213105.123456", "2026-01-18T21:31:05.123Z"],
  ])("%s", (fact, expected) => {
    expect(parse(`${fact}; n`)?.modified?.toISOString()).toBe(expected);
  });

  test.each(["2026011821310", "20260231000000", "2026011821310x", "20260118213105Z", "20260118213105.x", ""])(
    "modify=%s is no date",
    (value) => {
      const entry = parse(`modify=${value};size=1; n`);
      expect(entry).toMatchObject({ name: "n", size: 1 });
      expect(Object.keys(entry ?? {})).not.toContain("modified");
      expect(Object.keys(entry ?? {})).not.toContain("precision");
    },
  );

  test.each([
    ["size=0", 0],
    ["sizd=4096", 4096],
    ["SIZE=9007199254740991", 9007199254740991],
    ["size=99999999999999999999", undefined],
    ["size=-1", undefined],
    ["size=", undefined],
    ["size=1k", undefined],
  ])("%s", (fact, size) => {
    expect(parse(`${fact}; n`)?.size).toBe(size);
  });

  test.each([
    ["unix.mode=0755", 0o755],
    ["UNIX.mode=4755", 0o4755],
    ["unix.mode=0o1777", 0o1777],
    ["unix.mode=0100644", 0o644],
    ["unix.mode=0888", undefined],
    ["unix.mode=", undefined],
  ])("%s", (fact, mode) => {
    expect(parse(`${fact}; n`)?.mode).toBe(mode);
  });

  test("the name of an owner wins over the number", () => {
    for (const facts of ["unix.owner=1;unix.ownername=al", "unix.ownername=al;unix.uid=1"])
      expect(parse(`${facts}; n`)?.owner).toBe("al");
  });
});

describe("names", () => {
  const nameBytes = fc
    .uint8Array({ minLength: 1, maxLength: 40 })
    .map((bytes) => Buffer.from(bytes.map((byte) => (byte === 0 || byte === 10 || byte === 13 ? 32 : byte))))
    .filter((bytes) => !/^\.\.?$/.test(bytes.toString("latin1")));

  test("any bytes come through", () => {
    fc.assert(
      fc.property(nameBytes, (name) => {
        const row = Buffer.concat([Buffer.from("type=file;size=1; "), name]);
        const expected = { name: decodeName(name), size: 1, raw: decodeName(row) };
        expect(parseMlsdLine(row)).toMatchObject(expected);
        expect(new MlsdParser().push(Buffer.concat([row, Buffer.from("\r\n")]))[0]).toMatchObject(expected);
      }),
    );
  });

  test.each([" leading", "trailing ", "a;b=c; d", "  ", "=", " -> ", "a -> b"])("%j", (name) => {
    expect(parse(`type=file;size=1; ${name}`)?.name).toBe(name);
    expect(parse(` ${name}`)?.name).toBe(name);
  });
});

describe("rows that are none", () => {
  test.each(["total 12", "noblank", "type=file;size=1", "type=file; ", "type=file;", "sh: ls: not found", ";; x"])(
    "%j is given as unparsed",
    (raw) => expect(parse(raw)).toEqual({ name: "", type: "unparsed", raw }),
  );

  test("an empty row is nothing", () => {
    expect(parse("")).toBeUndefined();
    expect(new MlsdParser().push(Buffer.from("\r\n\n"))).toEqual([]);
  });

  test("anything at all gives something and throws nothing", () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const raw = Buffer.from(bytes);
        const entry = parseMlsdLine(raw, { keepDots: true });
        expect(entry?.raw ?? "").toBe(decodeName(raw));
      }),
    );
  });
});
