/** Whole messages: mail and news, MIME and not, broken and cut. */
import { spawnSync } from "node:child_process";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { describe, expect, test } from "vitest";
import { ConnectionError, ProtocolError, SinkError } from "../../src/client/errors.js";
import { createMailParser } from "../../src/message/mail-parser.js";
import { parseMessage } from "../../src/message/parse.js";

const bytes = (...lines: string[]) => Buffer.from(lines.join("\r\n"), "latin1");
const text = (...lines: string[]) => parseMessage(bytes(...lines)).then((message) => message.text);

const NEWS = bytes(
  "Path: news.example!not-for-mail",
  "From: =?utf-8?Q?J=C3=BCrgen?= <j@example.org>",
  "Newsgroups: de.test, misc.test",
  "Subject: Gr\xfc\xdfe",
  "Message-ID: <9@example.org>",
  "References: <1@example.org>",
  " <2@example.org>",
  "In-Reply-To: Message from X <2@example.org>",
  "Date: Tue, 3 Feb 98 10:11:12 MET",
  "",
  "Hallo W\xf6rld",
  ".",
  "",
);

const MIME = bytes(
  "From: a@x",
  "To: B <b@x>, =?utf-8?Q?=C3=A4?= <c@x>",
  "Cc: Team: d@x, e@x;",
  "Reply-To: f@x",
  "MIME-Version: 1.0",
  'Content-Type: multipart/mixed; boundary="=_1"',
  "",
  "preamble",
  "--=_1",
  'Content-Type: multipart/alternative; boundary="=_2"',
  "",
  "--=_2",
  "Content-Type: text/plain; charset=iso-8859-15",
  "Content-Transfer-Encoding: quoted-printable",
  "",
  "5 =A4 f=FCr=",
  " dich",
  "--=_2",
  "Content-Type: text/html; charset=koi8-r",
  "Content-Transfer-Encoding: base64",
  "",
  "PGI+8NLJ18XUPC9iPg==",
  "--=_2--",
  "--=_1",
  'Content-Type: IMAGE/PNG; name="x.png"',
  "Content-Disposition: inline; filename*=utf-8''%C3%A4.png",
  "Content-ID: <pic@x>",
  "Content-Transfer-Encoding: base64",
  "",
  "AAECAwQ=",
  "--=_1",
  "Content-Type: application/zip",
  'Content-Disposition: attachment; filename="../../etc/passwd"',
  "Content-Transfer-Encoding: base64",
  "",
  Buffer.alloc(100_000, "zip").toString("base64"),
  "--=_1--",
  "",
);

describe("fields", () => {
  test("of a news article", async () => {
    const message = await parseMessage(NEWS);
    expect({ ...message, headers: message.headers.size }).toEqual({
      headers: 8,
      messageId: "<9@example.org>",
      subject: "Grüße",
      from: [{ name: "Jürgen", address: "j@example.org" }],
      to: [],
      cc: [],
      replyTo: [],
      date: new Date("1998-02-03T09:11:12Z"),
      references: ["<1@example.org>", "<2@example.org>"],
      inReplyTo: "<2@example.org>",
      newsgroups: ["de.test", "misc.test"],
      text: "Hallo Wörld\n.\n",
      html: undefined,
      attachments: [],
    });
    expect(message.headers.get("path")).toBe("news.example!not-for-mail");
  });

  test("of a mail", async () => {
    const { to, cc, replyTo, date, references, newsgroups, subject, messageId } = await parseMessage(MIME);
    expect(to).toEqual([
      { name: "B", address: "b@x" },
      { name: "ä", address: "c@x" },
    ]);
    expect(cc).toEqual([
      { name: "", address: "d@x", group: "Team" },
      { name: "", address: "e@x", group: "Team" },
    ]);
    expect(replyTo).toEqual([{ name: "", address: "f@x" }]);
    expect({ date, references, newsgroups, subject, messageId }).toEqual({ references: [], newsgroups: [] });
  });

  test("a date that is none is undefined, not now", async () => {
    const { date, headers } = await parseMessage(bytes("Date: soon", "", "x"));
    expect([date, headers.raw("date")]).toEqual([undefined, "soon"]);
  });
});

