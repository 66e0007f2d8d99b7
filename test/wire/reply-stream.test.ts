/** Bytes cut into replies and bodies; where reading stops for TLS. */
import { describe, expect, test } from "vitest";
import type { Reply } from "../../src/client/session.js";
import { CodeGrammar, DotReader, FTP_REPLIES, NNTP_REPLIES, ReplyStream, StatusGrammar } from "../../src/wire/index.js";
import { type Body, bytesOf, hearEverywhere, replies } from "./feeding.js";

const pop3 = () => new StatusGrammar();

describe("POP3 replies", () => {
  test("status, text and response code (RFC 2449 §8)", () => {
    const heard = hearEverywhere(
      pop3,
      bytesOf("+OK ready <1@a>\r\n-ERR [IN-USE] locked\r\n+OK\r\n+ YWJj\r\n+ \r\n+\r\n"),
    );
    expect(replies(heard)).toEqual(["+OK|ready <1@a>", "-ERR|[IN-USE] locked", "+OK|", "+|YWJj", "+|", "+|"]);
    const [ok, err, , more] = heard.events as Reply[];
    expect(ok).toMatchObject({ ok: true });
    expect(err).toMatchObject({ ok: false, enhanced: "IN-USE" });
    // It asks for more: neither yes nor no.
    expect(more).toMatchObject({ ok: false });
  });

  test.each([
    ["-ERR [sys/temp] no", "SYS/TEMP"],
    ["-ERR [SYS/TEMP]", "SYS/TEMP"],
    ["+OK [X-Y.z] yes", "X-Y.Z"],
    ["-ERR [2 messages] no", undefined],
    ["-ERR [] no", undefined],
    ["-ERR no [AUTH]", undefined],
    ["-ERR [AUTH", undefined],
  ])("%j has the code %s", (line, enhanced) => {
    expect(pop3().feed(bytesOf(line)).enhanced).toBe(enhanced);
  });

  test("a refusal that nobody asked for is a farewell, and agreement is none", () => {
    const grammar = pop3();
    expect(["-ERR bye", "+OK", "+ x"].map((line) => grammar.isFarewell(grammar.feed(bytesOf(line))))).toEqual([
      true,
      false,
      false,
    ]);
  });

  test.each(["220 FTP\r\n", "+OKAY\r\n", "OK\r\n", "\r\n", "* OK\r\n"])("%j is refused", (text) => {
    expect(hearEverywhere(pop3, bytesOf(text)).error).toContain("where POP3 wants a reply");
  });
});

const dotted: Body = (reply, into) =>
  reply.code === "220" ? new DotReader((piece) => into.push(piece.toString("latin1"))) : undefined;

describe("replies and bodies", () => {
  test("a body follows its reply, and the next reply the body", () => {
    const bytes = bytesOf("200 hi\r\n220 1 <a>\r\nX: 1\r\n\r\n..dot\r\n.\r\n423 no\r\n220 2\r\n.\r\n205 bye\r\n");
    const heard = hearEverywhere(() => new CodeGrammar(NNTP_REPLIES), bytes, dotted);
    expect(replies(heard)).toEqual(["200|hi", "220|1 <a>", "X: 1\r\n\r\n.dot\r\n", "423|no", "220|2", "", "205|bye"]);
    expect(heard.partial).toBe(false);
  });

  test("a body that has not ended is partial", () => {
    const heard = hearEverywhere(() => new CodeGrammar(NNTP_REPLIES), bytesOf("220 1\r\nX: 1\r\n."), dotted);
    expect(heard.partial).toBe(true);
  });
});

describe("stop: the rest is left unread", () => {
  test("behind the reply that agrees to TLS, wherever the segments are cut", () => {
    const agreed = "234 AUTH TLS ok\r\n";
    const text = `${agreed}\x16\x03\x01injected\r\n230 you are in\r\n`;
    for (let at = 0; at <= text.length; at++) {
      const stream = new ReplyStream(new CodeGrammar(FTP_REPLIES));
      const heard: string[] = [];
      const reply = (each: Reply) => void heard.push(each.code);
      const events = { reply: reply as () => undefined, stop: () => heard.length > 0 };
      stream.push(bytesOf(text.slice(0, at)), events);
      if (heard.length === 0) stream.push(bytesOf(text.slice(at)), events);
      expect(heard, `cut at ${at}`).toEqual(["234"]);
      expect(stream.held, `cut at ${at}`).toBe((at < agreed.length ? text.length : at) - agreed.length);
      expect(stream.partial).toBe(stream.held > 0);
    }
  });

  test("what comes in segments of its own stays unread, too, and can be taken away", () => {
    const stream = new ReplyStream(new CodeGrammar(FTP_REPLIES));
    const heard: string[] = [];
    const reply = (each: Reply) => void heard.push(each.code);
    const events = { reply: reply as () => undefined, stop: () => heard.length > 0 };
    for (const piece of ["206 on\r\n", "\x00\xff\n", "\r\nmore"]) stream.push(bytesOf(piece), events);
    expect([heard, stream.takeHeld()]).toEqual([["206"], bytesOf("\x00\xff\n\r\nmore")]);
    expect([stream.held, stream.takeHeld().length]).toEqual([0, 0]);
  });

  test("what was held is read later, with what follows", () => {
    const stream = new ReplyStream(new CodeGrammar(FTP_REPLIES));
    const heard: string[] = [];
    let stop = true;
    const events = {
      reply: (reply: Reply) => {
        heard.push(reply.code);
        return undefined;
      },
      stop: () => stop,
    };
    stream.push(bytesOf("502 no\r\n200 a\r\n21"), events);
    expect([heard, stream.held]).toEqual([["502"], 9]);
    stop = false;
    stream.push(bytesOf(""), events);
    expect([heard, stream.held]).toEqual([["502", "200"], 2]);
    stream.push(bytesOf("5 UNIX\r\n"), events);
    expect([heard, stream.held]).toEqual([["502", "200", "215"], 0]);
  });
});

test("every line is told before it is understood, without its line end", () => {
  const lines: string[] = [];
  const stream = new ReplyStream(new CodeGrammar(FTP_REPLIES));
  const events = { reply: () => undefined, line: (line: Buffer) => void lines.push(line.toString()) };
  expect(() => stream.push(bytesOf("220-a\r\n\r\n220 b\nSSH-2.0\r\n"), events)).toThrow("SSH");
  expect(lines).toEqual(["220-a", "", "220 b", "SSH-2.0"]);
});
