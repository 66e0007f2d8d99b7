/** copyMail between servers in memory: every message once, with flags and dates, whatever breaks in between. */
import { existsSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, LoginError, ReplyError, UsageError } from "../../../src/client/errors.js";
import { copyMail } from "../../../src/jobs/copy/copy.js";
import type { CopyProgress } from "../../../src/jobs/copy/progress.js";
import { messageOf } from "../mail/bed.js";
import { cameAt, flagsOf, letters } from "../mail/imap-bed.js";
import { copyBed, sorted } from "./copy-bed.js";

describe.concurrent("a copy", () => {
  test("has every message with flags and date, in its order; the same job again copies what is new", async () => {
    await using bed = await copyBed(250);
    const before = bed.from.mailbox("INBOX").messages;
    const first = await copyMail(bed.options());
    expect(first).toMatchObject({ copied: 250, skipped: 0, found: 0, vanished: 0, failures: [], droppedFlags: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
    const subjects = bed.to.mailbox("Archive/2026").uids.map((uid) => bed.to.mailbox("Archive/2026").content(uid));
    expect(subjects.map((bytes) => Number(/Message (\d+)/.exec(bytes.toString())?.[1]))).toEqual(
      Array.from({ length: 250 }, (_, i) => i + 1),
    );
    expect(bed.from.mailbox("INBOX").messages).toEqual(before);
    bed.from.mailbox("INBOX").add({ content: messageOf(251), flags: ["\\Flagged"], internalDate: cameAt(251) });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 1, skipped: 250 });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 0, skipped: 251 });
    expect(bed.copies()).toEqual(sorted(bed.from));
    expect([...bed.from.violations, ...bed.to.violations]).toEqual([]);
  });

  test.each([
    ["without MULTIAPPEND", { multiappend: false }],
    ["without UIDPLUS", { uidplus: false, imap4rev2: false }],
    [
      "without both, and without literals that are not waited for",
      { multiappend: false, uidplus: false, imap4rev2: false, literal: "none" },
    ],
  ] as const)("%s", async (_, features) => {
    await using bed = await copyBed(120, { target: { features } });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 120, failures: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
    expect(await copyMail(bed.options())).toMatchObject({ copied: 0, skipped: 120 });
  });

  test("messages that are the same are as many in the target", async () => {
    const messages = Array.from({ length: 6 }, (_, i) => ({
      content: messageOf(1),
      flags: flagsOf(i),
      internalDate: cameAt(1),
    }));
    await using bed = await copyBed(6, { messages });
    await copyMail(bed.options());
    expect(bed.copies()).toHaveLength(6);
  });

  test("a large one goes through a file, which is removed", async () => {
    const large = (n: number) => `Subject: ${n}\n\n${`${String(n).repeat(70)}\n`.repeat(90_000)}`;
    const messages = [1, 2, 3, 4].map((n) => ({
      content: n % 2 ? large(n) : messageOf(n),
      flags: flagsOf(n),
      internalDate: cameAt(n),
    }));
    await using bed = await copyBed(4, { messages });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 4, failures: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
    expect(existsSync(`${bed.journal}.part`)).toBe(false);
  });

  test("flags that the target cannot keep are left out, and told", async () => {
    const users = { test: { password: "test", mailboxes: { INBOX: { newKeywords: false } } } };
    await using bed = await copyBed(63, { target: { users } });
    const result = await copyMail(bed.options({ to: bed.to.urlOf() }));
    expect(result).toMatchObject({ copied: 63, droppedFlags: ["$Forwarded", "Mine"] });
    const { messages } = bed.to.mailbox("INBOX");
    expect(messages.map(({ flags }) => flags)).toEqual(
      Array.from({ length: 63 }, (_, i) => flagsOf(i + 1).filter((flag) => flag.startsWith("\\"))),
    );
  });

  test("into the mailbox it comes from, from POP3, with a journal of another copy: refused", async () => {
    await using bed = await copyBed(1);
    await expect(copyMail(bed.options({ to: bed.from.urlOf() }))).rejects.toThrow(/one mailbox/);
    await expect(copyMail(bed.options({ from: "pop3://a:b@127.0.0.1:1/?security=plain" }))).rejects.toThrow(UsageError);
    await copyMail(bed.options());
    await expect(copyMail(bed.options({ toMailbox: "Other" }))).rejects.toThrow(/belongs to another job/);
  });

  test("progress: what is wanted, by its size, and what was done", async () => {
    await using bed = await copyBed(20);
    const seen: CopyProgress[] = [];
    const { bytes } = await copyMail(bed.options({ onProgress: (progress) => void seen.push(progress) }));
    expect(seen.at(-1)).toMatchObject({ phase: "done", wanted: 20, wantedBytes: bytes, copied: 20, bytes });
  });
});