describe("text", () => {
  test("alternatives are kept apart, transfer encodings and charsets undone", async () => {
    const message = await parseMessage(MIME);
    expect(message.text).toBe("5 € für dich");
    expect(message.html).toBe("<b>Привет</b>");
  });

  test.each([
    ["nothing declared, windows-1252", [], "W\xf6rld \x80"],
    ["nothing declared, UTF-8", [], "W\xc3\xb6rld \xe2\x82\xac"],
    ["ASCII declared, windows-1252", ["Content-Type: text/plain; charset=us-ascii"], "W\xf6rld \x80"],
    ["UTF-8 declared, windows-1252", ["Content-Type: text/plain; charset=utf-8"], "W\xf6rld \x80"],
    ["ISO 8859-1 declared, UTF-8", ["Content-Type: text/plain; charset=iso-8859-1"], "W\xc3\xb6rld \xe2\x82\xac"],
    ["an unknown charset", ["Content-Type: text/plain; charset=x-foo"], "W\xf6rld \x80"],
  ])("%s", async (_, headers, body) => {
    expect(await text(...headers, "", body)).toBe("Wörld €");
  });

  test("charsets that are neither", async () => {
    expect(await text("Content-Type: text/plain; charset=cp850", "", "W\x94rld")).toBe("Wörld");
    expect(await text("Content-Type: text/plain; charset=ISO-2022-JP", "", "\x1b$BF|K\\\x1b(B")).toBe("日本");
  });

  test("format=flowed is joined", async () => {
    expect(await text("Content-Type: text/plain; format=flowed", "", "one ", "line", "two", "")).toBe("one line\ntwo");
  });

  test("HTML alone is no text, unless asked for", async () => {
    const html = bytes("Content-Type: text/html", "", "<p>Hi <b>there</b></p>");
    expect(await parseMessage(html)).toMatchObject({ text: undefined, html: "<p>Hi <b>there</b></p>" });
    expect(await parseMessage(html, { htmlToText: true })).toMatchObject({ text: "Hi there" });
  });

  test("text beside HTML leaves no trace in it", async () => {
    const part = (type: string, body: string) => ["--b", `Content-Type: ${type}`, "", body];
    const mixed = [
      "Content-Type: multipart/mixed; boundary=b",
      "",
      ...part("text/plain", "a"),
      ...part("text/html", "<i>b</i>"),
    ];
    const message = await parseMessage(bytes(...mixed, ...part("text/plain", "c"), "--b--", ""));
    expect(message.html).toBe("<i>b</i>");
    expect(message.text?.split(/\s+/)).toEqual(["a", "c"]);
  });

  test("a header alone, a body alone, nothing", async () => {
    expect(await parseMessage(bytes("Subject: x", ""))).toMatchObject({ subject: "x", text: undefined });
    expect(await parseMessage(bytes("", "body"))).toMatchObject({ subject: undefined, text: "body" });
    expect(await parseMessage(Buffer.alloc(0))).toMatchObject({ subject: undefined, text: undefined, attachments: [] });
  });
});

describe("attachments", () => {
  test("come as buffers", async () => {
    const { attachments } = await parseMessage(MIME);
    expect(attachments[0]).toEqual({
      filename: "ä.png",
      contentType: "image/png",
      disposition: "inline",
      contentId: "pic@x",
      isRelated: false,
      size: 5,
      content: Buffer.from([0, 1, 2, 3, 4]),
    });
    expect(attachments[1]).toMatchObject({ contentType: "application/zip", size: 100_000, disposition: "attachment" });
    expect(attachments[1]?.content).toEqual(Buffer.alloc(100_000, "zip"));
  });

  test("come as streams, one after the other", async () => {
    const seen: string[] = [];
    const { attachments } = await parseMessage(MIME, {
      async onAttachment(info, content) {
        seen.push(`begin ${info.filename} ${info.size}`);
        const all = await buffer(content);
        await new Promise((done) => setTimeout(done, 5));
        seen.push(`end ${all.length}`);
      },
    });
    expect(seen).toEqual(["begin ä.png 0", "end 5", "begin ../../etc/passwd 0", "end 100000"]);
    expect(attachments.map((a) => [a.size, "content" in a])).toEqual([
      [5, false],
      [100_000, false],
    ]);
  });

  test.each([
    ["nobody reads", () => {}],
    ["is destroyed", (stream: Readable) => void stream.destroy()],
    [
      "is left in the middle",
      async (stream: Readable) => {
        for await (const _ of stream) break;
      },
    ],
    ["is read after the handler returned", (stream: Readable) => void stream.on("data", () => {})],
  ])("a stream that %s holds nothing up", async (_, handler) => {
    const { attachments, text } = await parseMessage(MIME, { onAttachment: (_info, stream) => handler(stream) });
    expect([text, ...attachments.map(({ size }) => size)]).toEqual(["5 € für dich", 5, 100_000]);
  });

  test("a handler that fails is a SinkError with its cause", async () => {
    const cause = new Error("disk full");
    for (const onAttachment of [
      () => Promise.reject(cause),
      () => {
        throw cause;
      },
    ]) {
      const error = await parseMessage(MIME, { onAttachment }).catch((e) => e);
      expect(error).toBeInstanceOf(SinkError);
      expect(error).toMatchObject({ message: "an attachment was not taken: disk full", cause });
    }
  });
});

