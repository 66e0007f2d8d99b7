/** Threads as newsreaders draw them: a small corpus, broken References, and properties over any records. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseAuthor } from "../../../src/jobs/headers/author.js";
import type { HeaderRecord } from "../../../src/jobs/headers/records.js";
import { baseSubject } from "../../../src/jobs/headers/subject.js";
import { columns, fitText } from "../../../src/jobs/headers/text-width.js";
import { formatThreads, walkThreads } from "../../../src/jobs/headers/thread-tree.js";
import { type Thread, type ThreadOptions, threads } from "../../../src/jobs/headers/threads.js";

/** A record: its id is `<id@x>`, it is as many hours old as its number. */
function record(
  number: number,
  id: string,
  references = "",
  subject = "s",
  more: Partial<HeaderRecord> = {},
): HeaderRecord {
  return {
    number,
    subject,
    from: `Author ${number} <a${number}@x>`,
    date: new Date(Date.UTC(2026, 1, 3, number)),
    messageId: id && `<${id}@x>`,
    references: references
      .split(" ")
      .filter(Boolean)
      .map((each) => `<${each}@x>`),
    ...more,
  };
}

/** A tree in short: `1(2 3(4))`, `?` for an article that is not there. */
function shape(list: readonly Thread[]): string {
  const one = ({ record: { number } = {} as HeaderRecord, children }: Thread): string =>
    `${number ?? "?"}${children.length > 0 ? `(${shape(children)})` : ""}`;
  return list.map(one).join(" ");
}

const byReferences = (...records: HeaderRecord[]) => shape(threads(records, { subjects: false }));
const bySubjects = (records: HeaderRecord[], options: ThreadOptions = {}) => shape(threads(records, options));

describe("references", () => {
  test("answers, and answers to answers", () => {
    expect(
      byReferences(record(1, "a"), record(2, "b", "a"), record(3, "c", "a b"), record(4, "d", "a"), record(5, "e")),
    ).toBe("1(2(3) 4) 5");
  });

  test("an article that is not there: its answers go up, or are held together", () => {
    expect(byReferences(record(1, "a"), record(3, "c", "a b"), record(4, "d", "a b"))).toBe("1(3 4)");
    expect(byReferences(record(3, "c", "a b"), record(4, "d", "a b")), "none above, several").toBe("?(3 4)");
    expect(byReferences(record(3, "c", "a b"), record(4, "d", "a b c")), "none above, one").toBe("3(4)");
    expect(byReferences(record(3, "c", "a b"), record(4, "d", "a"))).toBe("?(3 4)");
  });

  test("the last reference is the parent, the others are guesses", () => {
    expect(byReferences(record(1, "a"), record(2, "b"), record(3, "c", "b"), record(4, "d", "a c"))).toBe("1 2(3(4))");
    expect(byReferences(record(1, "a"), record(2, "b"), record(4, "d", "a b")), "b has no References").toBe("1(2(4))");
  });

  test("loops and references to itself are no matter", () => {
    expect(byReferences(record(1, "a", "a"))).toBe("1");
    expect(byReferences(record(1, "a", "b"), record(2, "b", "a"))).toBe("2(1)");
    expect(byReferences(record(1, "a", "c"), record(2, "b", "a"), record(3, "c", "b"))).toBe("3(1(2))");
    expect(byReferences(record(1, "a"), record(2, "b", "a b"), record(3, "c", "b a b b"))).toBe("1(2(3))");
    expect(byReferences(record(1, "a", "x y x y"), record(2, "b", "y x y x"))).toBe("?(1 2)");
  });

  test("ids that are missing or there twice", () => {
    expect(byReferences(record(1, ""), record(2, ""), record(3, "c", " "))).toBe("1 2 3");
    expect(
      byReferences(record(1, "a"), record(2, "a"), record(3, "b", "a"), record(4, "b", "a"), record(5, "c", "b")),
    ).toBe("1(3(5) 4) 2");
    const odd = record(4, "d", "", "s", { references: ["", "<a@x>", ""] });
    expect(byReferences(record(1, "a"), odd)).toBe("1(4)");
  });

  test("articles are sorted by date, those without one last and by number", () => {
    const undated = { date: null };
    expect(
      byReferences(
        record(9, "i"),
        record(3, "c", "", "s", undated),
        record(2, "b", "", "s", { date: "?" }),
        record(8, "h"),
      ),
    ).toBe("8 9 2 3");
    const early = { date: "2020-01-01T00:00:00.000Z" };
    expect(
      byReferences(
        record(1, "a"),
        record(2, "b", "a"),
        record(3, "c", "a", "s", early),
        record(4, "d", "a", "s", undated),
      ),
    ).toBe("1(3 2 4)");
  });
});

