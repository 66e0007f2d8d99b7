/** fetchMail from IMAP, against a server in memory: every message once with its flags and date, whatever its UIDs become. */
import { readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { AbortedError, ReplyError, UsageError } from "../../../src/client/errors.js";
import { ImapClient } from "../../../src/imap/client.js";
import { fetchMail } from "../../../src/jobs/mail/fetch.js";
import type { MailProgress } from "../../../src/jobs/mail/progress.js";
import type { FetchedMail } from "../../../src/jobs/mail/stores/function-store.js";
import { Maildir } from "../../../src/message/maildir.js";
import { expected, mailIn, messageOf } from "./bed.js";
import { cameAt, flagsOf, imapBed } from "./imap-bed.js";

const PLACES = ["Maildir", "mail.mbox", "mail/"];

describe.concurrent.each(PLACES)("into %s", (place) => {
  test("every message, byte for byte; the same job again fetches what is new; nothing is changed on the server", async () => {
    await using job = await imapBed(150);
    const before = job.box.messages;
    const bytes = expected(150).reduce((sum, text) => sum + text.length, 0);
    const first = await fetchMail(job.options(place));
    expect(first).toMatchObject({ fetched: 150, skipped: 0, deleted: 0, marked: 0, vanished: 0, bytes, failures: [] });
    expect(await mailIn(job.at(place))).toEqual(expected(150));
    expect(job.box.messages).toEqual(before);
    job.box.add(messageOf(151));
    expect(await fetchMail(job.options(place))).toMatchObject({ fetched: 1, skipped: 150 });
    expect(await fetchMail(job.options(place))).toMatchObject({ fetched: 0, skipped: 151 });
    expect(await mailIn(job.at(place))).toEqual(expected(151));
    const fetches = job.commands.filter((line) => line.includes("BODY.PEEK[]"));
    expect(fetches.length, "many messages by one command").toBeLessThan(15);
    expect(job.server.violations).toEqual([]);
  });

  test("deleteAfter expunges what is stored, and nothing that others have marked", async () => {
    await using job = await imapBed(30);
    await fetchMail(job.options(place, { limit: 10 }));
    job.box.setFlags(20, ["\\Deleted"]);
    const result = await fetchMail(job.options(place, { deleteAfter: true, limit: 5 }));
    expect(result).toMatchObject({ fetched: 5, skipped: 10, deleted: 15, marked: 0 });
    expect(job.box.uids).toEqual(Array.from({ length: 15 }, (_, i) => i + 16));
    const rest = await fetchMail(job.options(place, { deleteAfter: true }));
    expect(rest).toMatchObject({ fetched: 15, skipped: 0, deleted: 15 });
    expect(job.box.count).toBe(0);
    expect(await mailIn(job.at(place))).toEqual(expected(30));
  });

  test("a connection lost in the middle of a message: the job connects again, each message is there once", async () => {
    await using job = await imapBed(200);
    job.server.faults.cutResponse = { command: "UID FETCH 65", at: 5_000 };
    const onProgress = () => void (job.server.faults.cutResponse = undefined);
    const result = await fetchMail(job.options(place, { deleteAfter: true, onProgress }));
    expect(result).toMatchObject({ fetched: 200, deleted: 200, skipped: 0, failures: [] });
    expect(await mailIn(job.at(place))).toEqual(expected(200));
    expect(job.box.count).toBe(0);
  });

  test("cancelled: what was fetched is remembered, and the next run has the rest", async () => {
    await using job = await imapBed(300);
    const abort = new AbortController();
    job.server.faults.hang = "UID FETCH 65";
    const failed = fetchMail(job.options(place, { signal: abort.signal, deleteAfter: true }));
    while (!job.commands.some((line) => line.startsWith("UID FETCH 65"))) await new Promise((go) => setTimeout(go, 5));
    abort.abort();
    await expect(failed).rejects.toThrow(AbortedError);
    job.server.faults.hang = undefined;
    const rest = await fetchMail(job.options(place, { deleteAfter: true }));
    expect(rest.deleted).toBe(300);
    expect(await mailIn(job.at(place))).toEqual(expected(300));
    expect(job.box.count).toBe(0);
  });

  test("a new UIDVALIDITY: what is stored is known by its bytes, what is not is fetched, and that is told", async () => {
    await using job = await imapBed(40);
    await fetchMail(job.options(place, { limit: 30 }));
    // The server has built its mailbox anew: one message is gone, one is new, and one is there twice.
    job.box.expunge(3);
    job.box.add(messageOf(41));
    job.box.add(messageOf(5));
    job.box.uidValidity = 8;
    const result = await fetchMail(job.options(place));
    expect(result).toMatchObject({ fetched: 12, skipped: 29, renumbered: { uidValidity: 8, recognised: 29 } });
    expect(await mailIn(job.at(place))).toEqual([...expected(41), messageOf(5)].sort());
    const again = await fetchMail(job.options(place, { deleteAfter: true }));
    expect(again).toMatchObject({ fetched: 0, skipped: 41, deleted: 41 });
    expect(again.renumbered).toBeUndefined();
    expect(job.box.count).toBe(0);
  });
});

describe.concurrent("what comes with a message", () => {
  test("flags become letters of a Maildir, the date the file's", async () => {
    await using job = await imapBed(63);
    await fetchMail(job.options("Maildir"));
    const maildir = await Maildir.open(job.at("Maildir"));
    const found = await maildir.list();
    expect(found).toHaveLength(63);
    for (const message of found) {
      const n = Number(/<(\d+)@/.exec((await maildir.read(message)).toString())?.[1]);
      const letters = flagsOf(n).map((flag) => ({ $Forwarded: "P", "\\Answered": "R", Mine: "" })[flag] ?? flag[1]);
      expect([message.flags, message.folder]).toEqual([letters.sort().join(""), letters.join("") ? "cur" : "new"]);
      expect(statSync(message.path).mtime).toEqual(cameAt(n));
    }
  });

  test("the date is that of an .eml file, too, and stands in the From line of an mbox", async () => {
    await using job = await imapBed(3);
    await fetchMail(job.options("mail/"));
    const names = readdirSync(job.at("mail"));
    expect(names.map((name) => name.split("-")[0]).sort()).toEqual(["1", "2", "3"]);
    for (const name of names) {
      expect(statSync(join(job.at("mail"), name)).mtime).toEqual(cameAt(Number(name.split("-")[0])));
    }
    await fetchMail(job.options("mail.mbox", { journal: undefined }));
    expect(readFileSync(job.at("mail.mbox"), "latin1")).toContain("From MAILER-DAEMON Tue Feb  3 10:02:02 2026\n");
  });

  test("a function gets flags, date and UID", async () => {
    await using job = await imapBed(5);
    const got: FetchedMail[] = [];
    await fetchMail({ server: job.server.urlOf(), to: (mail) => void got.push(mail) });
    got.sort((a, b) => a.number - b.number);
    expect(got.map(({ uid, number, flags, date }) => [uid, number, flags, date])).toEqual(
      [1, 2, 3, 4, 5].map((n) => [String(n), n, flagsOf(n), cameAt(n)]),
    );
  });
});

describe.concurrent("which mailbox", () => {
  const users = {
    test: {
      password: "test",
      mailboxes: { INBOX: [messageOf(1)], "Old/2025 & before": [messageOf(2)], Other: [messageOf(3)] },
    },
  };

  test("that of the URL, or the one that is named; several in one Maildir are told apart", async () => {
    await using job = await imapBed(0, { users });
    const url = job.server.urlOf().replace("?", "/Old/2025%20%26%20before?");
    expect(await fetchMail(job.options("Maildir", { server: url }))).toMatchObject({ fetched: 1 });
    expect(await mailIn(job.at("Maildir"))).toEqual([messageOf(2)]);
    for (const mailbox of ["Other", "inbox"]) {
      expect(await fetchMail(job.options("Maildir", { mailbox }))).toMatchObject({ fetched: 1, skipped: 0 });
    }
    expect(await fetchMail(job.options("Maildir", { mailbox: "INBOX" }))).toMatchObject({ fetched: 0, skipped: 1 });
    expect(await mailIn(job.at("Maildir"))).toEqual([1, 2, 3].map(messageOf).sort());
  });

  test("one that is not there is a refusal of the server's; POP3 has none to name", async () => {
    await using job = await imapBed(1);
    await expect(fetchMail(job.options("Maildir", { mailbox: "None" }))).rejects.toThrow(ReplyError);
    const pop3 = { server: "pop3://a:b@127.0.0.1:1?security=plain", mailbox: "INBOX" };
    await expect(fetchMail(job.options("Maildir", pop3))).rejects.toThrow(/POP3 has one mailbox/);
    const url = job.server.urlOf().replace("?", "/INBOX;UIDVALIDITY=7?");
    await expect(fetchMail(job.options("Maildir", { server: url }))).rejects.toThrow(/leave it out/);
  });

  test("by a client of the caller's own, and by its options", async () => {
    await using job = await imapBed(4);
    const { port } = job.server;
    const credentials = { user: "test", password: "test" };
    const options = { host: "127.0.0.1", port, security: "plain", credentials } as const;
    const server = { protocol: "imap", ...options } as const;
    expect(await fetchMail(job.options("Maildir", { server }))).toMatchObject({ fetched: 4 });
    const client = new ImapClient(options);
    const account = `test@127.0.0.1:${port}`;
    const own = { client, account, server: undefined };
    expect(await fetchMail(job.options("Maildir", own))).toMatchObject({ fetched: 0, skipped: 4 });
    expect(client.state).toBe("closed");
  });

  test("where nothing may be deleted, deleteAfter is refused before anything is fetched", async () => {
    const box = { messages: [messageOf(1)], readOnly: true };
    await using job = await imapBed(0, { users: { test: { password: "test", mailboxes: { INBOX: box } } } });
    await expect(fetchMail(job.options("Maildir", { deleteAfter: true }))).rejects.toThrow(UsageError);
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 1 });
  });
});

