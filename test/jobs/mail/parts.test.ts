/** The parts of a mail job that need no server: the plan, what is under way, what is in memory, names, the journal. */
import { existsSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { SinkError, UsageError } from "../../../src/client/errors.js";
import type { ListedMailbox } from "../../../src/imap/index.js";
import { openDatabase } from "../../../src/jobs/journal/sqlite.js";
import { Hands, TooLarge } from "../../../src/jobs/mail/hand.js";
import { MailJournal } from "../../../src/jobs/mail/journal.js";
import { mailPlaces } from "../../../src/jobs/mail/places.js";
import { deletable, joinListings, planMail } from "../../../src/jobs/mail/plan.js";
import { MailMeter } from "../../../src/jobs/mail/progress.js";
import { EmlStore, emlName } from "../../../src/jobs/mail/stores/eml-store.js";
import { mailFormatOf } from "../../../src/jobs/mail/stores/open.js";
import { keyOf, plainUid } from "../../../src/jobs/mail/stores/store.js";
import { Window } from "../../../src/jobs/mail/window.js";
import { Maildir } from "../../../src/message/maildir.js";

const scratch = mkdtempSync(join(tmpdir(), "polywire-mail-parts-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** A mailbox with these uids, numbered from 1. */
const drop = (...uids: string[]) =>
  joinListings(
    uids.map((uid, i) => ({ number: i + 1, uid })),
    uids.map((_, i) => ({ number: i + 1, bytes: 100 * (i + 1) })),
  );
const numbers = (mails: readonly { number: number }[]) => mails.map(({ number }) => number);

describe("the plan", () => {
  const isStored = (id: string) => id === "b";

  test("what is not stored, the oldest first; messages without a uid, or a number, apart", () => {
    const nowhere = joinListings([{ number: 0, uid: "z" }], []);
    const plan = planMail([...drop("a", "b", "c", "", "d").reverse(), ...nowhere], { isStored });
    expect([plan.fetch, plan.known, plan.nameless].map(numbers)).toEqual([[1, 3, 5], [2], [0, 4]]);
  });

  test("newest looks at the end, limit at what is left; the rest is neither fetched nor known", () => {
    const plan = planMail(drop("a", "b", "c", "d", "e"), { isStored, newest: 4, limit: 2 });
    expect([plan.fetch, plan.known].map(numbers)).toEqual([[3, 4], [2]]);
    expect(planMail(drop("a"), { isStored, limit: 0 }).fetch).toEqual([]);
    expect(planMail([], { isStored, newest: 3 })).toEqual({ fetch: [], known: [], nameless: [], shared: [] });
  });

  test("messages of one uid are fetched each, and deleted together, when all are stored", () => {
    const plan = planMail(drop("a", "x", "x", "b", "x"), { isStored });
    expect(plan.fetch.map(({ id, shared }) => [id, shared])).toEqual([
      ["a", false],
      ["x", true],
      ["x 2", true],
      ["x 3", true],
    ]);
    const left = (...ids: string[]) => numbers(deletable(plan, (id) => [...ids, "b"].includes(id)));
    // What nobody shares was deleted as soon as it was stored.
    expect(left("a", "x", "x 2")).toEqual([4]);
    expect(left("a", "x", "x 2", "x 3")).toEqual([4, 2, 3, 5]);
    const again = planMail(drop("x", "x"), { isStored: (id) => id === "x", limit: 0 });
    expect(deletable(again, (id) => id === "x")).toEqual([]);
  });

  test("each message is in one list at most, and each id is fetched once", () => {
    const uids = fc.array(fc.constantFrom("", "a", "b", "c", "d", "e"), { maxLength: 30 });
    fc.assert(
      fc.property(uids, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 40 }), (uids, newest, limit) => {
        const { fetch, known, nameless } = planMail(drop(...uids), { isStored, newest, limit });
        const all = numbers([...fetch, ...known, ...nameless]);
        expect(new Set(all).size).toBe(all.length);
        expect(new Set(fetch.map(({ id }) => id)).size).toBe(fetch.length);
        expect(fetch.length).toBeLessThanOrEqual(limit);
        if (newest >= uids.length && limit >= uids.length) expect(all.length).toBe(uids.length);
      }),
    );
  });

  test("what only one of the two listings knows has no size, or no uid; the first row of a number counts", () => {
    const uids = [...[1, 2, 3].map((number) => ({ number, uid: `u${number}` })), { number: 2, uid: "other" }];
    const sizes = [2, 3, 4].map((number) => ({ number, bytes: number }));
    expect(joinListings(uids, sizes).map(({ number, uid, bytes }) => [number, uid, bytes])).toEqual([
      [1, "u1", undefined],
      [2, "u2", 2],
      [3, "u3", 3],
      [4, "", 4],
    ]);
  });
});

describe("what is under way", () => {
  const settled = async (promise: Promise<unknown>) =>
    Promise.race([promise.then(() => true), new Promise((go) => setImmediate(() => go(false)))]);

  test("is bounded in number and in bytes; what is larger than all goes alone", async () => {
    const window = new Window({ count: 2, bytes: 100 });
    await window.enter(90);
    const second = window.enter(20);
    expect(await settled(second)).toBe(false);
    window.leave(90);
    await second;
    await window.enter(70);
    const fourth = window.enter(1);
    expect(await settled(fourth)).toBe(false);
    window.leave(70);
    await fourth;
    window.leave(20);
    window.leave(1);
    await window.enter(10_000);
    expect(window.count).toBe(1);
    const empty = window.empty();
    expect(await settled(empty)).toBe(false);
    window.leave(10_000);
    await empty;
  });

  test("messages in memory wait for each other, and never one for itself", async () => {
    const hands = new Hands({ together: 10, each: 50 });
    const [first, second] = [hands.hold(), hands.hold()];
    expect(first.take(Buffer.alloc(40))).toBeUndefined();
    const held = second.take(Buffer.from("abc"));
    expect(await settled(held as Promise<void>)).toBe(false);
    first.release();
    await held;
    expect(second.take(Buffer.from("def"))).toBeUndefined();
    expect(second.whole().toString()).toBe("abcdef");
    expect(() => second.take(Buffer.alloc(45))).toThrow(TooLarge);
    expect(second.refusal).toBeInstanceOf(SinkError);
  });

  test("a piece that its owner uses again is copied", () => {
    const hand = new Hands({ together: 10, each: 50 }).hold();
    const piece = Buffer.from("one");
    void hand.take(piece);
    piece.write("two");
    expect(hand.whole().toString()).toBe("one");
  });
});

describe("names", () => {
  test("a key is of the account, too, and the same for the same message", () => {
    expect(keyOf("a@h", "1")).toMatch(/^[0-9a-f]{20}$/);
    expect(keyOf("a@h", "1")).toBe(keyOf("a@h", "1"));
    expect(keyOf("b@h", "1")).not.toBe(keyOf("a@h", "1"));
    expect(keyOf("a@h", "\udc80")).not.toBe(keyOf("a@h", "\udc81"));
  });

  test("uids that are no text can be kept in a database, and stay different", () => {
    expect(plainUid("GmailId12ab")).toBe("GmailId12ab");
    expect(plainUid("\udc80\\")).toBe("\\udc80\\\\");
    expect(plainUid("a\0b")).toBe("a\\u0000b");
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.string({ unit: "binary" }), (a, b) => {
        expect(plainUid(a).isWellFormed()).toBe(true);
        expect(plainUid(a) === plainUid(b)).toBe(a === b);
      }),
    );
  });

  test("the file of a uid is a plain name, whatever the uid", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (uid) => {
        expect(emlName(uid, keyOf("a", uid))).toMatch(/^(?![.-])[\w.@%+=-]{0,80}-[0-9a-f]{20}\.eml$/);
      }),
    );
  });

  test("what a path stands for", async () => {
    const at = (name: string) => join(scratch, name);
    await Maildir.open(at("Box"));
    expect(await mailFormatOf(at("Box"))).toBe("maildir");
    expect(await mailFormatOf(at("Maildir"))).toBe("maildir");
    expect(await mailFormatOf(at(".maildir/"))).toBe("maildir");
    expect(await mailFormatOf(at("x.mbox"))).toBe("mbox");
    expect(await mailFormatOf(at("x.MBOX.gz"))).toBe("mbox");
    expect(await mailFormatOf(`${at("new")}/`)).toBe("eml");
    expect(await mailFormatOf(scratch)).toBe("eml");
    writeFileSync(at("file"), "");
    for (const path of [at("file"), at("none")]) await expect(mailFormatOf(path)).rejects.toThrow(UsageError);
  });
});

