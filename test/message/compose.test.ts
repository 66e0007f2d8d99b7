/** Articles composed of their parts. */
import { readFileSync } from "node:fs";
import { Readable } from "node:stream";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { SinkError, UsageError } from "../../src/client/errors.js";
import { type ArticleInput, type AttachmentInput, completeArticle, composeArticle } from "../../src/message/compose.js";
import { parseHeaders } from "../../src/message/headers.js";
import { parseMessage } from "../../src/message/parse.js";

const ARTICLE: ArticleInput = { from: "j@example.org", newsgroups: "misc.test", subject: "Hi", text: "Hello\n" };
const compose = async (more: Partial<ArticleInput> = {}) =>
  (await composeArticle({ ...ARTICLE, ...more })).toString("latin1");
const headersOf = async (more: Partial<ArticleInput> = {}) =>
  parseHeaders(await composeArticle({ ...ARTICLE, ...more }));

describe("the header", () => {
  test("has what RFC 5536 asks for, and nothing about this program or machine", async () => {
    const date = new Date("2026-02-03T10:11:12Z");
    expect((await compose({ date, messageId: "<1@example.org>" })).split("\r\n\r\n")[0]?.split("\r\n")).toEqual([
      "Path: not-for-mail",
      "Newsgroups: misc.test",
      "From: j@example.org",
      "Subject: Hi",
      "Message-ID: <1@example.org>",
      "Date: Tue, 03 Feb 2026 10:11:12 +0000",
      "Content-Transfer-Encoding: 7bit",
      "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
    ]);
  });

  test("a message-id of its own with the domain of From, and the date of now", async () => {
    const [one, two] = [await headersOf({ from: "J <j@bücher.example>" }), await headersOf()];
    expect(one.raw("message-id")).toMatch(/^<[0-9a-f-]{36}@xn--bcher-kva\.example>$/);
    expect(two.raw("message-id")).toMatch(/^<[0-9a-f-]{36}@example\.org>$/);
    expect(Math.abs(Date.parse(two.raw("date") ?? "") - Date.now())).toBeLessThan(5000);
  });

  test("text is encoded, and comes back", async () => {
    const headers = await headersOf({
      from: { name: "Jürgen, Groß", address: "j@example.org" },
      subject: `Grüße ${"und mehr ".repeat(20)}世界`,
      headers: { Organization: "Überfirma", Keywords: ["a", "ö"] },
    });
    expect(headers.get("from")).toBe("Jürgen, Groß <j@example.org>");
    expect(headers.get("subject")).toBe(`Grüße ${"und mehr ".repeat(20)}世界`);
    expect(headers.get("organization")).toBe("Überfirma");
    expect(headers.all("keywords")).toEqual(["a", "ö"]);
  });

  test("newsgroups are joined, never folded, never encoded", async () => {
    const newsgroups = Array.from({ length: 20 }, (_, i) => `de.alt.test.group-number-${i}`);
    const raw = await compose({ newsgroups: newsgroups.join(", "), followupTo: ["a.b", "de.ü"] });
    expect(raw).toContain(`\r\nNewsgroups: ${newsgroups.join(",")}\r\n`);
    expect(raw).toContain(`\r\nFollowup-To: a.b,de.${Buffer.from("ü").toString("latin1")}\r\n`);
    expect(await compose({ followupTo: "poster" })).toContain("\r\nFollowup-To: poster\r\n");
  });

  test("the thread: references, and the article replied to at their end", async () => {
    const thread = async (more: Partial<ArticleInput>) => {
      const headers = await headersOf(more);
      return [headers.raw("references"), headers.raw("in-reply-to")];
    };
    expect(await thread({ references: "<1@x>  <2@x>" })).toEqual(["<1@x> <2@x>", undefined]);
    expect(await thread({ references: ["<1@x>"], inReplyTo: "<2@x>" })).toEqual(["<1@x> <2@x>", "<2@x>"]);
    expect(await thread({ references: ["<1@x>", "<2@x>"], inReplyTo: "<2@x>" })).toEqual(["<1@x> <2@x>", "<2@x>"]);
    expect(await thread({ inReplyTo: "<no-at>" })).toEqual(["<no-at>", "<no-at>"]);
    expect(await thread({})).toEqual([undefined, undefined]);
  });

  test("further fields, spelt as given", async () => {
    const raw = await compose({ replyTo: "R <r@x.example>", headers: { "X-PGP-Key": "1", Path: "me!not-for-mail" } });
    expect(raw).toContain("\r\nX-PGP-Key: 1\r\n");
    expect(raw).toContain("Path: me!not-for-mail\r\n");
    expect(raw.match(/^Path:/gm)).toHaveLength(1);
    expect(raw).toContain("\r\nReply-To: R <r@x.example>\r\n");
  });
});

