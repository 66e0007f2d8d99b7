/** ENVELOPE: as the RFC has it, as servers have it, and as imapflow reads it. */
import fc from "fast-check";
import { parser } from "imapflow/lib/handler/imap-handler.js";
import { parseEnvelope as imapflowEnvelope } from "imapflow/lib/tools.js";
import { describe, expect, test } from "vitest";
import { ProtocolError } from "../../src/client/errors.js";
import { parseEnvelope } from "../../src/imap/parse-envelope.js";
import { bothForms, cursorOf } from "./reading.js";

const RFC_9051 =
  '("Wed, 17 Jul 1996 02:23:25 -0700 (PDT)" "IMAP4rev2 WG mtg summary and minutes" ' +
  '(("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ' +
  '(("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ' +
  '((NIL NIL "minutes" "CNRI.Reston.VA.US") ("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL ' +
  '"<B27397-0100000@cac.washington.ed>")';

function envelope(values: string) {
  const read = bothForms(values, (cursor) => {
    const value = parseEnvelope(cursor);
    expect(cursor.done, "nothing is left").toBe(true);
    return value;
  });
  if (read === undefined) throw new Error("NIL");
  return read;
}

/** An envelope with one thing other than NIL. */
function only(field: number, value: string) {
  return envelope(`(${Array.from({ length: 10 }, (_, i) => (i === field ? value : "NIL")).join(" ")})`);
}

describe("fields", () => {
  test("of RFC 9051 §8", () => {
    const terry = [{ name: "Terry Gray", address: "gray@cac.washington.edu" }];
    const read = envelope(RFC_9051);
    expect(read.toJSON()).toEqual({
      date: "1996-07-17T09:23:25.000Z",
      rawDate: "Wed, 17 Jul 1996 02:23:25 -0700 (PDT)",
      subject: "IMAP4rev2 WG mtg summary and minutes",
      from: terry,
      sender: terry,
      replyTo: terry,
      to: [{ name: "", address: "imap@cac.washington.edu" }],
      cc: [
        { name: "", address: "minutes@CNRI.Reston.VA.US" },
        { name: "John Klensin", address: "KLENSIN@MIT.EDU" },
      ],
      bcc: [],
      inReplyTo: [],
      messageId: "<B27397-0100000@cac.washington.ed>",
    });
  });

  test("all NIL", () => {
    const { date, subject, from, messageId } = only(0, "NIL");
    expect([date, subject, from, messageId]).toEqual([undefined, "", [], ""]);
  });

  test("NIL is no envelope", () => {
    expect(parseEnvelope(cursorOf("NIL"))).toBeUndefined();
  });

  test("encoded words and bare 8-bit are decoded, and kept as they were", () => {
    const subject = only(1, '"=?utf-8?q?=C3=A4?= =?utf-8?b?w7Y=?="');
    expect([subject.subject, subject.rawSubject]).toEqual(["äö", "=?utf-8?q?=C3=A4?= =?utf-8?b?w7Y=?="]);
    expect(only(1, '"\xc3\xa4"').subject).toBe("ä");
    expect(only(1, '"\xe4"').subject).toBe("ä");
    expect(only(2, '(("=?iso-8859-1?q?J=F6rg?=" NIL "j" "x.de"))').from).toEqual([{ name: "Jörg", address: "j@x.de" }]);
  });

  test("quotes and backslashes", () => {
    expect(only(1, '"a \\"b\\" \\\\ c"').subject).toBe('a "b" \\ c');
  });

  test("a date that is none is undefined, and kept", () => {
    const { date, rawDate } = only(0, '"yesterday"');
    expect([date, rawDate]).toEqual([undefined, "yesterday"]);
  });

  test("several ids of In-Reply-To", () => {
    expect(only(8, '"<a@b> (x)  <c@d>"').inReplyTo).toEqual(["<a@b>", "<c@d>"]);
  });
});

