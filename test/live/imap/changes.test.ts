/** Changes of real mailboxes: told since the last time, as they happen, and in parts. */
import { expect, it } from "vitest";
import { Transcript } from "../../../src/client/transcript.js";
import type { MailboxChanges } from "../../../src/imap/changes.js";
import type { ImapClient } from "../../../src/imap/client.js";
import type { MailboxState } from "../../../src/imap/mailbox-state.js";
import type { NotifyEvent } from "../../../src/imap/notify.js";
import type { ImapSession } from "../../../src/imap/session.js";
import { describeEach, describeMail } from "./bed.js";

const text = (subject: string) => ({ text: `Subject: ${subject}\nFrom: a@example.org\n\nhello\n` });
const flagsOf = (flags: readonly string[] = []) => flags.filter((flag) => flag !== "\\Recent").sort();
const kept = (state: MailboxState) => JSON.parse(JSON.stringify(state)) as MailboxState;

/** What the server says there is, asked by another client. */
async function truth(imap: ImapClient): Promise<Map<number, string[]>> {
  const rows = await imap.fetch("1:*", ["UID", "FLAGS"]).toArray();
  return new Map(rows.map(({ uid = 0, flags }) => [uid, flagsOf(flags)]));
}

function follow(model: Map<number, string[]>, { vanished, added, changed }: MailboxChanges): void {
  for (const uid of vanished) expect(model.delete(uid)).toBe(true);
  for (const { uid = 0, flags } of [...added, ...changed]) model.set(uid, flagsOf(flags));
}

const LACKS = {
  QRESYNC: [],
  "CONDSTORE alone": ["QRESYNC"],
  neither: ["QRESYNC", "CONDSTORE"],
} as const;

describeEach({}, (bed) => {
  it.each(["QRESYNC", "CONDSTORE alone", "neither"] as const)(
    "by %s: whoever follows the changes has what there is",
    async (by) => {
      const { imap: other, box } = await bed.fresh();
      const imap = await bed.ready();
      const known = new Map<number, string[]>();
      let state: MailboxState | undefined;
      // As at a server that cannot do more.
      const { session } = imap as unknown as { session: ImapSession };
      const has = session.has.bind(session);
      const lacks: readonly string[] = LACKS[by];
      session.has = (capability, argument) => !lacks.includes(capability) && has(capability, argument);
      const less = (all: MailboxState): MailboxState => {
        const { highestModseq: _, ...rest } = kept(all);
        return by === "neither" ? rest : kept(all);
      };
      for (let round = 0; round < 6; round++) {
        for (let i = 0; i < 3; i++) await other.append(box, text(`${round}.${i}`), { flags: i === 1 ? ["$a"] : [] });
        await other.noop();
        const uids = await other.search();
        await other.store(uids.at(-2) as number, round % 2 ? "+FLAGS.SILENT" : "FLAGS.SILENT", ["\\Flagged"]);
        if (round > 1) {
          await other.store([uids[0], uids[2]] as number[], "+FLAGS.SILENT", ["\\Deleted"]);
          await other.expunge();
        }
        const news = await imap.changesSince(box, state);
        expect(news.reset).toBe(round === 0);
        follow(known, news);
        expect(known).toEqual(await truth(other));
        state = less(news.state);
      }
      const none = await imap.changesSince(box, kept(state as MailboxState));
      expect([none.added.length, none.vanished.size]).toEqual([0, 0]);
    },
  );

  it("another mailbox of the same name is told", async () => {
    const { imap, box } = await bed.fresh();
    await imap.append(box, text("old"));
    const { state } = await imap.changesSince(box);
    await imap.unselect();
    await imap.delete(box);
    // UIDVALIDITY is the time in seconds, as a rule.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    await imap.create(box);
    await imap.append(box, text("new"));
    const { reset, added, vanished, mailbox } = await imap.changesSince(box, state);
    expect(mailbox.uidValidity).not.toBe(state.uidValidity);
    expect([reset, added.length, vanished.toString()]).toEqual([true, 1, "1"]);
  });

  // Cyrus writes each message into a file of its own, and syncs it.
  const count = bed.kind === "cyrus" ? 2000 : 20_000;

  it(`${count} messages: put in, counted, searched in parts, told once and not again`, async () => {
    const { imap, box } = await bed.fresh();
    const messages = Array.from({ length: count }, (_, i) => ({ content: text(`m${i}`) }));
    await imap.appendAll(box, messages).each(() => {});
    const { added, state, mailbox } = await imap.changesSince(box);
    expect([added.length, mailbox.exists]).toEqual([count, count]);
    const last = added.at(-1)?.uid as number;
    expect(await imap.esearch(["COUNT", "MAX"])).toMatchObject({ count, max: last });
    expect(await imap.search({ all: true }, { partial: [1, 3] })).toEqual(added.slice(0, 3).map(({ uid }) => uid));
    expect(await imap.search({ all: true }, { partial: [-1, -2] })).toEqual([last - 1, last]);
    await imap.store("1:*", "+FLAGS.SILENT", ["\\Seen"]);
    const scattered = added.filter((_, i) => i % 2).map(({ uid }) => uid as number);
    await imap.store(scattered, "+FLAGS.SILENT", ["$odd"]);
    expect(await imap.esearch(["COUNT"], { keyword: "$odd" })).toMatchObject({ count: count / 2 });
    const news = await imap.changesSince(box, state);
    expect([news.added.length, news.changed.length, news.vanished.size]).toEqual([0, count, 0]);
    await imap.delete(box);
  }, 120_000);

  it("changes of others do not overwrite: unchangedSince", async () => {
    const { imap, box } = await bed.fresh();
    await imap.append(box, text("one"));
    const { highestModseq } = await imap.select(box, { condstore: true });
    await imap.store(1, "+FLAGS", ["\\Flagged"]);
    const { modified } = await imap.store(1, "+FLAGS", ["\\Answered"], { unchangedSince: highestModseq });
    expect(modified?.toString()).toBe("1");
  });
});

