/** What servers tell of mailboxes: LIST, STATUS, NAMESPACE, and of themselves: ID. */
import { describe, expect, test } from "vitest";
import { ProtocolError, UsageError } from "../../src/client/errors.js";
import { hasCapability } from "../../src/imap/abilities.js";
import type { Piece } from "../../src/imap/command.js";
import { idParameters, parseId } from "../../src/imap/id.js";
import {
  listCommand,
  parseList,
  parseNamespaces,
  parseStatus,
  returnOptions,
  type StatusItem,
  statusItems,
} from "../../src/imap/list.js";
import { Mailbox } from "../../src/imap/mailbox.js";
import { parseCapabilities } from "../../src/imap/parse-capability.js";
import { hearEverywhere, responseOf, responsesOf } from "./reading.js";

function shown(pieces: readonly Piece[]): string {
  return pieces
    .map((piece) => (typeof piece === "string" ? piece : `<${Buffer.concat(piece.bytes as Buffer[])}>`))
    .join("");
}

const listed = (line: string, utf8 = false) => parseList(responseOf(line), utf8);

describe("LIST", () => {
  test.each([
    ['* LIST (\\Noselect) "/" foo', { name: "foo", delimiter: "/", flags: ["\\Noselect"], specialUse: undefined }],
    ['* LIST () "." "a b"', { name: "a b", delimiter: "." }],
    ["* LIST () NIL inbox", { name: "INBOX", delimiter: undefined }],
    ['* LIST () "/" {5}\r\na"b\\c', { name: 'a"b\\c' }],
    ['* LIST () "\\\\" a\\\\b', { delimiter: "\\" }],
    ['* LIST () "/" "Entw&APw-rfe"', { name: "Entwürfe" }],
    ['* LIST () "/" NIL', { name: "NIL" }],
    ['* LIST (\\HasNoChildren \\Sent) "/" Sent', { specialUse: "\\Sent" }],
    ['* LIST (\\sent) "/" Sent', { specialUse: "\\sent" }],
    ['* LSUB () "." #news.comp.mail.mime', { name: "#news.comp.mail.mime" }],
    [
      '* LIST (\\NonExistent) "/" Foo ("CHILDINFO" ("SUBSCRIBED"))',
      { extended: new Map([["CHILDINFO", ["SUBSCRIBED"]]]) },
    ],
    [
      '* LIST () "/" a (OLDNAME (b) X-Y z)',
      {
        extended: new Map<string, unknown>([
          ["OLDNAME", ["b"]],
          ["X-Y", "z"],
        ]),
      },
    ],
    ['* LIST () "/" a NIL', { extended: new Map() }],
  ])("%s", (line, expected) => {
    expect(listed(line)).toMatchObject(expected);
  });

  test("a name in UTF-8, where that was agreed on", () => {
    expect(listed('* LIST () "/" "Entw\xc3\xbcrfe"', true).name).toBe("Entwürfe");
  });

  test("a name in a literal, however it is cut", () => {
    const [read] = hearEverywhere('* LIST () "/" {3}\r\na\r\n\r\n').events;
    expect(read).toMatchObject({ name: "LIST", literals: ["a\r\n"] });
  });

  test.each([
    "* LIST",
    "* LIST ()",
    '* LIST () "/"',
    "* LIST (",
    '* LIST () "/" "a',
    '* LIST () "/" a (',
    '* LIST () "/" (a)',
  ])("%s is refused", (line) => {
    expect(() => listed(line)).toThrow(ProtocolError);
  });

  test.each([
    ["%", {}, [], 'LIST "" "%"'],
    ["ä*", { reference: "x" }, ["CHILDREN"], 'LIST x "&AOQ-*" RETURN (CHILDREN)'],
    ["*", { select: ["SUBSCRIBED", "RECURSIVEMATCH"] }, [], 'LIST (SUBSCRIBED RECURSIVEMATCH) "" "*"'],
  ])("as a command: %s %j %j", (pattern, options, returned, expected) => {
    expect(shown(listCommand(pattern, options, returned, false))).toBe(expected);
  });

  test("special uses and the status are asked for where the server has them", () => {
    const all =
      (...words: string[]) =>
      (word: string) =>
        hasCapability(parseCapabilities(words.join(" ")), word);
    expect(returnOptions({}, all())).toEqual([]);
    expect(returnOptions({}, all("LIST-EXTENDED", "SPECIAL-USE"))).toEqual(["SPECIAL-USE", "CHILDREN"]);
    expect(returnOptions({ return: ["SPECIAL-USE"] }, all("IMAP4REV2", "SPECIAL-USE"))).toEqual([
      "SPECIAL-USE",
      "CHILDREN",
    ]);
    expect(returnOptions({ status: ["MESSAGES", "UNSEEN"] }, all("LIST-STATUS"))).toEqual(["STATUS (MESSAGES UNSEEN)"]);
    expect(() => returnOptions({ return: ["A) B"] }, all())).toThrow(UsageError);
    expect(() => listCommand("*", { select: ["A\r\nB"] }, [], false)).toThrow(UsageError);
  });
});

