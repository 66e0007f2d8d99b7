/** Overviews of real news servers: 100,000 rows compared with what was posted, read in every way there is. */
import { setTimeout as sleep } from "node:timers/promises";
import { beforeAll, expect, it } from "vitest";
import { AbortedError, ReplyError, UsageError } from "../../../src/client/errors.js";
import type { NntpClient } from "../../../src/nntp/client.js";
import type { Overview } from "../../../src/nntp/overview.js";
import { articleOf, type SeedArticle } from "../servers/news-seed.js";
import { type Bed, describeNews, errorOf, expectUsable, numbersOf, seeded } from "./bed.js";

const BIG = seeded("big");
let expected: readonly SeedArticle[] = [];

beforeAll(() => {
  expected = numbersOf(BIG).map((number) => articleOf(BIG.name, number));
});

/** What is wrong with a row; undefined where it says what was posted. */
function difference(row: Overview, article: SeedArticle): string | undefined {
  const fields = article.overview.split("\t");
  const pairs: Record<string, readonly [unknown, unknown]> = {
    number: [row.number, article.number],
    raw: [row.raw.toString("latin1"), article.overview],
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

describeNews("inn", { seed: true }, "inn", (bed) => {
  it("gives 100,000 rows as they were posted, byte for byte and as text", async () => {
    const nntp = await ready(bed);
    const wrong: string[] = [];
    let at = 0;
    for await (const row of nntp.over("1-")) {
      const article = expected[at++];
      const found = article ? difference(row, article) : `${row.number}: not expected`;
      if (found && wrong.length < 5) wrong.push(found);
    }
    expect(wrong).toEqual([]);
    expect(at).toBe(BIG.count - BIG.cancelled.length);
    await expectUsable(nntp);
  });

  it("gives all of them to batches(), toArray() and each()", async () => {
    const nntp = await ready(bed, { compress: false });
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
    const nntp = await ready(bed, { compress, timeouts: { command: 2_000 } });
    const numbers: number[] = [];
    for await (const { number } of nntp.over("1-")) {
      numbers.push(number);
      if (number === 1 || number === 60_000) await sleep(2_400); // longer than the server may be silent
    }
    expectAll(numbers);
    await expectUsable(nntp);
  });

  it("can be left early, as often as one likes", async () => {
    const nntp = await ready(bed, { compress: false });
    for (const leaveAt of [1, 5_000]) {
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

for (const [tls, compress] of [
  ["starttls", true],
  ["implicit", false],
] as const) {
  describeNews("inn", { seed: true, tls }, `inn, TLS ${tls}, compressed: ${compress}`, (bed) => {
    it("gives 100,000 rows", async () => {
      const nntp = await ready(bed, { compress });
      expectAll((await nntp.over("1-").toArray()).map(({ number }) => number));
      await nntp.quit();
    });
  });
}
