/** watchMail against a server in memory: every message that comes is told once, also where the connection is lost. */
import { describe, expect, test } from "vitest";
import { ConnectionError, LoginError, UsageError } from "../../../src/client/errors.js";
import { type WatchEvent, type WatchMailOptions, watchMail } from "../../../src/jobs/mail/watch.js";
import { messageOf } from "./bed.js";
import { type ImapBed, imapBed } from "./imap-bed.js";

/** A watch whose events are looked at one by one. */
class Watching {
  readonly #events: AsyncGenerator<WatchEvent, void, undefined>;

  constructor(bed: ImapBed, more: Partial<WatchMailOptions> = {}) {
    this.#events = watchMail({ server: bed.server.urlOf(), ...more });
  }

  async next(): Promise<WatchEvent> {
    const { done, value } = await this.#events.next();
    if (done) throw new Error("the watch is over");
    return value as WatchEvent;
  }

  /** The UIDs of the messages that come next; nothing else may come in between. */
  async messages(count: number): Promise<number[]> {
    const uids: number[] = [];
    while (uids.length < count) {
      const event = await this.next();
      if (event.type !== "message") throw new Error(`${event.type} came in place of a message`);
      uids.push(event.uid);
    }
    return uids;
  }

  end(): Promise<unknown> {
    return this.#events.return(undefined);
  }
}

const mail = (n: number) =>
  `From: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\nDate: Tue, 3 Feb 2026 10:11:12 +0000\r\n${messageOf(n)}`;

describe.concurrent("a watch", () => {
  test("tells of messages that come, and of nothing that was there; nothing is changed", async () => {
    await using bed = await imapBed(5);
    const watching = new Watching(bed);
    expect(await watching.next()).toEqual({
      ...{ type: "watching", mailbox: "INBOX", messages: 5, uidValidity: 7, renumbered: false },
    });
    const coming = watching.next();
    bed.box.add({ content: mail(6), flags: ["\\Flagged"], internalDate: new Date(0) });
    expect(await coming).toMatchObject({
      ...{ type: "message", uid: 6, number: 6, subject: "Message 6", meanwhile: false, received: new Date(0) },
      ...{ from: [{ name: "Jürgen", address: "j@example.org" }], date: new Date("2026-02-03T10:11:12Z") },
      ...{ flags: expect.arrayContaining(["\\Flagged"]), bytes: mail(6).length },
    });
    for (const n of [7, 8, 9]) bed.box.add(mail(n));
    expect(await watching.messages(3)).toEqual([7, 8, 9]);
    expect(bed.box.messages.at(-1)?.flags).toEqual([]);
    expect(bed.commands.some((line) => line.startsWith("EXAMINE"))).toBe(true);
    await watching.end();
    expect(bed.server.violations).toEqual([]);
  });

  test("also of messages that come between the selection and IDLE", async () => {
    let bed: ImapBed | undefined;
    let added = false;
    const onCommand = (line: string) => {
      if (!/\b(?:IDLE|UID FETCH)\b/.test(line) || added) return;
      added = true;
      bed?.box.add(mail(2));
    };
    await using made = await imapBed(1, { onCommand });
    bed = made;
    const watching = new Watching(made);
    await watching.next();
    expect(await watching.messages(1)).toEqual([2]);
    await watching.end();
  });

  test("without IDLE, by NOOP", async () => {
    await using bed = await imapBed(1, { features: { idle: false, imap4rev2: false } });
    const watching = new Watching(bed, { every: 20 });
    await watching.next();
    const coming = watching.messages(1);
    bed.box.add(mail(2));
    expect(await coming).toEqual([2]);
    await watching.end();
    expect(bed.commands).not.toContain("IDLE");
  });

  test("flags and expunges are told on request only", async () => {
    await using bed = await imapBed(3);
    const watching = new Watching(bed, { flags: true, expunges: true });
    const plain = new Watching(bed);
    await Promise.all([watching.next(), plain.next()]);
    const [coming, other] = [watching.next(), plain.next()];
    bed.box.setFlags(2, ["\\Seen", "Mine"]);
    expect(await coming).toMatchObject({ type: "flags", number: 2, flags: expect.arrayContaining(["\\Seen", "Mine"]) });
    bed.box.expunge(1);
    expect(await watching.next()).toEqual({ type: "expunge", number: 1 });
    bed.box.add(mail(4));
    expect(await watching.messages(1)).toEqual([4]);
    expect(await other).toMatchObject({ type: "message", uid: 4, number: 3 });
    await Promise.all([watching.end(), plain.end()]);
  });
});

