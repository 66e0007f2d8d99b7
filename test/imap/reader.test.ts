/** Bytes cut into responses: however they come, whatever is in them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { ResponseReader } from "../../src/imap/response-reader.js";
import { bytesOf, type Heard, hear, hearEverywhere, LIMITS, type Read, responseOf } from "./reading.js";

function responses(heard: Heard): Read[] {
  expect(heard.error).toBeUndefined();
  return heard.events.filter((event) => typeof event !== "string");
}

/** `kind name number raw` of each. */
function lines(text: string): string[] {
  return responses(hearEverywhere(text)).map(({ raw }) => raw);
}

describe("lines", () => {
  test("one response each, in order", () => {
    const text = "* OK ready\r\n* 3 EXISTS\r\n+ go on\r\nA1 NO never\r\n";
    expect(responses(hearEverywhere(text)).map(({ kind, tag, name, number }) => [kind, tag, name, number])).toEqual([
      ["untagged", "*", "OK", undefined],
      ["untagged", "*", "EXISTS", 3],
      ["continuation", "+", "", undefined],
      ["tagged", "A1", "NO", undefined],
    ]);
  });

  test("LF alone ends a line, too", () => {
    expect(lines("* OK a\n* OK b\r\n* OK c\n")).toEqual(["* OK a", "* OK b", "* OK c"]);
  });

  test("a CR within a line stays", () => {
    expect(lines("* OK a\rb\r\r\n")).toEqual(["* OK a\rb\r"]);
  });

  test("NULs in front of a response and empty lines are stepped over", () => {
    expect(lines("\0\0* OK a\r\n\r\n\n\0\r\n* OK b\r\n")).toEqual(["* OK a", "* OK b"]);
  });

  test("NULs and 8-bit within a response stay", () => {
    expect(lines("* OK a\0b \xe4\xff\r\n")).toEqual(["* OK a\0b \xe4\xff"]);
  });

  test("what has no end yet is held", () => {
    expect(hear([bytesOf("* OK a\r\n* 1")])).toMatchObject({ partial: true });
    expect(hear([bytesOf("* OK a\r\n")])).toMatchObject({ partial: false });
    expect(hear([bytesOf("* 1 FETCH (X {0}\r\n")])).toMatchObject({ partial: true });
  });

  test.each([
    "220 ready",
    "+OK POP3",
    "-ERR",
    "HTTP/1.1 400 Bad Request",
    "*",
    "* ",
    " OK",
    "A1",
    "A1 BYE",
    "A1 LIST ()",
    "SSH-2.0-OpenSSH",
  ])("what is no response of an IMAP server is refused: %j", (line) => {
    expect(hearEverywhere(`${line}\r\n`).error).toMatch(/not a response of an IMAP server/);
  });

  test("a refusal shows no control character of the server's", () => {
    expect(hear([bytesOf("\x1b[2J\x07 hi\r\n")]).error).not.toMatch(/[\x00-\x1f]/);
  });

  test.each(["* 9007199254740993 EXISTS", `* ${"9".repeat(400)} EXISTS`])(
    "a number beyond 2^53 is none: %j",
    (line) => {
      expect(() => responseOf(line)).toThrow(ProtocolError);
    },
  );
});

