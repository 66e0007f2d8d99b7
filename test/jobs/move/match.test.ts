/** Match patterns: what each field takes, what is refused and where, and that no name takes long. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { compileMatch, type DateParts } from "../../../src/jobs/move/names/match.js";

const SENSOR = "sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat";
const fieldsOf = (pattern: string, name: string) => compileMatch(pattern).texts(name);
const refusal = (pattern: string): string => {
  try {
    compileMatch(pattern);
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    return (error as Error).message;
  }
  throw new Error(`${pattern} was not refused`);
};

describe("a template", () => {
  it("gives typed fields", () => {
    const fields = compileMatch(SENSOR).test("sensor_00042_20240229_00000007.dat");
    expect(fields).toMatchObject({ id: 42, seq: 7, date: { year: 2024, month: 2, day: 29, hour: 0 } });
    expect((fields!.date as DateParts).date).toEqual(new Date("2024-02-29T00:00:00Z"));
  });

  it("matches the whole name and nothing else", () => {
    const match = compileMatch(SENSOR);
    for (const name of [
      "sensor_00042_20240229_00000007.dat.part",
      "xsensor_00042_20240229_00000007.dat",
      "sensor_0042_20240229_00000007.dat",
      "sensor_000042_20240229_00000007.dat",
      "sensor_00042_20240229_00000007xdat",
      "sensor_00042_20240229_00000007.dat\n",
    ]) {
      expect(match.test(name), name).toBeUndefined();
    }
  });

  it.each([
    ["{a}.dat", "x.y.dat", { a: "x.y" }],
    ["{a}.dat", "x/y.dat", undefined],
    ["{a}.dat", ".dat", undefined],
    ["{a}_{b}", "x_y_z", { a: "x", b: "y_z" }],
    ["{a}_{n:8d}.dat", "a_b_00000001.dat", { a: "a_b", n: "00000001" }],
    ["{a}_{n:d}.dat", "a_007.dat", { a: "a", n: "007" }],
    ["{a:*}/{b}.dat", "x/y/z.dat", { a: "x/y", b: "z" }],
    ["{a:*}.dat", ".dat", { a: "" }],
    ["{h:x}-{g:4x}", "00fFa-BEEF", { h: "00fFa", g: "BEEF" }],
    ["{h:x}", "g", undefined],
    ["{w:w}.{v:2w}", "a_1.b2", { w: "a_1", v: "b2" }],
    ["{w:w}", "é", undefined],
    ["x{k:a|bb|c.c}y", "xc.cy", { k: "c.c" }],
    ["x{k:a|bb|c.c}y", "xcacy", undefined],
    ["data{k:|_final}.csv", "data.csv", { k: "" }],
    ["data{k:|_final}.csv", "data_final.csv", { k: "_final" }],
    ["{{{a}}}", "{x}", { a: "x" }],
    ["a+b(c)[d]$^.|\\{n:d}", "a+b(c)[d]$^.|\\5", { n: "5" }],
    ["plain.dat", "plain.dat", {}],
    ["plain.dat", "plainxdat", undefined],
  ])("%s on %s", (template, name, expected) => {
    expect(fieldsOf(template, name)).toEqual(expected);
  });

  it("gives long numbers as bigint, by width or when a number cannot hold them", () => {
    expect(compileMatch("{n:16d}").test("0000000000000001")).toEqual({ n: 1n });
    expect(compileMatch("{n:15d}").test("000000000000001")).toEqual({ n: 1 });
    expect(compileMatch("{n:d}").test("9007199254740991")).toEqual({ n: 9007199254740991 });
    expect(compileMatch("{n:d}").test("9007199254740993")).toEqual({ n: 9007199254740993n });
  });

  it("takes names whose bytes are not UTF-8, and never half a character", () => {
    expect(fieldsOf("{a}.dat", "caf\udce9.dat")).toEqual({ a: "caf\udce9" });
    expect(fieldsOf("x\udc80{a}", "x\udc80y")).toEqual({ a: "y" });
    // U+1F480 is D83D DC80: its second half is not the byte 0x80.
    expect(fieldsOf("{a}\udc80", "\u{1f480}")).toBeUndefined();
  });
});

describe("a date", () => {
  const dateOf = (format: string, text: string) => compileMatch(`{t:${format}}`).test(text)?.t as DateParts | undefined;

  it.each([
    ["date", "20240101", "2024-01-01T00:00:00.000Z"],
    ["yyyyMMdd", "19991231", "1999-12-31T00:00:00.000Z"],
    ["yyyyMMdd", "00500101", "0050-01-01T00:00:00.000Z"],
    ["yyyy-MM-dd'T'HHmmss", "2024-03-09T235959", "2024-03-09T23:59:59.000Z"],
    ["yyyyMMddHHmmssSSS", "20240309235959123", "2024-03-09T23:59:59.123Z"],
    ["yyMMdd", "690101", "1969-01-01T00:00:00.000Z"],
    ["yyMMdd", "680101", "2068-01-01T00:00:00.000Z"],
    ["yyyyDDD", "2024366", "2024-12-31T00:00:00.000Z"],
    ["yyyyDDD", "2024060", "2024-02-29T00:00:00.000Z"],
    ["yyyy.DDD", "2023.060", "2023-03-01T00:00:00.000Z"],
    ["HHmm", "1305", "2000-01-01T13:05:00.000Z"],
    ["MMdd", "0229", "2000-02-29T00:00:00.000Z"],
    ["yyyy'o''clock'", "2024o'clock", "2024-01-01T00:00:00.000Z"],
    ["yyyy''MM", "2024'05", "2024-05-01T00:00:00.000Z"],
  ])("%s reads %s", (format, text, iso) => {
    expect(dateOf(format, text)?.date.toISOString()).toBe(iso);
  });

  it.each([
    ["yyyyMMdd", "20230229"],
    ["yyyyMMdd", "19000229"],
    ["yyyyMMdd", "20240431"],
    ["yyyyMMdd", "20241301"],
    ["yyyyMMdd", "20240100"],
    ["HHmmss", "240000"],
    ["HHmmss", "236000"],
    ["HHmmss", "235960"],
    ["yyyyDDD", "2023366"],
    ["yyyyDDD", "2023000"],
    ["yyyyDDD", "2024367"],
  ])("%s: there is no %s", (format, text) => {
    expect(dateOf(format, text)).toBeUndefined();
  });

  it("is the one JavaScript knows, every day of four centuries", () => {
    const [all, ordinal] = [compileMatch("{t:yyyyMMdd}"), compileMatch("{t:yyyyDDD}")];
    const day = fc.integer({ min: Date.UTC(1900, 0, 1) / 864e5, max: Date.UTC(2299, 11, 31) / 864e5 });
    fc.assert(
      fc.property(day, (days) => {
        const date = new Date(days * 864e5);
        const iso = date.toISOString();
        expect((all.test(iso.slice(0, 10).replaceAll("-", ""))!.t as DateParts).date).toEqual(date);
        const nth = (days * 864e5 - Date.UTC(date.getUTCFullYear(), 0, 1)) / 864e5 + 1;
        const text = iso.slice(0, 4) + String(nth).padStart(3, "0");
        expect((ordinal.test(text)!.t as DateParts).date).toEqual(date);
      }),
    );
  });
});

describe("a bad template says where and why", () => {
  it.each([
    ["a{id:5q}", 'column 2: field {id:5q}: "5q" is no kind of field; allowed are {name}'],
    ["a{id", 'column 2: "{" is never closed; write "{{"'],
    ["a}b{x}", 'column 2: "}" closes nothing; write "}}"'],
    ["{1d}", "column 1: {1d} is no field"],
    ["{}", "column 1: {} is no field"],
    [
      "{a}.{csv,dat}",
      "column 5: {csv,dat} is no field: it begins with a name (a letter, then letters, digits or _); alternatives are written {name:csv|dat}",
    ],
    ["{a}-{a}", "column 5: the field {a} stands twice"],
    ["{a:0d}", "a width is 1 to 255, not 0"],
    ["{a:300d}", "a width is 1 to 255, not 300"],
    ["{t:yyyymmdd}", "as a date, mm are minutes; the month is MM"],
    ["{t:yyyyMMyyyy}", "as a date, yyyy stands twice"],
    ["{t:yyyyyyMM}", 'as a date, "yyyyyy" is none of yyyy yy MM dd DDD HH mm ss SSS'],
    ["{t:yyyy-yy}", "as a date, yyyy and yy exclude each other"],
    ["{t:yyyyMMDDD}", "as a date, DDD (day of the year) excludes MM and dd"],
    ["{t:DDD}", "as a date, DDD (day of the year) needs a year"],
    ["{t:yyyy'T}", "as a date, a quote is never closed"],
    ["{a}{b}", "column 4: nothing tells where {a} ends and {b} begins"],
    ["{a:d}{b:*}", "nothing tells where {a} ends and {b} begins"],
    ["{a:w}_{b:w}_{c:w}_{d:w}", "{a}, {b}, {c}, {d} may each end in many places"],
    ["", "the match is empty"],
    ["{a}*.dat", "holds both a field and *: write {rest} or {rest:*}"],
  ])("%s", (template, message) => {
    expect(refusal(template)).toContain(message);
  });
});

describe("a string without a syntax", () => {
  it.each([
    ["sensor_*.dat", "glob"],
    ["a?.dat", "glob"],
    ["a[0-9].dat", "glob"],
    ["*.{csv,dat}", "glob"],
    ["x.{csv,dat}", "glob"],
    ["plain.dat", "template"],
    ["[{id:5d}].dat", "template"],
    ["{{x}}", "template"],
    ["{k:a|b,c}", "template"],
  ])("%s is a %s", (pattern, kind) => {
    expect(compileMatch(pattern).kind).toBe(kind);
  });

  it("is read as told where a syntax is given", () => {
    expect(compileMatch("{a}*", { syntax: "template" }).texts("x*")).toEqual({ a: "x" });
    expect(compileMatch("{a}*", { syntax: "glob" }).kind).toBe("glob");
    expect(compileMatch("^a(?<n>\\d+)", { syntax: "regexp" }).test("a12.dat")).toEqual({ n: "12" });
    expect(() => compileMatch("(", { syntax: "regexp" })).toThrow(UsageError);
  });
});

describe("a glob", () => {
  const takes = (glob: string, name: string) => compileMatch(glob, { syntax: "glob" }).test(name) !== undefined;

  it("leaves folders and dot files out of * and ?", () => {
    expect(takes("*.dat", "a.dat")).toBe(true);
    expect(takes("*.dat", "a.dat\n")).toBe(false);
    expect(takes("*.dat", "a/b.dat")).toBe(false);
    expect(takes("*", ".hidden")).toBe(false);
    expect(takes("**/*.dat", "a/b/c.dat")).toBe(true);
    expect(takes("*.{csv,dat}", "a.csv")).toBe(true);
    expect(takes("*.{csv,dat}", "a.xml")).toBe(false);
    expect(takes("a[0-9]?", "a5x")).toBe(true);
    expect(takes("!a*", "b")).toBe(false);
    expect(takes("*.dat", "caf\udce9.dat")).toBe(true);
  });

  it("is refused where it cannot be read or would take long", () => {
    expect(() => compileMatch("a[b")).toThrow(UsageError);
    expect(() => compileMatch("*a*b*c*d*e")).toThrow("use a template");
  });
});

