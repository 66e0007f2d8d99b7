/** From, To and their like. */
import { describe, expect, test } from "vitest";
import { parseAddresses } from "../../src/message/address.js";

describe("one mailbox", () => {
  test.each([
    ["j@example.org", "", "j@example.org"],
    ["<j@example.org>", "", "j@example.org"],
    ["Jane Doe <j@example.org>", "Jane Doe", "j@example.org"],
    ['"Doe, Jane" <j@example.org>', "Doe, Jane", "j@example.org"],
    ["j@example.org (Jane Doe)", "Jane Doe", "j@example.org"],
    ["=?utf-8?Q?J=C3=BCrgen?= <j@example.org>", "Jürgen", "j@example.org"],
    ['"=?utf-8?Q?J=C3=BCrgen?=" <j@example.org>', "Jürgen", "j@example.org"],
    ["=?utf-8?Q?Doe=2C_Jane?= <j@example.org>", "Doe, Jane", "j@example.org"],
    ["J\xfcrgen <j@example.org>", "Jürgen", "j@example.org"],
    ["J\xc3\xbcrgen <j@example.org>", "Jürgen", "j@example.org"],
    ["site!user", "site!user", ""],
    ["j@[192.0.2.1]", "", "j@[192.0.2.1]"],
  ])("%s", (raw, name, address) => expect(parseAddresses(raw)).toEqual([{ name, address }]));
});

test("lists and groups", () => {
  expect(parseAddresses("a@x, B <b@x>")).toEqual([
    { name: "", address: "a@x" },
    { name: "B", address: "b@x" },
  ]);
  expect(parseAddresses("=?utf-8?Q?Fr=C3=BCh?=: a@x, B <b@x>;, c@x")).toEqual([
    { name: "", address: "a@x", group: "Früh" },
    { name: "B", address: "b@x", group: "Früh" },
    { name: "", address: "c@x" },
  ]);
  expect(parseAddresses("undisclosed-recipients:;")).toEqual([]);
  expect(parseAddresses("")).toEqual([]);
});

test("an encoded word makes no address (RFC 2047 section 5)", () => {
  const [first, ...more] = parseAddresses("=?utf-8?Q?a=40evil.example=2C?= <j@example.org>");
  expect(first).toEqual({ name: "a@evil.example,", address: "j@example.org" });
  expect(more).toEqual([]);
});
