/** Quotas, access control lists and metadata: what is sent, and what servers answer. */
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import type { Piece } from "../../src/imap/command.js";
import { getMetadata, type MetadataOptions, parseMetadata, setMetadata } from "../../src/imap/metadata.js";
import { parseQuota, parseQuotaRoots, quotaLimits, rootArgument } from "../../src/imap/quota.js";
import {
  identifierArgument,
  parseAccessList,
  parseGrantable,
  parseMyRights,
  rightsArgument,
} from "../../src/imap/rights.js";
import { responseOf } from "./reading.js";

/** Pieces as text: a literal's bytes between angle brackets, `~` before a literal8. */
function shown(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) =>
      typeof piece === "string" ? piece : `${piece.binary ? "~" : ""}<${Buffer.concat(piece.bytes as Buffer[])}>`,
    )
    .join("");
}

describe("quotas (RFC 9208)", () => {
  test.each([
    ['* QUOTA "" (STORAGE 10 512)', { root: "", resources: [{ name: "STORAGE", usage: 10, limit: 512 }] }],
    [
      "* QUOTA !partition/sda4 (storage 104 10923847 MESSAGE 7 9)",
      {
        root: "!partition/sda4",
        resources: [
          { name: "STORAGE", usage: 104, limit: 10923847 },
          { name: "MESSAGE", usage: 7, limit: 9 },
        ],
      },
    ],
    ['* QUOTA "us\xc3\xa9r" ()', { root: "usér", resources: [] }],
    [
      "* QUOTA x (STORAGE 1 9223372036854775807)",
      { root: "x", resources: [{ name: "STORAGE", usage: 1, limit: 9223372036854775807n }] },
    ],
    [
      "* QUOTA x (STORAGE 1 -1 MESSAGE 2 NIL)",
      {
        root: "x",
        resources: [
          { name: "STORAGE", usage: 1, limit: undefined },
          { name: "MESSAGE", usage: 2, limit: undefined },
        ],
      },
    ],
  ])("%s", (line, expected) => {
    expect(parseQuota(responseOf(line))).toEqual(expected);
  });

  test.each([
    ['* QUOTAROOT INBOX ""', { mailbox: "INBOX", roots: [""] }],
    ["* QUOTAROOT comp.mail.mime", { mailbox: "comp.mail.mime", roots: [] }],
    ['* QUOTAROOT "Entw&APw-rfe" a {1}\r\nb', { mailbox: "Entwürfe", roots: ["a", "b"] }],
  ])("%s", (line, expected) => {
    expect(parseQuotaRoots(responseOf(line), false)).toEqual(expected);
  });

  test.each([
    "* QUOTA",
    "* QUOTA x",
    "* QUOTA x (",
    "* QUOTA x (STORAGE",
    "* QUOTA x (STORAGE 1)",
    "* QUOTA x (STORAGE x 1)",
    "* QUOTA x y",
  ])("%s is refused", (line) => {
    expect(() => parseQuota(responseOf(line))).toThrow(ProtocolError);
  });

  test("new limits", () => {
    expect(quotaLimits({ STORAGE: 512, message: 10n })).toBe("(STORAGE 512 MESSAGE 10)");
    expect(quotaLimits({})).toBe("()");
    expect([rootArgument(""), rootArgument("a b")]).toEqual(['""', '"a b"']);
    for (const bad of [{ "A B": 1 }, { A: -1 }, { A: 1.5 }, { A: "1" }, { "": 1 }]) {
      expect(() => quotaLimits(bad as Record<string, number>)).toThrow(UsageError);
    }
  });
});

