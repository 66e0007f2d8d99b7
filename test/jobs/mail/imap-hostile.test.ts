/** fetchMail against broken IMAP servers: nothing hangs, and no message is taken for what it is not. */
import { describe, expect, test } from "vitest";
import { AbortedError } from "../../../src/client/errors.js";
import { fetchMail } from "../../../src/jobs/mail/fetch.js";
import { mailIn, messageOf } from "./bed.js";
import { cameAt, imapBed } from "./imap-bed.js";

const ONE = "UID FETCH 2 (BODY.PEEK[])";
const ALL = "UID FETCH 1:3 (BODY.PEEK[])";
/** Messages from here on go to a Maildir as streams. */
const LARGE = { wrongSizes: 5_000_000 };
const others = [1, 3].map(messageOf).sort();
const everyone = [1, 2, 3].map(messageOf).sort();

describe.concurrent("a large message that does not come", () => {
  test.each([
    ["is refused", "NO broken"],
    ["is not there, and listed", "OK done"],
    ["is NIL", "* 2 FETCH (UID 2 BODY[] NIL)\r\nOK done"],
    ["has nothing in it", '* 2 FETCH (UID 2 BODY[] "")\r\nOK done'],
  ])("as it %s: it is told, the others are there, and it is not deleted", async (_, reply) => {
    await using job = await imapBed(3, { faults: { ...LARGE, reply: { [ONE]: reply } } });
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(result).toMatchObject({ fetched: 2, deleted: 2, failures: [{ uid: "2", error: { name: "ReplyError" } }] });
    expect(await mailIn(job.at("Maildir"))).toEqual(others);
    expect(job.box.uids).toEqual([2]);
  });

  test("as the connection is lost: it comes by the next one", async () => {
    await using job = await imapBed(3, { faults: { ...LARGE, closeBeforeCommand: { command: ONE } } });
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 3, failures: [] });
    expect(await mailIn(job.at("Maildir"))).toEqual(everyone);
  });

  test("as the job is cancelled: it ends", async () => {
    const abort = new AbortController();
    const onCommand = (line: string) => void (line.includes(ONE) && abort.abort());
    await using job = await imapBed(3, { faults: { ...LARGE, hang: ONE }, onCommand });
    await expect(fetchMail(job.options("Maildir", { signal: abort.signal }))).rejects.toThrow(AbortedError);
  });
});

describe.concurrent("a short message", () => {
  test.each(["{0}\r\n", '""'])("of which %j comes is told, and not deleted", async (nothing) => {
    const rows = `* 1 FETCH (UID 1 BODY[] "one")\r\n* 2 FETCH (UID 2 BODY[] ${nothing})\r\n* 3 FETCH (UID 3 BODY[] "3")`;
    await using job = await imapBed(3, { faults: { reply: { [ALL]: `${rows}\r\nOK` } } });
    const got: string[] = [];
    const to = ({ content }: { content: Buffer }) => void got.push(content.toString());
    const result = await fetchMail({ server: job.server.urlOf(), to, deleteAfter: true });
    expect(result).toMatchObject({ fetched: 2, deleted: 2, failures: [{ uid: "2" }] });
    expect(got.sort()).toEqual(["3", "one"]);
    expect(job.box.uids).toEqual([2]);
  });

  test("that is empty, as the server says, is one all the same", async () => {
    await using job = await imapBed(1, {}, [{ content: "", flags: [], internalDate: cameAt(1) }]);
    expect(await fetchMail(job.options("Maildir", { deleteAfter: true }))).toMatchObject({ fetched: 1, deleted: 1 });
    expect(await mailIn(job.at("Maildir"))).toEqual([""]);
  });

  test("that comes twice in one answer is stored once, and not one behind the other", async () => {
    const row = "* 2 FETCH (UID 2 BODY[] {3}\r\ntwo)\r\n";
    const rows = `* 1 FETCH (UID 1 BODY[] "one")\r\n${row}${row}* 3 FETCH (UID 3 BODY[] "3")`;
    await using job = await imapBed(3, { faults: { reply: { [ALL]: `${rows}\r\nOK` } } });
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 3, failures: [] });
    expect(await mailIn(job.at("Maildir"))).toEqual(["3", "one", "two"]);
  });

  test("that came before its command was refused is not asked for again", async () => {
    const rows = '* 1 FETCH (UID 1 BODY[] {3}\r\none)\r\n* 2 FETCH (UID 2 BODY[] "two")';
    await using job = await imapBed(3, { faults: { reply: { [ALL]: `${rows}\r\nNO [SERVERBUG] not all` } } });
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 3, failures: [] });
    expect(await mailIn(job.at("Maildir"))).toEqual([messageOf(3), "one", "two"]);
    expect(job.commands.filter((line) => line.includes("BODY.PEEK"))).toEqual([ALL, "UID FETCH 3 (BODY.PEEK[])"]);
  });
});