test("places of several mailboxes are below the common one, plain, and different from each other", () => {
  const box = (name: string, delimiter = "/", flags: string[] = []) => ({
    name,
    delimiter,
    flags,
    specialUse: undefined,
  });
  const paths = (format: "maildir" | "mbox" | "eml", ...boxes: ListedMailbox[]) =>
    mailPlaces(boxes, "to", format).map(({ to }) => to);
  expect(paths("maildir", box("inbox"), box("A/b.c"), box("INBOX.Sent", "."))).toEqual([
    "to",
    "to/.A.b%2Ec",
    "to/.INBOX.Sent",
  ]);
  expect(paths("mbox", box("INBOX"), box("A/ü"), { ...box("A/B"), delimiter: undefined })).toEqual([
    "to/INBOX.mbox",
    "to/A/&APw-.mbox",
    "to/A%2FB.mbox",
  ]);
  expect(paths("eml", box("../../etc"), box("-rf"), box("a//b"), box("None", "/", ["\\Noselect"]))).toEqual([
    "to/%2E%2E/%2E%2E/etc/",
    "to/%2Drf/",
    "to/a/%/b/",
  ]);
  expect(() => mailPlaces([box("A")], "x.mbox.gz", "mbox")).toThrow(UsageError);
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary", minLength: 1 }), { maxLength: 5 }), (names) => {
      const unique = [...new Set(names.map((name) => name.toWellFormed()))].filter(
        (name) => !/[\0\r\n]/.test(name) && !/^inbox$/i.test(name),
      );
      for (const format of ["maildir", "mbox", "eml"] as const) {
        const found = paths(format, ...unique.map((name) => box(name)));
        expect(new Set(found).size).toBe(unique.length);
        for (const path of found) expect(path).toMatch(/^to\/(?!\.\.?(?:\/|$))/);
      }
    }),
  );
});

