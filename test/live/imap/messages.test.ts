/** Messages in real mailboxes: in and out byte for byte, found, marked, moved, watched. */
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ReplyError } from "../../../src/client/errors.js";
import { failure } from "../../net/loopback.js";
import { HARD } from "../pop3/bed.js";
import { describeEach, describeMail } from "./bed.js";

const text = (subject: string, body = "hello") => ({ text: `Subject: ${subject}\nFrom: a@example.org\n\n${body}\n` });

describeEach({}, (bed) => {
  it("hard messages come back byte for byte, one by one, together and as rows, in every security", async () => {
    const { imap, box } = await bed.fresh();
    const uids: (number | undefined)[] = [];
    for (const message of HARD) uids.push((await imap.append(box, Buffer.from(message))).uid);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(HARD.length);
    for (const security of ["plain", "starttls", "tls"] as const) {
      const other = await bed.ready({ security });
      await other.examine(box);
      const together = await Promise.all(uids.map((uid) => other.retrieve(uid as number)));
      const rows = await other.fetch("1:*", ["BODY.PEEK[]"]).toArray();
      for (const [i, message] of HARD.entries()) {
        const wanted = Buffer.from(message);
        expect(together[i]?.content.equals(wanted)).toBe(true);
        expect(rows[i]?.body.get("")?.equals(wanted)).toBe(true);
      }
    }
  });

  it("a large file goes in with its lines ended by CR LF, and out to a file", async () => {
    const { imap, box } = await bed.fresh();
    const [path, copy] = ["big.eml", "copy.eml"].map((name) => join(bed.scratch, name)) as [string, string];
    await writeFile(path, `Subject: big\n\n${"0123456789\n".repeat(300_000)}`);
    const { uid } = await imap.append(box, path, { flags: ["\\Seen", "$Big"] });
    await imap.noop();
    const { bytes } = await imap.retrieve(uid as number, { to: copy });
    const got = await readFile(copy, "latin1");
    expect(got.length).toBe(bytes);
    expect(got.replaceAll("\r\n", "\n")).toBe(await readFile(path, "latin1"));
    const [row] = await imap.fetch(uid as number, ["FLAGS", "RFC822.SIZE"]).toArray();
    expect([row?.size, row?.flags?.includes("$Big")]).toEqual([bytes, true]);
  });

  it("many calls at once: appended in their order, each retrieved for itself", async () => {
    const { imap, box } = await bed.fresh();
    const all = await Promise.all(Array.from({ length: 60 }, (_, i) => imap.append(box, text(`m${i}`))));
    const uids = all.map(({ uid }) => uid as number);
    expect(uids).toEqual([...uids].sort((a, b) => a - b));
    await imap.noop();
    const got = await Promise.all([...uids, ...uids].map((uid) => imap.retrieve(uid)));
    for (const [i, { content }] of got.entries()) expect(content.toString()).toContain(`Subject: m${i % 60}\r\n`);
  });

  it("many in a few commands, all or none of each", async () => {
    const { imap, box } = await bed.fresh();
    const messages = Array.from({ length: 250 }, (_, i) => ({
      content: text(`b${i}`),
      flags: i === 7 ? ["\\Flagged"] : [],
    }));
    const all = await imap.appendAll(box, messages).toArray();
    expect(new Set(all.map(({ uid }) => uid)).size).toBe(250);
    await imap.noop();
    const rows = await imap.fetch("1:*", ["ENVELOPE", "FLAGS"]).toArray();
    expect(rows.map(({ uid, envelope }) => [uid, envelope?.subject])).toEqual(all.map(({ uid }, i) => [uid, `b${i}`]));
    expect(rows.filter(({ flags }) => flags?.includes("\\Flagged")).map(({ number }) => number)).toEqual([8]);
    expect(await failure(imap.appendAll("no such box", messages).toArray())).toMatchObject({ enhanced: "TRYCREATE" });
    await imap.noop();
  });

  it("search, store, copy, move and expunge", async () => {
    const { imap, box } = await bed.fresh();
    const { imap: other, box: target } = await bed.fresh();
    const dates = [1, 2, 3, 4].map((day) => new Date(Date.UTC(2026, 0, day, 12)));
    for (const [i, date] of dates.entries()) await imap.append(box, text(`s${i} ü`), { date });
    await imap.noop();
    const uids = await imap.search();
    expect(uids).toHaveLength(4);
    expect(await imap.search({ since: dates[2] })).toEqual(uids.slice(2));
    expect(await imap.search({ or: [{ subject: "s0" }, { subject: "s3" }] })).toEqual([uids[0], uids[3]]);
    expect(await imap.search({ body: "nowhere" })).toEqual([]);
    const { messages } = await imap.store(uids.slice(0, 2), "+FLAGS", ["\\Flagged"]);
    expect(messages.map(({ uid, flags }) => [uid, flags?.includes("\\Flagged")])).toEqual([
      [uids[0], true],
      [uids[1], true],
    ]);
    const copied = await imap.copy(uids, target);
    expect([...(copied?.source ?? [])]).toEqual(uids);
    const moved = await imap.move(uids[0] as number, target);
    expect(moved?.uids.size).toBe(1);
    await imap.store(uids[1] as number, "+FLAGS.SILENT", ["\\Deleted"]);
    await imap.expunge(uids[1]);
    expect(await imap.search()).toEqual(uids.slice(2));
    expect(imap.mailbox?.exists).toBe(2);
    await other.noop();
    expect(other.mailbox?.exists).toBe(5);
    expect(await failure(imap.copy(uids[2] as number, "no such box"))).toMatchObject({ enhanced: "TRYCREATE" });
    expect(await failure(imap.retrieve(uids[0] as number))).toBeInstanceOf(ReplyError);
  });

  it("mailboxes: made, listed with their status, renamed, subscribed, removed", async () => {
    const imap = await bed.ready();
    const [{ prefix = "" } = {}] = (await imap.namespace()).personal;
    const [old, name] = [`${prefix}Träume & “mehr”`, `${prefix}日本語`];
    await imap.create(old);
    await imap.append(old, text("one"));
    await imap.rename(old, name);
    await imap.subscribe(name);
    const listed = await imap.list("*", { status: ["MESSAGES", "UIDNEXT"] });
    const found = listed.find((each) => each.name === name);
    expect(found?.status).toMatchObject({ messages: 1 });
    expect(listed.some((each) => each.name === old)).toBe(false);
    expect(await imap.status(name, ["MESSAGES"])).toEqual({ name, messages: 1 });
    await imap.delete(name);
    expect((await imap.list()).map((each) => each.name)).not.toContain(name);
    expect(await failure(imap.select(name))).toBeInstanceOf(ReplyError);
  });

  it("idle tells of what others do, and lets calls of its own in between", async () => {
    const { imap, box } = await bed.fresh();
    const other = await bed.ready();
    await other.select(box);
    const events: string[] = [];
    const subjects: (string | undefined)[] = [];
    // IDLE is begun with the first turn of the loop; what came before it is told then, too.
    const appended = other.append(box, text("news"));
    for await (const event of imap.idle()) {
      events.push(event.type);
      if (event.type === "exists") {
        const rows = await imap.fetch("1:*", ["ENVELOPE"]).toArray();
        subjects.push(...rows.map(({ envelope }) => envelope?.subject));
        const { uid } = await appended;
        await other.store(uid as number, "+FLAGS.SILENT", ["\\Deleted"]);
        await other.expunge();
      }
      if (event.type === "expunge" || event.type === "vanished") break;
    }
    expect(subjects).toEqual(["news"]);
    expect([events[0], events.at(-1)]).toEqual(["exists", "expunge"]);
    expect(imap.mailbox?.exists).toBe(0);
  });

  it("QRESYNC tells what changed while nobody looked", async () => {
    const { imap, box } = await bed.fresh();
    expect(await imap.enable(["QRESYNC"])).toContain("QRESYNC");
    for (let i = 0; i < 5; i++) await imap.append(box, text(`q${i}`));
    await imap.unselect();
    const { uidValidity, highestModseq } = await imap.select(box);
    const uids = await imap.search();
    await imap.unselect();
    const other = await bed.ready();
    await other.select(box);
    await other.store(uids[0] as number, "+FLAGS", ["\\Flagged"]);
    await other.store(uids[1] as number, "+FLAGS", ["\\Deleted"]);
    await other.expunge();
    const known = { uidValidity: uidValidity as number, modseq: highestModseq as number };
    const { resync } = await imap.select(box, { qresync: known });
    const gone = resync?.flatMap((event) => (event.type === "vanished" ? [...event.uids] : []));
    const changed = resync?.flatMap((event) => (event.type === "fetch" ? [event.data.uid] : []));
    expect([gone, changed]).toEqual([[uids[1]], [uids[0]]]);
  });
});

