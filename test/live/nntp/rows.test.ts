/** Rows of groups that every news server has: OVER, HDR and XPAT, where there are articles and where there are none. */
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import type { NntpClient } from "../../../src/nntp/client.js";
import { articleOf } from "../servers/news-seed.js";
import { type Bed, describeEach, errorOf, expectUsable, latin1, numbersOf, seeded } from "./bed.js";

const SMALL = seeded("small");
const numbers = numbersOf(SMALL);

async function ready(bed: Bed, more: Parameters<Bed["ready"]>[0] = {}): Promise<NntpClient> {
  const nntp = await bed.ready(more);
  await nntp.group(SMALL.name);
  return nntp;
}

describeEach({ seed: true }, (bed) => {
  const { kind } = bed;

  describe.each([true, false])("compressed: %s", (compress) => {
    it("gives a group's rows in every way there is", async () => {
      const nntp = await ready(bed, { compress });
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
        // Cyrus makes From in overviews anew, with quotes and without what it does not know.
        if (kind === "inn") expect(row.from).toBe(article.from);
        if (article.date) expect([row.number, row.date]).toEqual([row.number, article.date]);
      }
    });
  });

  it("gives no rows where there are no articles", async () => {
    const nntp = await ready(bed);
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
    const nntp = await ready(bed);
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
    const nntp = await ready(bed);
    const should = numbers.filter((number) => articleOf(SMALL.name, number).subject.endsWith("#2"));
    const found = await nntp.xpat("Subject", "1-", "*#2").toArray();
    expect(found.map(({ number }) => number)).toEqual(should);
    const umlauts = await nntp.xpat("Subject", [1], latin1("*Grüße*")).toArray();
    expect(umlauts.length).toBe(0); // a pattern is text: its octets were not to be given
    const text = await nntp.xpat("Subject", [1], "*Grüße*").toArray();
    expect(text.length).toBeGreaterThan(5);
    expect(text.every(({ value }) => value.includes("Grüße aus Köln – 日本語"))).toBe(true);
  });

  it("sends no second command within a pattern or a header's name", async () => {
    const nntp = await ready(bed);
    expect(await errorOf(nntp.xpat("Subject", [1], "*\r\nQUIT").toArray())).toBeInstanceOf(UsageError);
    expect(() => nntp.hdr("Subject\r\nQUIT", [1])).toThrow(UsageError);
    expect(() => nntp.over("1-\r\nQUIT")).toThrow(UsageError);
    expect(() => nntp.over([5, 4])).toThrow(UsageError);
    // INN takes what has blanks for one pattern, Cyrus for too many.
    const blanks = nntp.xpat("Subject", [1], "*How do I*").toArray();
    if (kind === "cyrus") expect(await errorOf(blanks)).toMatchObject({ code: "501", clientUsable: true });
    else expect((await blanks).map(({ value }) => value)).toContain("Re: How do I read a newsgroup? #20");
    await expectUsable(nntp);
  });
});
