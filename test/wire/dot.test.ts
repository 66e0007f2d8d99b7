/** Dot-stuffing, both ways, wherever the bytes are cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DotReader, DotWriter } from "../../src/wire/index.js";
import { bytesOf } from "./feeding.js";

/** Reads one body from the pieces; gives it, and the bytes left behind its end. */
function unstuff(pieces: readonly Buffer[]): { body: string; rest: string; done: boolean } {
  const got: string[] = [];
  const reader = new DotReader((piece) => got.push(piece.toString("latin1")));
  let rest = "";
  for (const piece of pieces) {
    const used = reader.done ? 0 : reader.push(piece, 0);
    rest += piece.toString("latin1", used);
  }
  return { body: got.join(""), rest, done: reader.done };
}

function stuff(pieces: readonly Buffer[]): Buffer {
  const writer = new DotWriter();
  return Buffer.concat([...pieces.flatMap((piece) => writer.stuff(piece)), writer.end()]);
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const at = places.map((place) => place % (bytes.length + 1)).sort((a, b) => a - b);
  return [...at, bytes.length].map((end, i) => bytes.subarray(at[i - 1] ?? 0, end));
}

/** Bodies of the characters that matter. A bare LF is not among their line ends: SMTP and NNTP do not send it. */
const hard = fc
  .array(fc.constantFrom(".", "..", "\r\n", "\r\n.", ".\r\n", "\r", "a", "\r\n.\r\n", "é"), { maxLength: 12 })
  .map((parts) => parts.join("").replace(/(?<!\r)\n/g, "x"));
const places = fc.array(fc.nat(60), { maxLength: 6 });

describe("reading", () => {
  test("stuffed, cut anywhere, unstuffed: the same body, and what is behind it is left", () => {
    fc.assert(
      fc.property(hard, places, places, (text, cutsIn, cutsOut) => {
        // The writer ends a last line that has no end; a CR there becomes one.
        const body = text === "" || text.endsWith("\r\n") ? text : `${text.replace(/\r$/, "")}\r\n`;
        const wire = Buffer.concat([stuff(cut(bytesOf(text), cutsIn)), bytesOf("205 bye\r\n.\r\n")]);
        expect(unstuff(cut(wire, cutsOut))).toEqual({ body, rest: "205 bye\r\n.\r\n", done: true });
      }),
      { numRuns: 2000 },
    );
  });

  test.each(["", "a\r\n", "..\r\n", "..a\r\n..\r\n", "\r\n", "\r\n..\r\n\r\n"])(
    "the terminator behind %j, cut at every place",
    (stuffed) => {
      const wire = bytesOf(`${stuffed}.\r\n+OK\r\n`);
      const body = stuffed.replace(/^\.\./gm, ".");
      for (let i = 0; i <= wire.length; i++) {
        for (let j = i; j <= wire.length; j++) {
          const pieces = [wire.subarray(0, i), wire.subarray(i, j), wire.subarray(j)];
          expect(unstuff(pieces), `cut at ${i} and ${j}`).toEqual({ body, rest: "+OK\r\n", done: true });
        }
      }
    },
  );

  test("a chunk is given in one piece however many of its lines begin with a dot: pieces cost more than bytes", () => {
    const pieces: Buffer[] = [];
    const reader = new DotReader((piece) => pieces.push(piece));
    for (let chunk = 0; chunk < 3; chunk++) reader.push(bytesOf("..\r\n.a\r\n.\rb\r\n".repeat(1_000)), 0);
    expect(pieces.map(({ length }) => length)).toEqual(Array(3).fill(10_000));
    expect(Buffer.concat(pieces).toString()).toBe(".\r\na\r\n\rb\r\n".repeat(3_000));
  });

  test("a dot, a CR and no LF belong to the line; without a terminator the body goes on", () => {
    const wire = bytesOf(".\rx\r\n.\r\r\n");
    for (let at = 0; at <= wire.length; at++) {
      const pieces = [wire.subarray(0, at), wire.subarray(at)];
      expect(unstuff(pieces), `cut at ${at}`).toEqual({ body: "\rx\r\n\r\r\n", rest: "", done: false });
    }
  });

  test("servers that end lines with LF alone are read too", () => {
    expect(unstuff([bytesOf("a\n..b\n.\nrest")])).toEqual({ body: "a\n.b\n", rest: "rest", done: true });
  });

  test("a bare LF ends no line where lines end with CR LF: a message cannot end its own body", () => {
    const wire = bytesOf("a\r\nb\n.\n+OK forged\n.\r\nc\n..d\r\n.\r\n+OK\r\n");
    const body = "a\r\nb\n.\n+OK forged\n.\r\nc\n..d\r\n";
    for (let at = 0; at <= wire.length; at++) {
      const pieces = [wire.subarray(0, at), wire.subarray(at)];
      expect(unstuff(pieces), `cut at ${at}`).toEqual({ body, rest: "+OK\r\n", done: true });
    }
  });

  test("reading begins in the middle of a chunk", () => {
    const got: string[] = [];
    const reader = new DotReader((piece) => got.push(piece.toString()));
    expect(reader.push(bytesOf("220 x\r\nab\r\n.\r\n205\r\n"), 7)).toBe(7);
    expect([got.join(""), reader.done]).toEqual(["ab\r\n", true]);
  });
});

describe("writing", () => {
  test.each([
    ["", ".\r\n"],
    [".", "..\r\n.\r\n"],
    ["a", "a\r\n.\r\n"],
    ["a\r\n", "a\r\n.\r\n"],
    ["a\r", "a\r\n.\r\n"],
    ["\r\n.\r\n", "\r\n..\r\n.\r\n"],
    [".\r\n.\r\n.", "..\r\n..\r\n..\r\n.\r\n"],
  ])("%j is sent as %j, however it is cut", (body, wire) => {
    for (let i = 0; i <= body.length; i++) {
      for (let j = i; j <= body.length; j++) {
        const pieces = [body.slice(0, i), body.slice(i, j), body.slice(j)].map(bytesOf);
        expect(stuff(pieces).toString("latin1"), `cut at ${i} and ${j}`).toBe(wire);
      }
    }
  });

  test("a piece without dots at a line's start is passed on without a copy", () => {
    const piece = Buffer.alloc(100, "a.b ");
    const [only, ...others] = new DotWriter().stuff(piece);
    expect(only?.buffer).toBe(piece.buffer);
    expect([only?.byteOffset, only?.length, others]).toEqual([piece.byteOffset, 100, []]);
  });
});