describe("subjects", () => {
  const hello = (number: number, subject: string, references = "") => record(number, `${number}`, references, subject);

  test("answers whose References were lost find their thread", () => {
    expect(bySubjects([hello(1, "Hello"), hello(2, "Re: hello"), hello(3, "AW: Hello "), hello(4, "Help")])).toBe(
      "1(2 3) 4",
    );
    expect(bySubjects([hello(1, "Re: Hello"), hello(2, "Hello")]), "whichever came first").toBe("2(1)");
    expect(bySubjects([hello(1, "Hello"), hello(2, "Re: Hello")], { subjects: false })).toBe("1 2");
  });

  test("articles with the same subject stand side by side", () => {
    expect(bySubjects([hello(1, "Hello"), hello(2, "Hello"), hello(3, "Re: Hello")])).toBe("?(1 2 3)");
    expect(bySubjects([hello(1, "Re: Hello"), hello(2, "Re: Hello")])).toBe("?(1 2)");
    expect(bySubjects([hello(1, "Hello"), hello(2, "Re: Hello"), hello(3, "Hello"), hello(4, "Re: Hello")])).toBe(
      "?(1(2) 3 4)",
    );
  });

  test("threads without their first article", () => {
    const orphans = [hello(1, "Re: Hello", "x"), hello(2, "Re: Hello", "x")];
    expect(bySubjects([...orphans, hello(3, "Re: Hello")]), "an answer joins").toBe("?(1 2 3)");
    expect(bySubjects([...orphans, hello(3, "Hello")]), "the first article joins").toBe("?(1 2 3)");
    expect(
      bySubjects([...orphans, hello(3, "Re: Hello", "y"), hello(4, "Re: Hello", "y")]),
      "two of them are one",
    ).toBe("?(1 2 3 4)");
  });

  test("a subject that is empty joins nothing", () => {
    expect(bySubjects([hello(1, ""), hello(2, "Re:"), hello(3, " "), hello(4, "Re: Re:")])).toBe("1 2 3 4");
  });

  test("marks of mailing lists count, or do not", () => {
    const list = [hello(1, "[list] Hello"), hello(2, "Re: Hello")];
    expect(bySubjects(list)).toBe("1 2");
    expect(bySubjects(list, { lists: true })).toBe("1(2)");
  });

  test.each([
    ["Hello", "Hello", false],
    ["  Hello \t  world ", "Hello world", false],
    ["Re: Hello", "Hello", true],
    ["RE : re:Hello", "Hello", true],
    ["Re[2]: Hello", "Hello", true],
    ["Re(17): Re^2: Re*3: Re4: Hello", "Hello", true],
    ["AW: Antw: SV: VS: Fwd: FW: WG: Hello", "Hello", true],
    ["回复:Hello", "Hello", true],
    ["Hello (fwd)", "Hello", true],
    ["[Fwd: Hello]", "Hello", true],
    ["[Fwd: Re: Hello] (fwd)", "Hello", true],
    ["Re: [list] Hello", "[list] Hello", true],
    ["Research: Hello", "Research: Hello", false],
    ["Re Hello", "Re Hello", false],
    ["Re:", "", true],
    ["", "", false],
  ])("%j is about %j", (subject, base, isReply) => {
    expect(baseSubject(subject)).toEqual({ base, isReply });
  });

  test("with lists, the mark goes wherever it is, unless nothing else is left", () => {
    const base = (subject: string) => baseSubject(subject, { lists: true });
    expect(base("[list] Hello")).toEqual({ base: "Hello", isReply: false });
    expect(base("Re: [list] Re: [other] Hello")).toEqual({ base: "Hello", isReply: true });
    expect(base("[list]")).toEqual({ base: "[list]", isReply: false });
    expect(base("Re: [list]")).toEqual({ base: "[list]", isReply: true });
  });

  test("a long subject of marks is read quickly", () => {
    for (const mark of ["Re: ", "(fwd) ", "[Fwd: ", "[a] ", "Re[", " ", "回复"])
      baseSubject(mark.repeat(20_000), { lists: true });
  });
});