describe("a RegExp and a function", () => {
  it("gives its named groups, whatever its flags", () => {
    const match = compileMatch(/^(?<site>[a-z]+)(?:_(?<n>\d+))?\.dat$/gi);
    expect([...match.fields!.keys()]).toEqual(["site", "n"]);
    for (let again = 0; again < 3; again++) expect(match.test("Ab_1.dat")).toEqual({ site: "Ab", n: "1" });
    expect(match.test("ab.dat")).toEqual({ site: "ab" });
    expect(match.test("1.dat")).toBeUndefined();
    expect(match.source).toBe("/^(?<site>[a-z]+)(?:_(?<n>\\d+))?\\.dat$/gi");
  });

  it("may answer with true, false or fields", () => {
    const match = compileMatch(function mine(name) {
      return name === "a" ? { x: "1" } : name === "b";
    });
    expect([match.test("a"), match.test("b"), match.test("c")]).toEqual([{ x: "1" }, {}, undefined]);
    expect([match.kind, match.source, match.fields]).toEqual(["function", "function mine", undefined]);
  });
});

describe("no name takes long", () => {
  const SOURCES: Record<string, string> = {
    ":": "[^/]+?",
    ":*": "[^]*?",
    ":d": "\\d+?",
    ":2d": "\\d{2}",
    ":x": "[0-9a-fA-F]+?",
    ":w": "\\w+?",
    ":a|1": "(?:a|1)",
    ":1_|1": "(?:1_|1)",
    ":1w": "\\w",
  };
  const open = fc.constantFrom(":", ":", ":*", ":d", ":x", ":w");
  const between = fc.constantFrom<string[][]>(
    ["_"],
    ["_"],
    ["/"],
    ["1"],
    ["a_"],
    ["_/"],
    [":1_|1"],
    ["_", ":a|1"],
    [":2d"],
    [":1w", "/"],
  );
  const parts = fc
    .tuple(fc.array(fc.tuple(open, between), { minLength: 1, maxLength: 3 }), fc.option(open))
    .map(([pairs, last]) => [...pairs.flatMap(([field, rest]) => [field, ...rest]), ...(last === null ? [] : [last])]);
  const names = fc
    .array(fc.constantFrom("_", "a", "1", "/"), { minLength: 2, maxLength: 9 })
    .map((units) => units.join(""));

  it("and what is settled early is what a search of all ways finds", () => {
    let compared = 0;
    fc.assert(
      fc.property(parts, fc.array(names, { minLength: 40, maxLength: 40 }), (list, candidates) => {
        const template = list
          .map((part, at) => (part in SOURCES ? `{f${at}${part === ":" ? "" : part}}` : part))
          .join("");
        let match: ReturnType<typeof compileMatch>;
        try {
          match = compileMatch(template, { syntax: "template" });
        } catch {
          return;
        }
        const naive = new RegExp(
          `^${list.map((part, at) => (part in SOURCES ? `(?<f${at}>${SOURCES[part]})` : part)).join("")}$`,
        );
        for (const name of candidates) {
          const groups = naive.exec(name);
          if (groups) compared++;
          expect(match.texts(name), `${template} on ${name}`).toEqual(groups ? { ...groups.groups } : undefined);
        }
      }),
      { numRuns: 2000 },
    );
    expect(compared).toBeGreaterThan(1000);
  });

  it.each([
    "{a}_{b}_{c}_{d}_{e}_{f}_{g}_{h}.dat",
    "{a}_{n:d}_{b}_{m:d}_{c}.dat",
    "{a:*}_{b:*}_{c:*}_{d:*}.dat",
    "{a:w}_{b:w}_{c:w}.dat",
  ])("%s", (template) => {
    const match = compileMatch(template);
    // A runaway would take longer than a test may.
    for (const unit of ["_", "_1", "1_", "a_1"]) match.test(`${unit.repeat(255).slice(0, 254)}x`);
  });
});