describe("literals", () => {
  test("are part of the response that announces them", () => {
    const [one, two] = responses(hearEverywhere("* 1 FETCH (A {3}\r\na\r\n B {2+}\r\n}\n C ~{1}\r\n\0)\r\n* OK x\r\n"));
    expect(one?.literals).toEqual(["a\r\n", "}\n", "\0"]);
    expect(one?.raw).toBe("* 1 FETCH (A {3}\r\n B {2+}\r\n C ~{1}\r\n)");
    expect(two?.raw).toBe("* OK x");
  });

  test("an empty one is a literal", () => {
    const [one] = responses(hearEverywhere("* LIST () {0}\r\n {0}\r\n\r\n"));
    expect(one).toMatchObject({ literals: ["", ""], raw: "* LIST () {0}\r\n {0}\r\n" });
  });

  test("a response may begin in a literal's line with the name alone", () => {
    expect(responses(hearEverywhere("* X{1}\r\na\r\n"))[0]).toMatchObject({ literals: ["a"] });
  });

  test.each([
    "* OK say {5}",
    "* NO {5}",
    "+ {5}",
    "+ idling {5}",
    "A1 OK done {5}",
    "A1 BAD {5}",
    "* bye {5}",
    "* PREAUTH {5}",
  ])("text to a person announces none: %j", (line) => {
    expect(lines(`${line}\r\n* OK next\r\n`)).toEqual([line, "* OK next"]);
  });

  test.each(["* X {}", "* X {+}", "* X {-5}", "* X {5x}", "* X 5}", "* X {5++}", "* X {5} "])(
    "%j announces none",
    (line) => {
      expect(lines(`${line}\r\n* OK next\r\n`)).toEqual([line, "* OK next"]);
    },
  );

  test.each(["9007199254740993", "9".repeat(400), `1${"0".repeat(330)}`])("a size of %s is refused", (size) => {
    expect(hearEverywhere(`* X {${size}}\r\n`).error).toMatch(/more than 2\^53/);
  });

  test.each([1, 7, 1000, 1024, 4095])("long ones, and long lines, in pieces of %d bytes", (size) => {
    const content = Array.from({ length: 9000 }, (_, i) => String.fromCharCode((i * 7) % 256)).join("");
    const words = Array.from({ length: 2000 }, (_, i) => i).join(" ");
    const bytes = bytesOf(`* X ${words} {9000}\r\n${content} ${words}\r\n`);
    const pieces = Array.from({ length: Math.ceil(bytes.length / size) }, (_, i) =>
      bytes.subarray(i * size, (i + 1) * size),
    );
    const [one] = responses(hear(pieces));
    expect(one?.literals).toEqual([content]);
    expect(one?.raw).toBe(`* X ${words} {9000}\r\n ${words}`);
  });

  test("whatever bytes they hold, however they are cut", () => {
    const piece = fc.oneof(fc.uint8Array({ maxLength: 40 }), fc.constant(bytesOf("* OK\r\n{3}\r\n")));
    const cuts = fc.array(fc.nat(200), { maxLength: 5 });
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 4 }), cuts, fc.boolean(), (pieces, places, toSinks) => {
        const parts: Buffer[] = [bytesOf("* 1 FETCH (")];
        for (const bytes of pieces) parts.push(bytesOf(`X {${bytes.length}}\r\n`), Buffer.from(bytes), bytesOf(" "));
        const all = Buffer.concat([...parts, bytesOf(")\r\n* OK trailing\r\n")]);
        const ends = [...places.map((at) => Math.min(at, all.length)).sort((a, b) => a - b), all.length];
        const chunks = ends.map((end, i) => all.subarray(ends[i - 1] ?? 0, end));
        const heard = hear(chunks, { sinks: () => toSinks });
        const sunk = heard.events.filter((event) => typeof event === "string");
        const [first, second] = responses(heard);
        expect(second?.raw).toBe("* OK trailing");
        const texts = pieces.map((bytes) => Buffer.from(bytes).toString("latin1"));
        if (toSinks) expect(sunk).toEqual(texts.map((text) => `sunk ${text}`));
        expect(first?.literals).toEqual(toSinks ? texts.map(({ length }) => length) : texts);
      }),
    );
  });
});

describe("sinks", () => {
  const two = "* 1 FETCH (UID 7 BODY[] {5}\r\nab\r\nc ENVELOPE {2}\r\nxy)\r\n* OK x\r\n";

  test("take the literals they are wanted for; the others are in the response", () => {
    const { events } = hearEverywhere(two, { sinks: (head) => head.raw.endsWith("BODY[] {5}\r\n") });
    expect(events).toEqual([
      "sunk ab\r\nc",
      expect.objectContaining({ name: "FETCH", number: 1, literals: [5, "xy"] }),
      expect.objectContaining({ name: "OK" }),
    ]);
  });

  test("see the head of the response, and the size", () => {
    const seen: unknown[] = [];
    const reader = new ResponseReader(LIMITS);
    reader.push(bytesOf(two), {
      response: () => undefined,
      literal: ({ name, number, raw }, size) => void seen.push([name, number, raw, size]),
    });
    expect(seen).toEqual([
      ["FETCH", 1, "* 1 FETCH (UID 7 BODY[] {5}\r\n", 5],
      ["FETCH", 1, "* 1 FETCH (UID 7 BODY[] {5}\r\n ENVELOPE {2}\r\n", 2],
    ]);
  });

  test("get no piece of an empty literal", () => {
    const { events } = hearEverywhere("* 1 FETCH (BODY[] {0}\r\n)\r\n", { sinks: () => true });
    expect(events).toEqual(["sunk ", expect.objectContaining({ literals: [0] })]);
  });

  test("may take more than may be held in memory, and nothing of it is held", () => {
    const reader = new ResponseReader({ ...LIMITS, body: 1000 });
    const size = 64 * 1024 * 1024;
    let taken = 0;
    let most = 0;
    let literals: readonly unknown[] = [];
    const events = {
      literal: () => (piece: Buffer) => void (taken += piece.length),
      response: (response: { literals: readonly unknown[] }) => void ({ literals } = response),
    };
    const chunk = Buffer.alloc(64 * 1024);
    reader.push(bytesOf(`* 1 FETCH (BODY[] {${size}}\r\n`), events);
    for (let at = 0; at < size; at += chunk.length) {
      reader.push(chunk, events);
      most = Math.max(most, reader.held);
    }
    reader.push(bytesOf(")\r\n"), events);
    expect([taken, literals]).toEqual([size, [size]]);
    expect(most).toBeLessThan(100);
  });

  test("do not lower the limit for what is held beside them", () => {
    const text = `* 1 FETCH (BODY[] {500}\r\n${"x".repeat(500)} X {10}\r\n0123456789)\r\n`;
    const setup = { limits: { body: 10 }, sinks: (_: unknown, size: number) => size === 500 };
    expect(hear([bytesOf(text)], setup).error).toBeUndefined();
    expect(hear([bytesOf(text)], { ...setup, limits: { body: 9 } }).error).toMatch(/more than 9 bytes of literals/);
  });
});