test("a mailbox that was another one for a while: what is stored is not stored again when it is back", async () => {
  await using job = await imapBed(3);
  const { box } = job;
  expect(await fetchMail(job.options("mail.mbox"))).toMatchObject({ fetched: 3 });
  const messages = box.messages.map(({ uid, internalDate }) => ({ uid, internalDate, content: box.content(uid) }));
  box.expunge(...box.uids);
  box.uidValidity = 8;
  box.add({ content: messageOf(4), internalDate: cameAt(4) });
  expect(await fetchMail(job.options("mail.mbox"))).toMatchObject({ fetched: 1, skipped: 0 });
  // The same mailbox as it was, at the same address.
  box.expunge(...box.uids);
  box.uidNext = 1;
  box.uidValidity = 7;
  for (const each of messages) box.add(each);
  expect(await fetchMail(job.options("mail.mbox"))).toMatchObject({ fetched: 0, skipped: 3 });
  expect(await mailIn(job.at("mail.mbox"))).toEqual([1, 2, 3, 4].map(messageOf).sort());
});

test("a mailbox that was restored from a backup: what gets UIDs anew is not taken for what is stored, and deleted", async () => {
  await using job = await imapBed(5);
  const { box } = job;
  expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 5 });
  box.expunge(4, 5);
  box.uidNext = 4;
  await expect(fetchMail(job.options("Maildir", { deleteAfter: true }))).rejects.toThrow(/have gone back/);
  box.add({ content: messageOf(6), internalDate: cameAt(6) });
  await expect(fetchMail(job.options("Maildir", { deleteAfter: true }))).rejects.toThrow(/have gone back/);
  expect(box.uids).toEqual([1, 2, 3, 4]);
});

test("messages with the highest UIDs that are deleted are no reason to think so", async () => {
  await using job = await imapBed(5);
  expect(await fetchMail(job.options("Maildir", { deleteAfter: true }))).toMatchObject({ deleted: 5 });
  expect(await fetchMail(job.options("Maildir", { deleteAfter: true }))).toMatchObject({ fetched: 0 });
});

test("a mailbox that was numbered anew, on a connection that is lost again and again: what is known again is progress", async () => {
  let asked = (_: string) => {};
  await using job = await imapBed(700, { onCommand: (line) => asked(line) });
  await fetchMail(job.options("mail.mbox"));
  job.box.uidValidity = 8;
  let commands = 0;
  asked = (line) => {
    if (/BODY\.PEEK/.test(line) && ++commands % 4 === 0)
      job.server.faults.closeBeforeCommand = { command: "UID FETCH" };
  };
  const result = await fetchMail(job.options("mail.mbox", { attempts: 2 }));
  expect(result).toMatchObject({ fetched: 0, renumbered: { recognised: 700 } });
  expect(commands).toBeGreaterThan(8);
  expect(await mailIn(job.at("mail.mbox"))).toHaveLength(700);
});
