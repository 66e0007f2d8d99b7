/** What a stranger may put into a Redis: none of it is a word of a worker, or a batch. */
import { expect, test } from "vitest";
import type { Piece } from "../../../src/jobs/dispatch/dispatcher.js";
import { handedOf, parsePiece, parseQueued } from "../../../src/jobs/dispatch/parse-payload.js";

const CLAIM = { id: 7, attempt: 2 };
const PIECE: Piece = {
  ...{ batch: "k", worker: "w", bytes: -5, lanes: 2, warnings: ["why"], ended: true },
  probed: [{ ...CLAIM, destBefore: "absent", fxp: true, size: 3, mtime: 1.5 }],
  settled: [{ ...CLAIM, state: "DONE", digest: "sha256:00", untimed: true }],
  released: [{ ...CLAIM, wait: 10, code: "550", error: "no", counts: false }],
  retargeted: [{ ...CLAIM, target: "a/caf\udce9.dat" }],
  stopped: { name: "Error", message: "no", everywhere: false },
};

test("a word of a worker is read as it was said", () => {
  expect(parsePiece(JSON.stringify(PIECE))).toEqual(PIECE);
  const { stopped: _, ...short } = { ...PIECE, probed: [], settled: [], released: [], retargeted: [], warnings: [] };
  expect(parsePiece(JSON.stringify(short))).toEqual(short);
});

const WRONG: readonly Record<string, unknown>[] = [
  { batch: 7 },
  { bytes: "many" },
  { lanes: -1 },
  { ended: undefined },
  { warnings: [{}] },
  { settled: undefined },
  { settled: {} },
  { settled: [{ ...CLAIM, state: "CLAIMED" }] },
  { settled: [{ id: "7 OR 1", attempt: 2, state: "DONE" }] },
  { settled: [{ ...CLAIM, state: "DONE", size: -1 }] },
  { probed: [{ ...CLAIM, destBefore: "elsewhere" }] },
  { released: [{ ...CLAIM, wait: "long" }] },
  { retargeted: [{ ...CLAIM, target: "../../etc/passwd" }] },
  { stopped: { name: "x" } },
];

test.each(WRONG)("a piece with %j is none", (wrong) => {
  expect(parsePiece(JSON.stringify({ ...PIECE, ...wrong }))).toBeUndefined();
});

test.each(["", "{", "null", "[]", "7", '"x"', '{"__proto__":{"batch":"k"}}'])("%s is no piece", (text) => {
  expect(parsePiece(text)).toBeUndefined();
});

const HEADER = { job: "abcdefgh", traits: {}, lanes: 4, hangUp: false, lease: 30_000 };
const SIDES = { from: "a", to: "b" };
const QUEUED = {
  header: HEADER,
  places: SIDES,
  shown: SIDES,
  batch: { key: "k", files: [[1, "a", 0, 1, 1, 2, 1, 0, 0]] },
};

test("a batch of a coordinator is one, and its claims are known again", () => {
  expect(parseQueued(QUEUED)).toEqual(QUEUED);
  expect(handedOf(QUEUED, "abcdefgh")).toEqual({ key: "k", files: [{ id: 1, attempt: 2 }] });
});

test.each([
  undefined,
  "x",
  [],
  {},
  { ...QUEUED, header: undefined },
  { ...QUEUED, header: { ...HEADER, lanes: 0 } },
  { ...QUEUED, header: { ...HEADER, job: "../x" } },
  { ...QUEUED, header: { ...HEADER, lease: Number.NaN } },
  { ...QUEUED, header: { ...HEADER, bytesPerSecond: -1 } },
  { ...QUEUED, places: {} },
  { ...QUEUED, batch: { key: "k", files: "all" } },
  { ...QUEUED, batch: { key: "k", files: [7] } },
])("%j is no batch", (data) => {
  expect(parseQueued(data)).toBeUndefined();
});

test("what is no batch of this job hands out nothing", () => {
  for (const data of [undefined, {}, { header: { job: "other" } }, { header: HEADER, batch: { files: [] } }])
    expect(handedOf(data, "abcdefgh")).toBeUndefined();
  expect(handedOf({ header: HEADER, batch: { key: "k", files: [null, [1]] } }, "abcdefgh")?.files).toEqual([]);
});
