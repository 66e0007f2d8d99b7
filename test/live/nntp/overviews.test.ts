/** Overviews of real news servers: 100,000 rows compared with what was posted, read in every way there is. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, describe, expect, it } from "vitest";
import { AbortedError, ReplyError, UsageError } from "../../../src/client/errors.js";
import type { NntpClient } from "../../../src/nntp/client.js";
import type { Overview } from "../../../src/nntp/overview.js";
import { articleOf, type SeedArticle } from "../servers/news-seed.js";
import { type Bed, describeNews, errorOf, expectUsable, latin1, numbersOf, seeded } from "./bed.js";

const BIG = seeded("big");
const SMALL = seeded("small");
let expected: readonly SeedArticle[] = [];

beforeAll(() => {
  expected = numbersOf(BIG).map((number) => articleOf(BIG.name, number));
});

/** What is wrong with a row; undefined where it says what was posted. */
function difference(row: Overview, article: SeedArticle): string | undefined {
  const fields = article.overview.split("\t");
  const pairs: Record<string, readonly [unknown, unknown]> = {
    number: [row.number, article.number],
    raw: [row.raw?.toString("latin1"), article.overview],
    subject: [row.subject, article.subject],
    from: [row.from, article.from],
    date: [(article.date ? row.date : article.date)?.getTime(), article.date?.getTime()],
    rawDate: [row.rawDate, fields[3]],
    messageId: [row.messageId, article.id],
    references: [row.references.join(" "), article.references.join(" ")],
    bytes: [row.bytes, Number(fields[6])],
    lines: [row.lines, Number(fields[7])],
    xref: [`Xref: ${row.extra.get("xref")}`, fields[8]],
    broken: [row.broken, undefined],
  };
  const wrong = Object.entries(pairs).filter(([, [is, should]]) => is !== should);
  return wrong.length ? `${article.number}: ${JSON.stringify(Object.fromEntries(wrong))}` : undefined;
}

/** All numbers that there are to be, in order: compared as one text, as the difference of 100,000 takes its time. */
function expectAll(numbers: readonly number[], should = numbersOf(BIG)): void {
  expect(numbers.length).toBe(should.length);
  expect(numbers.join() === should.join()).toBe(true);
}

async function ready(bed: Bed, more: Parameters<Bed["ready"]>[0] = {}, group = BIG.name): Promise<NntpClient> {
  const nntp = await bed.ready(more);
  await nntp.group(group);
  return nntp;
}

