/** Each fault of the in-memory IMAP server, in raw lines. */
import { beforeEach, describe, expect, test } from "vitest";
import type { ImapFaults } from "../../src/testing/index.js";
import { enter, open, raw, server } from "./imap-bed.js";
import { answer } from "./imap-lines.js";
import { quiet, RawLines } from "./raw-lines.js";

beforeEach(() => open({ INBOX: ["Subject: a\n\none\n", "b\n", "c\n"] }));

const fault = (faults: ImapFaults) => Object.assign(server.faults, faults);
const ANSWER = "* 2 FETCH (UID 2)\r\n* 3 FETCH (UID 3)\r\na OK FETCH completed\r\n";

describe("the connection", () => {
  test("byteByByte: every byte in a segment of its own", async () => {
    fault({ byteByByte: true });
    raw.segments = [];
    raw.write("a FETCH 2:3 UID\r\n");
    expect(await raw.bytes(ANSWER.length)).toBe(ANSWER);
    expect(raw.segments.every((segment) => segment.length === 1)).toBe(true);
  });

  test("closeAtByte and stallAtByte", async () => {
    fault({ stallAtByte: server.replyBytes + 4 });
    raw.write("a FETCH 2:3 UID\r\n");
    expect(await raw.bytes(4)).toBe("* 2 ");
    expect(await quiet(raw)).toBe("silence");
    raw.close();
    await enter();
    fault({ closeAtByte: server.replyBytes + 3 });
    raw.write("a FETCH 2:3 UID\r\n");
    expect(await raw.rest()).toBe("* 2");
  });

  test("replyDelay: the answer comes all the same", async () => {
    fault({ replyDelay: 5 });
    expect(await raw.ask("a NOOP")).toBe("a OK NOOP completed");
  });

  test("silent and greetingDelay", async () => {
    fault({ silent: 1, greetingDelay: 10 });
    expect(await quiet(RawLines.open(server.port))).toBe("silence");
    (await RawLines.open(server.port).play("S: * OK …")).close();
  });

  test("tooManyConnections and goingAwayAfter say BYE", async () => {
    fault({ tooManyConnections: true, goingAwayAfter: 3 });
    expect(await RawLines.open(server.port).line()).toMatch(/^\* BYE/);
    await raw.play("C: a NOOP\nS: a OK …\nC: b NOOP\nS: * BYE …");
    await raw.hungUp();
  });

  test("say: unsolicited responses come at once, and BYE ends the connections", async () => {
    await server.say("OK [ALERT] Look out");
    await raw.play("S: * OK [ALERT] Look out");
    await server.say("BYE Shutting down");
    await raw.play("S: * BYE Shutting down");
    await raw.hungUp();
  });
});

test("say: nothing comes in the middle of a response", async () => {
  const body = "long ".repeat(1000);
  server.mailbox().add(body);
  await answer(raw, "z NOOP");
  fault({ byteByByte: true });
  raw.write("a FETCH 4 BODY.PEEK[]\r\n");
  expect(await raw.line()).toBe("* 4 FETCH (BODY[] {5000}");
  await server.say("OK [ALERT] Look out"); // the literal has only begun
  expect(await raw.bytes(5000)).toBe(body);
  await raw.play("S: )\nS: * OK [ALERT] Look out\nS: a OK …");
});

describe("commands", () => {
  test("reply: NO and BAD get the tag, what comes before them does not", async () => {
    fault({ reply: { NOOP: { reply: "NO [UNAVAILABLE] Later" }, CHECK: "* 9 EXISTS\r\nBAD No" } });
    await raw.play(`
      C: a NOOP
      S: a NO [UNAVAILABLE] Later
      C: b NOOP
      S: b OK …
      C: c CHECK
      S: * 9 EXISTS
      S: c BAD No`);
  });

  test("hang, closeBeforeCommand, closeAfterCommand, loseReply", async () => {
    fault({ loseReply: { command: "STORE" } });
    raw.write("a STORE 1 +FLAGS.SILENT (\\Seen)\r\n");
    expect(await raw.rest()).toBe("");
    expect(server.mailbox().messages[0]?.flags).toEqual(["\\Seen"]);
    await enter();
    fault({ closeBeforeCommand: { command: "STORE 2" } });
    raw.write("a STORE 2 +FLAGS.SILENT (\\Seen)\r\n");
    expect(await raw.rest()).toBe("");
    expect(server.mailbox().messages[1]?.flags).toEqual([]);
    await enter("");
    fault({ closeAfterCommand: { command: "NOOP" } });
    raw.write("a NOOP\r\n");
    expect(await raw.rest()).toBe("a OK NOOP completed\r\n");
    await enter("");
    fault({ hang: "NOOP" });
    raw.write("a NOOP\r\n");
    expect(await quiet(raw)).toBe("silence");
  });
});

