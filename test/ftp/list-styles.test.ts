/** One listing per style of LIST, cut at every position, and what the odd rows of each style say. */
import { describe, expect, test } from "vitest";
import type { FtpEntry } from "../../src/ftp/entry.js";
import { encodeName } from "../../src/ftp/name.js";
import { ListParser } from "../../src/ftp/parse-list.js";

const now = new Date("2026-01-20T12:00:00Z");

function parse(listing: string | Buffer, pieces = 1): FtpEntry[] {
  const bytes = Buffer.from(listing);
  const parser = new ListParser({ now });
  const out: FtpEntry[] = [];
  const step = Math.max(1, Math.ceil(bytes.length / pieces));
  for (let at = 0; at < bytes.length; at += step) out.push(...parser.push(bytes.subarray(at, at + step)));
  return [...out, ...parser.end()];
}

/** name, type, size, moment of the last change. */
function brief({ name, type, size, modified, precision }: FtpEntry) {
  const day = modified?.toISOString();
  const shown = precision === "day" ? day?.slice(0, 10) : day?.slice(0, precision === "second" ? 19 : 16);
  return [name, type, size, shown];
}

const LISTINGS: Record<string, { rows: string[]; expected: unknown[] }> = {
  unix: {
    rows: [
      "total 24",
      "drwxr-xr-x    2 0        0            4096 Jan 18 21:31 in",
      "-rw-r--r--    1 1000     staff        1057 Dec 11  2024 report 1.txt",
      "lrwxrwxrwx    1 1000     1000            9 Feb 28 08:05 latest -> in/b -> c",
      "brw-rw----    1 root     disk       8,   0 Jan 18 21:31 sda",
    ],
    expected: [
      ["in", "directory", 4096, "2026-01-18T21:31"],
      ["report 1.txt", "file", 1057, "2024-12-11"],
      ["latest", "symlink", 9, "2025-02-28T08:05"],
      ["sda", "other", undefined, "2026-01-18T21:31"],
    ],
  },
  dos: {
    rows: [
      "01-18-26  09:31PM       <DIR>          in box",
      "12-05-2024  12:05AM                 1057 report 1.txt",
      "01/18/2026  09:31 PM    <JUNCTION>     old [C:\\data\\old]",
      "01/18/2026  09:31 PM    <SYMLINKD>     way [\\\\host\\x [1]]",
      "2026-01-18  21:31            12,345,678 big.iso",
    ],
    expected: [
      ["in box", "directory", undefined, "2026-01-18T21:31"],
      ["report 1.txt", "file", 1057, "2024-12-05T00:05"],
      ["old", "symlink", undefined, "2026-01-18T21:31"],
      ["way", "symlink", undefined, "2026-01-18T21:31"],
      ["big.iso", "file", 12345678, "2026-01-18T21:31"],
    ],
  },
  eplf: {
    rows: ["+i8388621.48594,m1768771865,r,s1057,\treport, 1.txt", "+/,m1768771865,up755,\tin", "+up600,\tsecret"],
    expected: [
      ["report, 1.txt", "file", 1057, "2026-01-18T21:31:05"],
      ["in", "directory", undefined, "2026-01-18T21:31:05"],
      ["secret", "other", undefined, undefined],
    ],
  },
  netware: {
    rows: [
      "total 0",
      "d [RWCEAFMS] admin                             512 Jan 18 21:31 in",
      "- [R----F--] Jane Q 2                       214059 Oct 20  2024    prog 1.exe",
    ],
    expected: [
      ["in", "directory", 512, "2026-01-18T21:31"],
      ["prog 1.exe", "file", 214059, "2024-10-20"],
    ],
  },
  os400: {
    rows: [
      "QPGMR          36864 07/16/25 17:00:23 *DIR       in/",
      "QPGMR        5263360 16.07.25 17:00:23 *FILE      BACKUP.FILE",
      "QSECOFR              07/16/25 17:00:23 *PGM       MAIN.PGM",
      "QPGMR                                   *MEM       SOURCE.FILE/MAIN.MBR",
      "               1057 07/16/25 17:00:23 *STMF      a b.txt",
    ],
    expected: [
      ["in", "directory", 36864, "2025-07-16T17:00:23"],
      ["BACKUP.FILE", "file", 5263360, "2025-07-16T17:00:23"],
      ["MAIN.PGM", "other", undefined, "2025-07-16T17:00:23"],
      ["SOURCE.FILE/MAIN.MBR", "file", undefined, undefined],
      ["a b.txt", "file", 1057, "2025-07-16T17:00:23"],
    ],
  },
  vms: {
    rows: [
      "",
      "Directory DISK$USER:[ALICE]",
      "",
      "IN.DIR;1                  1/3    18-JAN-2026 21:31:05  [STAFF,ALICE]  (RWE,RWE,RE,E)",
      "REPORT.TXT;12           213/216   9-SEP-2024 10:00     [ALICE]        (RWED,RWED,,)",
      "A_VERY_LONG_NAME_THAT_DOES_NOT_FIT.TXT;1",
      "                          7/9    18-JAN-2026 21:31:05  [STAFF,ALICE]  (RWED,RWED,RE,)",
      "SECRET.TXT;1   %RMS-E-PRV, insufficient privilege or file protection violation",
      "",
      "Total of 4 files, 222 blocks.",
    ],
    expected: [
      ["IN", "directory", undefined, "2026-01-18T21:31:05"],
      ["REPORT.TXT", "file", undefined, "2024-09-09T10:00"],
      ["A_VERY_LONG_NAME_THAT_DOES_NOT_FIT.TXT", "file", undefined, "2026-01-18T21:31:05"],
      ["SECRET.TXT", "file", undefined, undefined],
    ],
  },
  mvs: {
    rows: [
      "Volume Unit    Referred Ext Used Recfm Lrecl BlkSz Dsorg Dsname",
      "VOL001 3390   2026/01/18  1  200  FB      80  8053  PS  LOG.FILE",
      "VOL002 3390   **NONE**    1   15  VB     256 27998  PO  SOURCE.LIB",
      "VOL003 3390   2026/01/18213000  U       0 27998  PO-E LOAD.LIB",
      "Migrated                                                OLD.LOG",
      "ARCIVE Not Direct Access Device                         TAPE.LOG",
      "VOL004 3390                                       VSAM  KEYED.DATA",
      "Pseudo Directory                                        DEEPER",
    ],
    expected: [
      ["LOG.FILE", "file", undefined, undefined],
      ["SOURCE.LIB", "directory", undefined, undefined],
      ["LOAD.LIB", "directory", undefined, undefined],
      ["OLD.LOG", "file", undefined, undefined],
      ["TAPE.LOG", "file", undefined, undefined],
      ["KEYED.DATA", "other", undefined, undefined],
      ["DEEPER", "directory", undefined, undefined],
    ],
  },
  "mac-peter": {
    rows: [
      "drwxrwxr-x               folder        2 May 10  2024 net work",
      "-rw-r--r--         326  1391972  1392298 Jan 18 21:31 Mega Phone.sit",
    ],
    expected: [
      ["net work", "directory", undefined, "2024-05-10"],
      ["Mega Phone.sit", "file", 1392298, "2026-01-18T21:31"],
    ],
  },
};

