/** Posting to INN, and reading it back: composed and raw articles, refusals, and what its operator takes away. */
import { randomBytes } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ConnectionError, ReplyError, UsageError } from "../../../src/client/errors.js";
import { completeArticle } from "../../../src/message/compose.js";
import { parseHeaders } from "../../../src/message/headers.js";
import { parseMessage } from "../../../src/message/parse.js";
import { decodeYenc, encodeYenc } from "../../../src/message/yenc.js";
import type { NntpClient } from "../../../src/nntp/client.js";
import { describeNews, errorOf, expectUsable, latin1 } from "./bed.js";

const GROUP = "polywire.test";
const MINIMAL = { from: "Alice <alice@example.org>", newsgroups: GROUP, subject: "a subject", text: "a text\n" };
const raw = (body: string, more = ""): Buffer =>
  Buffer.from(`From: a@example.org\r\nNewsgroups: ${GROUP}\r\nSubject: s\r\n${more}\r\n${body}`, "latin1");

/** A body as the server has it. */
const bodyOf = async (nntp: NntpClient, id: string): Promise<string> =>
  (await nntp.body(id)).content.toString("latin1");

async function expectRefused(call: Promise<unknown>, code: string, says: RegExp): Promise<void> {
  const error = await errorOf(call);
  expect(error).toBeInstanceOf(ReplyError);
  expect(error).toMatchObject({ code, clientUsable: true });
  expect(error.message).toMatch(says);
}