describe("what a thread says", () => {
  test("count, newest date and subject", () => {
    const [first, second] = threads([
      record(1, "a", "", "Hello"),
      record(2, "b", "a", "Re: Hello"),
      record(4, "d", "q z"),
      record(5, "e", "q z", "t"),
    ]);
    expect(first).toMatchObject({ subject: "Hello", count: 2, latest: new Date("2026-02-03T02:00:00Z") });
    expect(first?.children[0]).toMatchObject({ subject: "Re: Hello", count: 1, children: [] });
    expect(second).toMatchObject({
      record: undefined,
      subject: "s",
      count: 2,
      latest: new Date("2026-02-03T05:00:00Z"),
    });
  });

  test("no date at all", () => {
    expect(threads([record(1, "a", "", "s", { date: undefined })])[0]?.latest).toBeUndefined();
  });
});

describe("any records", () => {
  const id = fc.constantFrom(..."abcdefghij", "");
  const some = fc.array(
    fc.record({
      id,
      references: fc.array(id, { maxLength: 4 }),
      subject: fc.constantFrom("Hello", "Re: Hello", "Help", "Re: Help", ""),
      hour: fc.option(fc.nat({ max: 5 })),
    }),
    { maxLength: 12 },
  );
  const toRecords = (drafts: typeof some extends fc.Arbitrary<infer T> ? T : never) =>
    drafts.map(({ id: own, references, subject, hour }, i) =>
      record(i + 1, own, references.join(" "), subject, { date: hour === null ? null : new Date(hour * 3_600_000) }),
    );

  test("every record is there once, in a tree that ends, and the counts agree", () => {
    fc.assert(
      fc.property(some, fc.boolean(), (drafts, subjects) => {
        const records = toRecords(drafts);
        const roots = threads(records, { subjects });
        const seen = [...walkThreads(roots)].flatMap(({ thread }) => thread.record?.number ?? []);
        expect(seen.toSorted((a, b) => a - b)).toEqual(records.map(({ number }) => number));
        expect(roots.reduce((sum, { count }) => sum + count, 0)).toBe(records.length);
        for (const { thread, depth } of walkThreads(roots)) {
          const below = thread.children.reduce((sum, { count }) => sum + count, 0);
          expect(thread.count).toBe(below + (thread.record === undefined ? 0 : 1));
          if (thread.record === undefined) expect([depth, thread.children.length > 1]).toEqual([0, true]);
        }
      }),
    );
  });

  test("their order does not matter where ids differ", () => {
    const unique = some.map((drafts) =>
      drafts.filter((each, i) => each.id !== "" && drafts.findIndex(({ id: own }) => own === each.id) === i),
    );
    fc.assert(
      fc.property(unique, fc.boolean(), fc.infiniteStream(fc.nat()), (drafts, subjects, random) => {
        const records = toRecords(drafts);
        const shuffled = records.map((each) => [random.next().value, each] as const).sort((a, b) => a[0] - b[0]);
        expect(
          shape(
            threads(
              shuffled.map(([, each]) => each),
              { subjects },
            ),
          ),
        ).toBe(shape(threads(records, { subjects })));
      }),
    );
  });

  test("true References give the true tree, less what is missing", () => {
    // Each article answers an earlier one, or none; some articles are lost.
    const article = fc.record({ parent: fc.nat(), isAnswer: fc.boolean(), isLost: fc.boolean() });
    fc.assert(
      fc.property(fc.array(article, { maxLength: 30 }), (articles) => {
        const above = articles.map(({ parent, isAnswer }, i) => (isAnswer && i > 0 ? parent % i : -1));
        const chain = (i: number): number[] => (above[i] === -1 ? [] : [...chain(above[i]!), above[i]!]);
        const there = articles.flatMap(({ isLost }, i) => (isLost ? [] : [i]));
        const records = there.map((i) =>
          record(
            i,
            `m${i}`,
            chain(i)
              .map((each) => `m${each}`)
              .join(" "),
          ),
        );
        for (const { thread, parent } of walkThreads(threads(records, { subjects: false }))) {
          if (thread.record === undefined) continue;
          const expected = chain(thread.record.number).findLast((each) => !articles[each]!.isLost);
          expect(parent?.record?.number).toBe(expected);
        }
      }),
    );
  });
});