describe("what is refused", () => {
  const refused: [string, Partial<ArticleInput>][] = [
    ["a line break in From", { from: "j@example.org\r\nBcc: x@y" }],
    ["a line break in a name", { from: { name: "J\nBcc: x", address: "j@example.org" } }],
    ["a line break in an address", { from: { address: "j@example.org\nBcc:x" } }],
    ["a line break in Subject", { subject: "a\r\nb" }],
    ["NUL in Subject", { subject: "a\0b" }],
    ["a line break in a field", { headers: { "X-A": "a\nb" } }],
    ["a line break in one of many", { headers: { "X-A": ["a", "b\rc"] } }],
    ["a line break in a field's name", { headers: { "X-A\r\nX-B": "a" } }],
    ["a colon in a field's name", { headers: { "X-A: b": "a" } }],
    ["a line break in a file name", { attachments: [{ content: "x", filename: "a\nb" }] }],
    ["a line break in a content type", { attachments: [{ content: "x", contentType: "a/b\nc" }] }],
    ["From without an address", { from: "Jürgen" }],
    ["two addresses in From", { from: "a@x.example, b@x.example" }],
    ["no newsgroup", { newsgroups: [] }],
    ["an empty newsgroup", { newsgroups: "a.b,,c.d" }],
    ["a blank in a newsgroup", { newsgroups: "a b" }],
    ["a comma in one name", { newsgroups: ["a,b"] }],
    ["an empty component", { newsgroups: "a..b" }],
    ["a wildmat", { newsgroups: "de.*" }],
    ["a line break in a newsgroup", { newsgroups: ["a.b\r\nX: y"] }],
    ["a blank in a message-id", { messageId: "<a b@x>" }],
    ["a message-id without brackets", { messageId: "a@x" }],
    ["a message-id that is too long", { messageId: `<${"a".repeat(250)}@x>` }],
    ["a reference that is none", { references: "1@x" }],
    ["a line break in a reference", { references: ["<1@x>\r\nX: y"] }],
    ["a date that is none", { date: new Date(Number.NaN) }],
    ["a field that has an option", { headers: { subject: "x" } }],
    ["Bcc", { headers: { Bcc: "x@y" } }],
    ["a field of MIME", { headers: { "Content-Type": "text/html" } }],
  ];
  test.each(refused)("%s", async (_, more) => {
    await expect(compose(more)).rejects.toThrow(UsageError);
  });
});

describe("the body", () => {
  const part = async (text: string) => {
    const raw = await compose({ text });
    return [/Content-Transfer-Encoding: (\S+)/.exec(raw)?.[1], raw.slice(raw.indexOf("\r\n\r\n") + 4)];
  };

  test("goes as it is where it can", async () => {
    expect(await part("a\nb\rc\r\n.\n")).toEqual(["7bit", "a\r\nb\r\nc\r\n.\r\n"]);
    expect(await part(`${"x".repeat(998)}\n`)).toEqual(["7bit", `${"x".repeat(998)}\r\n`]);
    expect(await part("Grüße")).toEqual(["8bit", `${Buffer.from("Grüße").toString("latin1")}\r\n`]);
    expect((await part("x".repeat(999)))[0]).toBe("quoted-printable");
    expect((await part("ü".repeat(500)))[0]).toBe("quoted-printable");
    expect((await part("a\0b"))[0]).toBe("quoted-printable");
  });

  test("text, HTML and files come back", async () => {
    const zip = Buffer.alloc(10_000, 200);
    const bytes = await composeArticle({
      ...ARTICLE,
      text: "Grüße\n",
      html: "<b>Grüße</b> <img src='cid:pic'>",
      attachments: [
        { content: zip, filename: "ä ö.zip" },
        { content: Readable.from([Buffer.from("abc")]), filename: "a.txt" },
        { content: "text", contentType: "text/x-diff" },
        { content: new Uint8Array([1, 2]), contentType: "image/png", contentId: "pic" },
      ],
    });
    const message = await parseMessage(bytes);
    expect(message.headers.raw("content-transfer-encoding")).toBe("8bit");
    expect(message.text?.trim()).toBe("Grüße");
    expect(message.html).toContain("<b>Grüße</b>");
    const files = message.attachments.map(({ filename, contentType, content }) => [
      filename,
      contentType,
      content.toString("hex"),
    ]);
    expect(files).toHaveLength(4);
    expect(files).toContainEqual(["ä ö.zip", "application/zip", zip.toString("hex")]);
    expect(files).toContainEqual(["a.txt", "text/plain", "616263"]);
    expect(message.attachments.find(({ contentId }) => contentId === "pic")?.content).toEqual(Buffer.from([1, 2]));
  });

  test("an attachment's stream that fails is a SinkError", async () => {
    const content = new Readable({
      read() {
        this.destroy(new Error("disk gone"));
      },
    });
    await expect(compose({ attachments: [{ content, filename: "a" }] })).rejects.toThrow(SinkError);
  });

  test("a path is never opened", async () => {
    const attachments = [{ path: "package.json", filename: "a" }] as unknown as readonly AttachmentInput[];
    expect(await compose({ attachments })).not.toContain(readFileSync("package.json").toString("base64", 0, 30));
  });
});

test("any text and subject come back, lines end with CR LF, and completeArticle has nothing to add", async () => {
  const line = fc.string({ unit: "grapheme" }).map((s) => s.replace(/[\r\n\0\p{Cc}\p{Z}]/gu, "_"));
  const text = fc.array(line, { minLength: 1 }).map((lines) => lines.join("\n"));
  await fc.assert(
    fc.asyncProperty(
      text,
      line.filter((s) => s !== "" && !s.includes("=?")),
      async (body, subject) => {
        const bytes = await composeArticle({ ...ARTICLE, text: body, subject });
        expect(bytes.toString("latin1")).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
        const message = await parseMessage(bytes);
        expect([message.subject, (message.text ?? "").replace(/\n$/, "")]).toEqual([subject, body.replace(/\n$/, "")]);
        expect(completeArticle(bytes).equals(bytes)).toBe(true);
      },
    ),
    { numRuns: 50 },
  );
});
