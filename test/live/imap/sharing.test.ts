/** Two clients in one mailbox: what each knows of it while the other changes it; and messages by their numbers. */
import { expect, it } from "vitest";
import type { Rows } from "../../../src/client/rows.js";
import type { ImapClient } from "../../../src/imap/client.js";
import type { FetchData } from "../../../src/imap/fetch-data.js";
import type { MailboxEvent } from "../../../src/imap/mailbox.js";
import { errorOf } from "../bed.js";
import { type Bed, describeEach } from "./bed.js";

const text = (subject: string) => ({ text: `Subject: ${subject}\nFrom: a@example.org\n\nhello\n` });

/** Numbers that look random, and are the same each time. */
function dice(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % most;
  };
}

async function filled(bed: Bed, count: number): Promise<{ imap: ImapClient; box: string; uids: number[] }> {
  const { imap, box } = await bed.fresh();
  const messages = Array.from({ length: count }, (_, i) => ({ content: text(`s${i}`) }));
  const rows = await imap.appendAll(box, messages).toArray();
  await imap.noop();
  return { imap, box, uids: rows.map(({ uid }) => uid as number) };
}

/** Adds and removes messages for some rounds, all but those that are to stay; gives the UIDs of those that are there then. */
async function change(imap: ImapClient, box: string, stay: ReadonlySet<number>, seed: number): Promise<number[]> {
  const roll = dice(seed);
  for (let round = 0; round < 25; round++) {
    const loose = (await imap.search()).filter((uid) => !stay.has(uid));
    const gone = loose.filter(() => roll(5) === 0);
    if (gone.length > 0) {
      await imap.store(gone, "+FLAGS.SILENT", ["\\Deleted"]);
      await imap.expunge(gone);
    }
    for (let i = roll(4); i > 0; i--) await imap.append(box, text(`new ${round}`));
    await imap.noop();
  }
  return imap.search();
}

/** Rows of messages some of which may have gone: a server may say so with NO behind the others (RFC 2180 §4.1, RFC 5530 §3). */
async function rowsOf(fetch: Rows<FetchData>): Promise<FetchData[]> {
  const rows: FetchData[] = [];
  await fetch
    .each((batch) => void rows.push(...batch))
    .catch((error) => expect(error).toMatchObject({ name: "ReplyError", enhanced: "EXPUNGEISSUED" }));
  return rows;
}

/** Counts messages by what idle() tells. */
async function watch(imap: ImapClient, signal: AbortSignal): Promise<{ count: number; wrong: string[] }> {
  const seen = { count: imap.mailbox?.exists ?? 0, wrong: [] as string[] };
  const take = (event: MailboxEvent) => {
    if (event.type === "exists") {
      if (event.previous !== seen.count) seen.wrong.push(`${event.previous} before, not ${seen.count}`);
      seen.count = event.exists;
    } else if (event.type === "expunge") {
      if (event.number < 1 || event.number > seen.count) seen.wrong.push(`${event.number} of ${seen.count} is gone`);
      seen.count -= 1;
    }
  };
  const loop = imap.idle({ signal }).each((events) => events.forEach(take));
  expect(await errorOf(loop)).toMatchObject({ name: "AbortedError", clientUsable: true });
  return seen;
}