describeMail("dovecot", {}, "dovecot: NOTIFY", (bed) => {
  it("tells of mailboxes that are not selected, of the selected one, and of names, while calls go on", async () => {
    const { imap, box } = await bed.fresh();
    const { imap: other, box: target } = await bed.fresh();
    const groups = [
      { of: "selected", events: ["messageNew", "messageExpunge", "flagChange"], fetch: ["UID", "ENVELOPE"] },
      { of: "personal", events: ["messageNew", "messageExpunge", "mailboxName"] },
    ] as const;
    const told: string[] = [];
    const word = (event: NotifyEvent) => {
      if (event.type === "status") return `status ${event.status.name === target} ${event.status.messages}`;
      if (event.type === "list") return `list ${event.mailbox.name}`;
      if (event.type === "fetch") return `fetch ${event.data.envelope?.subject}`;
      return event.type;
    };
    // Dovecot looks at the time of a Maildir, in seconds: what comes in the second of the last look is seen with the next.
    const later = () => new Promise((resolve) => setTimeout(resolve, 1100));
    const next: (() => Promise<unknown>)[] = [
      () => later().then(() => other.append(box, text("inside"))),
      () => other.create("made by another"),
    ];
    for await (const event of imap.notify(groups, { status: true })) {
      if (event.type === "status" && event.status.name !== target) continue;
      // As it is when the notifications begin: what comes now is news.
      if (event.type === "status" && event.status.messages === 0) {
        await other.append(target, text("elsewhere"));
        continue;
      }
      // A status may be told twice.
      if (told.includes(word(event))) continue;
      told.push(word(event));
      if (event.type === "list") break;
      expect(await imap.search()).toEqual(told.includes("fetch inside") ? [1] : expect.any(Array));
      if (event.type === "status" || event.type === "fetch") await next.shift()?.();
    }
    expect(told.filter((each) => each !== "exists")).toEqual(["status true 1", "fetch inside", "list made by another"]);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(1);
    // As usual again.
    await other.append(box, text("more"));
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(2);
  });
});

describeMail("dovecot", { extras: true }, "dovecot: what is compressed, noted and shared", (bed) => {
  it.each(["plain", "tls"] as const)("%s: COMPRESS behind the login, unless it is not wanted", async (security) => {
    for (const compress of [true, false]) {
      const transcript = new Transcript();
      const imap = await bed.ready({ security, compress, transcript });
      expect(transcript.lines.some(({ text }) => text === "deflated")).toBe(compress);
      const content = Buffer.from(`Subject: big\r\n\r\n${"0123456789\r\n".repeat(50_000)}`);
      const { uid } = await imap.append("INBOX", content);
      await imap.select("INBOX");
      expect((await imap.retrieve(uid as number)).content.equals(content)).toBe(true);
      await imap.quit();
    }
  });

  it("rights and metadata", async () => {
    const { imap, box } = await bed.fresh();
    expect(await imap.myRights(box)).toContain("lrws");
    await imap.setAcl(box, "bob", "lr");
    expect((await imap.getAcl(box)).rights.get("bob")).toBe("lr");
    await imap.deleteAcl(box, "bob");
    expect((await imap.getAcl(box)).rights.has("bob")).toBe(false);
    for (const mailbox of [box, ""]) {
      await imap.setMetadata(mailbox, { "/private/comment": 'mine "ü"' });
      expect([...(await imap.getMetadata(mailbox, ["/private/comment"]))]).toEqual([["/private/comment", 'mine "ü"']]);
      await imap.setMetadata(mailbox, { "/private/comment": null });
      expect((await imap.getMetadata(mailbox, ["/private/comment"])).get("/private/comment")).toBeUndefined();
    }
  });
});

describeMail("cyrus", {}, "cyrus: compressed", (bed) => {
  it("COMPRESS behind the login", async () => {
    const transcript = new Transcript();
    const imap = await bed.ready({ transcript });
    expect(transcript.lines.some(({ text }) => text === "deflated")).toBe(true);
    await imap.select("INBOX");
  });
});