describe("answers", () => {
  test.each(Array.from(ANSWER, (_, at) => at).filter((at) => at % 7 === 0))(
    "cutResponse: %i bytes of the answer come, and the connection is closed",
    async (at) => {
      fault({ cutResponse: { command: "FETCH", at } });
      raw.write("a FETCH 2:3 UID\r\n");
      expect(await raw.rest()).toBe(ANSWER.slice(0, at));
    },
  );

  test("cutResponse can end in silence", async () => {
    fault({ cutResponse: { command: "FETCH", at: 5, ending: "silence" } });
    raw.write("a FETCH 2:3 UID\r\n");
    expect(await raw.bytes(5)).toBe("* 2 F");
    expect(await quiet(raw)).toBe("silence");
  });

  test("byeDuring and wrongTag", async () => {
    fault({ wrongTag: { command: "NOOP" }, byeDuring: { command: "FETCH" } });
    expect(await raw.ask("a NOOP")).toBe("xa OK NOOP completed");
    raw.write("b FETCH 2:3 UID\r\n");
    expect(await raw.rest()).toBe("* 2 FETCH (UID 2)\r\n* BYE In the middle of it\r\n");
  });

  test("outOfOrder: the end of one answer comes behind the next", async () => {
    fault({ outOfOrder: { command: "NOOP" } });
    raw.write("a NOOP\r\nb CHECK\r\n");
    await raw.play("S: b OK …\nS: a OK …");
    fault({ outOfOrder: { command: "NOOP" } });
    await raw.play("C: c NOOP\nS: c OK …");
  });

  test("strangers: responses nobody knows come in between", async () => {
    fault({ strangers: ["* XYZZY 42"] });
    await raw.play(`
      C: a FETCH 2:3 UID
      S: * XYZZY 42
      S: * 2 FETCH (UID 2)
      S: * XYZZY 42
      S: * 3 FETCH (UID 3)
      S: a OK …`);
  });

  test("expungeDuring: numbers shift in the middle of an answer", async () => {
    fault({ expungeDuring: { command: "UID FETCH", message: 1 } });
    await raw.play(`
      C: a UID FETCH 1:3 FLAGS
      S: * 1 FETCH (UID 1 FLAGS (\\Recent))
      S: * 1 EXPUNGE
      S: * 1 FETCH (UID 2 FLAGS (\\Recent))
      S: * 2 FETCH (UID 3 FLAGS (\\Recent))
      S: a OK …`);
  });
});

describe("answers to several commands", () => {
  test("together: responses come in turn, the last command's first, and the ends behind them", async () => {
    fault({ together: true });
    raw.write("a FETCH 1:2 UID\r\nb UID FETCH 3 RFC822.SIZE\r\nc NOOP\r\n");
    await raw.play(`
      S: * 3 FETCH (UID 3 RFC822.SIZE 3)
      S: * 1 FETCH (UID 1)
      S: * 2 FETCH (UID 2)
      S: a OK …
      S: b OK …
      S: c OK …`);
  });

  test("together: alone, and where anything else is to be told, they come in order", async () => {
    fault({ together: true });
    await raw.play("C: a FETCH 2 UID\nS: * 2 FETCH (UID 2)\nS: a OK …");
    fault({ expungeDuring: { command: "UID FETCH 2", message: 3 } });
    raw.write("a UID FETCH 2 UID\r\nb UID FETCH 1 UID\r\n");
    await raw.play(`
      S: * 2 FETCH (UID 2)
      S: * 3 EXPUNGE
      S: a OK …
      S: * 1 FETCH (UID 1)
      S: b OK …`);
  });

  test("echo: BAD repeats the command, which is not done", async () => {
    fault({ echo: { command: "CREATE" } });
    await raw.play(`
      C: a CREATE "x \\"y\\""
      S: a BAD Cannot do this: CREATE "x \\"y\\""
      C: b CREATE z
      S: b OK …`);
    expect((await answer(raw, 'c LIST "" *')).filter((line) => line.includes("LIST (")).length).toBe(2);
  });
});

