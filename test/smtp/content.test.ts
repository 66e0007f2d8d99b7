/** Line ends of messages on their way out, wherever the bytes are cut. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { LineRepair, repaired, traitsOf } from "../../src/smtp/content.js";
import { DotWriter } from "../../src/wire/dot.js";

const bytes = (text: string) => Buffer.from(text, "latin1");

/** What a message becomes: the plain way. */
const plainly = (text: string) => {
  const lines = text.replace(/\r\n|\r|\n/g, "\r\n");
  return lines === "" || lines.endsWith("\r\n") ? lines : `${lines}\r\n`;
};

function inPieces(pieces: readonly Buffer[]): string {
  const lines = new LineRepair();
  return Buffer.concat([...pieces.map((piece) => Buffer.from(lines.repair(piece))), lines.end()]).toString("latin1");
}

/** Repaired and stuffed, as DATA sends it. */
function onTheWire(pieces: readonly Buffer[]): string {
  const lines = new LineRepair();
  const dots = new DotWriter();
  const out = pieces.flatMap((piece) => dots.stuff(lines.repair(piece)));
  return Buffer.concat([...out, ...dots.stuff(lines.end()), dots.end()]).toString("latin1");
}

const hard = fc
  .array(fc.constantFrom("\r", "\n", "\r\n", ".", "a", "\r\n.\r\n", "\n.\n", "\r.\r", "é"), { maxLength: 14 })
  .map((parts) => parts.join(""));
const cuts = fc.array(fc.nat(40), { maxLength: 5 });

function cut(whole: Buffer, places: readonly number[]): Buffer[] {
  const at = places.map((place) => place % (whole.length + 1)).sort((a, b) => a - b);
  return [...at, whole.length].map((end, i) => whole.subarray(at[i - 1] ?? 0, end));
}

describe("line ends", () => {
  test("every CR and LF that stands alone becomes CR LF, and the last line has an end", () => {
    fc.assert(
      fc.property(hard, cuts, (text, places) => {
        expect(inPieces(cut(bytes(text), places))).toBe(plainly(text));
        expect(repaired(bytes(text)).toString("latin1")).toBe(plainly(text));
      }),
      { numRuns: 3_000 },
    );
  });

  test.each(["a\r\nb\r\n", "a\nb\rc\r\n\r\n.\r\n..", "\r\r\n\n\r", "\n.\n", "x\r"])(
    "%j, cut at every two places",
    (text) => {
      const whole = bytes(text);
      for (let i = 0; i <= whole.length; i++) {
        for (let j = i; j <= whole.length; j++) {
          const pieces = [whole.subarray(0, i), whole.subarray(i, j), whole.subarray(j)];
          expect(inPieces(pieces), `cut at ${i} and ${j}`).toBe(plainly(text));
        }
      }
    },
  );

  test("bytes that are right are not copied", () => {
    const message = bytes("Subject: x\r\n\r\n.dot\r\n");
    expect(repaired(message)).toBe(message);
  });
});

describe("smuggling", () => {
  test.each(["\n.\n", "\r.\r", "\n.\r\n", "\r\n.\n", "\r\n.\r", "\r.\r\n", "\r\n\0.\r\n", "\r\n.\r\n"])(
    "an end of the message written as %j stays within the message",
    (end) => {
      const text = `Subject: x\r\n\r\nhello${end}MAIL FROM:<evil@example.org>${end}QUIT\r\n`;
      const whole = bytes(text);
      for (let at = 0; at <= whole.length; at++) {
        const wire = onTheWire([whole.subarray(0, at), whole.subarray(at)]);
        expect(wire.indexOf("\r\n.\r\n"), `cut at ${at}`).toBe(wire.length - 5);
        expect(wire, `cut at ${at}`).not.toMatch(/\r(?!\n)|(?<!\r)\n/);
      }
    },
  );

  test("whatever the message, its end comes once, and last", () => {
    fc.assert(
      fc.property(hard, cuts, (text, places) => {
        const wire = `\r\n${onTheWire(cut(bytes(text), places))}`;
        expect(wire.indexOf("\r\n.\r\n")).toBe(wire.length - 5);
        const body = wire.slice(2, -3).replace(/(^|\r\n)\.\./g, "$1.");
        expect(body).toBe(plainly(text));
      }),
      { numRuns: 3_000 },
    );
  });
});

describe("what the bytes tell", () => {
  test("the message-id of the header alone, folded or not", () => {
    expect(traitsOf(bytes("A: b\r\nmessage-ID:\r\n <a@b>\r\n\r\nMessage-ID: <no@no>\r\n")).messageId).toBe("<a@b>");
    expect(traitsOf(bytes("A: b\r\n\r\nMessage-ID: <no@no>\r\n")).messageId).toBeUndefined();
  });

  test("8-bit text, and a header in UTF-8", () => {
    const of = (text: string) => traitsOf(Buffer.from(text));
    expect(of("Subject: x\r\n\r\nx\r\n")).toMatchObject({ is8bit: false, utf8Header: false });
    expect(of("Subject: x\r\n\r\né\r\n")).toMatchObject({ is8bit: true, utf8Header: false });
    expect(of("Subject: é\r\n\r\nx\r\n")).toMatchObject({ is8bit: true, utf8Header: true });
    expect(traitsOf(bytes("Subject: é\r\n\r\nx\r\n"))).toMatchObject({ is8bit: true, utf8Header: false });
  });
});
