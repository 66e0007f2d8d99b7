/** copyMail against servers that hang up, lie and come late: every message once, and one that cannot go stops no other. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { ConnectionError, ReplyError, UsageError } from "../../../src/client/errors.js";
import { copyMail } from "../../../src/jobs/copy/copy.js";
import { type Packed, Packer } from "../../../src/jobs/copy/parcels.js";
import type { Maildrop } from "../../../src/jobs/mail/maildrop.js";
import { ImapServer } from "../../../src/testing/index.js";
import { messageOf } from "../mail/bed.js";
import { cameAt, letters } from "../mail/imap-bed.js";
import { copyBed, sorted } from "./copy-bed.js";

const NO_UIDPLUS = { uidplus: false, imap4rev2: false };

describe.concurrent("a source", () => {
  test.each([
    ["refuses a large message", "NO broken"],
    ["gives nothing of a large message", "* 2 FETCH (UID 2 BODY[] {0}\r\n)\r\nOK done"],
    ["does not answer to a large message", "OK done"],
  ])("that %s: it is told, and the others are copied", async (_, reply) => {
    const faults = { wrongSizes: 5_000_000, reply: { "UID FETCH 2 (BODY.PEEK[])": reply } };
    await using bed = await copyBed(3, { source: { faults } });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 2, failures: [{ uid: "2" }] });
    expect(bed.copies()).toHaveLength(2);
  });

  test("that is lost again and again while its messages are known again gets on", async () => {
    const source = { onCommand: (line: string) => asked(line) };
    let asked = (_: string) => {};
    await using bed = await copyBed(700, { source });
    await copyMail(bed.options());
    bed.from.mailbox("INBOX").uidValidity = 8;
    let commands = 0;
    asked = (line) => {
      if (/BODY\.PEEK/.test(line) && ++commands % 4 === 0)
        bed.from.faults.closeBeforeCommand = { command: "UID FETCH" };
    };
    expect(await copyMail(bed.options({ attempts: 2 }))).toMatchObject({ copied: 0, recognised: 700 });
    expect(commands).toBeGreaterThan(8);
    expect(bed.copies()).toHaveLength(700);
  });

  test("that was another mailbox for a while: what is copied is not copied again when it is back", async () => {
    await using bed = await copyBed(3);
    const box = bed.from.mailbox("INBOX");
    await copyMail(bed.options());
    const [messages, content] = [box.messages, box.uids.map((uid) => box.content(uid))];
    box.expunge(...box.uids);
    box.uidValidity = 8;
    expect(await copyMail(bed.options())).toMatchObject({ copied: 0, skipped: 0 });
    box.uidValidity = 7;
    box.uidNext = 1;
    for (const [i, { uid, internalDate }] of messages.entries()) box.add({ uid, internalDate, content: content[i]! });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 0, skipped: 3 });
    expect(bed.copies()).toHaveLength(3);
  });

  test("that was restored from a backup: what gets UIDs anew is not taken for what is copied", async () => {
    await using bed = await copyBed(5);
    const box = bed.from.mailbox("INBOX");
    await copyMail(bed.options());
    box.expunge(4, 5);
    box.uidNext = 4;
    box.add({ content: messageOf(6), internalDate: cameAt(6) });
    await expect(copyMail(bed.options())).rejects.toThrow(/have gone back/);
  });

  test("that says less than messages have: those that do not fit into memory are left for a file", async () => {
    const MiB = Buffer.alloc(1024 * 1024, "x");
    const drop: Pick<Maildrop, "fetch"> = {
      async fetch(_, to) {
        if (typeof to === "function") await to(MiB);
        return MiB.length;
      },
    };
    const packer = new Packer(drop as Maildrop, { spool: "", signal: new AbortController().signal });
    const mails = Array.from({ length: 40 }, (_, i) => {
      return { number: i + 1, uid: `${i + 1}`, id: `${i + 1}`, shared: false, bytes: 10 };
    });
    const packed = (await packer.pack(mails)).map((each) => (each.status === "fulfilled" ? each.value : each.reason));
    expect(packed.slice(16)).toEqual(Array(24).fill("large"));
    expect(packed.slice(0, 16).map(({ traits }: Packed) => traits.bytes)).toEqual(Array(16).fill(MiB.length));
  });

  test("of which some messages are larger than it says: all are copied", async () => {
    const line = `${"y".repeat(70)}\r\n`;
    const messages = letters(24).map((each, i) => ({ ...each, content: messageOf(i + 1) + line.repeat(14_600) }));
    await using bed = await copyBed(24, { messages, source: { faults: { wrongSizes: -1_050_000 } } });
    expect(await copyMail(bed.options())).toMatchObject({ copied: 24, failures: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });
});

describe.concurrent("a target", () => {
  test("to which a bundle went slowly, and that has it only a while behind its loss: it is not sent again", async () => {
    await using bed = await copyBed(5, { target: { features: { multiappend: false, ...NO_UIDPLUS } } });
    bed.to.faults.hang = "APPEND";
    const abort = new AbortController();
    const first = copyMail(bed.options({ signal: abort.signal }));
    first.catch(() => {});
    while (!bed.to.commands.some((line) => line.includes("APPEND"))) await sleep(10);
    await sleep(6_000);
    abort.abort();
    await expect(first).rejects.toThrow(/cancelled/);
    bed.to.faults.hang = undefined;
    const second = copyMail(bed.options());
    const late = sleep(1_500).then(() => {
      for (const each of letters(5)) bed.to.mailbox("Archive/2026").add(each);
    });
    expect(await second).toMatchObject({ copied: 0, found: 5, skipped: 5 });
    await late;
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test.each([
    ["in a command of many", {}],
    ["alone", { multiappend: false }],
  ])("that hangs up at one message, %s: that one is told, and all others are copied", async (_, features) => {
    const poison = `Subject: poison\r\n\r\n${"x".repeat(3_000)}\r\n`;
    const messages = letters(130);
    messages[4] = { ...messages[4]!, content: poison };
    const literal = new RegExp(`\\{${poison.length}\\+?\\}`);
    const target = {
      features: { ...features, literal: "minus" as const },
      onCommand: (line: string) => void (literal.test(line) && hangUp()),
    };
    let hangUp = () => {};
    await using bed = await copyBed(130, { messages, target });
    hangUp = () => void (bed.to.faults.closeBeforeCommand = { command: "APPEND" });
    const result = await copyMail(bed.options());
    expect(result).toMatchObject({ copied: 129, failures: [{ uid: "5" }] });
    expect(result.failures[0]?.error).toBeInstanceOf(ConnectionError);
    expect(bed.copies()).toEqual((sorted(bed.from) as { content: string }[]).filter((each) => each.content !== poison));
    hangUp = () => {};
    expect(await copyMail(bed.options())).toMatchObject({ copied: 1, skipped: 129, failures: [] });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("that refuses each of many messages is not asked for all of them, whatever it says", async () => {
    await using bed = await copyBed(450);
    bed.to.faults.reply = { APPEND: "NO you may not" };
    await expect(copyMail(bed.options())).rejects.toThrow(ReplyError);
    expect(bed.to.commands.filter((line) => /APPEND/.test(line)).length).toBeLessThan(150);
    bed.to.faults.reply = undefined;
    expect(await copyMail(bed.options())).toMatchObject({ copied: 450 });
    expect(bed.copies()).toEqual(sorted(bed.from));
  });

  test("that is the source by another name of its host is not filled with what it has", async () => {
    await using server = await ImapServer.start({
      users: { test: { password: "test", mailboxes: { INBOX: { messages: letters(3) } } } },
    });
    const from = server.urlOf();
    const to = from.replace("127.0.0.1", "localhost");
    expect(to).not.toBe(from);
    await expect(copyMail({ from, to })).rejects.toThrow(/one mailbox/);
    expect(server.mailbox("INBOX").count).toBe(3);
  });

  test("whose messages have no lasting UIDs is not filled with what could not be found there", async () => {
    await using bed = await copyBed(1);
    bed.to.faults.reply = { SELECT: "* 0 EXISTS\r\n* FLAGS (\\Seen)\r\nOK [READ-WRITE] selected" };
    await expect(copyMail(bed.options())).rejects.toThrow(UsageError);
    expect(bed.to.commands.filter((line) => /APPEND/.test(line))).toEqual([]);
  });
});

test("two copies without a journal, at once: neither gets the other's large messages", async () => {
  const large = (who: string) =>
    [1, 2, 3].map((n) => ({
      content: `Subject: ${who}\n\n${`${who.repeat(70)}\n`.repeat(60_000 + n)}`,
      flags: [],
      internalDate: cameAt(n),
    }));
  await using a = await copyBed(3, { messages: large("a") });
  await using b = await copyBed(3, { messages: large("b") });
  const run = ({ options }: typeof a) => copyMail(options({ journal: undefined }));
  expect(await Promise.all([run(a), run(b)])).toMatchObject([
    { copied: 3, failures: [] },
    { copied: 3, failures: [] },
  ]);
  expect([a.copies(), b.copies()]).toEqual([sorted(a.from), sorted(b.from)]);
});
