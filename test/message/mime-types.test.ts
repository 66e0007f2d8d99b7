/** MIME types by names of files: of the library, and of attachments that say none. */
import { expect, test } from "vitest";
import { composeArticle } from "../../src/message/compose.js";
import { composeMail } from "../../src/message/compose-mail.js";
import { extensionOf, mimeTypeOf } from "../../src/message/mime-types.js";
import { parseMessage } from "../../src/message/parse.js";

test.each([
  ["a.png", "image/png"],
  ["A.JPG", "image/jpeg"],
  ["dir.d/report.pdf", "application/pdf"],
  ["archive.tar.gz", "application/gzip"],
  ["mail.eml", "message/rfc822"],
  ["photo.heic", "image/heic"],
  ["notes.md", "text/markdown"],
  ["png", undefined],
  [".png", undefined],
  ["dir.png/none", undefined],
  ["a.unknown", undefined],
  ["", undefined],
])("%j is %j", async (name, type) => {
  expect(await mimeTypeOf(name)).toBe(type);
});

test.each([
  ["image/jpeg", "jpg"],
  ["Text/Plain; charset=utf-8", "txt"],
  ["application/x-nobody-knows", undefined],
])("%j has the extension %j", async (type, extension) => {
  expect(await extensionOf(type)).toBe(extension);
});

test("attachments that say no type get the one of their names, in articles and in mail", async () => {
  const content = Buffer.from("x");
  const attachments = [
    { filename: "photo.heic", content },
    { filename: "notes.md", content },
    { filename: "strange.unknown", content },
    { filename: "a.png", contentType: "application/x-own", content },
  ];
  const from = "a@example.org";
  const article = await composeArticle({ from, newsgroups: "misc.test", subject: "s", attachments });
  const { raw } = await composeMail({ from, to: from, subject: "s", attachments });
  for (const bytes of [article, raw as Buffer]) {
    expect((await parseMessage(bytes)).attachments.map(({ contentType }) => contentType)).toEqual([
      "image/heic",
      "text/markdown",
      "application/octet-stream",
      "application/x-own",
    ]);
  }
});
