/** The three readers and the three writers, on real servers: the same checks as in memory. */
import { expect, it } from "vitest";
import { toCrlf } from "../../src/message/line-ends.js";
import { checkReader, checkWriter, content, GROUP } from "../message/common-checks.js";
import { describeMail as describeImap } from "./imap/bed.js";
import { describeNews } from "./nntp/bed.js";
import { describeMail as describePop3 } from "./pop3/bed.js";
import { MAIL_KINDS } from "./servers/mail.js";
import { connected, eventually } from "./smtp/bed.js";

const contents = (count: number) => Array.from({ length: count }, (_, i) => content(i + 1));

/** INN takes a message-id once: each group is filled once, and the second one with another message. */
const GROUPS: Readonly<Record<number, string>> = { 0: "polywire.empty", 1: "polywire.umlaut", 30: GROUP };
const other = (group: string) => Buffer.from(content(31).toString().replace(GROUP, group));

describeNews("inn", {}, "a reader: INN", (bed) => {
  const entered = async (count: number) => {
    const nntp = await bed.ready();
    const group = GROUPS[count] as string;
    const { count: there } = await nntp.group(group);
    if (there < count) {
      for (const each of count === 1 ? [other(group)] : contents(count)) await nntp.post(each);
      await nntp.group(group);
    }
    return nntp;
  };
  checkReader(async (count) => ({ reader: await entered(count), first: 1, again: () => entered(count) }));
});

describeNews("inn", {}, "a writer: INN", (bed) => {
  checkWriter(async () => {
    const nntp = await bed.ready();
    const { high } = await nntp.group(GROUP);
    const arrived = async () => {
      await nntp.group(GROUP);
      const rows = await nntp.messages([high + 1]).toArray();
      return Promise.all(rows.map(async ({ id }) => (await nntp.retrieve(id)).content));
    };
    return { writer: nntp, arrived };
  });
});

for (const kind of MAIL_KINDS) {
  const users = { c0: "secret0", c1: "secret1", c30: "secret30" };

  describePop3(kind, { users }, `a reader: POP3, ${kind}`, (bed) => {
    const filled = new Set<string>();
    const enter = (user: keyof typeof users) => bed.ready({ credentials: { user, password: users[user] } });
    checkReader(async (count) => {
      const user = `c${count}` as keyof typeof users;
      if (count > 0 && !filled.has(user)) await bed.server.deliver(user, ...contents(count));
      filled.add(user);
      const reader = await enter(user);
      const again = async () => {
        await reader.quit();
        return enter(user);
      };
      return { reader, first: 1, again };
    });
  });

  describeImap(kind, {}, `a reader: IMAP, ${kind}`, (bed) => {
    checkReader(async (count) => {
      const { imap, box } = await bed.fresh();
      await imap
        .appendAll(
          box,
          contents(count).map((content) => ({ content })),
        )
        .toArray();
      await imap.noop();
      const again = async () => {
        const other = await bed.ready();
        await other.examine(box);
        return other;
      };
      return { reader: imap, first: 1, again };
    });
  });

  describeImap(kind, {}, `many messages: IMAP, ${kind}`, (bed) => {
    it("come a thousand at a time, by UIDs: those removed inside the loop make it miss none", async () => {
      const { imap, box } = await bed.fresh();
      const text = { text: "Subject: one of many\n\nx\n" };
      const added = await imap
        .appendAll(
          box,
          Array.from({ length: 2_500 }, () => ({ content: text })),
        )
        .toArray();
      await imap.noop();
      const uids: (number | undefined)[] = [];
      for await (const batch of imap.messages().batches()) {
        for (const { uid, headers } of batch) if (headers.get("subject") === "one of many") uids.push(uid);
        await imap.store(
          batch.map(({ id }) => id),
          "+FLAGS.SILENT",
          ["\\Deleted"],
        );
        await imap.expunge();
      }
      expect(uids).toEqual(added.map(({ uid }) => uid));
      expect(imap.mailbox?.exists).toBe(0);
    }, 60_000);
  });

  describeImap(kind, {}, `a writer: IMAP, ${kind}`, (bed) => {
    checkWriter(async () => {
      const { imap } = await bed.fresh();
      const arrived = async () => {
        await imap.noop();
        const rows = await imap.messages().toArray();
        return Promise.all(rows.map(async ({ id }) => (await imap.retrieve(id)).content));
      };
      return { writer: imap, arrived };
    });
  });
}

describeImap("dovecot", {}, "a writer: SMTP, dovecot", (bed) => {
  checkWriter(async () => {
    const { server } = bed;
    const credentials = { user: server.user, password: server.password };
    const smtp = await connected(server, server.ports.submission, { credentials });
    const before = (await server.relayed()).length;
    const arrived = async (count: number) => {
      const all = await eventually(server.relayed, (messages) => messages.length >= before + count);
      return all.slice(before).map((each) => toCrlf(each.content));
    };
    return { writer: smtp, arrived };
  });
});
