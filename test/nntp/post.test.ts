/** Posting: POST's two steps, composed and raw articles, IHAVE and streaming (RFC 4644), and a link lost in between. */
import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { ConnectionError, ProtocolError, ReplyError, UsageError } from "../../src/client/errors.js";
import type { Source } from "../../src/client/sink.js";
import type { NntpClient } from "../../src/nntp/client.js";
import { failure } from "../net/loopback.js";
import { connected, hello, memory, talk } from "./dialogue.js";

const RAW =
  "From: a@b.example\r\nNewsgroups: misc.test\r\nSubject: s\r\nMessage-ID: <1@b>\r\nDate: Tue, 3 Feb 2026 10:11:12 +0000\r\nPath: x\r\n\r\n.dot\r\nend";

describe("a source that gives no more", () => {
  const calls: Record<string, (nntp: NntpClient, source: Source, signal: AbortSignal) => Promise<unknown>> = {
    post: (nntp, source, signal) => nntp.post(source, { signal }),
    ihave: (nntp, source, signal) => nntp.ihave("<1@b>", source, { signal }),
    takethis: (nntp, source, signal) => nntp.takethis("<1@b>", source, { signal }),
  };

  describe.each(Object.entries(calls))("%s", (_verb, call) => {
    test("a signal ends the call, and nothing else: nothing was sent", async () => {
      const { nntp, server } = await connected("C: DATE\nS: 111 20260101000000\n");
      const [abort, stream] = [new AbortController(), new PassThrough()];
      stream.write("From: a@b\r\n");
      const ended = failure(call(nntp, stream, abort.signal));
      const next = nntp.noop();
      setImmediate(() => abort.abort());
      expect(await ended).toMatchObject({ name: "AbortedError", clientUsable: true });
      await next;
      expect(stream.destroyed).toBe(true);
      await server.done;
    });

    test("close() ends the call", async () => {
      const { nntp } = await connected("");
      async function* silent() {
        yield Buffer.from("From: a@b\r\n");
        await new Promise(() => {});
      }
      const ended = failure(call(nntp, silent(), new AbortController().signal));
      setImmediate(() => nntp.close());
      expect(await ended).toMatchObject({ name: "AbortedError" });
    });
  });
});