describe.each(Object.entries(LISTINGS))("%s", (style, { rows, expected }) => {
  const listing = Buffer.from(rows.map((row) => `${row}\r\n`).join(""));

  test("is recognised and read", () => {
    const parser = new ListParser({ now });
    const entries = [...parser.push(listing), ...parser.end()];
    expect(parser.style).toBe(style);
    expect(entries.map(brief)).toEqual(expected);
  });

  test("cut at every position, with either line end", () => {
    const whole = parse(listing);
    expect(parse(listing, listing.length)).toEqual(whole);
    expect(parse(rows.join("\n"))).toEqual(whole);
    for (let at = 0; at <= listing.length; at++) {
      const parser = new ListParser({ now });
      const parts = [parser.push(listing.subarray(0, at)), parser.push(listing.subarray(at)), parser.end()];
      expect(parts.flat()).toEqual(whole);
    }
  });

  test("a long listing has a style before its end, and one odd row stays alone", () => {
    const isUnixLike = style === "unix" || style === "mac-peter"; // a Unix row among Peter's is no odd row
    const odd = isUnixLike ? "01-18-26  09:31PM       <DIR>          odd" : "-rw-r--r-- 1 a b 3 Jan 18 2026 odd";
    for (const at of [0, 1, 200]) {
      const body = Array.from({ length: 20 }, () => rows).flat();
      const isWrapped = style === "vms" && at > 1;
      const many = isWrapped ? body : body.toSpliced(style === "mvs" && at === 0 ? 1 : at, 0, odd);
      const entries = parse(many.join("\r\n"));
      const others = entries.filter((entry) => entry.type !== "unparsed");
      expect(others.map(brief)).toEqual(Array.from({ length: 20 }, () => expected).flat());
      expect(entries.length - others.length).toBe(isWrapped ? 0 : 1);
    }
  });
});