describe("sources", () => {
  test("the same message in pieces of any size", async () => {
    const whole = JSON.stringify(await parseMessage(MIME));
    for (const size of [1, 2, 3, 7, 100, 65_536]) {
      const source = MIME.length / size > 20_000 ? MIME.subarray(0, 20_000) : MIME;
      const expected = source === MIME ? whole : JSON.stringify(await parseMessage(source));
      async function* pieces() {
        for (let at = 0; at < source.length; at += size) yield source.subarray(at, at + size);
      }
      expect(JSON.stringify(await parseMessage(pieces()))).toBe(expected);
    }
    expect(JSON.stringify(await parseMessage(Readable.from([MIME])))).toBe(whole);
    expect(JSON.stringify(await parseMessage(new Uint8Array(MIME)))).toBe(whole);
  });

  test("cut at every position, it is still read", async () => {
    const short = MIME.subarray(0, MIME.indexOf("AAECAwQ=") + 8);
    for (let at = 0; at < short.length; at++) await parseMessage(short.subarray(0, at));
  });

  test("a source that fails is a SinkError; an error of ours passes", async () => {
    async function* failing(error: Error) {
      yield MIME.subarray(0, 500);
      throw error;
    }
    const cause = new Error("gone");
    await expect(parseMessage(failing(cause))).rejects.toMatchObject({ name: "SinkError", cause });
    const lost = new ConnectionError("lost", { phase: "data" });
    await expect(parseMessage(failing(lost))).rejects.toBe(lost);
  });

  test("a source that fails within an attachment ends its stream, too", async () => {
    async function* failing() {
      yield MIME.subarray(0, MIME.length - 50_000);
      await new Promise((done) => setTimeout(done, 20));
      throw new Error("gone");
    }
    const ends: string[] = [];
    const onAttachment = (_: unknown, stream: Readable) =>
      buffer(stream).then(
        () => void ends.push("whole"),
        () => void ends.push("broken"),
      );
    await expect(parseMessage(failing(), { onAttachment })).rejects.toThrow("gone");
    await new Promise((done) => setTimeout(done, 20));
    expect(ends).toEqual(["whole", "broken"]);
  });
});

describe("limits", () => {
  test.each([
    ["header bytes", { maxHeaderBytes: 100 }, /header/],
    ["parts", { maxParts: 3 }, /child nodes/],
    ["bytes", { maxBytes: 1000 }, /larger than 1000 bytes: maxBytes/],
  ])("%s", async (_, options, message) => {
    const error = await parseMessage(MIME, options).catch((e) => e);
    expect(error).toBeInstanceOf(ProtocolError);
    expect(error.message).toMatch(message);
    expect(error.clientUsable).toBe(true);
  });

  test("characters of HTML to be made text", async () => {
    const html = bytes("Content-Type: text/html", "", "<p>".repeat(100));
    await expect(parseMessage(html, { htmlToText: true, maxHtmlLength: 100 })).rejects.toThrow(ProtocolError);
    expect((await parseMessage(html, { maxHtmlLength: 100 })).html).toHaveLength(300);
  });
});

test("the installed mailparser has what we hook into", async () => {
  const parser = await createMailParser({ maxHeadSize: 1000, maxChildNodes: 10 });
  const inside = Object.getPrototypeOf(parser);
  expect(typeof inside.createNode).toBe("function");
  expect(typeof inside.getDecoder.call({ options: {} }).decodeStream).toBe("function");
});

test("importing the module loads neither mailparser nor the composer; the first call does", () => {
  const seen = `import { register } from "node:module";
    register("data:text/javascript," + encodeURIComponent(\`export async function load(url, context, next) {
      process._rawDebug(url); return next(url, context); }\`));`;
  const run = (code: string) => {
    const args = ["--import", `data:text/javascript,${encodeURIComponent(seen)}`, "--input-type=module", "-e", code];
    const { stderr, status } = spawnSync(process.execPath, args, { encoding: "utf8", cwd: process.cwd() });
    expect(status).toBe(0);
    return stderr;
  };
  const load = 'const { parseMessage } = await import("./dist/message/index.js");';
  expect(run(load)).not.toMatch(/mailparser|mail-composer/);
  expect(run(`${load} await parseMessage(Buffer.from("A: b"));`)).toMatch(/mailparser/);
});
