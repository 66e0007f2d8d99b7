/** Subjects of binary posts as they are, and the files that they make. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parsePartSubject } from "../../../src/jobs/headers/part-subject.js";
import { collectParts, toNzb } from "../../../src/jobs/headers/parts.js";
import type { HeaderRecord } from "../../../src/jobs/headers/records.js";
import { formatNzb, parseNzb } from "../../../src/message/nzb.js";

let number = 0;
const record = (subject: string, more: Partial<HeaderRecord> = {}): HeaderRecord => {
  number++;
  return {
    number,
    subject,
    from: "Joe <joe@x>",
    date: null,
    messageId: `<${number}@x>`,
    references: [],
    bytes: 1000,
    ...more,
  };
};

describe("subjects", () => {
  test.each([
    ['"name.ext" yEnc (3/27)', "name.ext", 3, 27],
    ['[01/12] - "file.part01.rar" yEnc (1/50) 12345', "file.part01.rar", 1, 50],
    ['My holiday [3/9] - "a b (2001).jpg" yEnc (02/10)', "a b (2001).jpg", 2, 10],
    ['(07/12) "file.r05" - 95.4 MB - yEnc (001/200)', "file.r05", 1, 200],
    ['"file.nfo" yEnc (1/1) [some group]', "file.nfo", 1, 1],
    ['"file.nfo" yEnc (1/4) (extra 2/3)', "file.nfo", 1, 4],
    ["holiday.jpg (1/2)", "holiday.jpg", 1, 2],
    ["Some text - holiday.jpg (001/002)", "holiday.jpg", 1, 2],
    ["(1/5) holiday.jpg", "holiday.jpg", 1, 5],
    ["holiday.jpg [2/3]", "holiday.jpg", 2, 3],
    ["holiday.jpg (1 of 3)", "holiday.jpg", 1, 3],
    ["holiday.jpg ( 1 / 3 )", "holiday.jpg", 1, 3],
    ["my old program (2/3)", "my old program", 2, 3],
    ["my file yEnc (2/3)", "my file", 2, 3],
    ["file.part1.rar (1/3) (2/9)", "file.part1.rar", 2, 9],
    ['"file.rar" yEnc (0/27)', "file.rar", 0, 27],
    ['"single.txt" yEnc', "single.txt", 1, 1],
    ['[3/12] "third file.txt" yEnc', "third file.txt", 1, 1],
    ['" padded.txt " yEnc (1/1)', "padded.txt", 1, 1],
    ['"../../etc/passwd" yEnc (1/1)', "../../etc/passwd", 1, 1],
    ['"" yEnc file.txt (1/1)', "file.txt", 1, 1],
  ])("%s", (subject, name, part, total) => {
    expect(parsePartSubject(subject)).toMatchObject({ name, part, total });
  });

  test.each([
    "hello",
    "",
    "Re: holiday.jpg (1/2)",
    'RE[2]: "name.ext" yEnc (3/27)',
    "holiday.jpg (3/2)",
    "holiday.jpg (0/0)",
    "open 24/7 (and more)",
    "yEnc is good",
    'he said "hello"',
    "holiday.jpg (1/99999999)",
  ])("%j is none", (subject) => {
    expect(parsePartSubject(subject)).toBeUndefined();
  });

  test("all parts of a file have one key, and other files have others", () => {
    const key = (subject: string) => parsePartSubject(subject)?.key;
    expect(key('[1/9] "a.rar" yEnc (2/3) 500')).toBe(key('[1/9]  "a.rar"  yEnc (003/3) 499'));
    expect(key("(1/2) a.jpg")).toBe(key("(2/2) a.jpg"));
    const keys = [
      '"a" yEnc (1/2)',
      '"b" yEnc (1/2)',
      '"a" yEnc (1/3)',
      '[1/2] "a" yEnc (1/2)',
      "(1/2) a.jpg",
      "(1/2) b.jpg",
    ].map(key);
    expect(new Set(keys).size).toBe(keys.length);
  });

  test("any subject is read, long ones quickly", () => {
    const word = fc.constantFrom(
      "(1/2)",
      "[3/4]",
      '"',
      "yEnc",
      " ",
      "a.rar",
      "(",
      "[",
      "/",
      "7",
      ")",
      "]",
      "Re:",
      "of",
    );
    fc.assert(
      fc.property(fc.array(word), (words) => {
        const said = parsePartSubject(words.join(""));
        if (said !== undefined) expect(said.part).toBeLessThanOrEqual(said.total);
      }),
    );
    for (const each of ["(", "(1/", "yEnc ", '"', "a", ".", " ", "(1/2)", '" ', "[1/2", "a.", "1"])
      parsePartSubject(each.repeat(20_000));
  });
});

describe("files", () => {
  const part = (n: number, total = 3, more: Partial<HeaderRecord> = {}) =>
    record(`[1/1] - "fox.rar" yEnc (${n}/${total})`, more);

  test("parts in any order make a file", () => {
    const records = [
      part(3, 3, { bytes: 30, group: "alt.binaries.test", date: "2026-02-03T12:00:00.000Z" }),
      part(1, 3, { bytes: 10, group: "alt.binaries.misc", date: new Date("2026-02-03T11:00:00Z") }),
      part(2, 3, { bytes: 20, group: "alt.binaries.test" }),
    ];
    const { files, rest } = collectParts(records);
    expect(rest).toEqual([]);
    expect(files).toEqual([
      {
        name: "fox.rar",
        subject: '[1/1] - "fox.rar" yEnc (1/3)',
        poster: "Joe <joe@x>",
        total: 3,
        have: 3,
        complete: true,
        segments: [records[1]!, records[2]!, records[0]!].map(({ bytes, messageId }, i) => ({
          number: i + 1,
          bytes,
          messageId,
        })),
        groups: ["alt.binaries.test", "alt.binaries.misc"],
        date: new Date("2026-02-03T11:00:00Z"),
        description: undefined,
      },
    ]);
  });

  test("a file with parts missing is incomplete", () => {
    const [file] = collectParts([part(3), part(1)]).files;
    expect(file).toMatchObject({ have: 2, total: 3, complete: false, date: undefined, groups: [] });
    expect(file?.segments.map((each) => each.number)).toEqual([1, 3]);
  });

  test("of a part that is there twice the larger counts, else the first", () => {
    const [small, large, equal] = [part(1, 1, { bytes: 10 }), part(1, 1, { bytes: 20 }), part(1, 1, { bytes: 20 })];
    for (const records of [
      [small, large, equal],
      [large, equal, small],
    ]) {
      expect(collectParts(records).files).toMatchObject([{ have: 1, segments: [{ messageId: large.messageId }] }]);
    }
    const unknown = part(1, 1, { bytes: undefined });
    expect(collectParts([unknown, part(1, 1, { bytes: 0 })]).files).toMatchObject([
      { segments: [{ bytes: 0, messageId: unknown.messageId }] },
    ]);
  });

  test("the same subject of two posters is two files", () => {
    const { files } = collectParts([part(1), part(1, 3, { from: "Bob <bob@x>" }), part(2)]);
    expect(files.map(({ poster, have }) => [poster, have])).toEqual([
      ["Joe <joe@x>", 2],
      ["Bob <bob@x>", 1],
    ]);
  });

  test("part 0 describes a file; without a file it is one of the rest, as all that is no part", () => {
    const [description, lonely] = [part(0), record('"other.rar" yEnc (0/5)')];
    const talk = [record("Hello"), record('Re: "fox.rar" yEnc (1/3)')];
    const { files, rest } = collectParts([description, talk[0]!, part(1), lonely, talk[1]!]);
    expect(files).toMatchObject([{ have: 1, description, segments: [{ number: 1 }] }]);
    expect(rest).toEqual([...talk, lonely]);
  });

  test("every record is a part, a description or one of the rest", () => {
    const subject = fc.tuple(
      fc.constantFrom("a.rar", "b.rar"),
      fc.nat({ max: 4 }),
      fc.integer({ min: 1, max: 4 }),
      fc.constantFrom("yEnc ", "", "Re: "),
    );
    fc.assert(
      fc.property(fc.uniqueArray(subject, { selector: String }), (all) => {
        const records = all.map(([name, n, total, mark]) =>
          record(`${mark === "Re: " ? mark : ""}"${name}" ${mark}(${n}/${total})`),
        );
        const { files, rest } = collectParts(records);
        const ids = files.flatMap((file) => [...file.segments, ...(file.description ? [file.description] : [])]);
        expect([...ids, ...rest].map(({ messageId }) => messageId).sort()).toEqual(
          records.map(({ messageId }) => messageId).sort(),
        );
        for (const file of files) expect(file.complete).toBe(file.segments.length === file.total);
      }),
    );
  });
});

test("files become an NZB list that can be written and read again", () => {
  const { files } = collectParts([
    record('"fox & dog.rar" yEnc (1/2)', { group: "a.b", date: "2026-02-03T11:00:00.000Z" }),
    record('"fox & dog.rar" yEnc (2/2)', { group: "a.b" }),
    record('"no group.rar" yEnc (1/1)'),
  ]);
  const nzb = toNzb(files, { meta: { title: "Fox" }, groups: ["c.d"] });
  expect(nzb.files.map(({ groups }) => groups)).toEqual([["a.b"], ["c.d"]]);
  expect(toNzb(files).files[1]?.groups).toEqual([]);
  expect(parseNzb(formatNzb(nzb))).toEqual(nzb);
});