describe.concurrent("what is known again", () => {
  test.each(["Maildir", "mail/"])("%s without its journal: nothing is fetched twice", async (place) => {
    await using job = await imapBed(20);
    await fetchMail(job.options(place));
    rmSync(job.at("mail.journal"));
    expect(await fetchMail(job.options(place))).toMatchObject({ fetched: 0, skipped: 20 });
    expect(await mailIn(job.at(place))).toEqual(expected(20));
  });

  test("a run that is cut short while UIDs are new: the next one goes on with what is not compared yet", async () => {
    await using job = await imapBed(30);
    await fetchMail(job.options("mail.mbox"));
    job.box.uidValidity = 8;
    expect(await fetchMail(job.options("mail.mbox", { newest: 10 }))).toMatchObject({
      fetched: 0,
      renumbered: { recognised: 10 },
    });
    expect(await fetchMail(job.options("mail.mbox"))).toMatchObject({ fetched: 0, renumbered: { recognised: 20 } });
    expect((await fetchMail(job.options("mail.mbox"))).renumbered).toBeUndefined();
    expect(await mailIn(job.at("mail.mbox"))).toEqual(expected(30));
  });

  test("large messages, as streams, and by their digest when UIDs are new", async () => {
    const large = (n: number) => `Subject: ${n}\r\n\r\n${`${String(n).repeat(70)}\r\n`.repeat(70_000)}`;
    const messages = [1, 2, 3].map((n) => ({ content: large(n), flags: [], internalDate: cameAt(n) }));
    await using job = await imapBed(3, {}, messages);
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 3 });
    job.box.uidValidity = 8;
    job.box.add({ content: large(4) });
    const again = await fetchMail(job.options("Maildir"));
    expect(again).toMatchObject({ fetched: 1, renumbered: { recognised: 3 } });
    expect(await mailIn(job.at("Maildir"))).toEqual([1, 2, 3, 4].map(large));
  });
});

