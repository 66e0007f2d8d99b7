/** The lines of a recorded body: as they came, wherever the bytes are cut, and nothing of what follows. */
import { expect, test } from "vitest";
import { RecordedBody } from "../../src/net/recorded-body.js";
import { DotReader } from "../../src/wire/dot.js";

const BODY = Buffer.from("UIDL\r\n..dots\r\nGrüße\r\n\r\n.\r\n+OK next\r\n");
const LINES = ["UIDL", "..dots", "Grüße", "", "."];

test("every cut gives the same lines, and the reader what it would have had", () => {
  for (let cut = 0; cut <= BODY.length; cut++) {
    const lines: string[] = [];
    const pieces: Buffer[] = [];
    const body = new RecordedBody(new DotReader((piece) => pieces.push(Buffer.from(piece))), (line) =>
      lines.push(line),
    );
    let used = 0;
    for (const chunk of [BODY.subarray(0, cut), BODY.subarray(cut)]) {
      if (!body.done) used += body.push(chunk, 0);
    }
    expect(lines, `cut at ${cut}`).toEqual(LINES);
    expect(Buffer.concat(pieces).toString()).toBe("UIDL\r\n.dots\r\nGrüße\r\n\r\n");
    expect(BODY.subarray(used).toString()).toBe("+OK next\r\n");
  }
});
