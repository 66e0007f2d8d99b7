/** Groups and articles of real news servers: octet for octet what was posted, and refusals that say what they mean. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { Writable } from "node:stream";
import { expect, it } from "vitest";
import { ReplyError, UsageError } from "../../../src/client/errors.js";
import { parseMessage } from "../../../src/message/parse.js";
import type { NntpClient } from "../../../src/nntp/client.js";
import { articleOf, idOf, type SeedArticle } from "../servers/news-seed.js";
import { type Bed, describeEach, describeNews, errorOf, expectUsable, numbersOf, seeded } from "./bed.js";

const SMALL = seeded("small");
/** Lines that begin with dots, no body, 998 octets in a line, 8-bit, blanks; and folded headers. */
const HARD = [1, 97, 101, 103, 107, 109, 161, 171, 194, 400];

/** An article as this server gives it back. */
function served({ kind }: Bed, { bytes, served }: SeedArticle): Buffer {
  if (kind === "inn") return served;
  const text = bytes.toString("latin1").replace("\r\n\r\n", "\r\nXref: cyrus.example\r\n\r\n");
  return Buffer.from(text, "latin1");
}

/** Head and body of an article: the empty line between them is in neither. */
function halves(article: Buffer): { head: Buffer; body: Buffer } {
  const end = article.indexOf("\r\n\r\n");
  return { head: article.subarray(0, end + 2), body: article.subarray(end + 4) };
}

/** Buffers are compared as text: a difference can be read. */
const text = (bytes: Buffer): string => bytes.toString("latin1");

async function ready(bed: Bed, group = SMALL.name, more: Parameters<Bed["ready"]>[0] = {}): Promise<NntpClient> {
  const nntp = await bed.ready(more);
  await nntp.group(group);
  return nntp;
}

async function expectRefused(call: Promise<unknown>, code: string): Promise<void> {
  const error = await errorOf(call);
  expect(error).toBeInstanceOf(ReplyError);
  expect(error).toMatchObject({ code, transient: false, clientUsable: true });
}

/** As the server comes: INN's answers of several lines wait 44 ms, unless more is under way. One by one it would be 88 s. */
function overlapping(bed: Bed, count: number): void {
  it(`answers ${count} articles that overlap in order, each with its own`, async () => {
    const nntp = await ready(bed);
    const numbers = Array.from({ length: 5 }, () => numbersOf(SMALL))
      .flat()
      .slice(0, count);
    const settled: number[] = [];
    const articles = await Promise.all(
      numbers.map(async (number, index) => {
        const article = await nntp.article(number);
        settled.push(index);
        return article;
      }),
    );
    expect(settled).toEqual(numbers.map((_, index) => index));
    expect(articles.map(({ number }) => number)).toEqual(numbers);
    const wrong = articles.filter(({ number, content }) => !content.equals(served(bed, articleOf(SMALL.name, number))));
    expect(wrong.map(({ number }) => number)).toEqual([]);
  }, 30_000);
}

describeNews("inn", { seed: true, nodelay: false }, "inn as it comes", (bed) => overlapping(bed, 2000));

