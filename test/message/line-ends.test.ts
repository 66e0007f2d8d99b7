/** Line ends of messages that come in pieces: the same, wherever they were cut. */
import { describe, expect, test } from "vitest";
import { crlfPieces, toCrlf } from "../../src/message/line-ends.js";

async function joined(pieces: AsyncIterable<Buffer>): Promise<string> {
  const all: Buffer[] = [];
  for await (const piece of pieces) all.push(Buffer.from(piece));
  return Buffer.concat(all).toString("latin1");
}

describe("CR LF", () => {
  test.each([
    ["a\nb\r\nc\rd", "a\r\nb\r\nc\r\nd"],
    ["\n\n\r\r\n\n", "\r\n\r\n\r\n\r\n\r\n"],
    ["\r", "\r\n"],
    ["", ""],
    ["plain", "plain"],
  ])("%j becomes %j, in two pieces cut anywhere, or byte by byte", async (given, wanted) => {
    const bytes = Buffer.from(given);
    expect(toCrlf(bytes).toString()).toBe(wanted);
    for (let at = 0; at <= bytes.length; at++) {
      expect(await joined(crlfPieces([bytes.subarray(0, at), bytes.subarray(at)]))).toBe(wanted);
    }
    expect(await joined(crlfPieces([...bytes].map((byte) => Buffer.of(byte))))).toBe(wanted);
  });
});