describeEach({}, (bed) => {
  it("messages come and go during FETCH: what stays is told once each time, and the counts are right", async () => {
    const { imap, box, uids } = await filled(bed, 120);
    const stay = new Set(uids.filter((_, i) => i % 3 === 0));
    const other = await bed.ready();
    await other.select(box);
    const controller = new AbortController();
    const watched = watch(imap, controller.signal);
    let over = false;
    const changed = change(other, box, stay, 4711).finally(() => {
      over = true;
    });
    let rounds = 0;
    for (; !over; rounds++) {
      const [byUid, byNumber, found] = await Promise.all([
        rowsOf(imap.fetch("1:*", ["FLAGS", "RFC822.SIZE", "BODY.PEEK[HEADER]"])),
        rowsOf(imap.fetch("1:*", ["UID", "ENVELOPE"], { by: "number" })),
        imap.search(),
      ]);
      const told = byUid.flatMap((row) => (row.body.size > 0 ? [row.uid as number] : []));
      expect(new Set(told).size).toBe(told.length);
      expect(told.filter((uid) => stay.has(uid))).toHaveLength(stay.size);
      // Nobody is told of an EXPUNGE there: numbers and UIDs both go up. (What is gone may be left out.)
      const ordered = [...byNumber].sort((a, b) => a.number - b.number).map(({ uid }) => uid as number);
      expect(ordered).toEqual([...new Set(ordered)].sort((a, b) => a - b));
      expect(found.filter((uid) => stay.has(uid))).toHaveLength(stay.size);
    }
    const there = await changed;
    await imap.noop();
    controller.abort();
    const { count, wrong } = await watched;
    expect(rounds).toBeGreaterThan(0);
    expect(wrong).toEqual([]);
    expect([imap.mailbox?.exists, other.mailbox?.exists, count]).toEqual([there.length, there.length, there.length]);
    const rows = await imap.fetch("1:*", ["UID"], { by: "number" }).toArray();
    expect(rows.map(({ number, uid }) => [number, uid])).toEqual(there.map((uid, i) => [i + 1, uid]));
  });

  it("what another client has removed is refused or left out, and the client goes on", async () => {
    const { imap, box, uids } = await filled(bed, 3);
    const other = await bed.ready();
    await other.select(box);
    await other.store(uids[1] as number, "+FLAGS.SILENT", ["\\Deleted"]);
    await other.expunge(uids[1]);
    expect(await errorOf(imap.retrieve(uids[1] as number))).toMatchObject({ name: "ReplyError", clientUsable: true });
    const all = await Promise.all([uids[0], uids[2]].map((uid) => imap.retrieve(uid as number)));
    expect(all.map(({ uid }) => uid)).toEqual([uids[0], uids[2]]);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(2);
  });

  it("by numbers: read, found, sorted, marked, copied and moved", async () => {
    const { imap, uids } = await filled(bed, 5);
    const { imap: target, box: far } = await bed.fresh();
    const by = { by: "number" } as const;
    const [first] = uids as [number];
    await imap.store(first, "+FLAGS.SILENT", ["\\Deleted"]);
    await imap.expunge(first);
    // The UIDs are one ahead of the numbers now.
    const rows = await imap.fetch([2, 4], ["UID", "ENVELOPE"], by).toArray();
    expect(rows.map(({ number, uid, envelope }) => [number, uid, envelope?.subject])).toEqual([
      [2, uids[2], "s2"],
      [4, uids[4], "s4"],
    ]);
    expect(await imap.search({ subject: "s3" }, by)).toEqual([3]);
    expect(await imap.search({ numbers: "2:3" })).toEqual([uids[2], uids[3]]);
    expect(await imap.sort(["-subject"], undefined, by)).toEqual([4, 3, 2, 1]);
    const { messages } = await imap.store("1:2", "+FLAGS", ["\\Flagged"], by);
    expect(messages.map(({ number, flags }) => [number, flags?.includes("\\Flagged")])).toEqual([
      [1, true],
      [2, true],
    ]);
    expect(await imap.search({ flagged: true })).toEqual([uids[1], uids[2]]);
    const copied = await imap.copy("1,3", far, by);
    expect([...(copied?.source ?? [])]).toEqual([uids[1], uids[3]]);
    await imap.move("2:*", far, by);
    expect(await imap.search()).toEqual([uids[1]]);
    await target.noop();
    const subjects = (await target.fetch("1:*", ["ENVELOPE"]).toArray()).map(({ envelope }) => envelope?.subject);
    expect(subjects).toEqual(["s1", "s3", "s2", "s3", "s4"]);
  });
});
