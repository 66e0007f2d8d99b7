/** Parameters of parts: RFC 2231 put together, words decoded. */
import { describe, expect, test } from "vitest";
import { decodeParameters } from "../../src/message/parameters.js";

describe("parameters", () => {
  const of = (...pairs: [string, string][]) => Object.fromEntries(decodeParameters(pairs));

  test.each<[string, [string, string][], Record<string, string>]>([
    [
      "RFC 2231 §3",
      [
        ["URL*0", "ftp://"],
        ["URL*1", "cs.utk.edu"],
      ],
      { url: "ftp://cs.utk.edu" },
    ],
    ["RFC 2231 §4", [["title*", "us-ascii'en-us'This%20is%20%2A%2A%2Afun%2A%2A%2A"]], { title: "This is ***fun***" }],
    [
      "RFC 2231 §4.1",
      [
        ["title*0*", "us-ascii'en'This%20is%20even%20more%20"],
        ["title*1*", "%2A%2A%2Afun%2A%2A%2A%20"],
        ["title*2", "isn't it!"],
      ],
      { title: "This is even more ***fun*** isn't it!" },
    ],
    [
      "a character cut in two",
      [
        ["n*0*", "utf-8''%C3"],
        ["n*1*", "%A4"],
      ],
      { n: "ä" },
    ],
    [
      "pieces in disorder",
      [
        ["n*1", "b"],
        ["n*0", "a"],
      ],
      { n: "ab" },
    ],
    [
      "a gap ends it",
      [
        ["n*0", "a"],
        ["n*2", "c"],
      ],
      { n: "a" },
    ],
    [
      "without a first piece",
      [
        ["n*1", "b"],
        ["n*2", "c"],
      ],
      { n: "bc" },
    ],
    [
      "the extended one goes before the plain one",
      [
        ["n", "plain"],
        ["n*", "utf-8''%C3%A4"],
      ],
      { n: "ä" },
    ],
    [
      "of two the first",
      [
        ["n", "a"],
        ["N", "b"],
      ],
      { n: "a" },
    ],
    ["an encoded word", [["n", "=?utf-8?b?w6Q=?="]], { n: "ä" }],
    ["no charset, no quotes", [["n*", "%C3%A4"]], { n: "ä" }],
    ["a percent sign that is none", [["n*", "utf-8''50%"]], { n: "50%" }],
    ["a star alone", [["*", "x"]], { "*": "x" }],
    [
      "names of objects",
      [
        ["__proto__", "x"],
        ["constructor", "y"],
      ],
      Object.fromEntries([
        ["__proto__", "x"],
        ["constructor", "y"],
      ]),
    ],
  ])("%s", (_, pairs, expected) => {
    expect(of(...pairs)).toEqual(expected);
  });
});
