/** Mail from real IMAP servers: byte for byte with flags and dates, after the server has numbered anew, and from one to another. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import type { ImapClient } from "../../../src/imap/client.js";
import { copyMail, fetchMail, type MailServer } from "../../../src/jobs/index.js";
import { Maildir } from "../../../src/message/maildir.js";
import { mailIn } from "../../jobs/mail/bed.js";
import { cameAt, flagsOf } from "../../jobs/mail/imap-bed.js";
import { type Bed, describeEach } from "../imap/bed.js";
import { HARD } from "../pop3/bed.js";
import { type LiveMail, type MailKind, startMail } from "../servers/mail.js";

const serverOf = ({ host, ports, users }: LiveMail): MailServer => {
  const credentials = { user: "alice", password: users.alice };
  return { protocol: "imap", host, port: ports.imap, security: "plain", credentials };
};

/** What hard messages are like when they have flags and dates. */
const letters = HARD.map((content, i) => ({
  content: Buffer.from(content),
  flags: flagsOf(i + 1),
  date: cameAt(i + 1),
}));

async function filled(bed: Bed): Promise<{ imap: ImapClient; box: string }> {
  const { imap, box } = await bed.fresh();
  await imap.appendAll(box, letters).toArray();
  return { imap, box };
}

/** Content, flags and date of every message. */
async function stateOf(imap: ImapClient, box: string): Promise<string[]> {
  await imap.examine(box);
  const rows = await imap.fetch("1:*", ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"]).toArray();
  const state = rows.map(({ body, flags = [], internalDate }) => {
    return [body.get("")?.toString("latin1"), flags.filter((flag) => flag !== "\\Recent").sort(), internalDate];
  });
  return state.map((each) => JSON.stringify(each)).sort();
}

describeEach({}, (bed) => {
  it("hard messages into a Maildir and an mbox, then off the server", async () => {
    const { imap, box } = await filled(bed);
    const sent = HARD.map(String).sort();
    const to = join(bed.scratch, `${box}-Maildir`);
    const options = {
      server: serverOf(bed.server),
      mailbox: box,
      to,
      format: "maildir",
      journal: `${to}.journal`,
    } as const;
    const first = await fetchMail(options);
    expect(first).toMatchObject({ fetched: HARD.length, failures: [] });
    const maildir = await Maildir.open(to);
    for (const message of await maildir.list()) {
      const content = (await maildir.read(message, { crlf: true })).toString();
      const n = HARD.map(String).indexOf(content) + 1;
      expect(n).toBeGreaterThan(0);
      expect(statSync(message.path).mtime).toEqual(cameAt(n));
      expect(message.flags.includes("S")).toBe(flagsOf(n).includes("\\Seen"));
    }
    expect(await mailIn(to)).toEqual(sent);
    const mbox = join(bed.scratch, `${box}.mbox`);
    await fetchMail({ ...options, to: mbox, format: "mbox", journal: `${mbox}.journal`, deleteAfter: true });
    expect(await mailIn(mbox)).toEqual(sent);
    expect((await imap.examine(box)).exists).toBe(0);
  });

  it("a mailbox that was made anew: what is stored is known by its bytes", async () => {
    const { imap, box } = await filled(bed);
    const to = join(bed.scratch, `${box}.mbox`);
    const options = { server: serverOf(bed.server), mailbox: box, to, journal: `${to}.journal` };
    await fetchMail(options);
    await imap.unselect();
    await imap.delete(box);
    // UIDVALIDITY is the time in seconds, to some servers.
    await new Promise((go) => setTimeout(go, 1_100));
    await imap.create(box);
    const more = { content: { text: "Subject: new\n\nnew\n" } };
    await imap.appendAll(box, [more, ...letters.toReversed()]).toArray();
    const again = await fetchMail(options);
    expect(again).toMatchObject({ fetched: 1, renumbered: { recognised: HARD.length }, failures: [] });
    expect(await mailIn(to)).toEqual([...HARD.map(String), "Subject: new\r\n\r\nnew\r\n"].sort());
    expect(await fetchMail(options)).toMatchObject({ fetched: 0, skipped: HARD.length + 1 });
  });

  it("copied to another server, and to another mailbox of the same; later what is new", async () => {
    const { imap, box } = await filled(bed);
    const before = await stateOf(imap, box);
    const other: MailKind = bed.kind === "cyrus" ? "dovecot" : "cyrus";
    const target = await startMail(other);
    try {
      const journal = join(bed.scratch, `${box}.copy`);
      const options = {
        from: serverOf(bed.server),
        fromMailbox: box,
        to: serverOf(target),
        toMailbox: "INBOX",
        journal,
      };
      expect(await copyMail(options)).toMatchObject({ copied: HARD.length, failures: [], droppedFlags: [] });
      const { ImapClient } = await import("../../../src/imap/client.js");
      const { host, ports, users } = target;
      const credentials = { user: "alice", password: users.alice };
      await using there = new ImapClient({ host, port: ports.imap, security: "plain", credentials });
      await there.connect();
      await there.login();
      expect(await stateOf(there, "INBOX")).toEqual(before);
      await imap.append(box, { text: "Subject: new\n\nnew\n" }, { date: cameAt(1) });
      expect(await copyMail(options)).toMatchObject({ copied: 1, skipped: HARD.length });
      expect(await stateOf(there, "INBOX")).toEqual(await stateOf(imap, box));
    } finally {
      await target.stop();
    }
    const copy = `${box} copy`;
    const own = { from: serverOf(bed.server), fromMailbox: box, to: serverOf(bed.server), toMailbox: copy };
    expect(await copyMail(own)).toMatchObject({ copied: HARD.length + 1 });
    expect(await stateOf(imap, copy)).toEqual(await stateOf(imap, box));
  });
});
