/** Each fault of the in-memory POP3 server, in raw lines. */
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { type Pop3Faults, Pop3Server } from "../../src/testing/index.js";
import { quiet, RawLines } from "./raw-lines.js";

let server: Pop3Server;
let raw: RawLines;

const open = () => RawLines.open(server.port).play("S: +OK …");
const enter = async () => (await open()).play("C: USER alice\nS: +OK …\nC: PASS secret\nS: +OK …");

beforeEach(async () => {
  server = await Pop3Server.start({
    users: { alice: { password: "secret", messages: ["Subject: a\n\n.one\ntwo\n", "b\n", "c\n", "d\n"] } },
  });
  raw = await enter();
});
afterEach(async () => {
  raw.close();
  await server.close();
});

const fault = (faults: Pop3Faults) => Object.assign(server.faults, faults);
const BODY = "Subject: a\r\n\r\n..one\r\ntwo\r\n.\r\n";

describe("the connection", () => {
  test("byteByByte: every byte in a segment of its own", async () => {
    fault({ byteByByte: true });
    raw.segments = [];
    raw.write("RETR 1\r\nNOOP\r\n");
    expect(await raw.line()).toBe("+OK 25 octets");
    expect(await raw.bytes(BODY.length)).toBe(BODY);
    expect(await raw.line()).toBe("+OK Nothing done");
    expect(raw.segments.every((segment) => segment.length === 1)).toBe(true);
  });

  test("closeAtByte and stallAtByte", async () => {
    fault({ stallAtByte: server.replyBytes + 4 });
    raw.write("NOOP\r\n");
    expect(await raw.bytes(4)).toBe("+OK ");
    expect(await quiet(raw)).toBe("silence");
    raw.close();
    await expect.poll(() => server.maildrop().locked).toBe(false);
    raw = await enter();
    fault({ closeAtByte: server.replyBytes + 3 });
    raw.write("NOOP\r\n");
    expect(await raw.rest()).toBe("+OK");
  });

  test("greetingDelay: the greeting comes, and then everything goes on", async () => {
    fault({ greetingDelay: 20 });
    await (await open()).play("C: CAPA\nS: +OK …");
  });

  test("silent: not a word, so many times", async () => {
    fault({ silent: 1 });
    expect(await quiet(RawLines.open(server.port))).toBe("silence");
    (await open()).close();
  });

  test("tooManyConnections and goingAwayAfter: -ERR [SYS/TEMP] and the end", async () => {
    fault({ tooManyConnections: 1 });
    await RawLines.open(server.port).play("S: -ERR [SYS/TEMP] Too many connections, try again later\nS: ");
    fault({ goingAwayAfter: 3 });
    await raw.play("C: NOOP\nC: NOOP\nS: +OK …\nS: -ERR [SYS/TEMP] Going away, come back later\nS: ");
  });

  test("injectAfterStls, in one segment with the +OK", async () => {
    await using other = await Pop3Server.start({ tls: "starttls", faults: { injectAfterStls: "+OK injected\r\n" } });
    const client = await RawLines.open(other.port).play("S: +OK …");
    client.segments = [];
    await client.play("C: STLS\nS: +OK …\nS: +OK injected");
    expect(client.segments).toHaveLength(1);
    other.faults.loseReply = { command: "STLS" };
    await RawLines.open(other.port).play("S: +OK …\nC: STLS\nS: ");
  });
});

describe("commands", () => {
  test("reply: an -ERR in the middle of a pipeline, to the command that is meant", async () => {
    fault({ reply: { "RETR 3": "-ERR [SYS/TEMP] no", DELE: { reply: "-ERR no", times: 1 } } });
    await raw.play(`
      C: RETR 2
      C: RETR 3
      C: RETR 4
      S: +OK 3 octets
      S: b
      S: .
      S: -ERR [SYS/TEMP] no
      S: +OK 3 octets
      S: d
      S: .
      C: DELE 1
      C: DELE 1
      S: -ERR no
      S: +OK …
    `);
  });

  test("hang, closeBeforeCommand, closeAfterCommand, loseReply", async () => {
    fault({ hang: "LIST" });
    await raw.play("C: NOOP\nC: LIST\nC: NOOP\nS: +OK …");
    expect(await quiet(raw)).toBe("silence");
    server.clearFaults();
    server.dropConnections();

    raw = await enter();
    fault({ closeBeforeCommand: { command: "DELE 2" } });
    await raw.play("C: DELE 1\nC: DELE 2\nS: +OK …\nS: ");

    raw = await enter();
    fault({ closeAfterCommand: { command: "NOOP" } });
    await raw.play("C: NOOP\nC: NOOP\nS: +OK …\nS: ");

    raw = await enter();
    fault({ loseReply: { command: "QUIT" } });
    await raw.play("C: DELE 1\nS: +OK …\nC: QUIT\nS: ");
    expect(server.maildrop().count).toBe(3);
  });
});

