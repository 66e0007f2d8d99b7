/** What every reader and every writer does in the same way: the checks, for servers in memory and for real ones. */
import { mkdtempSync, rmSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { expect, onTestFinished, test } from "vitest";
import type { Client } from "../../src/client/client.js";
import { AbortedError, ReplyError, UsageError } from "../../src/client/errors.js";
import { parseHeaders } from "../../src/message/headers.js";
import { parseMessage } from "../../src/message/parse.js";
import type { MessageReader } from "../../src/message/reader.js";
import type { MessageSpan } from "../../src/message/span.js";
import type { MessageSummary } from "../../src/message/summary.js";
import type { MailDraft, MessageWriter } from "../../src/message/writer.js";
import { failure } from "../net/loopback.js";

/** The group that news goes to. */
export const GROUP = "polywire.test";

/** A message of the set; each has something of its own. */
export const content = (n: number): Buffer =>
  Buffer.from(
    [
      "From: Jürgen <j@example.org>",
      "To: bob@example.org",
      `Newsgroups: ${GROUP}`,
      `Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?= ${n}`,
      "Date: Sat, 21 Nov 2026 12:00:00 +0000",
      `Message-ID: <${n}@common.example>`,
      "References: <first@example.org> <second@example.org>",
      `X-Own: ${n}`,
      "",
      `hello ${n}`,
      ".dotted",
      "x".repeat(n),
      "",
    ].join("\r\n"),
  );

/** A place with messages, and a client that is to read them. */
export interface ReaderBed {
  readonly reader: MessageReader & Client;
  /** The number of the first message; the others follow without gaps. */
  readonly first: number;
  /** Another client of the same place. */
  again(): Promise<MessageReader & Client>;
}

const subject = ({ headers }: Pick<MessageSummary, "headers">) => headers.get("subject");
const subjects = (numbers: readonly number[]) => numbers.map((n) => `Grüße ${n}`);
const COUNT = 30;
const ALL = Array.from({ length: COUNT }, (_, i) => i + 1);

/** The checks of a reader. `open` gives a place that holds the messages 1 to `count`, and nothing else. */
export function checkReader(open: (count: number) => Promise<ReaderBed>): void {
  test("lists what there is: numbers, ids, sizes, headers", async () => {
    const { reader, first, again } = await open(COUNT);
    const rows = await reader.messages().toArray();
    expect(rows.map(subject)).toEqual(subjects(ALL));
    expect(rows.map(({ number }) => number)).toEqual(ALL.map((n) => first + n - 1));
    expect(new Set(rows.map(({ uid }) => uid)).size).toBe(COUNT);
    for (const [i, row] of rows.entries()) {
      expect(row.uid).toBeTruthy();
      expect(row.size).toBeGreaterThanOrEqual(content(i + 1).length);
      expect(row.headers.get("from")).toBe("Jürgen <j@example.org>");
      expect(row.headers.get("message-id")).toBe(`<${i + 1}@common.example>`);
      expect(row.headers.get("references")).toBe("<first@example.org> <second@example.org>");
    }
    // What stays, stays in another session.
    const others = await (await again()).messages().toArray();
    expect(others.map(({ uid }) => uid)).toEqual(rows.map(({ uid }) => uid));
  });

  test("gives every field where it is asked to", async () => {
    const { reader } = await open(COUNT);
    const rows = await reader.messages([1], { wholeHeaders: true }).toArray();
    expect(rows.map(({ headers }) => headers.get("x-own"))).toEqual(ALL.map(String));
    expect(rows.map(subject)).toEqual(subjects(ALL));
  });

  test("takes spans: one, from to, from on, the newest", async () => {
    const { reader, first } = await open(COUNT);
    const at = (n: number) => first + n - 1;
    const spans: [MessageSpan, number[]][] = [
      ["all", ALL],
      [at(3), [3]],
      [
        [at(3), at(5)],
        [3, 4, 5],
      ],
      [[at(29)], [29, 30]],
      [
        [at(29), at(30) + 100],
        [29, 30],
      ],
      [{ newest: 3 }, [28, 29, 30]],
      [{ newest: 1_000_000 }, ALL],
      [[at(31)], []],
      [at(31), []],
      [[at(31), at(40)], []],
    ];
    for (const [span, wanted] of spans) {
      for (const wholeHeaders of [false, true]) {
        const rows = await reader.messages(span, { wholeHeaders }).toArray();
        expect(rows.map(subject), JSON.stringify(span)).toEqual(subjects(wanted));
      }
    }
  });

  test("refuses what names no messages, and sends nothing", async () => {
    const { reader } = await open(1);
    const wrong = [0, -1, 1.5, Number.NaN, [5, 3], [], [1, 2, 3], ["1"], { newest: 0 }, {}, "1:*", null];
    for (const span of wrong) {
      await expect(async () => reader.messages(span as MessageSpan).toArray()).rejects.toThrow(UsageError);
    }
    expect(await reader.messages().toArray()).toHaveLength(1);
  });

  test("of nothing lists nothing", async () => {
    const { reader } = await open(0);
    for (const span of ["all", 1, [1], [1, 9], { newest: 5 }] as const) {
      for (const wholeHeaders of [false, true]) {
        expect(await reader.messages(span, { wholeHeaders }).toArray()).toEqual([]);
      }
    }
    await reader.noop();
  });

  test("gives rows in batches, and to a callback", async () => {
    const { reader } = await open(COUNT);
    const batched: (string | undefined)[] = [];
    for await (const batch of reader.messages().batches()) batched.push(...batch.map(subject));
    expect(batched).toEqual(subjects(ALL));
    const called: (string | undefined)[] = [];
    await reader.messages().each((batch) => void called.push(...batch.map(subject)));
    expect(called).toEqual(batched);
  });

  test("a loop that is left leaves the client usable", async () => {
    const { reader, first } = await open(COUNT);
    for (const wholeHeaders of [false, true]) {
      for await (const row of reader.messages("all", { wholeHeaders })) {
        expect(row.number).toBe(first);
        break;
      }
      expect((await reader.messages(first).toArray()).map(subject)).toEqual(subjects([1]));
    }
    await reader.noop();
  });

  test("each message is retrieved inside the loop, by its id", async () => {
    const { reader } = await open(COUNT);
    for (const wholeHeaders of [false, true]) {
      let n = 0;
      for await (const { id } of reader.messages("all", { wholeHeaders })) {
        const got = await reader.retrieve(id);
        expect(got.id).toBe(id);
        const headers = parseHeaders(got.content);
        expect(subject({ headers })).toBe(`Grüße ${++n}`);
        const wanted = content(n);
        expect(got.content.subarray(headers.bodyStart)).toEqual(wanted.subarray(parseHeaders(wanted).bodyStart));
      }
      expect(n).toBe(COUNT);
    }
  });

  test("many are retrieved at once, to memory, to files, and read", async () => {
    const work = mkdtempSync(join(tmpdir(), "polywire-common-"));
    onTestFinished(() => rmSync(work, { recursive: true }));
    const { reader } = await open(COUNT);
    const ids = (await reader.messages().toArray()).map(({ id }) => id);
    const all = await Promise.all(ids.map((id) => reader.retrieve(id)));
    const stored = await Promise.all(ids.map((id) => reader.retrieve(id, { to: join(work, String(id)) })));
    for (const [i, { id, bytes }] of stored.entries()) {
      expect(bytes).toBe(all[i]?.content.length);
      expect((await readFile(join(work, String(id)))).equals(all[i]?.content as Buffer)).toBe(true);
    }
    const message = await reader.message(ids[6] as number);
    expect(message).toMatchObject({ subject: "Grüße 7", messageId: "<7@common.example>", newsgroups: [GROUP] });
    expect(message.text).toBe(`hello 7\n.dotted\n${"x".repeat(7)}\n`);
  });

  test("a message that is not there is a ReplyError, and the client usable", async () => {
    const { reader } = await open(1);
    const error = await failure(reader.retrieve(1_000_000));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ clientUsable: true });
    expect(await reader.messages().toArray()).toHaveLength(1);
  });

  test("a signal that has fired ends a list before anything is sent", async () => {
    const { reader } = await open(1);
    const signal = AbortSignal.abort();
    expect(await failure(reader.messages("all", { signal }).toArray())).toBeInstanceOf(AbortedError);
    expect(await failure(reader.retrieve(1, { signal }))).toBeInstanceOf(AbortedError);
    expect(await reader.messages().toArray()).toHaveLength(1);
  });
}

