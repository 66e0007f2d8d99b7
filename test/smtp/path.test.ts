/** Addresses on their way into MAIL and RCPT. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { parsePath, parsePaths } from "../../src/smtp/path.js";
import { encodeLine } from "../../src/wire/text.js";

describe("one address", () => {
  test.each([
    ["bob@example.org", "bob@example.org"],
    ["Bob.Smith+tag@Example.Org", "Bob.Smith+tag@Example.Org"],
    ["odd..dots.@docomo.example", "odd..dots.@docomo.example"],
    ["o'hara@example.org", "o'hara@example.org"],
    ['"john smith"@example.org', '"john smith"@example.org'],
    ['"a@b\\"c"@example.org', '"a@b\\"c"@example.org'],
    ["bob@[192.0.2.1]", "bob@[192.0.2.1]"],
    ["bob@[IPv6:2001:db8::1]", "bob@[IPv6:2001:db8::1]"],
    ["postmaster", "postmaster"],
    ["bob@under_score.example", "bob@under_score.example"],
  ])("%s is taken as it is", (address, mailbox) => {
    expect(parsePath(address, "x")).toMatchObject({ address, mailbox, utf8: false });
  });

  test("a domain that is not ASCII is written in ASCII, so that every server knows it", () => {
    expect(parsePath("bob@bücher.example", "x")).toMatchObject({ mailbox: "bob@xn--bcher-kva.example", utf8: false });
  });

  test("a local part that is not ASCII needs SMTPUTF8, and goes with its domain as it is", () => {
    const path = parsePath("jürgen@bücher.example", "x");
    expect(path).toMatchObject({ mailbox: "jürgen@bücher.example", domain: "xn--bcher-kva.example", utf8: true });
  });

  test.each([
    "a@b.org>\r\nRCPT TO:<c@d.org",
    "a@b.org\nDATA",
    "a@b.org\0",
    "a@b.org> SIZE=1",
    "a b@example.org",
    "a@b@",
    "@example.org",
    "a@",
    "a@exa mple.org",
    "a@-.example",
    "a@example..org",
    "<a@example.org>x",
    "a@[1.2.3.4",
    "a@[1.2.3.4]]",
    '"a"b@example.org',
    '"a\r\nb"@example.org',
    "a\u202e@example.org",
    "a@exam\u200bple.org",
    "a\ud800@example.org",
    "a,b@example.org",
    "a@example.org/b",
    "a@example.org\\b",
    "a@example.org?b",
    "a@example.org#b",
    "a@example%2eorg",
    "é@example.org\\<",
    "",
  ])("%j is refused", (address) => {
    expect(() => parsePath(address, "x")).toThrow(UsageError);
  });

  test("whatever the text, what is taken stays within its angle brackets and its line", () => {
    const hard = fc.array(fc.constantFrom("a", "@", "b.c", '"', "\\", ">", "<", " ", "\r", "\n", "é", "[", "]", "\0"), {
      maxLength: 10,
    });
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string({ unit: "binary" }),
          hard.map((parts) => parts.join("")),
        ),
        (text) => {
          let mailbox: string;
          try {
            ({ mailbox } = parsePath(text, "x"));
          } catch (error) {
            expect(error).toBeInstanceOf(UsageError);
            return;
          }
          expect(encodeLine(`RCPT TO:<${mailbox}>`)).toMatch(/^[^\r\n\0]*\r\n$/);
          // Outside quotes there is no bracket and no blank, so that nothing can follow the path.
          expect(mailbox.replace(/^"(?:[^"\\]|\\.)*"/, "")).toMatch(/^[^\s<>"]*$/);
        },
      ),
      { numRuns: 3_000 },
    );
  });
});

describe("addresses in one text", () => {
  test.each([
    ["bob@example.org", ["bob@example.org"]],
    ["Bob <bob@example.org>", ["bob@example.org"]],
    ['"Smith, Bob" <bob@example.org>, carol@example.net', ["bob@example.org", "carol@example.net"]],
    ["friends: a@x.org, b@x.org;", ["a@x.org", "b@x.org"]],
    ['"john smith"@example.org', ['"john smith"@example.org']],
    ["root", ["root"]],
    [
      'Bob (the "builder") <bob@example.org> (at work), carol@example.net (Carol)',
      ["bob@example.org", "carol@example.net"],
    ],
    ["Bob < bob@example.org >", ["bob@example.org"]],
    ["friends: Ann <a@x.org>, b@x.org;, c@x.org", ["a@x.org", "b@x.org", "c@x.org"]],
  ])("%s", (text, addresses) => {
    expect(parsePaths(text, "x").map(({ address }) => address)).toEqual(addresses);
  });

  test.each([
    "Bob <bob@example.org>\r\nDATA",
    "nobody at all",
    "Bob <>",
    "a@b.org c@d.org",
    "john smith@x.org",
    "john smith@x.org, <b@x.org>",
    "b@x.org> NOTIFY=NEVER",
    "<b@x.org> SIZE=1",
  ])("%j is refused", (text) => {
    expect(() => parsePaths(text, "x")).toThrow(UsageError);
  });
});
