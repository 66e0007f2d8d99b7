/** Replies that begin with three digits, as FTP, SMTP and NNTP servers write them. */
import { describe, expect, test } from "vitest";
import type { Reply } from "../../src/client/session.js";
import { CodeGrammar, FTP_REPLIES, NNTP_REPLIES, SMTP_REPLIES } from "../../src/wire/index.js";
import { bytesOf, hear, hearEverywhere, replies } from "./feeding.js";

const ftp = () => new CodeGrammar(FTP_REPLIES);
const smtp = () => new CodeGrammar(SMTP_REPLIES);
const nntp = () => new CodeGrammar(NNTP_REPLIES);

function first(text: string, grammar = ftp): Reply {
  return hearEverywhere(grammar, bytesOf(text)).events[0] as Reply;
}

function refusal(text: string, grammar = ftp): string {
  return hearEverywhere(grammar, bytesOf(text)).error ?? "no error";
}

describe("FTP replies", () => {
  test("a single line gives code, text and verdict", () => {
    expect(first("226 Transfer complete\r\n")).toEqual({
      ok: true,
      code: "226",
      text: "Transfer complete",
      lines: ["226 Transfer complete"],
    });
    expect(first("550 No\r\n").ok).toBe(false);
    expect(first("331 Password\r\n").ok).toBe(true);
    expect(first("450 Busy\r\n").ok).toBe(false);
  });

  test.each(["226\r\n", "226 \r\n", "226\n"])("a code without text is a reply: %j", (text) => {
    expect(first(text)).toMatchObject({ ok: true, code: "226", text: "" });
  });

  test("several replies in one segment come in order", () => {
    expect(replies(hearEverywhere(ftp, bytesOf("150 Opening\r\n226 Done\r\n250 ok\r\n")))).toEqual([
      "150|Opening",
      "226|Done",
      "250|ok",
    ]);
  });

  test("1xx announces another reply, everything else is final", () => {
    const grammar = ftp();
    const finals = hear(grammar, [bytesOf("150 a\r\n226 b\r\n350 c\r\n550 d\r\n")]).events.map((reply) =>
      grammar.isFinal(reply as Reply),
    );
    expect(finals).toEqual([false, true, true, true]);
  });

  test("421 is the goodbye", () => {
    expect(ftp().isGoodbye(first("421 Bye\r\n"))).toBe(true);
    expect(ftp().isGoodbye(first("221 Bye\r\n"))).toBe(false);
  });

  test("several lines, indented ones among them (RFC 959 §4.2)", () => {
    const reply = first("211-Features:\r\n MDTM\r\n SIZE\r\n211 End\r\n");
    expect(reply.lines).toEqual(["211-Features:", " MDTM", " SIZE", "211 End"]);
    expect(reply.text).toBe("Features:\n MDTM\n SIZE\nEnd");
  });

  test("several lines, each with the code", () => {
    expect(first("220-Welcome\r\n220-to this\r\n220 server\r\n").text).toBe("Welcome\nto this\nserver");
  });

  test("a line within that begins with another code does not end the reply", () => {
    const reply = first("211-Status\r\n226 files\r\n150-x\r\n2110 bottles\r\n211x\r\n211 End\r\n");
    expect(reply.lines).toHaveLength(6);
    expect(reply.text).toBe("Status\n226 files\n150-x\n2110 bottles\n211x\nEnd");
  });

  test("a reply of several lines may end in the bare code, and hold empty lines", () => {
    expect(first("211-\r\n\r\n211\r\n")).toMatchObject({ code: "211", text: "\n\n" });
  });

  test("an inner line that begins with the code and a blank, indented, is text", () => {
    expect(first("211-a\r\n 211 not yet\r\n211 b\r\n").text).toBe("a\n 211 not yet\nb");
  });

  test("line ends may be LF alone", () => {
    expect(replies(hearEverywhere(ftp, bytesOf("220-a\n b\n220 c\n200 d\n")))).toEqual(["220|a\n b\nc", "200|d"]);
  });

  test("bytes that are not UTF-8 survive", () => {
    expect(first('257 "/\xfc" \xc3\xbc\r\n').text).toBe('"/\udcfc" ü');
  });

  test("an unfinished reply is partial", () => {
    for (const text of ["2", "220", "220 a", "220 a\r", "220-a\r\n", "220-a\r\nb"]) {
      expect(hear(ftp(), [bytesOf(text)]).partial, text).toBe(true);
    }
    expect(hear(ftp(), [bytesOf("220 a\r\n")]).partial).toBe(false);
  });
});