describeEach({}, (bed) => {
  it("the server sorts, and puts conversations together", async () => {
    const { imap, box } = await bed.fresh();
    const content = (subject: string, id: string, answers = "") => ({
      content: { text: `Subject: ${subject}\nFrom: a@example.org\nMessage-ID: <${id}@x>\n${answers}\nhi\n` },
    });
    const messages = [
      content("b", "1"),
      content("c", "2"),
      content("a", "3"),
      content("Re: b", "4", "References: <1@x>\n"),
    ];
    await imap.appendAll(box, messages).toArray();
    await imap.noop();
    const uids = await imap.search();
    expect(await imap.sort(["subject"], { not: { subject: "re:" } })).toEqual([uids[2], uids[0], uids[1]]);
    expect(await imap.sort(["-subject"], { not: { subject: "re:" } })).toEqual([uids[1], uids[0], uids[2]]);
    const threads = await imap.thread("REFERENCES");
    expect(threads.find(({ messages }) => messages.length === 2)?.messages).toEqual([uids[0], uids[3]]);
  });
});

describeMail("cyrus", {}, "cyrus: what is shared", (bed) => {
  it("quotas are set, told, and met", async () => {
    const admin = await bed.ready({ credentials: { user: "administrator", password: "administrator" } });
    await admin.setQuota("user.bob", { storage: 100, message: 3 });
    const bob = await bed.ready({ credentials: { user: "bob", password: bed.server.users.bob as string } });
    expect(await bob.getQuotaRoot("INBOX")).toEqual([
      {
        root: "INBOX",
        resources: expect.arrayContaining([
          { name: "STORAGE", usage: 0, limit: 100 },
          { name: "MESSAGE", usage: 0, limit: 3 },
        ]),
      },
    ]);
    await bob.append("INBOX", text("small"));
    const large = text("large", "x".repeat(90).concat("\n").repeat(1200));
    // It says so without a code (OVERQUOTA).
    const full = { name: "ReplyError", clientUsable: true, message: expect.stringContaining("Over quota") };
    expect(await failure(bob.append("INBOX", large))).toMatchObject(full);
    for (const subject of ["two", "three"]) await bob.append("INBOX", text(subject));
    expect(await failure(bob.append("INBOX", text("four")))).toMatchObject(full);
    const { resources } = await admin.getQuota("user.bob");
    expect(resources.find(({ name }) => name === "MESSAGE")).toEqual({ name: "MESSAGE", usage: 3, limit: 3 });
    await admin.setQuota("user.bob", {});
    expect((await admin.getQuota("user.bob")).resources).toEqual([]);
    await bob.append("INBOX", large);
  });

  it("rights and metadata", async () => {
    const { imap, box } = await bed.fresh();
    expect(await imap.myRights(box)).toContain("lrswi");
    await imap.setAcl(box, "bob", "lr");
    expect((await imap.getAcl(box)).rights.get("bob")).toBe("lr");
    expect((await imap.listRights(box, "bob")).identifier).toBe("bob");
    await imap.deleteAcl(box, "bob");
    expect((await imap.getAcl(box)).rights.has("bob")).toBe(false);
    await imap.setMetadata(box, { "/private/comment": 'mine "ü"' });
    const entries = await imap.getMetadata(box, ["/private/comment"]);
    expect(entries.get("/private/comment")).toBe('mine "ü"');
    await imap.setMetadata(box, { "/private/comment": null });
    expect((await imap.getMetadata(box, ["/private/comment"])).get("/private/comment")).toBeUndefined();
  });
});
