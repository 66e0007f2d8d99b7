/** The in-memory IMAP server in raw dialogues, as RFC 9051 writes them: FETCH and SEARCH. */
import { describe, expect, test } from "vitest";
import type { ImapMessages } from "../../src/testing/index.js";
import { raw, server, open as start } from "./imap-bed.js";
import { answer, MAIL } from "./imap-lines.js";

const PARTS =
  "From: b@example.org\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nContent-Type: multipart/mixed; boundary=xx\n\n" +
  "--xx\nContent-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable\n\nna=C3=AFve\n" +
  "--xx\nContent-Type: message/rfc822\n\nSubject: inner\n\ninside\n--xx--\n";

const open = (messages: ImapMessages = [MAIL, PARTS, "c\n", "d\n"]) => start({ INBOX: messages });

describe("FETCH", () => {
  test("gives the envelope of RFC 9051, the size, the date and the whole message as they are", async () => {
    const content = MAIL.replaceAll("\n", "\r\n");
    await open([{ content: MAIL, flags: ["\\Seen"], internalDate: new Date("1996-07-17T09:44:25Z") }]);
    await raw.play(`
      C: a FETCH 1 FULL
      S: * 1 FETCH (FLAGS (\\Seen \\Recent) INTERNALDATE "17-Jul-1996 09:44:25 +0000" RFC822.SIZE ${content.length} ENVELOPE ("Wed, 17 Jul 1996 02:23:25 -0700" "IMAP4 WG mtg" (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) (("Terry Gray" NIL "gray" "cac.washington.edu")) ((NIL NIL "imap" "cac.washington.edu")) ((NIL NIL "minutes" "CNRI.Reston.VA.US")("John Klensin" NIL "KLENSIN" "MIT.EDU")) NIL NIL "<B27397-0100000@cac.washington.edu>") BODY ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 14 2))
      S: a OK …`);
    raw.write("b UID FETCH 1 BODY.PEEK[]\r\n");
    expect(await raw.line()).toBe(`* 1 FETCH (UID 1 BODY[] {${content.length}}`);
    expect(await raw.bytes(content.length)).toBe(content);
    expect(await raw.line()).toBe(")");
    expect(await raw.line()).toMatch(/^b OK/);
  });

  test.each([
    ["BODY.PEEK[HEADER.FIELDS (subject FROM)]", "Subject: IMAP4 WG mtg", 1],
    ["BODY.PEEK[TEXT]", "Hello\r\n.dots\r\n", 1],
    ["BODY.PEEK[TEXT]<2.5>", "llo\r\n", 1],
    ["BODY.PEEK[1]", "na=C3=AFve", 2],
    ["BINARY.PEEK[1]", "na\xc3\xafve", 2],
    ["BODY.PEEK[1.MIME]", "Content-Type: text/plain", 2],
    ["BODY.PEEK[2.HEADER]", "Subject: inner\r\n\r\n", 2],
    ["BODY.PEEK[2.TEXT]", "inside", 2],
    ["BODY.PEEK[2.1]", "inside", 2],
    ["RFC822.HEADER", "From: b@example.org\r\n", 2],
  ])("%s is the piece that was asked for", async (item, wanted, number) => {
    await open();
    const first = await raw.ask(`a FETCH ${number} ${item}`);
    const size = Number(/\{(\d+)\}$/.exec(first)?.[1]);
    expect(await raw.bytes(size)).toContain(wanted);
    await raw.play("S: )\nS: a OK …");
  });

  test("a part that is not there is NIL, and reading a body makes it seen", async () => {
    await open();
    await raw.play(`
      C: a FETCH 2 (BODY[7] BODY.PEEK[1.HEADER])
      S: * 2 FETCH (BODY[7] NIL BODY[1.HEADER] NIL FLAGS (\\Seen \\Recent))
      S: a OK …
      C: b FETCH 9 FLAGS
      S: b BAD …
      C: c UID FETCH 9 FLAGS
      S: c OK …`);
    expect(server.violations).toHaveLength(1);
  });
});

describe("SEARCH", () => {
  test.each([
    ["ALL", "1 2 3 4"],
    ["FROM gray", "1"],
    ['SUBJECT "Gr\xc3\xbc\xc3\x9fe"', "2", "CHARSET UTF-8 "],
    ["BODY inside", "2"],
    ["TEXT dots", "1"],
    ["HEADER message-id B27397", "1"],
    ["NOT 2:*", "1"],
    ["OR 1 UID 4", "1 4"],
    ["(SMALLER 10 UNSEEN) 3", "3"],
    ["SENTBEFORE 1-Jan-2000", "1"],
    ["SENTON 17-Jul-1996", "1"],
    ["DELETED", ""],
    ["LARGER 100 UNDELETED", "1 2"],
    ["SINCE 1-Jan-2020", "1 2 3 4"],
    ["YOUNGER 1000", "1 2 3 4"],
    ["OLDER 1000", ""],
  ])("%s finds %s", async (key, found, charset = "") => {
    await open();
    const quoted = /"(.*)"/.exec(key)?.[1];
    const sent = quoted === undefined ? key : key.replace(/".*"/, `{${quoted.length}+}\r\n${quoted}`);
    expect((await answer(raw, `a SEARCH ${charset}${sent}`)).slice(0, -1)).toEqual([`* SEARCH ${found}`.trimEnd()]);
  });

  test("refuses a charset it does not know, and says which it knows", async () => {
    await open();
    await raw.play("C: a SEARCH CHARSET koi8-r ALL\nS: a NO [BADCHARSET (US-ASCII UTF-8)] …");
  });
});

test("BODYSTRUCTURE tells the parts, in whatever depth, with their extension data", async () => {
  const content =
    "Content-Type: multipart/alternative; boundary=b1\n\n--b1\n\nplain\n--b1\nContent-Type: multipart/related; boundary=b2\n\n" +
    '--b2\nContent-Type: text/html; charset="utf-8"\nContent-Language: en, de\n\n<p>\nrich\n--b2\n' +
    'Content-Type: image/png; name="i.png"\nContent-ID: <i@x>\nContent-Transfer-Encoding: base64\n' +
    "Content-Disposition: inline; filename=i.png\n\nAAEC\n--b2--\n\n--b1\nContent-Type: message/rfc822\n\n" +
    "From: (only a comment) x@y\nSubject: in\n\nside\n\n--b1--\n";
  await open([content]);
  await raw.play(`
    C: a FETCH 1 BODYSTRUCTURE
    S: * 1 FETCH (BODYSTRUCTURE (("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 5 0 NIL NIL NIL NIL)(("text" "html" ("charset" "utf-8") NIL NIL "7bit" 9 1 NIL NIL ("en" "de") NIL)("image" "png" ("name" "i.png") "<i@x>" NIL "base64" 4 NIL ("inline" ("filename" "i.png")) NIL NIL) "related" ("boundary" "b2") NIL NIL NIL)("message" "rfc822" NIL NIL NIL "7bit" 49 (NIL "in" (("only a comment" NIL "x" "y")) (("only a comment" NIL "x" "y")) (("only a comment" NIL "x" "y")) NIL NIL NIL NIL NIL) ("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 6 1 NIL NIL NIL NIL) 4 NIL NIL NIL NIL) "alternative" ("boundary" "b1") NIL NIL NIL))
    S: a OK …`);
});