describe("post", () => {
  const groups = { "misc.test": {} };
  const article = { from: "Jürgen <j@example.org>", newsgroups: "misc.test", subject: "Grüße", text: "Hallo\n.dot\n" };

  test("a composed article can be read back", async () => {
    const { nntp } = await memory({ groups });
    await nntp.connect();
    const { messageId, reply } = await nntp.post(article);
    expect(reply.code).toBe("240");
    expect(messageId).toMatch(/^<[^<>]+@example\.org>$/);
    await nntp.group("misc.test");
    const [row] = await nntp.over(1).toArray();
    expect(row).toMatchObject({ subject: "Grüße", messageId, broken: undefined });
    expect(row?.from).toContain("Jürgen");
    expect((await nntp.body(messageId)).content.toString()).toContain("\r\n.dot\r\n");
  });

  test("what was composed is read back as a message, its attachment as well", async () => {
    const { nntp } = await memory({ groups });
    await nntp.connect();
    const attachments = [{ filename: "a.bin", content: Buffer.of(0, 1, 255) }];
    const { messageId } = await nntp.post({ ...article, attachments });
    const message = await nntp.message(messageId);
    expect(message).toMatchObject({ subject: "Grüße", messageId, newsgroups: ["misc.test"] });
    expect(message.text).toContain("Hallo\n.dot\n");
    expect(message.attachments).toMatchObject([{ filename: "a.bin", content: Buffer.of(0, 1, 255) }]);
  });

  test("a raw article is sent as it is, dots doubled, with what it lacks", async () => {
    const { nntp, server } = await connected(
      `C: POST\nS: 340 go\n${RAW.split("\r\n")
        .map((line) => `C: ${line === ".dot" ? "..dot" : line}`)
        .join("\n")}\nC: .\nS: 240 thanks\n`,
    );
    expect(await nntp.post({ text: RAW })).toMatchObject({ messageId: "<1@b>" });
    await server.done;
  });

  test("missing headers are filled in, and lines end with CR LF", async () => {
    const { nntp, server } = await memory({ groups });
    await nntp.connect();
    const { messageId } = await nntp.post({ text: "From: a@b.example\nNewsgroups: misc.test\nSubject: s\n\nbody\n" });
    const { content } = await nntp.article(messageId);
    expect(content.toString()).toMatch(/^Date: .+ [+-]\d{4}\r$/m);
    expect(content.toString()).toContain("\r\n\r\nbody\r\n");
    expect(server.commands).toContain("POST");
  });

  test.each(["From", "Newsgroups", "Subject"])("without %s nothing is sent", async (name) => {
    const { nntp, server } = await connected("");
    const text = RAW.split("\r\n")
      .filter((line) => !line.startsWith(`${name}:`))
      .join("\r\n");
    const error = await failure(nntp.post({ text }));
    expect(error).toBeInstanceOf(UsageError);
    expect(error.message).toContain(name);
    await server.done;
  });

  test("a header that would inject another one is refused", async () => {
    const { nntp } = await connected("");
    expect(await failure(nntp.post({ ...article, subject: "a\r\nControl: cancel <x@y>" }))).toBeInstanceOf(UsageError);
  });

  test("440 and 441 are ReplyErrors, and the client goes on", async () => {
    const { nntp } = await connected("C: POST\nS: 440 no\nC: DATE\nS: 111 20260118213145\n");
    expect(await failure(nntp.post({ text: RAW }))).toMatchObject({ code: "440" });
    await nntp.date();
  });

  test("a refusal behind the article is a ReplyError", async () => {
    const { nntp, server } = await memory({ groups: { other: {} } });
    await nntp.connect();
    const error = await failure(nntp.post({ text: RAW }));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ code: "441", clientUsable: true });
    expect(server.connections).toBe(1);
    await nntp.date();
  });

  test("an answer that is lost says which message-id to look for", async () => {
    const { nntp, server } = await memory({ groups });
    server.faults.loseReply = { command: "POST" };
    await nntp.connect();
    const error = await failure(nntp.post({ text: RAW }));
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain("<1@b>");
  });

  test.each(["240 posted already", "335 go", "200 fine"])("%s to POST gets no article", async (line) => {
    const { nntp, server } = await connected(`C: POST\nS: ${line}\n`);
    expect(await failure(nntp.post({ text: RAW }))).toBeInstanceOf(ProtocolError);
    expect(nntp.state).toBe("closed");
    await server.done;
  });

  test("an article that is answered by anything but 240 was not taken", async () => {
    const lines = RAW.split("\r\n").map((line) => `C: ${line === ".dot" ? "..dot" : line}\n`);
    const { nntp } = await connected(`C: POST\nS: 340 go\n${lines.join("")}C: .\nS: 340 go on\n`);
    expect(await failure(nntp.post({ text: RAW }))).toBeInstanceOf(ProtocolError);
  });

  test("calls made meanwhile wait for both steps", async () => {
    const { nntp, server } = await memory({ groups });
    await nntp.connect();
    await Promise.all([nntp.post({ text: RAW }), nntp.date(), nntp.date()]);
    expect(server.commands.slice(-3)).toEqual(["POST", "DATE", "DATE"]);
  });
});