describe("what is no reply", () => {
  test.each([
    ["SSH-2.0-OpenSSH_9.6\r\n", "SSH"],
    ["HTTP/1.1 400 Bad Request\r\n", "web server"],
    ["\x15\x03\x01\x00\x02\x02\n", "TLS"],
    ["* OK IMAP4rev1\r\n", "IMAP"],
    ["+OK ready\r\n", "POP3"],
    ["hello\r\n", "right port"],
    ["\r\n", "right port"],
    ["22\r\n", "right port"],
    ["2200 x\r\n", "right port"],
    ["620 x\r\n", "right port"],
    ["020 x\r\n", "right port"],
    ["2a0 x\r\n", "right port"],
  ])("%j is refused and named", (text, named) => {
    expect(refusal(text)).toContain(named);
  });

  test("the message shows the line without control characters, cut to length", () => {
    const message = refusal(`\x1b[31m${"x".repeat(500)}\r\n`);
    expect(message).not.toMatch(/[\0-\x1f]/);
    expect(message.length).toBeLessThan(300);
  });
});

describe("limits", () => {
  test("a line of more than the limit is refused, whole or in pieces", () => {
    const long = bytesOf(`220 ${"x".repeat(100)}\r\n`);
    expect(hear(ftp(), [long], undefined, 50).error).toContain("limits.line");
    expect(hear(ftp(), [long.subarray(0, 60), long.subarray(60)], undefined, 50).error).toContain("limits.line");
    expect(hear(ftp(), [long], undefined, 106).events).toHaveLength(1);
  });

  test("a line without an end is refused, not kept", () => {
    expect(hear(ftp(), Array(20).fill(Buffer.alloc(10, 0x78)), undefined, 100).error).toContain("limits.line");
  });

  test.each(["x".repeat(10), ""])("a reply that does not end is refused: lines of %j", (line) => {
    const grammar = new CodeGrammar(FTP_REPLIES, 1000);
    const lines = Array(2000).fill(bytesOf(`${line}\r\n`));
    expect(hear(grammar, [bytesOf("220-a\r\n"), ...lines]).error).toContain("limits.reply");
  });
});

describe("SMTP replies", () => {
  test("an enhanced code is read from the text (RFC 2034)", () => {
    expect(first("250 2.1.0 Sender ok\r\n", smtp)).toMatchObject({ code: "250", enhanced: "2.1.0" });
    expect(first("550-5.1.1 No such\r\n550 5.1.1 user\r\n", smtp)).toMatchObject({ ok: false, enhanced: "5.1.1" });
    expect(first("250 2.1.0\r\n", smtp).enhanced).toBe("2.1.0");
  });

  test.each(["250 1.2.3 x\r\n", "250 2.1.0x\r\n", "250 Hello 2.1.0\r\n", "250 2.1 x\r\n"])(
    "no enhanced code in %j",
    (text) => expect(first(text, smtp)).not.toHaveProperty("enhanced"),
  );

  test("every line carries the code (RFC 5321 §4.2.1)", () => {
    expect(first("250-a.example\r\n250-SIZE 1000\r\n250 HELP\r\n", smtp).text).toBe("a.example\nSIZE 1000\nHELP");
    expect(refusal("250-a\r\n550 b\r\n", smtp)).toContain('line "550 b" within a reply of code 250');
    expect(refusal("250-a\r\n b\r\n250 c\r\n", smtp)).toContain("within a reply of code 250");
  });

  test("354 and 1xx are final", () => {
    expect(smtp().isFinal(first("354 Go\r\n", smtp))).toBe(true);
  });
});

describe("NNTP replies", () => {
  test("a reply is one line, whatever stands behind the code", () => {
    expect(replies(hearEverywhere(nntp, bytesOf("200-hello\r\n211 3 1 3 misc.test\r\n")))).toEqual([
      "200|hello",
      "211|3 1 3 misc.test",
    ]);
  });

  test("400 is the goodbye, 100 and 111 are final", () => {
    expect(nntp().isGoodbye(first("400 idle\r\n", nntp))).toBe(true);
    expect(nntp().isFinal(first("111 20260118213145\r\n", nntp))).toBe(true);
  });
});