describeNews("inn", { seed: true, nodelay: true }, "inn", (bed) => {
  it("gives 100,000 rows as they were posted, byte for byte and as text", async () => {
    const nntp = await ready(bed);
    const wrong: string[] = [];
    let at = 0;
    for await (const row of nntp.over("1-", { raw: true })) {
      const article = expected[at++];
      const found = article ? difference(row, article) : `${row.number}: not expected`;
      if (found && wrong.length < 5) wrong.push(found);
    }
    expect(wrong).toEqual([]);
    expect(at).toBe(BIG.count - BIG.cancelled.length);
    await expectUsable(nntp);
  });

  it.each([true, false])("gives all of them to batches(), toArray() and each() (compressed: %s)", async (compress) => {
    const nntp = await ready(bed, { compress });
    const numbers: number[] = [];
    for await (const batch of nntp.over([1]).batches()) for (const { number } of batch) numbers.push(number);
    expectAll(numbers);
    expectAll((await nntp.over([1, BIG.count]).toArray()).map(({ number }) => number));
    const pushed: number[] = [];
    await nntp.over(`1-${BIG.count}`).each((batch) => {
      for (const { number } of batch) pushed.push(number);
    });
    expectAll(pushed);
  });

  it.each([true, false])("waits for a slow consumer (compressed: %s)", async (compress) => {
    const nntp = await ready(bed, { compress, timeouts: { command: 500 } });
    const numbers: number[] = [];
    for await (const { number } of nntp.over("1-")) {
      numbers.push(number);
      if (number % 25_000 === 1) await sleep(600); // longer than the server may be silent
    }
    expectAll(numbers);
    await expectUsable(nntp);
  });

  it("can be left early, as often as one likes", async () => {
    const nntp = await ready(bed);
    for (const leaveAt of [1, 2, 5_000]) {
      let seen = 0;
      for await (const _ of nntp.over("1-")) if (++seen === leaveAt) break;
      expect((await nntp.stat(1)).number).toBe(1);
    }
    for await (const batch of nntp.over("1-").batches()) {
      expect(batch[0]?.number).toBe(1);
      break;
    }
    const failing = nntp.over("1-").each(() => {
      throw new Error("mine");
    });
    await expect(failing).rejects.toThrow("mine");
    expect(await nntp.over("99999-").toArray()).toHaveLength(2);
  });

  it("hangs up where it is left with more to come than may be read ahead", async () => {
    const nntp = await ready(bed, { limits: { readAhead: 1024 * 1024 } });
    const leaving = async () => {
      for await (const _ of nntp.over("1-")) break;
    };
    await leaving().catch((error) => expect(error).toBeInstanceOf(AbortedError));
    await expect.poll(() => nntp.state).toBe("closed");
  });

  it("answers calls that are made inside the loop, and loses no row", async () => {
    const nntp = await ready(bed);
    const numbers: number[] = [];
    for await (const { number, messageId } of nntp.over("1-")) {
      numbers.push(number);
      if (number % 30_000 !== 0) continue;
      const [head, rows] = await Promise.all([nntp.head(number), nntp.over([number, number + 2]).toArray()]);
      expect(head.messageId).toBe(messageId);
      expect(rows.map((row) => row.number)).toEqual([number, number + 1, number + 2]);
    }
    expectAll(numbers);
  });

  it("refuses calls inside the loop that would hold too much, and goes on with the rows", async () => {
    const nntp = await ready(bed, { limits: { readAhead: 2 * 1024 * 1024 } });
    const numbers: number[] = [];
    for await (const { number } of nntp.over("1-")) {
      numbers.push(number);
      if (number !== 1) continue;
      const error = await errorOf(nntp.head(1));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toMatch(/rows are being read .*limits\.readAhead/);
    }
    expectAll(numbers);
    await expectUsable(nntp);
  });

  it("answers overlapping ranges and articles each with its own", async () => {
    const nntp = await ready(bed);
    const lows = Array.from({ length: 100 }, (_, index) => 1 + index * 1000);
    const answers = await Promise.all(
      lows.map((low) =>
        Promise.all([nntp.over([low, low + 999]).toArray(), nntp.body(low), nntp.hdr("Date", low).toArray()]),
      ),
    );
    expectAll(answers.flatMap(([rows]) => rows.map(({ number }) => number)));
    for (const [rows, body, dates] of answers) {
      expect(body.messageId).toBe(rows[0]?.messageId);
      expect(dates).toEqual([{ number: rows[0]?.number, value: rows[0]?.rawDate, rawValue: rows[0]?.rawDate }]);
    }
  });

  it("says that the server has no overview by message-id, and stays usable", async () => {
    const nntp = await ready(bed);
    const error = await errorOf(nntp.over(articleOf(BIG.name, 1).id).toArray());
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "503", clientUsable: true });
    expect(await nntp.over([1, 2]).toArray()).toHaveLength(2);
    await expectUsable(nntp);
  });

  it("gives the crossposted under their own numbers, with every group in Xref", async () => {
    const nntp = await ready(bed, {}, "polywire.cross");
    const rows = await nntp.over("1-").toArray();
    expect(rows.map(({ number }) => number)).toEqual(numbersOf(seeded("cross")));
    expect(rows[3]?.extra.get("xref")).toBe("inn.example polywire.small:200 polywire.cross:4");
  });

  it("gives the number of the current article to over() without a range", async () => {
    const nntp = await ready(bed);
    await nntp.stat(5000);
    const [row, ...more] = await nntp.over().toArray();
    expect(more).toEqual([]);
    expect(row?.references).toHaveLength(200);
    expect(row?.toJSON()).toMatchObject({ number: 5000, messageId: articleOf(BIG.name, 5000).id });
  });

  it("says that no group is selected", async () => {
    const nntp = await bed.ready();
    for (const rows of [nntp.over([1, 2]), nntp.hdr("Subject", [1, 2]), nntp.xpat("Subject", [1, 2], "*")]) {
      expect(await errorOf(rows.toArray())).toMatchObject({ code: "412", clientUsable: true });
    }
    expect(await errorOf(nntp.listgroup().toArray())).toMatchObject({ code: "412", clientUsable: true });
  });
});

for (const tls of ["starttls", "implicit"] as const) {
  describeNews("inn", { seed: true, tls }, `inn, TLS ${tls}`, (bed) => {
    it.each([true, false])("gives 100,000 rows (compressed: %s)", async (compress) => {
      const nntp = await ready(bed, { compress });
      expectAll((await nntp.over("1-").toArray()).map(({ number }) => number));
      await nntp.quit();
    });
  });
}