describe("STATUS", () => {
  test("of RFC 9051 §7.3.4, and all that was added", () => {
    expect(parseStatus(responseOf("* STATUS blurdybloop (MESSAGES 231 UIDNEXT 44292)"), false)).toEqual({
      name: "blurdybloop",
      messages: 231,
      uidNext: 44292,
    });
    const line =
      '* STATUS "a b" (recent 1 UIDVALIDITY 2 UNSEEN 3 DELETED 4 SIZE 5 HIGHESTMODSEQ 18446744073709551615 APPENDLIMIT 6 MAILBOXID (F1) DELETED-STORAGE 7 X-NEW (a b))';
    expect(parseStatus(responseOf(line), false)).toEqual({
      name: "a b",
      recent: 1,
      uidValidity: 2,
      unseen: 3,
      deleted: 4,
      size: 5,
      highestModseq: 18446744073709551615n,
      appendLimit: 6,
      mailboxId: "F1",
      deletedStorage: 7,
    });
  });

  test("no limit is NIL (RFC 7889); a mailbox may have no status", () => {
    expect(parseStatus(responseOf("* STATUS a (APPENDLIMIT NIL MAILBOXID ())"), false)).toEqual({ name: "a" });
    expect(parseStatus(responseOf("* STATUS a ()"), false)).toEqual({ name: "a" });
  });

  test.each(["* STATUS", "* STATUS a", "* STATUS a (", "* STATUS a (MESSAGES)", "* STATUS a (MESSAGES x)"])(
    "%s is refused",
    (line) => {
      expect(() => parseStatus(responseOf(line), false)).toThrow(ProtocolError);
    },
  );

  test("what is asked for", () => {
    expect(statusItems(["MESSAGES", "SIZE"])).toBe("(MESSAGES SIZE)");
    expect(() => statusItems([])).toThrow(UsageError);
    expect(() => statusItems(["A B" as StatusItem])).toThrow(UsageError);
  });
});

describe("NAMESPACE (RFC 2342 §5)", () => {
  test.each([
    ['* NAMESPACE (("" "/")) NIL NIL', { personal: [{ prefix: "", delimiter: "/" }], other: [], shared: [] }],
    [
      '* NAMESPACE (("" "/")) (("~" "/")) (("#shared/" "/")("#public/" "/")("#ftp/" NIL))',
      {
        other: [{ prefix: "~", delimiter: "/" }],
        shared: [
          { prefix: "#shared/", delimiter: "/" },
          { prefix: "#public/", delimiter: "/" },
          { prefix: "#ftp/", delimiter: undefined },
        ],
      },
    ],
    [
      '* NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("FLAG1" "FLAG2"))) NIL NIL',
      { personal: [{ prefix: "" }, { prefix: "#mh/" }] },
    ],
    ['* NAMESPACE (("Entw&APw-rfe" ".")) NIL NIL', { personal: [{ prefix: "Entwürfe" }] }],
    ['* NAMESPACE (("INBOX." ".")) NIL NIL', { personal: [{ prefix: "INBOX." }] }],
  ])("%s", (line, expected) => {
    expect(parseNamespaces(responseOf(line), false)).toMatchObject(expected);
  });

  test.each([
    "* NAMESPACE",
    "* NAMESPACE NIL",
    '* NAMESPACE (("a")) NIL NIL',
    "* NAMESPACE (",
    "* NAMESPACE (x) NIL NIL",
  ])("%s is refused", (line) => {
    expect(() => parseNamespaces(responseOf(line), false)).toThrow(ProtocolError);
  });
});