describe.concurrent("when something breaks", () => {
  test.each([
    ["with UIDPLUS", {}],
    ["without UIDPLUS", { uidplus: false, imap4rev2: false }],
    ["without MULTIAPPEND", { multiappend: false }],
  ] as const)("an append whose answer is lost is found in the target, not made again: %s", async (_, features) => {
    await using bed = await copyBed(250, { target: { features } });
    bed.to.faults.loseReply = { command: "APPEND" };
    const result = await copyMail(bed.options());
    // By this run, whether it has heard of it or not.
    expect(result).toMatchObject({ copied: 250, found: 0, skipped: 0, failures: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("the same messages twice, and the answer to the second bundle lost: none is taken for another", async () => {
    const messages = Array.from({ length: 200 }, (_, i) => ({ ...letters(100)[i % 100]! }));
    const features = { uidplus: false, imap4rev2: false };
    await using bed = await copyBed(200, { messages, target: { features } });
    bed.to.faults.closeBeforeCommand = { command: "APPEND", times: 1 };
    await expect(copyMail(bed.options({ attempts: 1 }))).rejects.toThrow(ConnectionError);
    bed.to.faults.loseReply = { command: "APPEND" };
    await expect(copyMail(bed.options({ attempts: 1 }))).rejects.toThrow(ConnectionError);
    expect(bed.copies()).toHaveLength(100);
    bed.to.faults.closeAfterCommand = { command: "APPEND" };
    await copyMail(bed.options());
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("a target that changes messages: by Message-ID and date", async () => {
    await using bed = await copyBed(100);
    bed.to.faults.loseReply = { command: "APPEND" };
    await expect(copyMail(bed.options({ attempts: 1 }))).rejects.toThrow(ConnectionError);
    const box = bed.to.mailbox("Archive/2026");
    const changed = box.messages.map(({ uid, flags, internalDate }) => ({
      content: box.content(uid).toString().replace("Subject", "X-Seen: yes\r\nSubject"),
      ...{ flags, internalDate },
    }));
    box.expunge(...box.uids);
    for (const each of changed) box.add(each);
    expect(await copyMail(bed.options())).toMatchObject({ copied: 0, found: 100, skipped: 100 });
    expect(box.count).toBe(100);
  });

  test("a source that hangs up in the middle of a message", async () => {
    await using bed = await copyBed(250);
    bed.from.faults.cutResponse = { command: "UID FETCH 101", at: 3_000 };
    expect(await copyMail(bed.options())).toMatchObject({ copied: 250, failures: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("cancelled: the next run has the rest", async () => {
    await using bed = await copyBed(300);
    const abort = new AbortController();
    bed.from.faults.hang = "UID FETCH 201";
    const failed = copyMail(bed.options({ signal: abort.signal }));
    while (!bed.from.commands.some((line) => line.includes("UID FETCH 201")))
      await new Promise((go) => setTimeout(go, 5));
    abort.abort();
    await expect(failed).rejects.toThrow(AbortedError);
    bed.from.faults.hang = undefined;
    const rest = await copyMail(bed.options());
    expect(rest.copied + rest.skipped).toBe(300);
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("a source with a new UIDVALIDITY: what is copied is known by its bytes", async () => {
    await using bed = await copyBed(120);
    await copyMail(bed.options());
    const inbox = bed.from.mailbox("INBOX");
    inbox.uidValidity = 8;
    inbox.add({ content: messageOf(121), flags: [], internalDate: cameAt(121) });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 1, recognised: 120, skipped: 120 });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 0, recognised: 0, skipped: 121 });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("a target with a new UIDVALIDITY: what is in it is found, what is gone is copied again", async () => {
    await using bed = await copyBed(120);
    await copyMail(bed.options());
    const box = bed.to.mailbox("Archive/2026");
    box.uidValidity = 4711;
    box.expunge(3, 50);
    expect(await copyMail(bed.options())).toMatchObject({ copied: 2, skipped: 118, found: 118 });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("a message that the target refuses is told; those of its bundle are there; the next run tries again", async () => {
    const messages = letters(10);
    messages[4] = { ...messages[4]!, content: `Subject: large\r\n\r\n${"x\r\n".repeat(3_000)}` };
    await using bed = await copyBed(10, { messages, target: { limits: { append: 5_000 } } });
    const result = await copyMail(bed.options());
    expect(result).toMatchObject({ copied: 9 });
    expect(result.failures.map(({ number }) => number)).toEqual([5]);
    expect(bed.copies()).toHaveLength(9);
    expect((await copyMail(bed.options())).failures).toHaveLength(1);
    expect(bed.copies()).toHaveLength(9);
  });

  test("a bundle that is refused goes message by message", async () => {
    await using bed = await copyBed(10);
    bed.to.faults.reply = { APPEND: { reply: "NO not together", times: 1 } };
    expect(await copyMail(bed.options())).toMatchObject({ copied: 10, failures: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("a full quota ends the job: no message after it would fare better", async () => {
    await using bed = await copyBed(10);
    bed.to.faults.reply = { APPEND: "NO [OVERQUOTA] full" };
    await expect(copyMail(bed.options())).rejects.toThrow(ReplyError);
    expect(bed.to.commands.filter((line) => /APPEND/.test(line))).toHaveLength(1);
    bed.to.faults.reply = undefined;
    expect(await copyMail(bed.options())).toMatchObject({ copied: 10 });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("a target that may not be made is told as missing; a wrong password is not tried again", async () => {
    await using bed = await copyBed(1);
    bed.to.faults.reply = { CREATE: "NO [NOPERM] never" };
    await expect(copyMail(bed.options())).rejects.toThrow(/SELECT/);
    await expect(copyMail(bed.options({ to: bed.to.urlOf().replace("test:test", "test:wrong") }))).rejects.toThrow(
      LoginError,
    );
  });
});
