/** The parts of a mail job that need no server: the plan, what is under way, what is in memory, names, the journal. */
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, describe, expect, test } from "vitest";
import { SinkError, UsageError } from "../../../src/client/errors.js";
import { openDatabase } from "../../../src/jobs/journal/sqlite.js";
import { Hands, TooLarge } from "../../../src/jobs/mail/hand.js";
import { MailJournal } from "../../../src/jobs/mail/journal.js";
import { joinListings, planMail } from "../../../src/jobs/mail/plan.js";
import { MailMeter } from "../../../src/jobs/mail/progress.js";
import { EmlStore, emlName } from "../../../src/jobs/mail/stores/eml-store.js";
import { mailFormatOf } from "../../../src/jobs/mail/stores/open.js";
import { keyOf, plainUid } from "../../../src/jobs/mail/stores/store.js";
import { Window } from "../../../src/jobs/mail/window.js";
import { Maildir } from "../../../src/message/maildir.js";

const scratch = mkdtempSync(join(tmpdir(), "polywire-mail-parts-"));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

const drop = (...uids: string[]) => uids.map((uid, i) => ({ number: i + 1, uid, bytes: 100 * (i + 1) }));
const numbers = (mails: readonly { number: number }[]) => mails.map(({ number }) => number);

describe("the plan", () => {
  const isStored = (uid: string) => uid === "b";

  test("what is not stored, the oldest first; copies and messages without a uid apart", () => {
    const plan = planMail(drop("a", "b", "c", "a", "", "d").reverse(), { isStored });
    expect([plan.fetch, plan.known, plan.nameless].map(numbers)).toEqual([[1, 3, 6], [2, 4], [5]]);
  });

  test("newest looks at the end, limit at what is left; the rest is neither fetched nor known", () => {
    const plan = planMail(drop("a", "b", "c", "d", "e"), { isStored, newest: 4, limit: 2 });
    expect([plan.fetch, plan.known].map(numbers)).toEqual([[3, 4], [2]]);
    expect(planMail(drop("a"), { isStored, limit: 0 }).fetch).toEqual([]);
    expect(planMail([], { isStored, newest: 3 })).toEqual({ fetch: [], known: [], nameless: [] });
  });

  test("each message is in one list at most, and each uid is fetched once", () => {
    const uids = fc.array(fc.constantFrom("", "a", "b", "c", "d", "e"), { maxLength: 30 });
    fc.assert(
      fc.property(uids, fc.integer({ min: 1, max: 40 }), fc.integer({ min: 0, max: 40 }), (uids, newest, limit) => {
        const { fetch, known, nameless } = planMail(drop(...uids), { isStored, newest, limit });
        const all = numbers([...fetch, ...known, ...nameless]);
        expect(new Set(all).size).toBe(all.length);
        expect(new Set(fetch.map(({ uid }) => uid)).size).toBe(fetch.length);
        expect(fetch.length).toBeLessThanOrEqual(limit);
        if (newest >= uids.length && limit >= uids.length) expect(all.length).toBe(uids.length);
      }),
    );
  });

  test("what only one of the two listings knows is left out", () => {
    const uids = [1, 2, 3].map((number) => ({ number, uid: `u${number}` }));
    const sizes = [2, 3, 4].map((number) => ({ number, bytes: number }));
    expect(joinListings(uids, sizes)).toEqual([2, 3].map((number) => ({ number, uid: `u${number}`, bytes: number })));
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

test("a folder: what a job that died has left is removed, everything else stays", async () => {
  const folder = join(scratch, "folder");
  const store = await EmlStore.open(folder, {});
  const key = keyOf("a", "u1");
  await store.put({ number: 1, uid: "u1", key, content: Buffer.from("x\r\n") });
  writeFileSync(join(folder, `.u2-${keyOf("a", "u2")}.part`), "half");
  writeFileSync(join(folder, ".other.part"), "mine");
  const again = await EmlStore.open(folder, {});
  expect(again.has(key)).toBe(true);
  expect(again.has(keyOf("a", "u2"))).toBe(false);
  expect(readdirSync(folder).sort()).toEqual([".other.part", `u1-${key}.eml`]);
  await expect(again.put({ number: 1, uid: "u1", key, content: Buffer.from("y") })).rejects.toThrow(/is there already/);
  expect(readdirSync(folder)).toHaveLength(2);
});

describe("the journal", () => {
  const open = (path: string, to = "x") => MailJournal.open(path, { settings: { to } });

  test("knows what is stored, how much of the output counts, and how the last job ended", () => {
    const path = join(scratch, "a.journal");
    {
      using journal = open(path);
      expect([journal.position, journal.ended, journal.stored("a")("u1")]).toEqual([undefined, false, false]);
      journal.begin({ "x.mbox": 10 });
      journal.commit("a", ["u1", "\udc80"], { "x.mbox": 50 });
      expect(() => open(path)).toThrow(/in use by process/);
    }
    {
      using journal = open(path);
      expect([journal.position, journal.ended]).toEqual([{ "x.mbox": 50 }, false]);
      const isStored = journal.stored("a");
      expect([isStored("u1"), isStored("\udc80"), isStored("\udc81"), journal.stored("b")("u1")]).toEqual([
        true,
        true,
        false,
        false,
      ]);
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
