/** Names of mailboxes in modified UTF-7 and in UTF-8: both ways, and whatever servers make of them. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../src/client/errors.js";
import { decodeMailbox, encodeMailbox } from "../../src/imap/mailbox-name.js";

describe("modified UTF-7 (RFC 3501 §5.1.3)", () => {
  test.each([
    ["~peter/mail/台北/日本語", "~peter/mail/&U,BTFw-/&ZeVnLIqe-"],
    ["Entwürfe", "Entw&APw-rfe"],
    ["a & b", "a &- b"],
    ["&", "&-"],
    ["&-", "&--"],
    ["&ä", "&-&AOQ-"],
    ["ä&ö", "&AOQ-&-&APY-"],
    ["😀", "&2D3eAA-"],
    ["", ""],
    ['a"b\\c', 'a"b\\c'],
    ["\u00a0", "&AKA-"],
  ])("%j is %s, both ways", (name, raw) => {
    expect(encodeMailbox(name)).toBe(raw);
    expect(decodeMailbox(raw)).toBe(name);
  });

  test("any name comes back", () => {
    const name = fc
      .string({ unit: "binary" })
      .filter((text) => !/[\x00-\x1f\x7f]/.test(text) && text.toUpperCase() !== "INBOX");
    fc.assert(
      fc.property(name, (text) => {
        const raw = encodeMailbox(text);
        expect(raw).toMatch(/^[\x20-\x7e]*$/);
        expect(decodeMailbox(raw)).toBe(text);
      }),
    );
  });

  test.each([
    ["&", "\udc26"],
    ["a&b", "a\udc26b"],
    ["a&AOQ", "a\udc26AOQ"],
    ["&Jjo!", "\udc26Jjo!"],
    ["&AGE-", "\udc26AGE-"],
    ["&AOQ-&APY-", "ä\udc26APY-"],
    ["&AOR-", "\udc26AOR-"],
    ["&2D0-", "\udc262D0-"],
    ["&AOQ=-", "\udc26AOQ=-"],
    ["&AO/-", "\udc26AO/-"],
    ["&A-", "\udc26A-"],
    ["\xe4", "\udce4"],
    ["\xc3\xa4", "\udcc3\udca4"],
    ["a\x01\x7f", "a\udc01\udc7f"],
  ])("%j is broken: it is shown as it is, and leads back to it", (raw, name) => {
    expect(decodeMailbox(raw)).toBe(name);
    expect(encodeMailbox(name)).toBe(raw);
  });
});

describe("UTF-8 (RFC 6855, RFC 9051)", () => {
  test.each([
    ["Entwürfe", "Entw\xc3\xbcrfe"],
    ["a & b", "a & b"],
    ["&AOQ-", "&AOQ-"],
    ["😀", "\xf0\x9f\x98\x80"],
    ["\udce4", "\xe4"],
    ["\udc01", "\x01"],
  ])("%j, both ways", (name, raw) => {
    expect(encodeMailbox(name, true)).toBe(raw);
    expect(decodeMailbox(raw, true)).toBe(name);
  });

  test("a broken name of before is sent as it was", () => {
    expect(encodeMailbox(decodeMailbox("a&b"), true)).toBe("a&b");
  });
});

test.each([false, true])("whatever bytes a server calls a mailbox, its name leads back to it (UTF-8: %s)", (utf8) => {
  const byte = fc.oneof(fc.integer({ min: 1, max: 255 }), fc.constantFrom(0x26, 0x2d, 0x41, 0x4f, 0x51, 0x2c));
  const bytes = fc.array(
    byte.filter((code) => code !== 10 && code !== 13),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(bytes, (codes) => {
      const raw = String.fromCharCode(...codes);
      fc.pre(raw.toUpperCase() !== "INBOX");
      expect(encodeMailbox(decodeMailbox(raw, utf8), utf8)).toBe(raw);
    }),
    { numRuns: 3000 },
  );
});

test("INBOX is INBOX in any case (RFC 9051 §5.1), and nothing else is", () => {
  expect([decodeMailbox("inbox"), encodeMailbox("Inbox"), decodeMailbox("InBoX", true)]).toEqual([
    "INBOX",
    "INBOX",
    "INBOX",
  ]);
  expect([decodeMailbox("inbox/a"), encodeMailbox("inboxes")]).toEqual(["inbox/a", "inboxes"]);
});

test.each([
  "a\r\nb",
  "a\nb",
  "\0",
  "a\x1f",
  "\x7f",
  "\udc0a",
  "\udc0d",
  "\udc00",
  "\ud800",
  "a\udfff",
  "\udc41",
  undefined,
  5,
])("%j is no name", (name) => {
  expect(() => encodeMailbox(name as string)).toThrow(UsageError);
  expect(() => encodeMailbox(name as string, true)).toThrow(UsageError);
});
