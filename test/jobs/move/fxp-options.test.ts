/** What does not go together with FXP is refused before anything is dialled. */
import { expect, test } from "vitest";
import { checkMove, type MoveOptions } from "../../../src/jobs/index.js";

const options: MoveOptions = { from: "ftp://a.example/out", to: "ftp://b.example/in", fxp: true };

test("two FTP servers may be asked for FXP", () => {
  expect(() => checkMove(options)).not.toThrow();
  expect(() => checkMove({ ...options, resumeAbove: false, segmentAbove: false, verify: "hash" })).not.toThrow();
  expect(() => checkMove({ ...options, fxp: false, maxBytesPerSecond: 1000 })).not.toThrow();
});

test.each<[Partial<MoveOptions>, RegExp]>([
  [{ from: "/tmp/out" }, /two FTP servers/],
  [{ to: "/tmp/in" }, /two FTP servers/],
  [{ maxBytesPerSecond: 1000 }, /maxBytesPerSecond contradict/],
  [{ verify: "readback" }, /readback.*contradict/],
  [{ resumeAbove: 1000 }, /resumeAbove contradict/],
  [{ segmentAbove: 1000 }, /segmentAbove contradict/],
])("with %o it is refused", (more, why) => {
  expect(() => checkMove({ ...options, ...more })).toThrow(why);
});