describe.concurrent("a connection that is lost", () => {
  test("is made again, and what came meanwhile is told once", async () => {
    await using bed = await imapBed(2);
    const watching = new Watching(bed);
    await watching.next();
    const coming = watching.messages(1);
    bed.box.add(mail(3));
    expect(await coming).toEqual([3]);
    const lost = watching.next();
    await bed.server.say("BYE going down");
    expect(await lost).toMatchObject({ type: "lost", milliseconds: 1_000, error: { name: "ConnectionError" } });
    bed.box.add(mail(4));
    bed.box.add(mail(5));
    expect(await watching.next()).toMatchObject({ type: "watching", messages: 5, renumbered: false });
    expect(await watching.next()).toMatchObject({ type: "message", uid: 4, meanwhile: true });
    expect(await watching.next()).toMatchObject({ type: "message", uid: 5, meanwhile: true });
    const later = watching.next();
    bed.box.add(mail(6));
    expect(await later).toMatchObject({ type: "message", uid: 6, meanwhile: false });
    await watching.end();
  });

  test("pauses grow while it cannot be made; attempts bound them", async () => {
    await using bed = await imapBed(1);
    const watching = new Watching(bed, { attempts: 2 });
    await watching.next();
    const lost = watching.next();
    bed.server.faults.tooManyConnections = true;
    await bed.server.say("BYE going down");
    expect(await lost).toMatchObject({ milliseconds: 1_000 });
    expect(await watching.next()).toMatchObject({ type: "lost", milliseconds: 2_000 });
    await expect(watching.next()).rejects.toThrow(ConnectionError);
  });

  test("a mailbox with a new UIDVALIDITY afterwards: that is told, and what comes from then on", async () => {
    await using bed = await imapBed(2);
    const watching = new Watching(bed);
    await watching.next();
    const lost = watching.next();
    await bed.server.say("BYE going down");
    await lost;
    bed.box.uidValidity = 8;
    expect(await watching.next()).toMatchObject({ type: "watching", uidValidity: 8, renumbered: true });
    const coming = watching.messages(1);
    bed.box.add(mail(3));
    expect(await coming).toEqual([3]);
    await watching.end();
  });
});

describe.concurrent("the end", () => {
  test("by the signal: in order where it waits, and at once where it is over already", async () => {
    await using bed = await imapBed(1);
    const abort = new AbortController();
    const watching = watchMail({ server: bed.server.urlOf(), signal: abort.signal });
    await watching.next();
    const last = watching.next();
    const isIdle = () => bed.commands.at(-1) === "IDLE" && bed.commands.some((line) => line.startsWith("UID FETCH"));
    while (!isIdle()) await new Promise((go) => setTimeout(go, 5));
    abort.abort();
    expect(await last).toEqual({ done: true, value: undefined });
    expect(bed.commands.at(-1)).toBe("LOGOUT");
    const none = watchMail({ server: bed.server.urlOf(), signal: abort.signal });
    expect(await none.next()).toEqual({ done: true, value: undefined });
  });

  test("a server that was never reached, a refused login, a mailbox of POP3: told at once", async () => {
    await using bed = await imapBed(1);
    const url = bed.server.urlOf();
    const wrong = new Watching(bed, { server: url.replace("test:test", "test:wrong") });
    await expect(wrong.next()).rejects.toThrow(LoginError);
    const gone = new Watching(bed, { server: "imap://a:b@127.0.0.1:1/?security=plain" });
    await expect(gone.next()).rejects.toThrow(ConnectionError);
    const pop3 = new Watching(bed, { server: "pop3://a:b@127.0.0.1:1/?security=plain" });
    await expect(pop3.next()).rejects.toThrow(UsageError);
  });
});
