/** The in-memory IMAP server in raw dialogues: what the extensions add, as their RFCs write it. */
import { describe, expect, test } from "vitest";
import { open, raw, server } from "./imap-bed.js";
import { answer } from "./imap-lines.js";

describe("CONDSTORE (RFC 7162)", () => {
  test("FETCH CHANGEDSINCE gives what has changed, with its mod-sequence", async () => {
    await open();
    const inbox = server.mailbox();
    const before = inbox.highestModseq;
    inbox.setFlags(2, ["\\Seen"]);
    await answer(raw, "a NOOP");
    await raw.play(`
      C: b UID FETCH 1:* (FLAGS) (CHANGEDSINCE ${before})
      S: * 2 FETCH (UID 2 FLAGS (\\Seen \\Recent) MODSEQ (${before + 1}))
      S: b OK …
      C: c SEARCH MODSEQ ${before + 1}
      S: * SEARCH 2 (MODSEQ ${before + 1})
      S: c OK …
      C: d STATUS INBOX (HIGHESTMODSEQ)
      S: * STATUS INBOX (HIGHESTMODSEQ ${before + 1})
      S: d OK …`);
  });

  test("STORE UNCHANGEDSINCE leaves alone what has changed, and says which", async () => {
    await open();
    const inbox = server.mailbox();
    const before = inbox.highestModseq;
    inbox.setFlags(2, ["\\Seen"]);
    await answer(raw, "a NOOP");
    await raw.play(`
      C: b STORE 1:2 (UNCHANGEDSINCE ${before}) +FLAGS.SILENT (\\Flagged)
      S: * 1 FETCH (MODSEQ (${before + 2}))
      S: * 2 FETCH (FLAGS (\\Seen \\Recent) MODSEQ (${before + 1}))
      S: b OK [MODIFIED 2] …`);
    expect(inbox.messages[1]?.flags).toEqual(["\\Seen"]);
  });

  test("a mailbox without mod-sequences says so, and refuses them", async () => {
    await open({ INBOX: { messages: ["a\n"], modseq: false } }, "");
    expect(await answer(raw, "a SELECT INBOX (CONDSTORE)")).toContainEqual(expect.stringMatching(/\[NOMODSEQ\]/));
    await raw.play("C: b FETCH 1 MODSEQ\nS: b BAD …");
  });
});

describe("QRESYNC (RFC 7162)", () => {
  test("SELECT tells what vanished and what changed; EXPUNGE is told as VANISHED", async () => {
    await open();
    const inbox = server.mailbox();
    const known = inbox.highestModseq;
    inbox.expunge(2, 3);
    inbox.setFlags(5, ["\\Seen"]);
    await raw.play("C: z UNSELECT\nS: z OK …\nC: a ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: a OK …");
    const lines = await answer(raw, `b SELECT INBOX (QRESYNC (${inbox.uidValidity} ${known} 1:5))`);
    expect(lines.slice(-3)).toEqual([
      "* VANISHED (EARLIER) 2:3",
      `* 3 FETCH (UID 5 FLAGS (\\Seen) MODSEQ (${known + 2}))`,
      expect.stringMatching(/^b OK/),
    ]);
    await raw.play(`
      C: c UID FETCH 1:5 (UID) (CHANGEDSINCE ${known} VANISHED)
      S: * VANISHED (EARLIER) 2:3
      S: * 3 FETCH (UID 5 MODSEQ (${known + 2}))
      S: c OK …
      C: d STORE 1 +FLAGS.SILENT (\\Deleted)
      S: * 1 FETCH (UID 1 MODSEQ (${known + 3}))
      S: d OK …
      C: e UID EXPUNGE 1:4
      S: * VANISHED 1
      S: e OK [HIGHESTMODSEQ ${known + 4}] …`);
  });

  test("another UIDVALIDITY gives nothing to go by", async () => {
    await open();
    const inbox = server.mailbox();
    inbox.expunge(1);
    await raw.play("C: z CLOSE\nS: z OK …\nC: a ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: a OK …");
    const lines = await answer(raw, `b SELECT INBOX (QRESYNC (${inbox.uidValidity + 1} 1))`);
    expect(lines.filter((line) => /VANISHED|FETCH/.test(line))).toEqual([]);
    await raw.play("C: c SELECT INBOX (QRESYNC (0 1))\nS: c BAD …");
  });
});