describe("bodies", () => {
  test("splitTerminator: true: every byte of the end in its own segment", async () => {
    fault({ splitTerminator: true });
    raw.segments = [];
    raw.write("RETR 1\r\n");
    await raw.line();
    expect(await raw.bytes(BODY.length)).toBe(BODY);
    expect(raw.segments.slice(-5)).toEqual(["\r", "\n", ".", "\r", "\n"]);
  });

  test.each([1, 2, 3, 4])("splitTerminator: %i: two segments", async (at) => {
    fault({ splitTerminator: at });
    raw.segments = [];
    raw.write("RETR 1\r\n");
    await raw.line();
    expect(await raw.bytes(BODY.length)).toBe(BODY);
    expect(raw.segments).toHaveLength(2);
    expect(raw.segments[1]).toBe("\r\n.\r\n".slice(at));
  });

  test("splitTerminator with the other faults of bodies: cut it has no end; the dot twice; LF alone", async () => {
    fault({ splitTerminator: true, cutBody: { command: "RETR 1", at: 16 } });
    raw.write("RETR 1\r\n");
    expect(await raw.rest()).toBe(`+OK 25 octets\r\n${BODY.slice(0, 16)}`);

    raw = await enter();
    fault({ duplicateTerminator: 1 });
    raw.segments = [];
    raw.write("RETR 2\r\n");
    expect(await raw.bytes(23)).toBe("+OK 3 octets\r\nb\r\n.\r\n.\r\n");
    expect(raw.segments.slice(-8)).toEqual(["\r", "\n", ".", "\r", "\n", ".", "\r", "\n"]);

    fault({ splitTerminator: 2, loneLf: true });
    raw.segments = [];
    raw.write("RETR 2\r\n");
    expect(await raw.bytes(17)).toBe("+OK 3 octets\nb\n.\n");
    expect(raw.segments).toEqual(["+OK 3 octets\nb\n.", "\n"]);
  });

  test("duplicateTerminator: the dot comes twice, so many times", async () => {
    fault({ duplicateTerminator: 1 });
    await raw.play("C: RETR 2\nC: RETR 2\nS: +OK …\nS: b\nS: .\nS: .\nS: +OK …\nS: b\nS: .\nC: NOOP\nS: +OK …");
  });

  test("cutBody: at this byte of it", async () => {
    fault({ cutBody: { command: "RETR 1", at: 16 } });
    raw.write("RETR 2\r\nRETR 1\r\n");
    expect(await raw.rest()).toBe(`+OK 3 octets\r\nb\r\n.\r\n+OK 25 octets\r\n${BODY.slice(0, 16)}`);
  });

  test("loneLf: no CR anywhere", async () => {
    fault({ loneLf: true });
    raw.write("RETR 1\r\nLIST 2\r\n");
    const wanted = `+OK 25 octets\r\n${BODY}+OK 2 3\r\n`.replaceAll("\r", "");
    expect(await raw.bytes(wanted.length)).toBe(wanted);
  });

  test("longReply: a status line of 100 kB", async () => {
    fault({ longReply: 100_000 });
    expect(await raw.ask("NOOP")).toHaveLength(100_000);
  });

  test("lines of 100 kB in a message", async () => {
    server.maildrop().add(`Subject: long\n\n${"x".repeat(100_000)}\n`);
    server.dropConnections();
    await expect.poll(() => server.maildrop().locked).toBe(false);
    raw = await enter();
    await raw.play("C: RETR 5\nS: +OK …\nS: Subject: long\nS: ");
    expect(await raw.line()).toHaveLength(100_000);
  });
});

describe("what is told of messages", () => {
  const uidl = () => raw.list("UIDL");

  test("uidlRows: rows too few, rows too many", async () => {
    fault({ uidlRows: -3 });
    expect(await uidl()).toEqual(["1 uid-1"]);
    fault({ uidlRows: 2 });
    expect(await uidl()).toEqual(["1 uid-1", "2 uid-2", "3 uid-3", "4 uid-4", "5 extra-1", "6 extra-2"]);
  });

  test("duplicateUids: every n-th is the one before", async () => {
    fault({ duplicateUids: 2 });
    expect(await uidl()).toEqual(["1 uid-1", "2 uid-1", "3 uid-3", "4 uid-3"]);
  });

  test("wrongSizes", async () => {
    fault({ wrongSizes: 100 });
    await raw.play("C: STAT\nS: +OK 4 434\nC: LIST 2\nS: +OK 2 103");
  });
});