describeEach({ seed: true }, (bed) => {
  if (bed.kind === "cyrus") overlapping(bed, 1000);

  it.each([true, false])("gives articles, heads and bodies octet for octet (compressed: %s)", async (compress) => {
    const nntp = await ready(bed, SMALL.name, { compress });
    for (const number of HARD) {
      const whole = articleOf(SMALL.name, number);
      const [expected, { head, body }] = [served(bed, whole), halves(served(bed, whole))];
      const [all, onlyHead, onlyBody, name] = await Promise.all([
        nntp.article(number),
        nntp.head(String(number)),
        nntp.body(number),
        nntp.stat(number),
      ]);
      expect(text(all.content)).toBe(text(expected));
      expect(text(onlyHead.content)).toBe(text(head));
      expect(text(onlyBody.content)).toBe(text(body));
      for (const each of [all, onlyHead, onlyBody, name]) {
        expect(each).toMatchObject({ number, messageId: whole.id });
      }
    }
    await expectUsable(nntp);
  });

  it.runIf(bed.kind === "inn")("gives them by message-id, without a group", async () => {
    const nntp = await bed.ready();
    for (const number of HARD) {
      const article = articleOf(SMALL.name, number);
      const { content, ...name } = await nntp.article(article.id);
      expect(text(content)).toBe(text(served(bed, article)));
      // INN says 0; RFC 3977 §6.2.1 allows for it also where the group is selected.
      expect(name).toEqual({ number: 0, messageId: article.id });
    }
    const body = await nntp.body(idOf(SMALL.name, 97));
    expect(text(body.content)).toMatch(/^\.\r\n\.\.\r\n\.hidden\r\n\.\.\.\r\n/);
    expect((await nntp.stat(idOf(SMALL.name, 97))).messageId).toBe(idOf(SMALL.name, 97));
  });

  it("gives them to a file, a function, and a slow stream", async () => {
    const nntp = await ready(bed);
    const expected = served(bed, articleOf(SMALL.name, 103));
    const path = join(bed.scratch, "103.eml");
    const stored = await nntp.article(103, { to: path });
    expect(stored).toEqual({ number: 103, messageId: idOf(SMALL.name, 103), bytes: expected.length });
    expect(text(readFileSync(path))).toBe(text(expected));
    const [slowly, quickly]: [Buffer[], Buffer[]] = [[], []];
    const slow = new Writable({
      highWaterMark: 1,
      write(chunk, _encoding, done) {
        slowly.push(Buffer.from(chunk));
        setTimeout(done, 1);
      },
    });
    const { body } = halves(expected);
    const [, second, third] = await Promise.all([
      nntp.article(103, { to: slow }),
      nntp.body(103, { to: (chunk) => void quickly.push(Buffer.from(chunk)) }),
      nntp.head(1),
    ]);
    expect(second.bytes).toBe(body.length);
    expect(third.number).toBe(1);
    expect(Buffer.concat(slowly).equals(expected)).toBe(true);
    expect(Buffer.concat(quickly).equals(body)).toBe(true);
    const refused = join(bed.scratch, "none.eml");
    await expectRefused(nntp.article(7, { to: refused }), "423");
    await expectUsable(nntp);
  });

  it("gives articles that parse into what was posted", async () => {
    const nntp = await ready(bed);
    for (const number of [31, 61, 107, 171]) {
      const { subject, references, date } = articleOf(SMALL.name, number);
      const message = await parseMessage((await nntp.article(number)).content);
      expect(message).toMatchObject({ messageId: idOf(SMALL.name, number), references });
      // A TAB that began a folded line stays (RFC 5322 §2.2.3); in overviews it is a blank.
      expect(message.subject?.replaceAll("\t", " ")).toBe(subject);
      expect(message.newsgroups).toEqual([SMALL.name]);
      if (date) expect(message.date).toEqual(date);
    }
  });

  it("keeps refusals apart from the articles around them", async () => {
    const nntp = await ready(bed);
    const outcomes = await Promise.allSettled(
      [1, 7, 2, 77, 9999, 3].map((number) => nntp.body(number)).concat(nntp.body("<no@such.example>"), nntp.body(4)),
    );
    const said = outcomes.map((each) => (each.status === "fulfilled" ? each.value.number : each.reason.code));
    expect(said).toEqual([1, "423", 2, "423", "423", 3, "430", 4]);
    await expectUsable(nntp);
  });

  it("selects groups, and says how they are", async () => {
    const nntp = await bed.ready();
    const name = (short: string) => `polywire.${short}`;
    expect(await nntp.group(name("umlaut"))).toEqual({ name: name("umlaut"), count: 10, low: 1, high: 10 });
    expect(await nntp.group(name("c++"))).toEqual({ name: name("c++"), count: 5, low: 1, high: 5 });
    expect(await nntp.group(name("empty"))).toEqual({ name: name("empty"), count: 0, low: 1, high: 0 });
    expect(await nntp.group(name("moderated"))).toMatchObject({ count: 20, high: 20 });
    expect(await nntp.group(name("closed"))).toMatchObject({ count: 5, high: 5 });
    // INN counts those that were cancelled; Cyrus does not, and knows that the next one has the number 21.
    const cancelled = bed.kind === "inn" ? { count: 20, low: 1, high: 20 } : { count: 0, low: 21, high: 20 };
    expect(await nntp.group(name("cancelled"))).toEqual({ name: name("cancelled"), ...cancelled });
    await expectRefused(nntp.group("no.such.group"), "411");
    for (const bad of ["", "a b", "a\r\nQUIT", "a\0"]) await expect(nntp.group(bad)).rejects.toThrow(UsageError);
    await expectUsable(nntp);
  });

  it("gives the numbers of a group, or of a part of it", async () => {
    const nntp = await bed.ready();
    const all = numbersOf(SMALL);
    expect(await nntp.listgroup(SMALL.name).toArray()).toEqual(all);
    expect(await nntp.listgroup().toArray()).toEqual(all);
    expect(await nntp.listgroup(SMALL.name, "70-80").toArray()).toEqual(all.filter((each) => each > 69 && each < 81));
    expect(await nntp.listgroup(SMALL.name, [490]).toArray()).toEqual(all.filter((each) => each > 489));
    expect(await nntp.listgroup(SMALL.name, 60).toArray()).toEqual([60]);
    for (const [name, range] of [["empty"], ["cancelled"], ["small", "7"], ["small", "600-"]] as const) {
      expect(await nntp.listgroup(`polywire.${name}`, range).toArray()).toEqual([]);
    }
    await expectRefused(nntp.listgroup("no.such.group").toArray(), "411");
    // LISTGROUP selects the group, and its first article.
    for await (const number of nntp.listgroup(SMALL.name)) if (number === 3) break;
    expect((await nntp.stat()).number).toBe(1);
    expect(() => nntp.listgroup(undefined, [1, 2])).toThrow(UsageError);
  });

  it("goes from article to article, passing over those that are gone, up to both ends", async () => {
    const nntp = await ready(bed);
    expect((await nntp.stat()).number).toBe(1);
    await expectRefused(nntp.last(), "422");
    expect(await nntp.next()).toEqual({ number: 2, messageId: idOf(SMALL.name, 2) });
    expect((await nntp.stat(6)).number).toBe(6);
    expect((await nntp.next()).number).toBe(8);
    expect((await nntp.last()).number).toBe(6);
    const steps = await Promise.all(Array.from({ length: 20 }, () => nntp.next()));
    expect(steps.map(({ number }) => number)).toEqual([8, ...Array.from({ length: 19 }, (_, index) => index + 9)]);
    expect((await nntp.stat(498)).number).toBe(498);
    await expectRefused(nntp.next(), "421");
    expect((await nntp.article()).messageId).toBe(idOf(SMALL.name, 498));
    expect((await nntp.head()).number).toBe(498);
    expect((await nntp.body()).number).toBe(498);
  });

  it("says what is missing: a group, an article, its number, its message-id", async () => {
    const nntp = await bed.ready();
    for (const call of [nntp.stat(), nntp.stat(1), nntp.next(), nntp.last(), nntp.article(1), nntp.over().toArray()]) {
      await expectRefused(call, "412");
    }
    await expectRefused(nntp.article("<no@such.example>"), "430");
    await nntp.group("polywire.empty");
    for (const call of [nntp.stat(), nntp.next(), nntp.last(), nntp.body(), nntp.over().toArray()]) {
      await expectRefused(call, "420");
    }
    await expectRefused(nntp.head(1), "423");
    for (const id of ["no brackets", "<a b@c>", "<a>\r\nQUIT", -1, 1.5, Number.NaN, 2 ** 53]) {
      await expect(nntp.article(id)).rejects.toThrow(UsageError);
    }
    await expectUsable(nntp);
  });
});

describeNews("inn", { seed: true, ipv6: true, rate: 200_000 }, "inn on ::1, which is slow", (bed) => {
  it("gives overlapping articles whole, however they were cut on the way", async () => {
    const nntp = await ready(bed, "polywire.big", { timeouts: { command: 2_000 } });
    const numbers = Array.from({ length: 150 }, (_, index) => 97 * (index + 1));
    const articles = await Promise.all(numbers.map((number) => nntp.article(number)));
    for (const { number, content } of articles) {
      expect(text(content)).toBe(text(articleOf("polywire.big", number).served));
    }
  });
});