describe("searching", () => {
  test("ESEARCH, SEARCHRES and PARTIAL (RFC 4731, RFC 5182, RFC 9394)", async () => {
    await open();
    server.mailbox().expunge(2);
    await answer(raw, "z NOOP");
    await raw.play(`
      C: a UID SEARCH RETURN (MIN MAX COUNT ALL) ALL
      S: * ESEARCH (TAG "a") UID MIN 1 MAX 5 ALL 1,3:5 COUNT 4
      S: a OK …
      C: b SEARCH RETURN (SAVE) UID 3:4
      S: b OK …
      C: c FETCH $ UID
      S: * 2 FETCH (UID 3)
      S: * 3 FETCH (UID 4)
      S: c OK …
      C: d UID SEARCH RETURN (PARTIAL -1:-2) ALL
      S: * ESEARCH (TAG "d") UID PARTIAL (-1:-2 4:5)
      S: d OK …
      C: e UID FETCH 1:* UID (PARTIAL 2:3)
      S: * 2 FETCH (UID 3)
      S: * 3 FETCH (UID 4)
      S: e OK …
      C: f SEARCH RETURN () NOT ALL
      S: * ESEARCH (TAG "f")
      S: f OK …`);
  });

  test("SORT and THREAD (RFC 5256)", async () => {
    const mail = (subject: string, day: number, rest = "") =>
      `Subject: ${subject}\nFrom: ${String.fromCharCode(110 - day)}@x.y\nMessage-ID: <${day}@x>\n${rest}Date: ${day} Feb 2026 10:00:00 +0000\n\n.\n`;
    await open({
      INBOX: [
        mail("Re: beta", 5, "References: <2@x>\n"),
        mail("beta", 2),
        mail("[list] Fwd: alpha (fwd)", 4, "In-Reply-To: <9@x>\n"),
        mail("alpha", 3),
        mail("Re: beta", 6, "References: <2@x> <5@x>\n"),
      ],
    });
    await raw.play(`
      C: a SORT (SUBJECT DATE) UTF-8 ALL
      S: * SORT 4 3 2 1 5
      S: a OK …
      C: b UID SORT RETURN (COUNT MIN) (REVERSE DATE) UTF-8 1:4
      S: * ESEARCH (TAG "b") UID MIN 1 COUNT 4
      S: b OK …
      C: c SORT (FROM) US-ASCII ALL
      S: * SORT 5 1 3 4 2
      S: c OK …
      C: d THREAD REFERENCES UTF-8 ALL
      S: * THREAD (2 1 5)(4 3)
      S: d OK …
      C: e UID THREAD ORDEREDSUBJECT UTF-8 ALL
      S: * THREAD (2 (1)(5))(4 3)
      S: e OK …`);
  });
});

test("BINARY, PREVIEW, SAVEDATE and OBJECTID give what they promise", async () => {
  const content =
    "Content-Type: multipart/mixed; boundary=x\n\n--x\n\nHello  there\n--x\nContent-Type: a/b\nContent-Transfer-Encoding: base64\n\nAAEC\n--x\nContent-Transfer-Encoding: x-odd\n\n?\n--x--\n";
  await open({ INBOX: [content], Copy: [] }, "INBOX", { now: () => new Date("2026-03-04T05:06:07Z") });
  await raw.play(`
    C: a FETCH 1 (PREVIEW (LAZY) SAVEDATE EMAILID THREADID BINARY.SIZE[2] BINARY.PEEK[2]<1.2>)
    S: * 1 FETCH (PREVIEW "Hello there" SAVEDATE " 4-Mar-2026 05:06:07 +0000" EMAILID (M1) THREADID NIL BINARY.SIZE[2] 3 BINARY[2]<1> {2}
    S: \x01\x02)
    S: a OK …
    C: b COPY 1 Copy
    S: b OK …
    C: c SEARCH EMAILID M1
    S: * SEARCH 1
    S: c OK …`);
  raw.write("d FETCH 1 BINARY.PEEK[3]\r\n");
  expect(await answer(raw, "e NOOP")).toContainEqual(expect.stringMatching(/^d NO \[UNKNOWN-CTE\]/));
});

test("generated messages are made when they are asked for, of the size that was asked", async () => {
  await open({ INBOX: { messages: { generate: 20_000, bytes: (number) => 500 + number, flags: () => ["\\Seen"] } } });
  raw.write("a FETCH 20000 (RFC822.SIZE FLAGS BODY.PEEK[])\r\n");
  expect(await raw.line()).toBe("* 20000 FETCH (RFC822.SIZE 20500 FLAGS (\\Seen \\Recent) BODY[] {20500}");
  const body = await raw.bytes(20_500);
  expect(body).toMatch(/^From: [\s\S]*Subject: Message 20000\r\n[\s\S]*\r\n$/);
  await raw.play("S: )\nS: a OK …");
  expect(server.mailbox().content(20_000).toString("latin1")).toBe(body);
});