describe.concurrent("when the server says no", () => {
  test("without UIDPLUS messages are marked, never expunged, and that is told", async () => {
    await using job = await imapBed(10, { features: { uidplus: false, imap4rev2: false } });
    job.box.setFlags(9, ["\\Deleted"]);
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true, limit: 8 }));
    expect(result).toMatchObject({ fetched: 8, deleted: 0, marked: 8, failures: [] });
    expect(job.box.count).toBe(10);
    expect(job.box.messages.filter(({ flags }) => flags.includes("\\Deleted")).map(({ uid }) => uid)).toEqual([
      1, 2, 3, 4, 5, 6, 7, 8, 9,
    ]);
    expect(job.commands.some((line) => /EXPUNGE|CLOSE/.test(line))).toBe(false);
  });

  test("a message that others remove meanwhile is no failure; the others are there", async () => {
    await using job = await imapBed(6, { onCommand: (line) => /RFC822.SIZE/.test(line) && job.box.expunge(4) });
    const result = await fetchMail(job.options("Maildir"));
    expect(result).toMatchObject({ fetched: 5, vanished: 1, failures: [] });
    expect(await mailIn(job.at("Maildir"))).toEqual([1, 2, 3, 5, 6].map(messageOf).sort());
  });

  test("a command that is refused is asked again message by message: one that is refused then is told", async () => {
    await using job = await imapBed(6);
    job.server.faults.reply = { "UID FETCH 1:6 (BODY.PEEK[])": "NO it is broken", "UID FETCH 4": "NO it is broken" };
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(result).toMatchObject({ fetched: 5, deleted: 5 });
    expect(result.failures).toMatchObject([{ uid: "4", number: 4, error: { name: "ReplyError" } }]);
    expect(job.box.uids).toEqual([4]);
  });

  test("a message that the server has, and gives nothing of, is told and not deleted", async () => {
    await using job = await imapBed(2);
    job.server.faults.reply = { "UID FETCH 1:2 (BODY.PEEK[])": "* 1 FETCH (UID 1 BODY[] NIL)\r\nOK done" };
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(result.failures.map(({ number }) => number)).toEqual([1, 2]);
    expect(job.box.count).toBe(2);
  });

  test("a short message may come as a string", async () => {
    await using job = await imapBed(2);
    job.server.faults.reply = {
      "UID FETCH 1:2 (BODY.PEEK[])": '* 1 FETCH (UID 1 BODY[] "one")\r\n* 2 FETCH (BODY[] "two" UID 2)\r\nOK',
    };
    const got: string[] = [];
    await fetchMail({ server: job.server.urlOf(), to: ({ content }) => void got.push(content.toString()) });
    expect(got.sort()).toEqual(["one", "two"]);
  });

  test("deletions that are refused are told, and made by the next run", async () => {
    await using job = await imapBed(3);
    job.server.faults.reply = { "UID EXPUNGE": { reply: "NO not now", times: 1 } };
    const first = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(first).toMatchObject({ fetched: 3, deleted: 0 });
    expect(first.failures.map(({ number }) => number).sort()).toEqual([1, 2, 3]);
    expect(await fetchMail(job.options("Maildir", { deleteAfter: true }))).toMatchObject({ skipped: 3, deleted: 3 });
    expect(job.box.count).toBe(0);
  });

  test("an expunge whose answer is lost: the next listing tells what was deleted", async () => {
    await using job = await imapBed(3);
    job.server.faults.loseReply = { command: "UID EXPUNGE" };
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(result).toMatchObject({ fetched: 3, deleted: 3, skipped: 0, failures: [] });
    expect(job.box.count).toBe(0);
  });

  test("a message too large for memory is told, and the ones of its command are stored", async () => {
    const content = (n: number) => `Subject: ${n}\r\n\r\n${"x".repeat(n === 2 ? 900 : 100)}\r\n`;
    const messages = [1, 2, 3].map((n) => ({ content: content(n), flags: [], internalDate: cameAt(n) }));
    // Sizes that are lies: it is seen only when it comes.
    await using job = await imapBed(3, { faults: { wrongSizes: -800 } }, messages);
    const server = { url: job.server.urlOf(), limits: { body: 500 } };
    const result = await fetchMail(job.options("mail.mbox", { server, deleteAfter: true }));
    expect(result).toMatchObject({ fetched: 2, deleted: 2 });
    expect(result.failures.map(({ uid }) => uid)).toEqual(["2"]);
    expect(await mailIn(job.at("mail.mbox"))).toEqual([content(1), content(3)]);
  });
});

test("progress: what is wanted, by its size, and what was done", async () => {
  await using job = await imapBed(20);
  const seen: MailProgress[] = [];
  await fetchMail(job.options("Maildir", { onProgress: (progress) => void seen.push(progress) }));
  const bytes = expected(20).reduce((sum, text) => sum + text.length, 0);
  expect(seen.at(-1)).toMatchObject({ phase: "done", wanted: 20, wantedBytes: bytes, fetched: 20, bytes });
});
