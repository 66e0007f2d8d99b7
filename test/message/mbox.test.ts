/** mboxrd: what is written is read again, however the file is cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import { encodeMbox } from "../../src/message/mbox.js";
import { type MboxMessage, type MboxReadOptions, readMbox } from "../../src/message/mbox-read.js";

const OPTIONS = { from: "j@example.org", date: new Date("2026-02-03T10:11:12Z") };
const encode = (text: string) => encodeMbox(Buffer.from(text, "latin1"), OPTIONS).toString("latin1");

async function read(text: string | Buffer, options: MboxReadOptions = {}, size = 1 << 20): Promise<MboxMessage[]> {
  const bytes = typeof text === "string" ? Buffer.from(text, "latin1") : text;
  const chunks: Buffer[] = [];
  for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.subarray(at, at + size));
  const messages: MboxMessage[] = [];
  for await (const message of readMbox(chunks, options)) messages.push(message);
  return messages;
}
const texts = async (...args: Parameters<typeof read>) =>
  (await read(...args)).map(({ content }) => content.toString("latin1"));

describe("writing", () => {
  test("a separator, LF line ends, quoted From lines, an empty line", () => {
    expect(encode("A: b\r\n\r\nFrom me\r\n>From you\r\n> From\r\nnot From \r\n>>>From x\r\n")).toBe(
      "From j@example.org Tue Feb  3 10:11:12 2026\n" +
        "A: b\n\n>From me\n>>From you\n> From\nnot From \n>>>>From x\n\n",
    );
  });

  test("the last line gets an end, a CR alone stays", () => {
    expect(encode("a\rFrom b")).toBe("From j@example.org Tue Feb  3 10:11:12 2026\na\rFrom b\n\n");
    expect(encode("")).toBe("From j@example.org Tue Feb  3 10:11:12 2026\n\n");
  });

  test("sender and date come from the message", () => {
    const line = (message: string) => encodeMbox(Buffer.from(message)).toString().split("\n")[0];
    const date = "Date: Fri, 13 Nov 2026 11:11:12 +0100\r\n";
    expect(line(`From: J <j@example.org>\r\n${date}\r\n`)).toBe("From j@example.org Fri Nov 13 10:11:12 2026");
    expect(line(`Return-Path: <r@x>\r\nFrom: J <j@example.org>\r\n${date}\r\n`)).toMatch(/^From r@x /);
    expect(line(`Return-Path: <>\r\nFrom: site!user\r\n${date}\r\n`)).toMatch(/^From MAILER-DAEMON /);
    expect(line("Date: none\r\n\r\n")).toMatch(/^From MAILER-DAEMON \w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}$/);
  });

  test("what would break the separator is refused", () => {
    for (const from of ["", "a b", "a\nFrom b"]) {
      expect(() => encodeMbox(Buffer.from("x"), { ...OPTIONS, from })).toThrow(UsageError);
    }
    expect(() => encodeMbox(Buffer.from("x"), { ...OPTIONS, date: new Date(Number.NaN) })).toThrow(UsageError);
  });
});

describe("reading", () => {
  const FILE =
    "From a@x Tue Feb  3 10:11:12 2026\nA: b\n\n>From me\n>>From you\n\nFrom b@x Tue Feb  3 10:11:13 2026\nlast\n\n";

  test("messages with what their separators say", async () => {
    expect(await read(FILE)).toEqual([
      {
        content: Buffer.from("A: b\n\nFrom me\n>From you\n"),
        separator: "From a@x Tue Feb  3 10:11:12 2026",
        sender: "a@x",
        date: new Date("2026-02-03T10:11:12Z"),
      },
      {
        content: Buffer.from("last\n"),
        separator: "From b@x Tue Feb  3 10:11:13 2026",
        sender: "b@x",
        date: new Date("2026-02-03T10:11:13Z"),
      },
    ]);
  });

  test("cut at every position", async () => {
    const whole = await read(FILE);
    for (let at = 0; at <= FILE.length; at++) {
      const messages: MboxMessage[] = [];
      for await (const m of readMbox([Buffer.from(FILE.slice(0, at)), Buffer.from(FILE.slice(at))])) messages.push(m);
      expect(messages).toEqual(whole);
    }
    expect(await read(FILE, {}, 1)).toEqual(whole);
  });

  test("CR LF on request, and files that have it", async () => {
    expect(await texts(FILE, { crlf: true })).toEqual(["A: b\r\n\r\nFrom me\r\n>From you\r\n", "last\r\n"]);
    const dos = FILE.replaceAll("\n", "\r\n");
    expect(await texts(dos, { crlf: true })).toEqual(["A: b\r\n\r\nFrom me\r\n>From you\r\n", "last\r\n"]);
    expect((await read(dos, {}, 1)).map(({ sender }) => sender)).toEqual(["a@x", "b@x"]);
  });

  test("without the empty line at the end, or between", async () => {
    expect(await texts("From a\nx\nFrom b\ny")).toEqual(["x\n", "y"]);
    expect(await texts("From a")).toEqual([""]);
  });

  test("odd separators are no obstacle", async () => {
    expect(await read("From \nx\n\n")).toMatchObject([{ sender: "", date: undefined }]);
    expect(await read("From - Tue Feb  3 10:11:12 2026\nx\n\n")).toMatchObject([{ sender: "-", date: OPTIONS.date }]);
    expect(await read("From a b c\nx\n\n")).toMatchObject([{ separator: "From a b c", date: undefined }]);
  });

  test("an empty file has no messages; empty lines before the first are passed over", async () => {
    expect(await read("")).toEqual([]);
    expect(await read("\n\r\n", {}, 1)).toEqual([]);
    expect(await texts("\n\nFrom a\nx\n\n", {}, 1)).toEqual(["x\n"]);
  });

  test("what is no mbox is refused at once", async () => {
    for (const text of ["Subject: x\n\nFrom a\nx\n", "Fro", "\nx"])
      await expect(read(text)).rejects.toThrow(ProtocolError);
    const endless = (async function* () {
      for (;;) yield Buffer.from("Subject: x\n");
    })();
    await expect(readMbox(endless).next()).rejects.toThrow("not an mbox");
  });

  test("a message is limited, the file is not", async () => {
    const file = encode("x".repeat(900)).repeat(100);
    expect(await read(file, { maxMessage: 1000 }, 64)).toHaveLength(100);
    await expect(read(file, { maxMessage: 900 }, 64)).rejects.toThrow("larger than 900 bytes");
  });

  test("what the source throws is passed on", async () => {
    const failing = (async function* () {
      yield Buffer.from("From a\nx");
      throw new Error("disk gone");
    })();
    await expect(readMbox(failing).next()).rejects.toThrow("disk gone");
  });
});

test("what is written is read again, whatever it is", async () => {
  const piece = fc.oneof(
    fc.constantFrom("From ", ">", ">From ", "\n", "\r\n", "\r", "F", "\n\n"),
    fc.string({ unit: "binary-ascii" }),
  );
  const message = fc.array(piece).map((pieces) => pieces.join(""));
  await fc.assert(
    fc.asyncProperty(fc.array(message, { maxLength: 5 }), fc.integer({ min: 1, max: 40 }), async (messages, size) => {
      const stored = messages
        .map((text) => text.replaceAll("\r\n", "\n"))
        .map((t) => (t === "" || t.endsWith("\n") ? t : `${t}\n`));
      expect(await texts(messages.map(encode).join(""), {}, size)).toEqual(stored);
    }),
  );
});

test("an article from the wire comes back with CR LF as it was", async () => {
  const article = "From: a@x\r\nSubject: b\r\n\r\nFrom here\r\n>From there\r\n\r\n";
  expect(await texts(encode(article), { crlf: true }, 3)).toEqual([article]);
});