describe("large threads", () => {
  const CHAIN = 100_000;
  const chain = (order: (i: number) => number) =>
    Array.from({ length: CHAIN }, (_, i) => order(i)).map((i) => record(i, `m${i}`, i === 0 ? "" : `m${i - 1}`));

  test.each([
    ["oldest first", (i: number) => i],
    ["newest first", (i: number) => CHAIN - 1 - i],
    ["in disorder", (i: number) => (i * 7919) % CHAIN],
  ])("a chain of 100,000 answers, %s", (_, order) => {
    const roots = threads(chain(order));
    expect(roots).toHaveLength(1);
    expect(roots[0]?.count).toBe(CHAIN);
    let deepest = 0;
    for (const { depth } of walkThreads(roots)) deepest = Math.max(deepest, depth);
    expect(deepest).toBe(CHAIN - 1);
  });

  test("numbers that run against the chain", () => {
    const backwards = chain((i) => i).map((each) => ({ ...each, number: CHAIN - each.number }));
    expect(threads(backwards)[0]?.count).toBe(CHAIN);
  });

  test("a chain of 100,000 missing articles with many answers at its end", () => {
    const missing = Array.from({ length: CHAIN }, (_, i) => `<q${i}@x>`);
    const first = record(1, "a", "", "s", { references: missing });
    const others = Array.from({ length: 20_000 }, (_, i) => record(i + 2, `b${i}`, `q${CHAIN - 1}`, `t${i}`));
    expect(threads([first, ...others], { subjects: false })[0]?.count).toBe(20_001);
  });

  test("200,000 answers to one article, and as many with one subject", () => {
    const answers = Array.from({ length: 200_000 }, (_, i) => record(i + 1, `m${i}`, i % 2 ? "m0" : ""));
    expect(threads(answers)).toHaveLength(1);
  });
});

describe("as text", () => {
  const lines = (list: HeaderRecord[], width?: number) => [
    ...formatThreads(threads(list), width === undefined ? {} : { width }),
  ];

  test("dates, authors, branches, and subjects where they change", () => {
    const list = [
      record(1, "a", "", "Which parser?"),
      record(2, "b", "a", "Re: Which parser?"),
      record(3, "c", "a b", "Re: Which parser?"),
      record(4, "d", "a", "My parser (was: Which parser?)", { date: null, from: "" }),
      record(5, "e", "z", "Lost"),
      record(6, "f", "z", "Re: Lost"),
    ];
    expect(lines(list, 80)).toEqual([
      "2026-02-03 01:00  Author 1              (4) Which parser?",
      "2026-02-03 02:00  Author 2              ├─>",
      "2026-02-03 03:00  Author 3              │ └─>",
      "                                        └─> My parser (was: Which parser?)",
      "                                        (2) [not there] Lost",
      "2026-02-03 05:00  Author 5              ├─>",
      "2026-02-03 06:00  Author 6              └─>",
    ]);
  });

  test("no line is wider than asked for, however deep, and nothing in it moves the cursor", () => {
    const list = Array.from({ length: 300 }, (_, i) =>
      record(i, `m${i}`, i === 0 ? "" : `m${i - 1}`, `第${i} 号 😀 \x1b[31m\u202e${"long ".repeat(i)}`, {
        from: "山田\r\n太郎 ".repeat(9),
      }),
    );
    for (const width of [40, 61, 80, 200]) {
      for (const line of lines(list, width)) {
        expect(columns(line)).toBeLessThanOrEqual(width);
        expect(line).not.toMatch(/[\p{Cc}\u202e]/u);
      }
    }
    expect(lines(list, 1)).toEqual(lines(list, 40));
  });

  test("a very deep thread is written in time that follows its length", () => {
    const deep = Array.from({ length: 100_000 }, (_, i) => record(i, `m${i}`, i === 0 ? "" : `m${i - 1}`));
    expect(lines(deep, 80).at(-1)).toContain("99999└─>");
  });

  test.each([
    ["hello", 10, "hello"],
    ["hello", 5, "hello"],
    ["hello", 4, "hel…"],
    ["日本語", 6, "日本語"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["e\u0301e\u0301", 2, "e\u0301e\u0301"],
    ["a\tb\r\nc", 9, "a b c"],
  ])("%j in %i columns", (text, width, expected) => {
    expect(fitText(text, width)).toBe(expected);
    expect(columns(fitText(text, width, true))).toBe(width);
  });
});

test.each([
  ["Alice <Alice@Example.org>", "alice@example.org", "Alice"],
  ['"Alice \\"A\\" Example" <a@x>', "a@x", 'Alice "A" Example'],
  ["<a@x>", "a@x", "a@x"],
  ["a@x", "a@x", "a@x"],
  ["A@x (Alice (home))", "a@x", "Alice (home)"],
  ["a < b <a@x>", "a@x", "a < b"],
  ["Alice <>", "alice <>", "Alice"],
  ["Nobody At All", "nobody at all", "Nobody At All"],
  ["", "", ""],
])("the author %j", (from, address, name) => {
  expect(parseAuthor(from)).toEqual({ address, name });
});