describeNews("inn", {}, "inn", (bed) => {
  it.each([true, false])(
    "gives back the text, the files and the thread of what was composed (compressed: %s)",
    async (compress) => {
      const nntp = await bed.ready({ compress });
      const content = randomBytes(300_000);
      const references = Array.from({ length: 40 }, (_, index) => `<${index}.${"x".repeat(30)}@thread.example>`);
      const posted = await nntp.post({
        from: "Jürgen Müller <juergen@example.org>",
        newsgroups: [GROUP, "polywire.empty"],
        subject: "Grüße aus Köln – 日本語 und 🎉, and so long that it must be folded, as it has more than 78 octets",
        text: "Hallo!\n\n.dot\n..\n.\nÄhm… 日本語\n",
        html: "<p>Hallo!</p>",
        attachments: [
          { filename: "žluťoučký.bin", content },
          { filename: "note.txt", content: "a note\n", contentType: "text/plain" },
        ],
        references,
        inReplyTo: "<last@thread.example>",
        followupTo: "poster",
        headers: { Organization: "Prüfstelle", "X-Test": ["one", "two"] },
      });
      expect(posted.reply.code).toBe("240");
      const message = await parseMessage((await nntp.article(posted.messageId)).content);
      expect(message).toMatchObject({
        messageId: posted.messageId,
        subject: "Grüße aus Köln – 日本語 und 🎉, and so long that it must be folded, as it has more than 78 octets",
        newsgroups: [GROUP, "polywire.empty"],
        references: [...references, "<last@thread.example>"],
        inReplyTo: "<last@thread.example>",
        from: [{ name: "Jürgen Müller", address: "juergen@example.org" }],
        text: "Hallo!\n\n.dot\n..\n.\nÄhm… 日本語\n",
      });
      expect(message.html?.trim()).toBe("<p>Hallo!</p>");
      expect(message.headers.get("organization")).toBe("Prüfstelle");
      expect(message.headers.all("x-test")).toEqual(["one", "two"]);
      expect(Math.abs((message.date as Date).getTime() - Date.now())).toBeLessThan(60_000);
      expect(message.attachments.map(({ filename }) => filename)).toEqual(["žluťoučký.bin", "note.txt"]);
      expect(message.attachments[0]?.content.equals(content)).toBe(true);
      expect(String(message.attachments[1]?.content)).toBe("a note\n");
      for (const group of [GROUP, "polywire.empty"]) {
        const { high } = await nntp.group(group);
        const [row] = await nntp.over(high).toArray();
        expect(row).toMatchObject({ messageId: posted.messageId, subject: message.subject });
        expect(row?.references).toEqual([...references, "<last@thread.example>"]);
      }
    },
  );

  it("fills in what a raw article lacks, and keeps what it has", async () => {
    const nntp = await bed.ready();
    const { messageId } = await nntp.post(raw("a text\r\n", `X-Mine: ${latin1("é")}\r\n folded\r\n`));
    expect(messageId).toMatch(/^<[^<>@ ]+@[^<>@ ]+>$/);
    const headers = parseHeaders((await nntp.head(messageId)).content);
    expect(headers.get("message-id")).toBe(messageId);
    expect(headers.get("x-mine")).toBe("é folded");
    expect(headers.get("path")).toMatch(/not-for-mail$/);
    expect(Date.parse(headers.get("date") as string)).toBeGreaterThan(Date.now() - 60_000);
    const own = "<my.own.id@example.org>";
    const again = await nntp.post(raw("b\r\n", `Message-ID: ${own}\r\nDate: Tue, 3 Feb 2026 10:11:12 +0100\r\n`));
    expect(again.messageId).toBe(own);
    expect(parseHeaders((await nntp.head(own)).content).get("date")).toBe("Tue, 3 Feb 2026 10:11:12 +0100");
  });

  const BODIES: Record<string, string> = {
    "dots in front": ".\r\n..\r\n...\r\n.hidden\r\n. \r\nmiddle.\r\n.\r\n",
    "what looks like the end": "a\r\n.\r\nQUIT\r\n.\r\n",
    "one dot": ".\r\n",
    "empty lines around": "\r\n\r\n\r\na\r\n\r\n\r\n",
    "998 octets in a line": `${"x".repeat(998)}\r\n.${"y".repeat(997)}\r\n`,
    "every octet but NUL, CR and LF": `${Array.from({ length: 253 }, (_, index) => String.fromCharCode([1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 12][index] ?? index + 3)).join("")}\r\n`,
    "more than a segment": "0123456789 .abcdef\r\n.".repeat(20_000).concat("\r\n"),
    blanks: "  two  \r\n\ttab\t\r\n \r\n",
  };
  it.each(Object.entries(BODIES))("gives a body back octet for octet: %s", async (_name, body) => {
    const nntp = await bed.ready();
    const { messageId } = await nntp.post(raw(body));
    expect(await bodyOf(nntp, messageId)).toBe(body);
    await expectUsable(nntp);
  });

  it("takes a body without a line end, or with bare ones, as lines", async () => {
    const nntp = await bed.ready();
    const { messageId } = await nntp.post(raw("a\nb\rc\r\n.\n.d"));
    expect(await bodyOf(nntp, messageId)).toBe("a\r\nb\r\nc\r\n.\r\n.d\r\n");
  });

  it("takes articles from files and streams, of some megabytes", async () => {
    const nntp = await bed.ready();
    const body = "a line of a long text, which is as long as any other one\r\n".repeat(60_000);
    const path = join(bed.scratch, "article.eml");
    writeFileSync(path, raw(body));
    const fromFile = await nntp.post(path);
    async function* pieces() {
      for (let at = 0, bytes = raw(body); at < bytes.length; at += 100_001) yield bytes.subarray(at, at + 100_001);
    }
    const fromStream = await nntp.post(pieces());
    for (const { messageId } of [fromFile, fromStream]) expect((await bodyOf(nntp, messageId)) === body).toBe(true);
  });

  it("gives back a file that was posted by yEnc", async () => {
    const nntp = await bed.ready();
    const data = randomBytes(100_000);
    const { messageId } = await nntp.post(Buffer.concat([raw(""), encodeYenc(data, { name: "data.bin" })]));
    const decoded = decodeYenc((await nntp.body(messageId)).content);
    expect(decoded).toMatchObject({ name: "data.bin", crc: "ok" });
    expect(decoded?.data.equals(data)).toBe(true);
  });

  it("sends nothing where a header is missing or cannot be sent", async () => {
    const nntp = await bed.ready();
    const before = await nntp.group(GROUP);
    for (const missing of ["From", "Newsgroups", "Subject"]) {
      const article = raw("t\r\n")
        .toString("latin1")
        .replace(new RegExp(`^${missing}: .*\r\n`, "m"), "");
      const error = await errorOf(nntp.post(Buffer.from(article)));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain(missing);
    }
    for (const bad of [{ subject: "a\r\nX-Evil: 1" }, { newsgroups: "a b" }, { messageId: "none" }]) {
      expect(await errorOf(nntp.post({ ...MINIMAL, ...bad }))).toBeInstanceOf(UsageError);
    }
    expect(await nntp.group(GROUP)).toEqual(before);
  });

  it("says why an article was refused, and goes on", async () => {
    const nntp = await bed.ready();
    await expectRefused(nntp.post({ ...MINIMAL, newsgroups: "no.such.group" }), "441", /no\.such\.group/);
    await expectRefused(nntp.post({ ...MINIMAL, newsgroups: "polywire.closed" }), "441", /polywire\.closed/);
    await expectRefused(nntp.post({ ...MINIMAL, text: "" }), "441", /no body|body is empty|empty/i);
    await expectRefused(nntp.post(raw("a\r\n", "Date: tomorrow\r\n")), "441", /date/i);
    await expectRefused(nntp.post(raw("a\r\n", "Date: Tue, 3 Feb 2099 10:11:12 +0100\r\n")), "441", /future/i);
    const { messageId } = await nntp.post(MINIMAL);
    await expectRefused(nntp.post({ ...MINIMAL, messageId }), "441", /435|duplicate/i);
    expect(await bodyOf(nntp, messageId)).toBe("a text\r\n");
    await expectUsable(nntp);
  });

  it("posts to a moderated group: to its moderator, or into it where it is approved", async () => {
    const nntp = await bed.ready();
    const article = { ...MINIMAL, newsgroups: "polywire.moderated" };
    const { messageId } = await nntp.post({ ...article, subject: "Grüße zur Prüfung" });
    await expect.poll(() => bed.server.mail()).toContain(messageId);
    expect(await errorOf(nntp.stat(messageId))).toMatchObject({ code: "430" });
    const approved = await nntp.post({ ...article, headers: { Approved: "moderator@polywire.example" } });
    expect((await nntp.group("polywire.moderated")).count).toBe(1);
    expect((await nntp.stat(1)).messageId).toBe(approved.messageId);
  });

  it("posts in the order of the calls, with others in between", async () => {
    const nntp = await bed.ready();
    const { high } = await nntp.group(GROUP);
    const subjects = Array.from({ length: 20 }, (_, index) => `in order ${index}`);
    const outcomes = await Promise.all(
      subjects.flatMap((subject) => [nntp.post({ ...MINIMAL, subject }), nntp.date(), nntp.group(GROUP)]),
    );
    expect(outcomes).toHaveLength(60);
    const rows = await nntp.over([high + 1]).toArray();
    expect(rows.map(({ subject }) => subject)).toEqual(subjects);
  });

  it("shows articles no more when they were cancelled, and groups when they were removed", async () => {
    const nntp = await bed.ready();
    const { messageId } = await nntp.post(MINIMAL);
    const { high } = await nntp.group(GROUP);
    await bed.server.control("cancel", messageId);
    for (const call of [nntp.article(messageId), nntp.stat(messageId)]) {
      expect(await errorOf(call)).toMatchObject({ code: "430", clientUsable: true });
    }
    expect(await errorOf(nntp.article(high))).toMatchObject({ code: "423" });
    expect(await nntp.over(high).toArray()).toEqual([]);
    await bed.server.control("newgroup", "polywire.short", "y", "a@example.org");
    await nntp.post({ ...MINIMAL, newsgroups: "polywire.short" });
    expect((await nntp.group("polywire.short")).count).toBe(1);
    await bed.server.control("rmgroup", "polywire.short");
    expect(await errorOf(nntp.group("polywire.short"))).toMatchObject({ code: "411" });
    await expectUsable(nntp);
  });
});

