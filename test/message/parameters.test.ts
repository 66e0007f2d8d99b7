/** Fields with parameters: as RFC 2045 and RFC 2231 write them, and as they are written. */
import fc from "fast-check";
import { expect, test } from "vitest";
import { parseParameters } from "../../src/message/parameters.js";

const read = (raw: string) => {
  const { value, parameters } = parseParameters(Buffer.from(raw).toString("latin1"));
  return [value, Object.fromEntries(parameters)];
};

test.each<[string, string, Record<string, string>]>([
  ["text/plain", "text/plain", {}],
  [" Text/HTML ; Charset=UTF-8 ", "text/html", { charset: "UTF-8" }],
  ['multipart/mixed; boundary="a;b=\\"c\\""', "multipart/mixed", { boundary: 'a;b="c"' }],
  ['attachment; filename="a b.txt"; size=5', "attachment", { filename: "a b.txt", size: "5" }],
  ["attachment; filename=a b.txt; size=5", "attachment", { filename: "a b.txt", size: "5" }],
  ["attachment; filename=a (1).txt; size=5", "attachment", { filename: "a (1).txt", size: "5" }],
  ["text/plain (nested (comment); here); charset=utf-8 (Unicode)", "text/plain", { charset: "utf-8" }],
  ["attachment; filename*=UTF-8''Gr%C3%BC%C3%9Fe.txt", "attachment", { filename: "Grüße.txt" }],
  ["attachment; filename=plain; filename*=UTF-8''%C3%A4", "attachment", { filename: "ä" }],
  ["a/b;\r\n\tname*0*=iso-8859-1'de'%E4;\r\n\tname*1=\"b c\"", "a/b", { name: "äb c" }],
  ['attachment; filename="=?utf-8?B?w6Q=?="', "attachment", { filename: "ä" }],
  ['attachment; filename="Grüße.txt"', "attachment", { filename: "Grüße.txt" }],
  ["a/b; x; =y; ;; z=1;", "a/b", { z: "1" }],
  ['a/b; x="never closed; y=1', "a/b", { x: "never closed; y=1" }],
  ['a/b; x="ends with \\', "a/b", { x: "ends with \\" }],
  ["a/b (never closed; y=1", "a/b", {}],
  ["a/b; x=1; X=2", "a/b", { x: "1" }],
  ["a/b; __proto__=1; constructor=2", "a/b", { ["__proto__"]: "1", constructor: "2" }],
  ["", "", {}],
])("%j", (raw, value, parameters) => {
  const [gotValue, got] = read(raw);
  expect(gotValue).toBe(value);
  expect(Object.entries(got as object)).toEqual(Object.entries(parameters));
});

test("nothing throws, and a long field takes no longer than its length", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."a=;\"\\() *'%0\r\n\xe4"), maxLength: 200 }), (raw) => {
      const { parameters } = parseParameters(raw);
      expect(parameters.size).toBeLessThanOrEqual(raw.length);
    }),
  );
  for (const unit of ['"', "(", "\\", "a=b;", "x*0*=%41;", ";"]) parseParameters(`a/b; ${unit.repeat(200_000)}`);
});