/** A client that messages are handed to, and what arrived, in its order. */
export interface WriterBed {
  readonly writer: MessageWriter & Client;
  /** The messages that came, as many as are waited for. */
  arrived(count: number): Promise<Buffer[]>;
}

const DRAFT = {
  from: "Jürgen <j@example.org>",
  to: ["Bob <bob@example.org>", { name: "Zoë", address: "zoe@example.org" }],
  cc: "carol@example.org",
  newsgroups: GROUP,
  subject: "Grüße",
  text: "Hallo!\n.dotted\n",
  references: "<first@example.org>",
  inReplyTo: "<second@example.org>",
  headers: { "X-Own": "1" },
} satisfies MailDraft;

/** The checks of a writer. `open` gives a place with nothing in it. */
export function checkWriter(open: () => Promise<WriterBed>): void {
  test("takes a message in parts, and tells its id", async () => {
    const { writer, arrived } = await open();
    const attachments = [{ filename: "a.png", content: Buffer.from([0, 1, 2, 255]) }];
    const { messageId } = await writer.submit({ ...DRAFT, attachments });
    const [got] = await arrived(1);
    const message = await parseMessage(got as Buffer);
    expect(messageId).toMatch(/^<.+@example\.org>$/);
    expect(message).toMatchObject({
      messageId,
      subject: "Grüße",
      from: [{ name: "Jürgen", address: "j@example.org" }],
      to: [
        { name: "Bob", address: "bob@example.org" },
        { name: "Zoë", address: "zoe@example.org" },
      ],
      cc: [{ name: "", address: "carol@example.org" }],
      newsgroups: [GROUP],
      references: ["<first@example.org>", "<second@example.org>"],
      inReplyTo: "<second@example.org>",
    });
    expect(message.text?.trimEnd()).toBe("Hallo!\n.dotted");
    expect(message.headers.get("x-own")).toBe("1");
    expect(message.attachments).toMatchObject([
      { filename: "a.png", contentType: "image/png", content: Buffer.from([0, 1, 2, 255]) },
    ]);
  });

  test("takes a complete one: bytes, text with LF, a file, a stream", async () => {
    const work = mkdtempSync(join(tmpdir(), "polywire-common-"));
    onTestFinished(() => rmSync(work, { recursive: true }));
    const { writer, arrived } = await open();
    await writeFile(join(work, "3.eml"), content(3));
    const sources = [
      content(1),
      { text: content(2).toString().replaceAll("\r\n", "\n") },
      join(work, "3.eml"),
      Readable.from([content(4).subarray(0, 50), content(4).subarray(50)]),
    ];
    for (const [i, source] of sources.entries()) {
      const { messageId } = await writer.submit(source);
      if (messageId !== undefined) expect(messageId).toBe(`<${i + 1}@common.example>`);
    }
    const all = await arrived(4);
    for (const [i, got] of all.entries()) {
      const [headers, wanted] = [parseHeaders(got), content(i + 1)];
      expect(headers.get("subject")).toBe(`Grüße ${i + 1}`);
      expect(headers.get("x-own")).toBe(String(i + 1));
      expect(got.subarray(headers.bodyStart)).toEqual(wanted.subarray(parseHeaders(wanted).bodyStart));
    }
  });

  test("calls that overlap keep their order", async () => {
    const { writer, arrived } = await open();
    const numbers = Array.from({ length: 8 }, (_, i) => i + 1);
    await Promise.all(
      numbers.map((n) => writer.submit({ ...DRAFT, subject: `m${n}`, messageId: `<o${n}@common.example>` })),
    );
    const got = (await arrived(8)).map((each) => parseHeaders(each).get("subject"));
    expect(got).toEqual(numbers.map((n) => `m${n}`));
  });

  test("refuses what would forge a header, and an address that is none: nothing is sent", async () => {
    const { writer, arrived } = await open();
    const wrong: Partial<MailDraft>[] = [
      { subject: "a\r\nBcc: eve@example.org" },
      { from: "nobody" },
      { to: "bob@example.org\r\nX: y" },
      { headers: { "Content-Type": "text/html" } },
      { messageId: "none" },
    ];
    for (const each of wrong) {
      expect(await failure(writer.submit({ ...DRAFT, ...each })), JSON.stringify(each)).toBeInstanceOf(UsageError);
    }
    await writer.submit({ ...DRAFT, subject: "the only one" });
    expect((await arrived(1)).map((each) => parseHeaders(each).get("subject"))).toEqual(["the only one"]);
  });
}