describe("limits", () => {
  test("a line of exactly the limit passes, one byte more does not, in front of its end or behind", () => {
    const line = "* OK 45678";
    expect(hearEverywhere(`${line}\r\n`, { limits: { line: 10 } }).error).toBeUndefined();
    expect(hearEverywhere(`${line}90\r\n`, { limits: { line: 10 } }).error).toMatch(/a line of more than 10 bytes/);
    expect(hear([bytesOf(`${line}90`)], { limits: { line: 10 } }).error).toMatch(/a line of more than 10 bytes/);
  });

  test("a literal beyond the limit is refused when it is announced, several when their sum is", () => {
    const limits = { body: 8 };
    expect(hearEverywhere("* X {8}\r\n01234567\r\n", { limits }).error).toBeUndefined();
    expect(hearEverywhere("* X {9}\r\n", { limits }).error).toMatch(/more than 8 bytes of literals/);
    expect(hearEverywhere("* X {5}\r\n01234 {4}\r\n", { limits }).error).toMatch(/more than 8 bytes of literals/);
    const twice = "* X {8}\r\n01234567\r\n".repeat(2);
    expect(responses(hearEverywhere(twice, { limits }))).toHaveLength(2);
  });

  test("all lines of a response together have one", () => {
    const text = `* X ${"a {1}\r\nb".repeat(20)}\r\n`;
    expect(hearEverywhere(text, { limits: { reply: 200 } }).error).toBeUndefined();
    expect(hearEverywhere(text, { limits: { reply: 100 } }).error).toMatch(/more than 100 bytes besides its literals/);
  });

  test("a response of literals without end is refused", () => {
    const { error } = hear([bytesOf(`* X ${"{0}\r\n".repeat(20_000)}`)]);
    expect(error).toMatch(/more than 10000 literals/);
  });

  test("memory follows what came, not what was announced", () => {
    const reader = new ResponseReader({ ...LIMITS, body: 2 ** 40 });
    const before = process.memoryUsage().arrayBuffers;
    reader.push(bytesOf(`* X {${2 ** 39}}\r\nabc`), { response: () => undefined });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(10_000_000);
    expect(reader.partial).toBe(true);
  });
});

describe("stopping", () => {
  test("what follows stays unread until the next push, in order", () => {
    const reader = new ResponseReader(LIMITS);
    const seen: string[] = [];
    let stopped = true;
    const events = { response: ({ raw }: { raw: string }) => void seen.push(raw), stop: () => stopped };
    reader.push(bytesOf("A1 OK go\r\n* OK early\r\n* OK mo"), events);
    expect(seen).toEqual(["A1 OK go"]);
    expect([reader.held, reader.partial]).toEqual([19, true]);
    stopped = false;
    reader.push(bytesOf("re\r\n"), events);
    expect(seen).toEqual(["A1 OK go", "* OK early", "* OK more"]);
    expect(reader.held).toBe(0);
  });

  test("what comes in pieces of its own stays unread, too, and can be taken away", () => {
    const reader = new ResponseReader(LIMITS);
    const seen: string[] = [];
    const events = { response: ({ raw }: { raw: string }) => void seen.push(raw), stop: () => true };
    for (const piece of ["A1 OK go\r\n", "\x00\xff\n", "\r\nmore"]) reader.push(bytesOf(piece), events);
    expect([seen, reader.takeUnread()]).toEqual([["A1 OK go"], bytesOf("\x00\xff\n\r\nmore")]);
    expect([reader.held, reader.takeUnread().length]).toEqual([0, 0]);
  });

  test("nothing is held where the chunk ends with the response", () => {
    const reader = new ResponseReader(LIMITS);
    reader.push(bytesOf("A1 OK go\r\n"), { response: () => undefined, stop: () => true });
    expect(reader.held).toBe(0);
  });
});

test("whatever bytes come: responses or a ProtocolError, the same however they are cut", () => {
  const token = fc.constantFrom(
    "*",
    " ",
    "A1",
    "OK",
    "FETCH",
    "(",
    ")",
    '"',
    "\\",
    "{2}",
    "{1+}",
    "\r\n",
    "\n",
    "\r",
    "\0",
    "\xff",
    "1",
    "+",
    "x",
  );
  fc.assert(
    fc.property(fc.array(token, { maxLength: 30 }), fc.nat(60), (tokens, cut) => {
      const bytes = bytesOf(tokens.join(""));
      const whole = hear([bytes]);
      expect(hear([bytes.subarray(0, cut), bytes.subarray(cut)])).toEqual(whole);
      expect(hear(Array.from(bytes, (byte) => Buffer.of(byte)))).toEqual(whole);
    }),
    { numRuns: 2000 },
  );
});