describeNews("cyrus", {}, "cyrus", (bed) => {
  /**
   * One posting in ten is never answered (3.6.1: nntpd looks up the mailbox for ever). Then the article is sent again,
   * as the error advises.
   */
  async function persistently(article: Buffer): Promise<string> {
    for (let attempt = 1; ; attempt++) {
      const nntp = await bed.ready({ timeouts: { command: 1_500 } });
      const posted = await nntp.post(article).catch((error) => error);
      if (!(posted instanceof Error)) return posted.messageId;
      const id = parseHeaders(article).get("message-id") as string;
      if (posted instanceof ReplyError) return id; // a duplicate: it had been taken
      expect(posted).toBeInstanceOf(ConnectionError);
      expect(posted.message).toContain(`look for ${id}, or send the same article again`);
      expect(attempt).toBeLessThan(6);
    }
  }

  it("gives back what was posted: by message-id, in the overview, and in NEWNEWS", async () => {
    const body = `.\r\n..\r\n.hidden\r\n${latin1("Grüße")}\r\n`;
    const id = "<posted.1@example.org>";
    const article = completeArticle(raw(body, `Message-ID: ${id}\r\nReferences: <a@b> <c@d>\r\n`));
    expect(await persistently(article)).toBe(id);
    const nntp = await bed.ready();
    expect(await bodyOf(nntp, id)).toBe(body);
    expect((await nntp.stat(id)).messageId).toBe(id);
    expect(await nntp.check(id)).toBe("unwanted");
    const [row] = await nntp.over(id).toArray();
    expect(row).toMatchObject({ number: 0, messageId: id, subject: "s", references: ["<a@b>", "<c@d>"] });
    expect(await nntp.newnews("polywire.*", new Date(Date.now() - 60_000)).toArray()).toEqual([id]);
    expect(await nntp.group(GROUP)).toMatchObject({ count: 1, high: 1 });
    expect((await nntp.article(1)).messageId).toBe(id);
  });
});
