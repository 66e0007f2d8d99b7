/** mboxrd: what is written is read again, however the file is cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError, SinkError, UsageError } from "../../src/client/errors.js";
import { encodeMbox } from "../../src/message/mbox.js";
import { mboxPieces } from "../../src/message/mbox-pieces.js";
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
    await expect(read(file, { maxMessage: 900 }, 64)).rejects.toThrow("larger than 900 bytes: maxMessage");
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

describe("a message in pieces", () => {
  async function joined(pieces: Iterable<Uint8Array> | AsyncIterable<Uint8Array>, options = OPTIONS): Promise<string> {
    const all: Buffer[] = [];
    for await (const piece of mboxPieces(pieces, options)) all.push(Buffer.from(piece));
    return Buffer.concat(all).toString("latin1");
  }
  const cut = (text: string, size: number) =>
    Array.from({ length: Math.ceil(text.length / size) }, (_, i) =>
      Buffer.from(text.slice(i * size, (i + 1) * size), "latin1"),
    );

  test("is written as one in memory is, wherever it is cut", async () => {
    const piece = fc.constantFrom("From ", "From", ">", ">From ", "\n", "\r\n", "\r", "F", "x", "\n\n", "A: b\n");
    await fc.assert(
      fc.asyncProperty(fc.array(piece), fc.integer({ min: 1, max: 12 }), async (pieces, size) => {
        expect(await joined(cut(pieces.join(""), size))).toBe(encode(pieces.join("")));
      }),
    );
  });

  test("its header makes the separator", async () => {
    const message =
      "Date: Tue, 3 Feb 2026 10:11:12 +0000\r\nFrom: Me <me@example.org>\r\n\r\nFrom: you@example.org\r\n";
    for (const size of [1, 5, 1000]) {
      expect(await joined(cut(message, size), {} as typeof OPTIONS)).toMatch(
        /^From me@example\.org Tue Feb {2}3 10:11:12 2026\nDate: /,
      );
    }
  });

  const separator = "From j@example.org Tue Feb  3 10:11:12 2026\n";

  test("a large one is not held in memory", async () => {
    const line = Buffer.from(`${"x".repeat(70)}\nFrom me\n`.repeat(10_000));
    function* large() {
      yield Buffer.from("A: b\n\n");
      for (let i = 0; i < 50; i++) yield line;
    }
    const before = process.memoryUsage().arrayBuffers;
    let [bytes, most, count] = [0, 0, 0];
    for await (const piece of mboxPieces(large(), OPTIONS)) {
      bytes += piece.length;
      if (++count % 1_000 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
    }
    expect(bytes).toBe("A: b\n\n".length + 50 * (line.length + 10_000) + separator.length + 1);
    expect(most).toBeLessThan(40_000_000);
  });

  test("a source that fails is a SinkError", async () => {
    async function* failing() {
      yield Buffer.from("A: b\n\nbody\n");
      throw new Error("disk gone");
    }
    await expect(joined(failing())).rejects.toThrow(SinkError);
  });
});

test("a file of many messages is read without holding more than one of them", async () => {
  const one = encodeMbox(Buffer.from(`A: b\n\n${"x".repeat(70)}\n`.repeat(1_000)), OPTIONS);
  const chunk = Buffer.concat([one, one, one, one, one, one, one, one]);
  function* file() {
    for (let i = 0; i < 900; i++) yield chunk;
  }
  const before = process.memoryUsage().arrayBuffers;
  let [count, bytes, most] = [0, 0, 0];
  for await (const { content } of readMbox(file())) {
    bytes += content.length;
    if (++count % 100 === 0) most = Math.max(most, process.memoryUsage().arrayBuffers - before);
  }
  expect(count).toBe(7_200);
  expect(bytes).toBeGreaterThan(540_000_000);
  expect(most).toBeLessThan(200_000_000);
});
