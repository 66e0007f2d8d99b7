/** What is read as addresses, and what would be left out. */
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { checkAddresses } from "../../src/message/check-addresses.js";

describe("addresses", () => {
  test.each([
    undefined,
    "",
    "a@b.c",
    "a@b.c, d@e.f; g@h.i,",
    "Alice <a@b.c>, b@c.d (Bob), <c@d.e>",
    '"Last, First" <a@b.c>',
    "a@b.c <a@b.c>",
    "undisclosed-recipients:;",
    "friends: a@b.c, d@e.f;",
    "a@[IPv6:::1]",
    "jörg@müller.example",
    { name: "Alice", address: "a@b.c" },
    ["a@b.c", { name: "", address: "d@e.f" }, ["g@h.i"]],
  ])("%j is all read", (given) => {
    expect(() => checkAddresses(given, "to")).not.toThrow();
  });

  test.each([
    "nonsense",
    "b@example.net,nonsense",
    "<foo",
    "Alice <alice>",
    "b@c.d c@c.d",
    "friends: nobody;",
    { name: "Alice", address: "" },
    { name: "Alice" },
    ["a@b.c", "nonsense"],
  ])("%j is refused: a part of it would be left out", (given) => {
    expect(() => checkAddresses(given, "to")).toThrow(UsageError);
  });
});