for (const kind of ["inn", "cyrus"] as const) {
  describeNews(kind, { seed: true }, kind, (bed) => {
    const numbers = numbersOf(SMALL);

    describe.each([true, false])("compressed: %s", (compress) => {
      it("gives a group's rows in every way there is", async () => {
        const nntp = await ready(bed, { compress }, SMALL.name);
        const loop: number[] = [];
        for await (const { number } of nntp.over("1-")) loop.push(number);
        const batches: number[] = [];
        for await (const batch of nntp.over([1]).batches()) batches.push(...batch.map(({ number }) => number));
        const each: number[] = [];
        await nntp.over([1, 500]).each((batch) => void each.push(...batch.map(({ number }) => number)));
        const array = await nntp.over("1-500").toArray();
        expect([loop, batches, each]).toEqual([numbers, numbers, numbers]);
        for (const row of array) {
          const article = articleOf(SMALL.name, row.number);
          expect([row.broken, row.messageId]).toEqual([undefined, article.id]);
          expect([row.subject, row.references]).toEqual([article.subject, article.references]);
          expect(row.lines).toBe(Number(article.overview.split("\t")[7]));
          expect(row.raw).toBeUndefined();
          // Cyrus makes From in overviews anew, with quotes and without what it does not know.
          if (kind === "inn") expect(row.from).toBe(article.from);
          if (article.date) expect([row.number, row.date]).toEqual([row.number, article.date]);
        }
      });
    });

    it("gives no rows where there are no articles", async () => {
      const nntp = await ready(bed, {}, SMALL.name);
      for (const range of ["501-", [499, 500], [7, 7], 7, [600, 700]] as const) {
        expect(await nntp.over(range).toArray()).toEqual([]);
        expect(await nntp.hdr("Subject", range).toArray()).toEqual([]);
        expect(await nntp.xpat("Subject", range, "*").toArray()).toEqual([]);
      }
      for (const name of ["empty", "cancelled"]) {
        await nntp.group(`polywire.${name}`);
        expect(await nntp.over("1-").toArray()).toEqual([]);
        for await (const row of nntp.over([1, 20])) expect.unreachable(`a row: ${row.number}`);
      }
      await expectUsable(nntp);
    });

    it("gives a header of a range, of one article, and of those that have none of it", async () => {
      const nntp = await ready(bed, {}, SMALL.name);
      const subjects = await nntp.hdr("Subject", "1-").toArray();
      expect(subjects.map(({ number }) => number)).toEqual(numbers);
      for (const { number, value, rawValue } of subjects) {
        const article = articleOf(SMALL.name, number);
        expect(value).toBe(article.subject);
        // A folded one may come with a TAB for what was its line end.
        expect(rawValue.replaceAll("\t", " ")).toBe(article.overview.split("\t")[1]);
      }
      const expected = subjects.filter(({ number }) => number === 60);
      expect(await nntp.hdr("subject", 60).toArray()).toEqual(expected);
      await nntp.stat(60);
      expect(await nntp.hdr("SUBJECT").toArray()).toEqual(expected);
      const none = await nntp.hdr("X-No-Such-Header", [1, 3]).toArray();
      expect(none).toEqual([1, 2, 3].map((number) => ({ number, value: "", rawValue: "" })));
      const lines = await nntp.hdr(":lines", [1, 6]).toArray();
      expect(lines.map(({ value }) => Number(value))).toEqual(
        [1, 2, 3, 4, 5, 6].map((number) => Number(articleOf(SMALL.name, number).overview.split("\t")[7])),
      );
      const sizes = await nntp.hdr(":bytes", [1, 3]).toArray();
      const rows = await nntp.over([1, 3]).toArray();
      expect(sizes.map(({ value }) => Number(value))).toEqual(rows.map(({ bytes }) => bytes));
      // Cyrus gives the number of the first one in each row of :bytes.
      expect(sizes.map(({ number }) => number)).toEqual(kind === "inn" ? [1, 2, 3] : [1, 1, 1]);
    });

    it.runIf(kind === "inn")("gives a header by message-id, and says where there is no such article", async () => {
      const nntp = await bed.ready();
      const { id, subject } = articleOf(SMALL.name, 60);
      expect(await nntp.hdr("Subject", id).toArray()).toMatchObject([{ number: 0, value: subject }]);
      expect(await errorOf(nntp.hdr("Subject", "<no@such.example>").toArray())).toMatchObject({ code: "430" });
    });

    it("finds articles by a wildmat on a header", async () => {
      const nntp = await ready(bed, {}, SMALL.name);
      const should = numbers.filter((number) => articleOf(SMALL.name, number).subject.endsWith("#2"));
      const found = await nntp.xpat("Subject", "1-", "*#2").toArray();
      expect(found.map(({ number }) => number)).toEqual(should);
      const umlauts = await nntp.xpat("Subject", [1], latin1("*Grüße*")).toArray();
      expect(umlauts.length).toBe(0); // a pattern is text: its octets were not to be given
      const text = await nntp.xpat("Subject", [1], "*Grüße*").toArray();
      expect(text.length).toBeGreaterThan(5);
      expect(text.every(({ value }) => value.includes("Grüße aus Köln – 日本語"))).toBe(true);
    });
  });
}
