/** Routes: fields written anew, checks when compiled, no way out of the target folder. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UsageError } from "../../../src/client/errors.js";
import { compileMatch } from "../../../src/jobs/move/names/match.js";
import { checkTarget, compileRoute } from "../../../src/jobs/move/names/route.js";

const SENSOR = compileMatch("sensor_{id:5d}_{date:yyyyMMdd}_{seq:8d}.dat");
const NAME = "sensor_00042_20240229_00000007.dat";
const ANY = compileMatch("{all:*}");
const routed = (route: string | undefined, name = NAME, match = SENSOR) => compileRoute(route, match).apply({ name });

describe("a route", () => {
  it.each([
    [undefined, NAME],
    ["/", NAME],
    ["/archive/{date:yyyy}/{date:MM}/{name}", `archive/2024/02/${NAME}`],
    ["/archive/{date:yyyy}/{date:MM}/", `archive/2024/02/${NAME}`],
    ["archive/{date:yyyy/MM/dd}/{seq:3d}{ext}", "archive/2024/02/29/007.dat"],
    ["{id}/{seq}", "00042/00000007"],
    ["{id:d}/{seq:10d}", "42/0000000007"],
    ["{date}/{date:yy-DDD'd'}", "20240229/24-060d"],
    ["{stem}_old{ext}", "sensor_00042_20240229_00000007_old.dat"],
    ["{{{id}}}", "{00042}"],
  ])("%s", (route, path) => {
    expect(routed(route)).toBe(path);
  });

  it.each([
    [undefined, "a/b/c.tar.gz", "a/b/c.tar.gz"],
    ["x/", "a/b/c.tar.gz", "x/a/b/c.tar.gz"],
    ["x/", "c.dat", "x/c.dat"],
    ["{name}", "a/b/c.tar.gz", "c.tar.gz"],
    ["{folder}/{stem}|{ext}", "a/b/c.tar.gz", "a/b/c.tar|.gz"],
    ["{folder}/{stem}|{ext}", ".profile", ".profile|"],
    ["x/{folder}/{stem}", "c.dat", "x/c"],
    ["x/{folder}_{stem}", "a.b/c", "x/a.b_c"],
    ["x/{folder}_{stem}", "c", "x/_c"],
    ["{name}/{folder}", "a/b/c", "c/a/b"],
    ["{name}/{folder}", "c", "c"],
    ["x{folder}/{name}", "c", "x/c"],
    ["{ext}x/{folder}/y/{folder}/{stem}", "a/c.dat", ".datx/a/y/a/c"],
    ["{ext}x/{folder}/y/{folder}/{stem}", "c.dat", ".datx/y/c"],
  ])("%s of %s is %s", (route, name, path) => {
    expect(routed(route, name, ANY)).toBe(path);
  });

  it("knows the name of the source folder", () => {
    const route = compileRoute("{source}/{folder}/{name}", ANY);
    expect(route.apply({ name: "a/b.dat", source: "north" })).toBe("north/a/b.dat");
    expect(route.apply({ name: "b.dat", source: "south" })).toBe("south/b.dat");
  });

  it.each([
    [undefined, "path"],
    ["x/", "path"],
    ["x/{folder}/{name}", "path"],
    ["{folder}/{name}", "path"],
    ["x{folder}/{name}", "name"],
    ["{date:yyyy}/", "name"],
    ["{date:yyyy}/{name}", "name"],
    ["a/old_{name}", "name"],
    ["old_{name}", "name"],
    ["{id}_{name}", "nothing"],
    ["{id}_{seq}_{name}", "nothing"],
    ["{name}.gz", "nothing"],
    ["{stem}{ext}", "nothing"],
    [() => "x", "nothing"],
  ])("%s keeps the %s", (route, kept) => {
    expect(compileRoute(route, SENSOR).keeps).toBe(kept);
  });

  it("that keeps something never gives two files one target", () => {
    const part = fc.constantFrom("a", "b", "a_b", "x");
    const path = fc.array(part, { minLength: 1, maxLength: 3 }).map((parts) => parts.join("/"));
    const route = fc.constantFrom(undefined, "x/", "x/{folder}/{name}", "{folder}/{name}", "a/x_{name}", "{name}");
    fc.assert(
      fc.property(route, path, path, (template, one, other) => {
        const compiled = compileRoute(template, ANY);
        const what = (file: string) => (compiled.keeps === "path" ? file : file.slice(file.lastIndexOf("/") + 1));
        fc.pre(what(one) !== what(other));
        expect(compiled.apply({ name: one })).not.toBe(compiled.apply({ name: other }));
      }),
    );
  });

  it("keeps the bytes of a name that is not UTF-8", () => {
    expect(routed("x/{all}", "caf\udce9", ANY)).toBe("x/caf\udce9");
  });

  it("keeps the zeros of digits of any width, and pads those of a RegExp", () => {
    const match = compileMatch(/^f_(?<n>\d+)\.dat$/);
    expect(routed("{n}", "f_007.dat", match)).toBe("007");
    expect(routed("{n:2d}", "f_007.dat", match)).toBe("07");
    expect(routed("{n}", "f_007.dat", compileMatch("f_{n:d}.dat"))).toBe("007");
    expect(() => routed("{n:2d}", "f_x.dat", compileMatch(/f_(?<n>.)/))).toThrow('is "x", not digits');
  });

  it("may be a function", () => {
    const route = compileRoute((file) => `${file.fields.id}/${file.stem}${file.ext}/${file.size}/`, SENSOR);
    expect(route.apply({ name: NAME, size: 5 })).toBe(`42/${NAME}/5/${NAME}`);
    expect(() => compileRoute(() => "../x", SENSOR).apply({ name: NAME })).toThrow(UsageError);
    expect(() => compileRoute(() => undefined as never, SENSOR).apply({ name: NAME })).toThrow("not a string");
  });

  it("of a function match knows its fields when it runs", () => {
    const match = compileMatch((name) => ({ site: name.slice(0, 2) }));
    expect(routed("{site}/{name}", "abc", match)).toBe("ab/abc");
    expect(() => routed("{other}", "abc", match)).toThrow("abc has no field {other}");
  });
});

describe("refused when compiled", () => {
  it.each([
    [
      "{site}/{name}",
      "column 1: the match gives no field {site}; there are {id} {date} {seq} {name} {stem} {ext} {folder} {source}",
    ],
    ["x{id:yyyy}", "column 2: {id:yyyy}: the match does not read this field as a date"],
    ["{date:3d}", "the field is a date, not digits"],
    ["{date:HH}", "the match reads no hour there"],
    ["{id:q}", "neither digits such as 5d, nor a date"],
    ["{name:3d}", "{name} takes no form"],
    ["../{name}", 'has the part ".."'],
    ["a/./{name}", 'has the part "."'],
    ["a//{name}", "has an empty part"],
    ["//a", "has an empty part"],
    ["a\r\nDELE x/{name}", "holds CR, LF or NUL"],
    ["{date:yyyymm}", "the month is MM"],
  ])("%s", (route, message) => {
    expect(() => compileRoute(route, SENSOR)).toThrow(message);
    expect(() => compileRoute(route, SENSOR)).toThrow(UsageError);
  });

  it("a word of the route that is a field, too", () => {
    expect(() => compileRoute("x/{name}", compileMatch("{name}.dat"))).toThrow("is also a field of the match");
  });
});

describe("refused for one file", () => {
  it.each([
    ["x/{all}", "../../etc/passwd"],
    ["x/{all}", "a/../b"],
    ["x/{all}", "/etc/passwd"],
    ["x/{all}", "a/"],
    ["x/{all}", "a\nb"],
    ["x/{all}", "a\0b"],
    ["x/{all}", ""],
    ["{all}", "."],
    ["{all}", ".."],
    ["{folder}/x", "../y"],
    ["x.{all}", "é".repeat(127)],
    [undefined, "../x"],
  ])("%s of %j", (route, name) => {
    expect(() => routed(route, name, ANY)).toThrow(UsageError);
  });

  it("a name that does not match", () => {
    expect(() => routed("{id}", "other.dat")).toThrow("other.dat does not match sensor_{id:5d}");
  });

  it("whatever the name is, the path stays in the target folder", () => {
    const unit = fc.constantFrom("/", ".", "..", "a", "\n", "\0", " ", "\udcff", "//", "~", "\\");
    const route = compileRoute("in/{folder}/{stem}{ext}", ANY);
    fc.assert(
      fc.property(fc.array(unit, { maxLength: 8 }), (units) => {
        let path: string;
        try {
          path = route.apply({ name: units.join("") });
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        expect(path.startsWith("in/")).toBe(true);
        expect(path.split("/").some((part) => ["", ".", ".."].includes(part))).toBe(false);
      }),
    );
  });
});

it("counts a byte that is not UTF-8 as one", () => {
  expect(checkTarget("\udcff".repeat(255))).toHaveLength(255);
  expect(() => checkTarget("\udcff".repeat(256))).toThrow("more than 255 bytes");
  expect(checkTarget("é".repeat(127))).toHaveLength(127);
});