describe("what FETCH tells", () => {
  test("uidLast: the UID comes behind all else", async () => {
    fault({ uidLast: true });
    await raw.play(`
      C: a UID FETCH 2 (UID RFC822.SIZE BODY.PEEK[]<0.1>)
      S: * 2 FETCH (RFC822.SIZE 3 BODY[]<0> {1}
      S: b UID 2)
      S: a OK …`);
  });

  test("quotedSections: what can be in quotes is", async () => {
    fault({ quotedSections: true });
    await raw.play(`
      C: a FETCH 2 (BODY.PEEK[TEXT] BODY.PEEK[]<0.1> RFC822.HEADER)
      S: * 2 FETCH (BODY[TEXT] "" BODY[]<0> "b" RFC822.HEADER {3}
      S: b
      S: )
      S: a OK …`);
  });
});

describe("literals and sizes", () => {
  test("missingLiteral: announced, begun, and then nothing", async () => {
    fault({ missingLiteral: { command: "FETCH", bytes: 3 } });
    raw.write("a FETCH 1 BODY.PEEK[]\r\n");
    expect(await raw.line()).toBe("* 1 FETCH (BODY[] {19}");
    expect(await raw.bytes(3)).toBe("Sub");
    expect(await quiet(raw)).toBe("silence");
    raw.close();
    await enter();
    fault({ missingLiteral: { command: "FETCH", ending: "close" } });
    raw.write("a FETCH 1 BODY.PEEK[]\r\n");
    expect(await raw.rest()).toBe("* 1 FETCH (BODY[] {19}\r\n");
  });

  test("refuseLiteral: NO in place of +", async () => {
    fault({ refuseLiteral: { command: "APPEND" } });
    await raw.play("C: a APPEND INBOX {3}\nS: a NO Not this literal\nC: b APPEND INBOX {3}\nS: + …\nC: one");
    expect((await answer(raw, "c NOOP")).some((line) => /^b OK/.test(line))).toBe(true);
  });

  test("wrongSizes", async () => {
    fault({ wrongSizes: -5 });
    await raw.play("C: a FETCH 1 RFC822.SIZE\nS: * 1 FETCH (RFC822.SIZE 14)\nS: a OK …");
  });
});

test("violations: literals that were not waited for, and ambiguous pipelining", async () => {
  raw.write("a APPEND INBOX {3}\r\none\r\n");
  await raw.play("S: + …");
  expect((await answer(raw, "b NOOP")).length).toBeGreaterThan(0);
  raw.write("c NOOP\r\nd FETCH 1 UID\r\n");
  while (!(await raw.line()).startsWith("d OK"));
  raw.write("e NOOP\r\nf UID SEARCH UID 1 OR SEEN (NOT 2:3)\r\ng UID SEARCH UID 1\r\n");
  while (!(await raw.line()).startsWith("g OK"));
  await answer(raw, "h UID SEARCH 1"); // it stands alone
  expect(server.violations).toEqual([
    expect.stringMatching(/^A synchronizing literal was not waited for: a APPEND/),
    expect.stringMatching(/^Ambiguous behind NOOP .*: d FETCH 1 UID$/),
    expect.stringMatching(/^Ambiguous behind NOOP .*: f UID SEARCH /),
  ]);
});

test("clearFaults, dropConnections and close leave nothing behind", async () => {
  fault({ hang: "NOOP" });
  server.clearFaults();
  expect(await raw.ask("a NOOP")).toBe("a OK NOOP completed");
  server.dropConnections();
  await raw.hungUp();
  expect(server.connections).toBe(0);
});