test("a folder: what a job died with is removed after 36 hours; what another one has in hand, and all else, stays", async () => {
  const folder = join(scratch, "folder");
  const store = await EmlStore.open(folder, {});
  const key = keyOf("a", "u1");
  await store.put({ number: 1, uid: "u1", id: "u1", key, content: Buffer.from("x\r\n") });
  const [old, young] = ["u2", "u3"].map((uid) => `.${uid}-${keyOf("a", uid)}.1.M1P1Q1.tmp.part`) as [string, string];
  for (const name of [old, young, ".other.part"]) writeFileSync(join(folder, name), "half");
  const longAgo = Date.now() / 1000 - 37 * 3600;
  for (const name of [old, ".other.part"]) utimesSync(join(folder, name), longAgo, longAgo);
  const again = await EmlStore.open(folder, {});
  expect(again.has(key)).toBe(true);
  expect(again.has(keyOf("a", "u2"))).toBe(false);
  expect(readdirSync(folder).sort()).toEqual([".other.part", young, `u1-${key}.eml`]);
  const twice = again.put({ number: 1, uid: "u1", id: "u1", key, content: Buffer.from("y") });
  await expect(twice).rejects.toThrow(/is there already/);
  expect(readdirSync(folder)).toHaveLength(3);
});

describe("the journal", () => {
  const a = { account: "a", epoch: undefined };
  const open = (path: string, to = "x") => MailJournal.open(path, { settings: { to } });

  test("knows what is stored, how much of the output counts, and how the last job ended", () => {
    const path = join(scratch, "a.journal");
    {
      using journal = open(path);
      expect([journal.position, journal.ended, journal.stored(a)("u1")]).toEqual([undefined, false, false]);
      journal.begin({ "x.mbox": 10 });
      journal.commit(a, [{ id: "u1" }, { id: "\udc80" }], { "x.mbox": 50 });
      expect(() => open(path)).toThrow(/in use by process/);
    }
    {
      using journal = open(path);
      expect([journal.position, journal.ended]).toEqual([{ "x.mbox": 50 }, false]);
      const isStored = journal.stored(a);
      expect([
        isStored("u1"),
        isStored("\udc80"),
        isStored("\udc81"),
        journal.stored({ account: "b", epoch: undefined })("u1"),
      ]).toEqual([true, true, false, false]);
      journal.end();
    }
    using journal = open(path);
    expect(journal.ended).toBe(true);
    journal.begin({ "x.mbox": 70 });
    expect([journal.ended, journal.position]).toEqual([false, { "x.mbox": 70 }]);
  });

  test("is no other database, and of no other job", () => {
    const path = join(scratch, "b.journal");
    const db = openDatabase(path);
    db.exec("CREATE TABLE t(x)");
    db.close();
    expect(() => open(path)).toThrow(/not a journal of mail/);
    writeFileSync(join(scratch, "c.journal"), "no database at all, but text of some length".repeat(50));
    expect(() => open(join(scratch, "c.journal"))).toThrow(/no SQLite database/);
    open(join(scratch, "d.journal"), "x").close();
    expect(() => open(join(scratch, "d.journal"), "y")).toThrow(/belongs to another job: to was "x", is now "y"/);
    expect(() => open(join(scratch, "no", "e.journal"))).toThrow(/no folder/);
    expect(existsSync(join(scratch, "no"))).toBe(false);
  });
});

test("progress: a rate over the last ten seconds, and what is left at it", () => {
  const meter = new MailMeter();
  meter.phase = "fetching";
  Object.assign(meter, { wanted: 10, wantedBytes: 1_000 });
  expect(meter.take(0)).toMatchObject({ bytesPerSecond: 0, secondsLeft: undefined, skipped: 0 });
  Object.assign(meter, { bytes: 200, fetched: 2, skipped: 4 });
  expect(meter.take(2_000)).toMatchObject({ bytesPerSecond: 100, secondsLeft: 8, skipped: 4, fetched: 2 });
});
