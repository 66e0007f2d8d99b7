/** Articles written elsewhere, made ready for a server. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { completeArticle } from "../../src/message/complete.js";

const NOW = { date: new Date("2026-02-03T10:11:12Z"), messageId: "<1@example.org>" };
const complete = (text: string, defaults = NOW) =>
  completeArticle(Buffer.from(text, "latin1"), defaults).toString("latin1");
const HEAD = "From: J <j@example.org>\nNewsgroups: misc.test\nSubject: Hi\n";
const DONE = "From: J <j@example.org>\r\nNewsgroups: misc.test\r\nSubject: Hi\r\n";
const ADDED = "Path: not-for-mail\r\nDate: Tue, 03 Feb 2026 10:11:12 +0000\r\nMessage-ID: <1@example.org>\r\n";

test("what is missing is added, what is there stays", () => {
  expect(complete(`${HEAD}\nbody\n`)).toBe(`${ADDED}${DONE}\r\nbody\r\n`);
  const whole = `path: x!y\r\ndate: soon\r\nMESSAGE-ID: <2@x>\r\n${DONE}\r\nbody\r\n`;
  expect(complete(whole)).toBe(whole);
});

test("a message-id is made with the domain of From", () => {
  const idOf = (from: string) =>
    /^Message-ID: (.*)\r$/m.exec(
      completeArticle(Buffer.from(`From: ${from}\nNewsgroups: a\nSubject: b\n\nc`)).toString(),
    )?.[1];
  expect(idOf("J <j@News.Example.org>")).toMatch(/^<[0-9a-f-]{36}@news\.example\.org>$/);
  expect(idOf("j@example.org (J)")).toMatch(/^<[0-9a-f-]{36}@example\.org>$/);
  expect(idOf("site!user")).toMatch(/^<[0-9a-f-]{36}@unknown\.invalid>$/);
  expect(idOf("j@[192.0.2.1]")).toMatch(/^<[0-9a-f-]{36}@unknown\.invalid>$/);
  expect(idOf("j@x")).not.toBe(idOf("j@x"));
});

test("bare CR and LF become CR LF, 8-bit bytes stay", () => {
  expect(complete(`${HEAD}\ngr\xfc\xdfe\r.\n\r\n..\r`)).toBe(`${ADDED}${DONE}\r\ngr\xfc\xdfe\r\n.\r\n\r\n..\r\n`);
});

test("the end of the last line and the empty line are added where they are missing", () => {
  const bare = `${ADDED}${DONE}\r\n`;
  expect(complete(`${HEAD}\nbody`)).toBe(`${ADDED}${DONE}\r\nbody\r\n`);
  expect(complete(`${HEAD}\n`)).toBe(bare);
  expect(complete(HEAD)).toBe(bare);
  expect(complete(HEAD.trimEnd())).toBe(bare);
});

test("defaults of one's own", () => {
  const article = Buffer.from(`${HEAD}\nx`);
  expect(completeArticle(article, { ...NOW, path: "me!not-for-mail" }).toString()).toMatch(
    /^Path: me!not-for-mail\r\n/,
  );
  expect(() => completeArticle(article, { path: "a\r\nb" })).toThrow(UsageError);
  expect(() => completeArticle(article, { messageId: "x" })).toThrow(UsageError);
  expect(() => completeArticle(article, { date: new Date(Number.NaN) })).toThrow(UsageError);
});

describe("what is refused", () => {
  test.each([
    ["no From", "Newsgroups: a\nSubject: b\n\n", /needs the header From/],
    ["no Newsgroups", "From: a@b\nSubject: b\n\n", /needs the header Newsgroups/],
    ["no Subject", "From: a@b\nNewsgroups: a\n\n", /needs the header Subject/],
    ["a header behind the empty line", "From: a@b\nNewsgroups: a\n\nSubject: b\n", /Subject/],
    ["an empty Subject", "From: a@b\nNewsgroups: a\nSubject: \n\n", /Subject is empty/],
    ["an empty Date", `${HEAD}Date:\n\nx`, /Date is empty/],
    [
      "a name in Newsgroups that is none",
      "From: a@b\nNewsgroups: a b\nSubject: b\n\n",
      /"a b" in|newsgroup in Newsgroups/,
    ],
    ["a Message-ID that is none", `${HEAD}Message-ID: x\n\n`, /not a message-id/],
    ["a line that is no field", `From me Tue Feb  3 10:11:12 2026\n${HEAD}\nx`, /no field/],
    ["NUL", `${HEAD}\na\0b`, /NUL/],
    ["nothing", "", /From/],
  ])("%s", (_, article, message) => {
    expect(() => complete(article)).toThrow(UsageError);
    expect(() => complete(article)).toThrow(message);
  });
});

test("completed twice is completed once, whatever the body", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary-ascii" }), (body) => {
      const once = complete(`${HEAD}\n${body.replaceAll("\0", "")}`);
      expect(complete(once)).toBe(once);
      expect(once).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
    }),
  );
});