describe("what only some styles tell", () => {
  const entriesOf = (style: string) => parse(LISTINGS[style]!.rows.join("\r\n"));

  test("targets of links", () => {
    expect(entriesOf("unix")[2]?.target).toBe("in/b -> c");
    expect(entriesOf("dos")[2]?.target).toBe("C:\\data\\old");
    expect(entriesOf("dos")[3]?.target).toBe("\\\\host\\x [1]");
  });

  test("VMS: version, blocks, owner, two lines", () => {
    expect(entriesOf("vms")[1]).toMatchObject({ owner: "ALICE", facts: { version: "12", blocks: "213" } });
    expect(entriesOf("vms")[0]).toMatchObject({ owner: "ALICE", group: "STAFF" });
    expect(entriesOf("vms")[2]?.raw).toMatch(/^A_VERY_.*;1\n +7\/9 /);
  });

  test("VMS: a name whose line is missing is not lost", () => {
    const [first, second, third] = parse("A.TXT;1  1/3  18-JAN-2026 21:31\r\nB.TXT;1\r\nC.TXT;1");
    expect(first?.name).toBe("A.TXT");
    expect([second?.type, second?.raw]).toEqual(["unparsed", "B.TXT;1"]);
    expect([third?.type, third?.raw]).toEqual(["unparsed", "C.TXT;1"]);
  });

  test("EPLF: unique and mode; OS/400: object and owner", () => {
    expect(entriesOf("eplf")[0]?.unique).toBe("8388621.48594");
    expect(entriesOf("eplf")[1]?.mode).toBe(0o755);
    expect(entriesOf("os400")[2]).toMatchObject({ owner: "QSECOFR", facts: { object: "*PGM" } });
    expect(entriesOf("os400")[4]?.owner).toBeUndefined();
    expect(entriesOf("netware")[1]?.owner).toBe("Jane Q 2");
  });

  test("MVS: members of a library, and load modules", () => {
    const members = parse(
      [
        " Name     VV.MM   Created       Changed      Size  Init   Mod   Id",
        "MEMBER1   01.07 2025/09/12 2026/01/18 21:31    11    11     0 ALICE",
        "MEMBER2",
      ].join("\r\n"),
    );
    expect(members.map(brief)).toEqual([
      ["MEMBER1", "file", undefined, "2026-01-18T21:31"],
      ["MEMBER2", "file", undefined, undefined],
    ]);
    expect(members[0]).toMatchObject({ owner: "ALICE", facts: { version: "01.07", lines: "11" } });
    const modules = parse(
      " Name      Size     TTR   Alias-of AC Attributes\r\nMOD1      000F3A   00030F   00 FO 31 ANY\r\n",
    );
    expect(modules[0]).toMatchObject({ name: "MOD1", facts: { length: "000F3A" } });
  });

  test("names that are not UTF-8 keep their bytes", () => {
    for (const row of ["01-18-26  09:31PM  12 ", "+r,s12,\t", "d [RWCEAFMS] admin  512 Jan 18 21:31 "]) {
      const name = Buffer.from("a\xff\xed\xb2\x80 b", "latin1");
      expect(encodeName(parse(Buffer.concat([Buffer.from(row), name]))[0]!.name)).toEqual(name);
    }
  });
});