describe("feeding", () => {
  const groups = { "misc.test": {} };

  test("ihave() sends what is wanted", async () => {
    const { nntp } = await memory({ groups });
    await nntp.connect();
    expect(await nntp.ihave("<1@b>", { text: RAW })).toBe(true);
    expect(await nntp.ihave("<1@b>", { text: RAW })).toBe(false);
  });

  test.each(["436 later", "437 never"])("%s rejects", async (line) => {
    const { nntp } = await connected(`C: IHAVE <1@b>\nS: ${line}\n`);
    expect(await failure(nntp.ihave("<1@b>", { text: RAW }))).toMatchObject({ retryable: line.startsWith("436") });
  });

  test.each(["340 go", "235 taken already"])("%s to IHAVE gets no article", async (line) => {
    const { nntp, server } = await connected(`C: IHAVE <1@b>\nS: ${line}\n`);
    expect(await failure(nntp.ihave("<1@b>", { text: RAW }))).toBeInstanceOf(ProtocolError);
    await server.done;
  });

  // A server that takes a bare LF for a line's end would end the article at the dot, and take the rest for commands.
  const SMUGGLED = "Subject: x\n\nhello\n.\nIHAVE <forged@x>\r.\rFrom: evil\n";
  const SAFE = "C: Subject: x\nC:\nC: hello\nC: ..\nC: IHAVE <forged@x>\nC: ..\nC: From: evil\nC: .\n";

  test("ihave() ends its article's lines with CR LF: a dot in it is stuffed", async () => {
    const { nntp, server } = await connected(`C: IHAVE <1@b>\nS: 335 go\n${SAFE}S: 235 ok\n`);
    expect(await nntp.ihave("<1@b>", { text: SMUGGLED })).toBe(true);
    await server.done;
  });

  test("takethis() as well; anything but 239 behind it is no consent", async () => {
    const { nntp, server } = await talk(
      `${hello("STREAMING")}C: TAKETHIS <1@b>\n${SAFE}S: 239 ok\nC: TAKETHIS <1@b>\n${SAFE}S: 238 ok\n`,
    );
    await nntp.connect();
    expect(await nntp.takethis("<1@b>", { text: SMUGGLED })).toBe(true);
    expect(await failure(nntp.takethis("<1@b>", { text: SMUGGLED }))).toBeInstanceOf(ProtocolError);
    await server.done;
  });

  test("check() asks, takethis() sends unasked; overlapping ones are streamed", async () => {
    const { nntp, server } = await memory({ groups });
    await nntp.connect();
    expect(await nntp.check("<1@b>")).toBe("wanted");
    const many = Array.from({ length: 20 }, (_, i) => `<${i}@b>`);
    const taken = await Promise.all(many.map((id) => nntp.takethis(id, { text: RAW.replace("<1@b>", id) })));
    expect(taken).toEqual(many.map(() => true));
    expect(await nntp.check("<1@b>")).toBe("unwanted");
    expect(await nntp.takethis("<1@b>", { text: RAW })).toBe(false);
    expect(server.commands.filter((each) => each.startsWith("TAKETHIS"))).toHaveLength(21);
  });

  test("a server without STREAMING gets no TAKETHIS: it would take the article for commands", async () => {
    const { nntp, server } = await connected("");
    expect(await failure(nntp.takethis("<1@b>", { text: RAW }))).toBeInstanceOf(UsageError);
    await server.done;
  });

  test("480 to IHAVE is answered by a login and one repeat", async () => {
    const given = { users: { alice: "s3cret" }, requireLogin: "always" as const, groups };
    const { nntp } = await memory(given, { credentials: { user: "alice", password: "s3cret" } });
    await nntp.connect();
    expect(await nntp.ihave("<1@b>", { text: RAW })).toBe(true);
  });

  test("modeReader: false leaves a server that feeds as it is", async () => {
    const { nntp, server } = await memory({ groups, features: { modeSwitching: true } }, { modeReader: false });
    await nntp.connect();
    expect(server.commands).not.toContain("MODE READER");
  });

  test("431 asks for later", async () => {
    const { nntp } = await connected("C: CHECK <1@b>\nS: 431 later\n");
    expect(await nntp.check("<1@b>")).toBe("later");
  });

  test("what is no message-id is refused before anything is sent", async () => {
    const { nntp, server } = await connected("");
    for (const call of [nntp.check("1@b"), nntp.takethis("x", { text: RAW }), nntp.ihave("<a b>", { text: RAW })]) {
      expect(await failure(call)).toBeInstanceOf(UsageError);
    }
    await server.done;
  });
});
