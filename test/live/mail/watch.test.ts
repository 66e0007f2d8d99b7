/** watchMail on real servers: what others bring is told, also what came while nobody was connected. */
import { expect, it } from "vitest";
import { type WatchEvent, watchMail } from "../../../src/jobs/index.js";
import { Paced } from "../headers/paced.js";
import { describeEach } from "../imap/bed.js";

const text = (subject: string) => ({
  text: `Subject: ${subject}\nFrom: =?utf-8?q?J=C3=BCrgen?= <j@example.org>\n\nhello\n`,
});

describeEach({}, (bed) => {
  it("messages, flags and expunges as they come; a lost connection costs none, and tells none twice", async () => {
    const { imap, box } = await bed.fresh();
    const { host, ports, users } = bed.server;
    await using paced = await Paced.start(host, ports.imap, 1e9);
    const credentials = { user: "alice", password: users.alice };
    const server = { protocol: "imap", host: "127.0.0.1", port: paced.port, security: "plain", credentials } as const;
    const abort = new AbortController();
    const events = watchMail({ server, mailbox: box, flags: true, expunges: true, signal: abort.signal });
    const next = async () => (await events.next()).value as WatchEvent;
    const message = async () => {
      let event = await next();
      // That a message is recent no longer is a change of its flags, to some servers.
      while (event.type === "flags") event = await next();
      return event;
    };
    expect(await next()).toMatchObject({ type: "watching", mailbox: box, messages: 0 });
    const first = message();
    await imap.append(box, text("one ü"), { flags: ["\\Flagged"] });
    expect(await first).toMatchObject({
      ...{ type: "message", number: 1, subject: "one ü", meanwhile: false },
      ...{ from: [{ name: "Jürgen", address: "j@example.org" }], flags: expect.arrayContaining(["\\Flagged"]) },
    });
    const second = message();
    await imap.appendAll(box, [{ content: text("two") }, { content: text("three") }]).toArray();
    expect(await second).toMatchObject({ subject: "two", number: 2 });
    expect(await message()).toMatchObject({ subject: "three", number: 3 });
    await imap.noop();
    const changed = (async () => {
      for (;;) {
        const event = await next();
        if (event.type !== "flags" || event.flags.includes("\\Answered")) return event;
      }
    })();
    await imap.store("1:*", "+FLAGS.SILENT", ["\\Answered"]);
    expect(await changed).toMatchObject({ type: "flags", flags: expect.arrayContaining(["\\Answered"]) });
    const gone = message();
    const [uid] = await imap.search();
    await imap.store(uid as number, "+FLAGS.SILENT", ["\\Deleted"]);
    await imap.expunge(uid);
    expect(await gone).toEqual({ type: "expunge", number: 1 });

    const lost = message();
    paced.restart(1e9);
    expect(await lost).toMatchObject({ type: "lost", milliseconds: 1_000 });
    await imap.append(box, text("four"));
    await imap.append(box, text("five"));
    expect(await next()).toMatchObject({ type: "watching", messages: 4, renumbered: false });
    expect(await message()).toMatchObject({ subject: "four", meanwhile: true });
    expect(await message()).toMatchObject({ subject: "five", meanwhile: true });
    const last = message();
    await imap.append(box, text("six"));
    expect(await last).toMatchObject({ subject: "six", meanwhile: false });
    const end = events.next();
    abort.abort();
    expect(await end).toEqual({ done: true, value: undefined });
  });
});