describe("ID (RFC 2971)", () => {
  test.each([
    ['* ID ("name" "Cyrus" "Version" "1.5" "os" NIL)', { name: "Cyrus", version: "1.5" }],
    ["* ID NIL", {}],
    ["* ID ()", {}],
    ['* ID ("x" {3}\r\na\r\n)', { x: "a\r\n" }],
    ['* ID ("__proto__" "\xc3\xa4")', Object.fromEntries([["__proto__", "ä"]])],
  ])("%j", (line, fields) => {
    expect(parseId(responseOf(line))).toEqual(fields);
  });

  test.each(["* ID", '* ID ("a"', '* ID ("a")', "* ID x"])("%s is refused", (line) => {
    expect(() => parseId(responseOf(line))).toThrow(ProtocolError);
  });

  test("what the client tells", () => {
    expect(shown(idParameters({ name: "polywire", x: 'a"b' }))).toBe('("name" "polywire" "x" "a\\"b")');
    expect(shown(idParameters({}))).toBe("NIL");
    expect(() => idParameters({ a: "x".repeat(1025) })).toThrow(UsageError);
    expect(() => idParameters({ ["n".repeat(31)]: "x" })).toThrow(UsageError);
    expect(() => idParameters({ a: "\0" })).toThrow(UsageError);
    expect(() => idParameters(Object.fromEntries(Array.from({ length: 31 }, (_, i) => [`f${i}`, ""])))).toThrow(
      UsageError,
    );
  });
});

describe("the selected mailbox", () => {
  test("what SELECT tells (RFC 9051 §6.3.2, RFC 7162, RFC 8474)", () => {
    const mailbox = new Mailbox("INBOX");
    const text =
      "* 172 EXISTS\r\n* 1 RECENT\r\n* OK [UNSEEN 12] x\r\n* OK [UIDVALIDITY 3857529045] x\r\n* OK [UIDNEXT 4392] x\r\n* FLAGS (\\Seen a)\r\n* OK [PERMANENTFLAGS (\\Seen \\*)] x\r\n* OK [HIGHESTMODSEQ 9] x\r\n* OK [MAILBOXID (F1)] x\r\nA1 OK [READ-ONLY] x\r\n";
    for (const response of responsesOf(text)) mailbox.heed(response);
    expect(mailbox).toMatchObject({
      exists: 172,
      recent: 1,
      firstUnseen: 12,
      uidValidity: 3857529045,
      uidNext: 4392,
      flags: ["\\Seen", "a"],
      permanentFlags: ["\\Seen", "\\*"],
      highestModseq: 9,
      mailboxId: "F1",
      readOnly: true,
    });
  });

  test("what happens in it", () => {
    const mailbox = new Mailbox("INBOX");
    const text =
      "* 5 EXISTS\r\n* 3 EXPUNGE\r\n* VANISHED 41:42\r\n* VANISHED (EARLIER) 1:9\r\n* 1 FETCH (UID 4 FLAGS ())\r\n* 1 FOO\r\n";
    const events = responsesOf(text).map((response) => mailbox.heed(response));
    expect(events).toEqual([
      { type: "exists", exists: 5, previous: 0 },
      { type: "expunge", number: 3 },
      { type: "vanished", uids: expect.objectContaining({ size: 2 }), earlier: false },
      { type: "vanished", uids: expect.objectContaining({ size: 9 }), earlier: true },
      { type: "fetch", data: expect.objectContaining({ uid: 4, flags: [] }) },
      undefined,
    ]);
    expect(mailbox.exists).toBe(2);
  });

  test.each(["* VANISHED", "* VANISHED x", "* VANISHED (EARLIER)", "* VANISHED 1:*", "* FLAGS x"])(
    "%s is refused",
    (line) => {
      expect(() => new Mailbox("x").heed(responseOf(line))).toThrow(ProtocolError);
    },
  );
});
