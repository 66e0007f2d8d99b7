/** A batch as it travels: it comes out as it went in, is small, and is refused where it would leave its folders. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { packBatch, unpackBatch } from "../../../src/jobs/dispatch/batch.js";
import { handedOf } from "../../../src/jobs/dispatch/parse-payload.js";
import { claimed } from "./claimed.js";

const travel = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;
const part = fc
  .string({ unit: "binary", minLength: 1, maxLength: 40 })
  .filter((text) => !/[/\0\r\n]/.test(text) && text !== "." && text !== "..");
const file = fc.record({
  id: fc.nat(),
  name: part,
  target: fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/")),
  attempt: fc.integer({ min: 1, max: 999 }),
  size: fc.option(fc.nat(), { nil: undefined }),
  mtime: fc.option(fc.nat(), { nil: undefined }),
  destBefore: fc.constantFrom(undefined, "absent", "same", "other"),
  fxp: fc.boolean(),
});

test("a batch comes out as it went in, with the temporary names of its claims", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(file, fc.boolean()), { maxLength: 20 }), (rows) => {
      const files = rows.map(([each, recover]) => ({ file: { ...claimed(each.id), ...each }, recover }));
      const packed = travel(packBatch({ key: "k", files }));
      const claims = files.map(({ file: { id, attempt } }) => ({ id, attempt }));
      const handed = handedOf({ header: { job: "abcdefgh" }, batch: packed }, "abcdefgh");
      expect(handed).toEqual({ key: packed.key, files: claims });
      const out = unpackBatch(packed, "abcdefgh");
      expect(out.files.map(({ file: { temp: _, ...rest }, recover }) => ({ file: rest, recover }))).toEqual(
        files.map(({ file: { temp: _, ...rest }, recover }) => ({ file: rest, recover })),
      );
      for (const { file: each } of out.files) expect(each.temp).toContain(`.abcdefgh${each.attempt}.part`);
    }),
  );
});

test("names that are not UTF-8 survive JSON", () => {
  const name = "caf\udce9.dat";
  const packed = travel(packBatch({ key: "k", files: [{ file: claimed(1, { name }), recover: false }] }));
  expect(unpackBatch(packed, "abcdefgh").files[0]?.file.name).toBe(name);
});

test("a thousand names take less than 100 KB", () => {
  const nameOf = (i: number) => `sensor_${String(i).padStart(5, "0")}_20260118_${String(i).padStart(8, "0")}.dat`;
  const files = Array.from({ length: 1000 }, (_, i) => ({
    file: claimed(6_000_000 + i, { name: nameOf(i), size: 4096, mtime: 1_768_700_000_000 + i }),
    recover: false,
  }));
  expect(JSON.stringify(packBatch({ key: "k", files })).length).toBeLessThan(100_000);
});

test.each(["../etc/passwd", "/etc/passwd", "a//b", "a/./b", "", ".."])("a batch that names %j is refused", (name) => {
  for (const where of ["name", "target"]) {
    const packed = packBatch({ key: "k", files: [{ file: claimed(1, { name: "a", [where]: name }), recover: false }] });
    expect(() => unpackBatch(packed, "abcdefgh")).toThrow(/not below its folder/);
  }
});