describe("rights (RFC 4314)", () => {
  test("ACL", () => {
    const line = '* ACL INBOX Fred rwipsldexta "-an\xc3\xa9" {2}\r\nlr anyone ""';
    expect(parseAccessList(responseOf(line), false)).toEqual({
      mailbox: "INBOX",
      rights: new Map([
        ["Fred", "rwipsldexta"],
        ["-ané", "lr"],
        ["anyone", ""],
      ]),
    });
    expect(parseAccessList(responseOf("* ACL x"), false)).toEqual({ mailbox: "x", rights: new Map() });
  });

  test("LISTRIGHTS", () => {
    expect(parseGrantable(responseOf('* LISTRIGHTS ~/Mail/saved smith "la" r swicdkxte'), false)).toEqual({
      mailbox: "~/Mail/saved",
      identifier: "smith",
      required: "la",
      optional: ["r", "swicdkxte"],
    });
    expect(parseGrantable(responseOf('* LISTRIGHTS a anyone ""'), false)).toMatchObject({ required: "", optional: [] });
  });

  test("MYRIGHTS", () => {
    expect(parseMyRights(responseOf('* MYRIGHTS "&AOQ-" rwiptsldaex'), false)).toEqual({
      mailbox: "ä",
      rights: "rwiptsldaex",
    });
  });

  test("what is cut short is refused", () => {
    expect(() => parseAccessList(responseOf("* ACL"), false)).toThrow(ProtocolError);
    expect(() => parseAccessList(responseOf("* ACL x fred"), false)).toThrow(ProtocolError);
    expect(() => parseGrantable(responseOf("* LISTRIGHTS x fred"), false)).toThrow(ProtocolError);
    expect(() => parseMyRights(responseOf("* MYRIGHTS x"), false)).toThrow(ProtocolError);
  });

  test("arguments", () => {
    expect(["lrs", "+w", "-t0", ""].map(rightsArgument)).toEqual(['"lrs"', '"+w"', '"-t0"', '""']);
    for (const bad of ["L", "l r", "++l", 'l"', "l\r\n", 5])
      expect(() => rightsArgument(bad as string)).toThrow(UsageError);
    expect(shown([identifierArgument("fred smith"), identifierArgument("né")])).toBe('"fred smith"<né>');
    for (const bad of ["", "a\0", undefined]) expect(() => identifierArgument(bad as string)).toThrow(UsageError);
  });
});

describe("metadata (RFC 5464)", () => {
  test.each([
    [
      '* METADATA "" (/shared/comment "Shared comment")',
      { mailbox: "", entries: new Map([["/shared/comment", "Shared comment"]]) },
    ],
    [
      '* METADATA INBOX (/private/comment {3}\r\na\r\n "/shared/x" NIL /shared/y ~{2}\r\n\0\xe4)',
      {
        mailbox: "INBOX",
        entries: new Map<string, unknown>([
          ["/private/comment", "a\r\n"],
          ["/shared/x", undefined],
          ["/shared/y", "\0\udce4"],
        ]),
      },
    ],
    [
      '* METADATA "&AOQ-" /shared/comment /private/comment',
      {
        mailbox: "ä",
        entries: new Map([
          ["/shared/comment", undefined],
          ["/private/comment", undefined],
        ]),
      },
    ],
    ["* METADATA x ()", { mailbox: "x", entries: new Map() }],
  ])("%j", (line, expected) => {
    expect(parseMetadata(responseOf(line), false)).toEqual(expected);
  });

  test.each(["* METADATA", "* METADATA x (", "* METADATA x (/a", "* METADATA x (/a)", "* METADATA x (/a (b))"])(
    "%s is refused",
    (line) => {
      expect(() => parseMetadata(responseOf(line), false)).toThrow(ProtocolError);
    },
  );

  test.each<[MetadataOptions, string]>([
    [{}, 'GETMETADATA INBOX ("/private/comment" "/shared/a b")'],
    [{ maxSize: 1024 }, 'GETMETADATA (MAXSIZE 1024) INBOX ("/private/comment" "/shared/a b")'],
    [
      { depth: "infinity", maxSize: 0 },
      'GETMETADATA (MAXSIZE 0 DEPTH infinity) INBOX ("/private/comment" "/shared/a b")',
    ],
  ])("asking: %j", (options, expected) => {
    expect(shown(getMetadata("inbox", ["/private/comment", "/shared/a b"], options, false))).toBe(expected);
  });

  test("writing, and taking away", () => {
    const entries = { "/private/comment": 'My "own"', "/shared/comment": null, "/shared/x": "ä", "/shared/y": "a\0" };
    expect(shown(setMetadata("", entries, false))).toBe(
      'SETMETADATA "" ("/private/comment" "My \\"own\\"" "/shared/comment" NIL "/shared/x" <ä> "/shared/y" ~<a\0>)',
    );
  });

  test.each([
    "comment",
    "/other/x",
    "/private/a*",
    "/private/a%",
    "/shared//x",
    "/shared/",
    "/shared/ä",
    "/shared/a\r\nb",
    "",
    5,
  ])("%j is no entry", (entry) => {
    expect(() => getMetadata("x", [entry as string], {}, false)).toThrow(UsageError);
    expect(() => setMetadata("x", { [entry]: "v" }, false)).toThrow(UsageError);
  });

  test("nothing to ask or write, and options that are none, are refused", () => {
    expect(() => getMetadata("x", [], {}, false)).toThrow(UsageError);
    expect(() => setMetadata("x", {}, false)).toThrow(UsageError);
    expect(() => getMetadata("x", ["/shared/a"], { maxSize: -1 }, false)).toThrow(UsageError);
    expect(() => getMetadata("x", ["/shared/a"], { depth: 2 as 1 }, false)).toThrow(UsageError);
  });
});
