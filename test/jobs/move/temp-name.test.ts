/** Temporary names: unique, in 255 bytes, in the same folder, and taken apart again. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { decodeName, encodeName } from "../../../src/ftp/name.js";
import { newJobId, parseTempName, tempName } from "../../../src/jobs/move/names/temp-name.js";

const JOB = "abcdefgh";
/** Any name a server may have: bytes without / and NUL. */
const bytes = fc.uint8Array({ minLength: 1, maxLength: 300 }).map((raw) => {
  return decodeName(Buffer.from(raw.map((byte) => (byte === 0x2f || byte === 0 ? 0x61 : byte))));
});
const text = fc.string({ unit: "binary", minLength: 1, maxLength: 120 }).map((name) => name.replace(/[/\0]/g, "_"));
const longAscii = fc.string({ unit: fc.constantFrom("a", "~", "0", "."), minLength: 220, maxLength: 260 });
const base = fc.oneof(bytes, text, longAscii);
const folder = fc.constantFrom("", "a/", "a/b.c/", "~0123456789abcdef/");
const attempt = fc.integer({ min: 1, max: 999_999_999 });

describe("a temporary name", () => {
  it("never changes its form: journals derive it again after an update", () => {
    expect(tempName("a.dat", JOB, 1)).toBe("a.dat.abcdefgh1.part");
    expect(tempName("in/2024/a.dat", JOB, 12)).toBe("in/2024/a.dat.abcdefgh12.part");
    expect(tempName("a".repeat(240), JOB, 1)).toBe(`${"a".repeat(240)}.abcdefgh1.part`);
    expect(tempName("a".repeat(241), JOB, 1)).toBe(`${"a".repeat(223)}~ec6e326ef29fe322.abcdefgh1.part`);
    expect(tempName("é".repeat(125), JOB, 1)).toBe(`${"é".repeat(111)}~34227530c904c7f8.abcdefgh1.part`);
  });

  it("is taken apart into what it was made of, in 255 bytes, in the same folder", () => {
    fc.assert(
      fc.property(folder, base, attempt, (dir, name, n) => {
        const temp = tempName(dir + name, JOB, n);
        expect(temp.slice(0, temp.lastIndexOf("/") + 1)).toBe(dir);
        expect(encodeName(temp.slice(dir.length)).length).toBeLessThanOrEqual(255);
        expect(decodeName(encodeName(temp))).toBe(temp);
        const parts = parseTempName(temp);
        expect(parts).toMatchObject({ jobId: JOB, attempt: n });
        const fits = encodeName(name).length + `.${JOB}${n}.part`.length <= 255;
        if (parts!.name !== undefined) expect(parts!.name).toBe(dir + name);
        else expect(temp).toMatch(/~[0-9a-f]{16}\.\w+\.part$/);
        if (fits) expect(temp).toBe(`${dir}${name}.${JOB}${n}.part`);
        else expect(parts!.name).toBeUndefined();
      }),
      { numRuns: 1000 },
    );
  });

  it("is never the same for two names, attempts or jobs", () => {
    const long = "x".repeat(250);
    const names = [`${long}1`, `${long}2`, "a", "a.abcdefgh1.part"];
    const temps = names.flatMap((name) =>
      [1, 11, 111].flatMap((n) => [tempName(name, JOB, n), tempName(name, "zzzzzzzz", n)]),
    );
    expect(new Set(temps).size).toBe(temps.length);
  });

  it("of a long name that looks like a cut one is in doubt, of a short one is not", () => {
    const name = `${"a".repeat(222)}~0123456789abcdef`;
    expect(parseTempName(tempName(name, JOB, 1))).toEqual({ name: undefined, jobId: JOB, attempt: 1 });
    const short = "a~0123456789abcdef";
    expect(parseTempName(tempName(short, JOB, 1))?.name).toBe(short);
  });

  it("keeps characters whole", () => {
    const temp = tempName("\u{1f480}".repeat(70), JOB, 1);
    expect(temp).not.toMatch(/\p{Surrogate}/u);
  });

  it.each([
    "a.part",
    "a.dat",
    "a.abcdefgh0.part",
    "a.abcdefg1.part",
    "a.ABCDEFGH1.part",
    ".abcdefgh1.part",
    "x/.abcdefgh1.part",
    "a.abcdefgh.part",
  ])("%s is none", (name) => expect(parseTempName(name)).toBeUndefined());

  it("is refused for what is no job, attempt or name", () => {
    for (const job of ["", "ABCDEFGH", "abc", "abcdefg1"]) expect(() => tempName("a", job, 1)).toThrow(UsageError);
    for (const n of [0, -1, 1.5, Number.NaN, 1e9]) expect(() => tempName("a", JOB, n)).toThrow(UsageError);
    for (const name of ["", "a/"]) expect(() => tempName(name, JOB, 1)).toThrow(UsageError);
  });

  it("gets a job's id of 8 letters", () => {
    expect(newJobId()).toMatch(/^[a-z]{8}$/);
    expect(newJobId()).not.toBe(newJobId());
  });
});