describe("addresses", () => {
  test("a group's members have its name, what follows it has none (RFC 9051 §7.5.2)", () => {
    const group = '((NIL NIL "friends" NIL)(NIL NIL "a" "x")("B" NIL "b" "y")(NIL NIL NIL NIL)(NIL NIL "c" "z"))';
    expect(only(5, group).to).toEqual([
      { name: "", address: "a@x", group: "friends" },
      { name: "B", address: "b@y", group: "friends" },
      { name: "", address: "c@z" },
    ]);
  });

  test("an empty group has nobody", () => {
    expect(only(5, '((NIL NIL "undisclosed-recipients" NIL)(NIL NIL NIL NIL))').to).toEqual([]);
  });

  test.each([
    ['((NIL NIL "root" "MISSING_DOMAIN"))', [{ name: "root", address: "" }]],
    ['(("Root" NIL "root" ""))', [{ name: "Root", address: "" }]],
    ['(("Root" NIL "MISSING_MAILBOX" "MISSING_DOMAIN"))', [{ name: "Root", address: "" }]],
    ['((NIL NIL "x" ".SYNTAX-ERROR."))', [{ name: "x", address: "" }]],
    ['((NIL "@relay" "x" "y"))', [{ name: "", address: "x@y" }]],
    ['((NIL NIL "x y" "z"))', [{ name: "", address: "x y@z" }]],
    ["()", []],
    ['""', []],
    ["(NIL)", []],
    ["((NIL NIL NIL NIL))", []],
    ['((NIL NIL NIL "x")(NIL NIL "" ""))', []],
    ['(("A" NIL))', []],
    ['(("A" NIL "a" "b" "more" (x)))', [{ name: "A", address: "a@b" }]],
  ])("%s", (list, addresses) => {
    expect(only(2, list).from).toEqual(addresses);
  });
});

describe("what servers get wrong", () => {
  test("fields that are missing at the end are empty, more of them are stepped over", () => {
    expect(envelope('("x" "subject")').subject).toBe("subject");
    expect(envelope("()").from).toEqual([]);
    expect(envelope(`${RFC_9051.slice(0, -1)} "more" (and (more)))`).messageId).toBe(
      "<B27397-0100000@cac.washington.ed>",
    );
  });

  test("a list in the place of a string, and a string in the place of a list, are empty", () => {
    expect(only(1, '("a" "b")').subject).toBe("");
    expect(only(2, '"a@b"').from).toEqual([]);
  });

  test("an address list in bare words is read", () => {
    expect(parseEnvelope(cursorOf("(NIL NIL ((Bob NIL bob x)))"))?.from).toEqual([{ name: "Bob", address: "bob@x" }]);
  });

  test.each(["(", '("a', '("a" "b"', "x", '(NIL NIL (("a"'])("%j is refused", (text) => {
    expect(() => parseEnvelope(cursorOf(text))).toThrow(ProtocolError);
  });

  test("addresses without end and depth without end take no time and no stack", () => {
    const many = `(NIL NIL (${'(NIL NIL "a" "b")'.repeat(50_000)}))`;
    expect(parseEnvelope(cursorOf(many))?.rawFrom).toHaveLength(50_000);
    const deep = `(NIL ${"(".repeat(300_000)}${")".repeat(300_000)})`;
    expect(parseEnvelope(cursorOf(deep))?.subject).toBe("");
  });
});

describe("beside imapflow", () => {
  const word = fc.stringMatching(/^[A-Za-z0-9 .,:;!?@"\\-]{1,20}$/).map((text) => text.trim() || "x");
  const atom = fc.stringMatching(/^[a-z0-9.-]{1,12}$/);
  const string = (text: string) => `"${text.replace(/["\\]/g, "\\$&")}"`;
  const name = fc.option(fc.stringMatching(/^[A-Za-z]{1,8}( [A-Za-z]{1,8})?$/));
  const address = fc
    .tuple(name, atom, atom)
    .map(([who, mailbox, host]) => `(${who === null ? "NIL" : string(who)} NIL "${mailbox}" "${host}")`);
  const list = fc.array(address, { maxLength: 3 }).map((all) => (all.length === 0 ? "NIL" : `(${all.join("")})`));
  const id = fc.option(atom).map((text) => (text === null ? "NIL" : `"<${text}@x>"`));
  const subject = fc.option(word).map((text) => (text === null ? "NIL" : string(text)));

  test("the same subject, addresses and ids", async () => {
    const date = '"Wed, 17 Jul 1996 02:23:25 -0700"';
    await fc.assert(
      fc.asyncProperty(
        subject,
        fc.tuple(list, list, list, list, list, list),
        id,
        id,
        async (about, lists, reply, own) => {
          const values = `(${date} ${about} ${lists.join(" ")} ${reply} ${own})`;
          const theirs = imapflowEnvelope((await parser(`* X ${values}`)).attributes?.[0] as never);
          const ours = envelope(values);
          const { from = [], sender = [], replyTo = [], to = [], cc = [], bcc = [] } = theirs;
          expect([ours.from, ours.sender, ours.replyTo, ours.to, ours.cc, ours.bcc]).toEqual(
            [from, sender, replyTo, to, cc, bcc].map((all) =>
              all.map(({ name, address }) => ({ name: name || "", address })),
            ),
          );
          expect([ours.date, ours.subject, ours.inReplyTo[0], ours.messageId]).toEqual([
            theirs.date,
            theirs.subject ?? "",
            theirs.inReplyTo,
            theirs.messageId ?? "",
          ]);
        },
      ),
    );
  });
});
