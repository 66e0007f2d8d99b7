/** fetchMail against a server in memory: every message once, in every kind of place, and deleted only when it is safe. */
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, LoginError, SinkError, UsageError } from "../../../src/client/errors.js";
import { fetchMail } from "../../../src/jobs/mail/fetch.js";
import type { MailProgress } from "../../../src/jobs/mail/progress.js";
import type { FetchedMail } from "../../../src/jobs/mail/stores/function-store.js";
import { Maildir } from "../../../src/message/maildir.js";
import { Pop3Client } from "../../../src/pop3/client.js";
import { bed, expected, mailIn, messageOf, messages } from "./bed.js";

const PLACES = ["Maildir", "mail.mbox", "mail.mbox.gz", "mail/"];

describe.concurrent.each(PLACES)("into %s", (place) => {
  test("every message, byte for byte; the same job again fetches what is new", async () => {
    await using job = await bed(120);
    const first = await fetchMail(job.options(place));
    const bytes = expected(120).reduce((sum, text) => sum + text.length, 0);
    expect(first).toMatchObject({ fetched: 120, skipped: 0, deleted: 0, bytes, failures: [] });
    expect(await mailIn(job.at(place))).toEqual(expected(120));
    expect(job.server.maildrop().count).toBe(120);
    job.server.maildrop().add(messageOf(121));
    expect(await fetchMail(job.options(place))).toMatchObject({ fetched: 1, skipped: 120 });
    expect(await fetchMail(job.options(place))).toMatchObject({ fetched: 0, skipped: 121 });
    expect(await mailIn(job.at(place))).toEqual(expected(121));
  });

  test("deleteAfter empties the server, also of what an earlier run has stored", async () => {
    await using job = await bed(30);
    await fetchMail(job.options(place, { limit: 10 }));
    const result = await fetchMail(job.options(place, { deleteAfter: true, limit: 5 }));
    expect(result).toMatchObject({ fetched: 5, skipped: 10, deleted: 15 });
    expect(job.server.maildrop().uids[0]).toBe("uid-16");
    const rest = await fetchMail(job.options(place, { deleteAfter: true }));
    expect(rest).toMatchObject({ fetched: 15, skipped: 0, deleted: 15 });
    expect(job.server.maildrop().count).toBe(0);
    expect(await mailIn(job.at(place))).toEqual(expected(30));
  });

  test("a connection lost in the middle of a message: the job connects again, each message is there once", async () => {
    await using job = await bed(40);
    job.server.faults.cutBody = { command: "RETR 25", at: 30 };
    // The fault stays: the first session ends at message 25, and so does every later one that asks for it.
    const progress: MailProgress[] = [];
    const onProgress = (each: MailProgress) => {
      progress.push(each);
      job.server.faults.cutBody = undefined;
    };
    const result = await fetchMail(job.options(place, { deleteAfter: true, onProgress }));
    expect(result).toMatchObject({ fetched: 40, deleted: 40, skipped: 0 });
    expect(await mailIn(job.at(place))).toEqual(expected(40));
    expect(job.server.maildrop().count).toBe(0);
    expect(progress.at(-1)).toMatchObject({ phase: "done", fetched: 40 });
  });

  test("cancelled: what was fetched is remembered, and the next run has the rest", async () => {
    await using job = await bed(60);
    const abort = new AbortController();
    job.server.faults.hang = "RETR 30";
    const failed = fetchMail(job.options(place, { signal: abort.signal, deleteAfter: true }));
    while (!job.server.commands.some((line) => line.endsWith("RETR 30"))) await new Promise((go) => setTimeout(go, 5));
    abort.abort();
    await expect(failed).rejects.toThrow(AbortedError);
    job.server.faults.hang = undefined;
    const rest = await fetchMail(job.options(place, { deleteAfter: true }));
    expect(rest.fetched + rest.skipped).toBe(60);
    expect(rest.deleted).toBe(60);
    expect(await mailIn(job.at(place))).toEqual(expected(60));
  });
});

describe.concurrent("what is known again", () => {
  test.each(["Maildir", "mail/"])("%s without its journal: nothing is fetched twice", async (place) => {
    await using job = await bed(20);
    await fetchMail(job.options(place));
    rmSync(job.at("mail.journal"));
    const again = await fetchMail(job.options(place));
    expect(again).toMatchObject({ fetched: 0, skipped: 20 });
    expect(await fetchMail(job.options(place, { journal: undefined }))).toMatchObject({ fetched: 0, skipped: 20 });
    expect(await mailIn(job.at(place))).toEqual(expected(20));
  });

  test("a message in a Maildir that was read meanwhile is in cur, and known all the same", async () => {
    await using job = await bed(3);
    await fetchMail(job.options("Maildir"));
    rmSync(job.at("mail.journal"));
    const maildir = await Maildir.open(job.at("Maildir"));
    for (const message of await maildir.list()) await maildir.setFlags(message, "S");
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 0, skipped: 3 });
  });

  test("two mailboxes with the same uids, in one Maildir and one journal", async () => {
    const users = {
      alice: { password: "a", messages: ["Subject: one\n\n"] },
      bob: { password: "b", messages: ["Subject: two\n\n"] },
    };
    await using job = await bed({ users });
    await fetchMail(job.options("Maildir", { server: job.server.urlOf("alice") }));
    const second = await fetchMail(job.options("Maildir", { server: job.server.urlOf("bob") }));
    expect(second).toMatchObject({ fetched: 1, skipped: 0 });
    expect(await mailIn(job.at("Maildir"))).toHaveLength(2);
  });

  test("the user may come from a source of credentials", async () => {
    await using job = await bed({ users: { carol: { password: "c", messages: ["x\n"] } } });
    const url = job.server.urlOf().replace("carol:c@", "");
    const server = { url, credentials: () => ({ user: "carol", password: "c" }) };
    await fetchMail(job.options("Maildir", { server }));
    expect(await fetchMail(job.options("Maildir", { server: job.server.urlOf() }))).toMatchObject({ skipped: 1 });
    const byHost = {
      host: "127.0.0.1",
      port: job.server.port,
      security: "plain",
      credentials: server.credentials,
    } as const;
    expect(await fetchMail(job.options("Maildir", { server: byHost }))).toMatchObject({ fetched: 0, skipped: 1 });
  });

  test("uids that no file system would take, and uids that differ only in case", async () => {
    const uids = ["../../etc/passwd", "aBc", "AbC", ".hidden", "-rf", "a b:c*?", "\xff\xfe", 'quote"\\'];
    const list = uids.map((uid, i) => ({ uid, content: messageOf(i + 1) }));
    await using job = await bed({ users: { test: { password: "test", messages: list } } });
    expect(await fetchMail(job.options("mail/"))).toMatchObject({ fetched: uids.length });
    expect(await mailIn(job.at("mail"))).toEqual(expected(uids.length));
    for (const name of readdirSync(job.at("mail"))) expect(name).toMatch(/^[\w%@+=][\w.%@+=-]*-[0-9a-f]{20}\.eml$/);
    expect(await fetchMail(job.options("mail/"))).toMatchObject({ fetched: 0, skipped: uids.length });
  });

  test("messages that share a uid are fetched each, once, and deleted together when all are stored", async () => {
    await using job = await bed(4);
    job.server.faults.duplicateUids = 4;
    const part = await fetchMail(job.options("Maildir", { deleteAfter: true, limit: 3 }));
    expect(part).toMatchObject({ fetched: 3, deleted: 2 });
    expect(job.server.maildrop().count).toBe(2);
    const twins = job.server.maildrop().uids.indexOf("uid-4") + 1;
    job.server.faults.duplicateUids = twins;
    expect(await fetchMail(job.options("Maildir", { deleteAfter: true }))).toMatchObject({ fetched: 1, deleted: 2 });
    expect(await mailIn(job.at("Maildir"))).toEqual(expected(4));
    expect(job.server.maildrop().count).toBe(0);
  });

  test("newest and limit choose", async () => {
    await using job = await bed(20);
    await fetchMail(job.options("mail.mbox", { newest: 5, limit: 2 }));
    expect(await mailIn(job.at("mail.mbox"))).toEqual([messageOf(16), messageOf(17)].sort());
    expect(await fetchMail(job.options("mail.mbox", { newest: 5 }))).toMatchObject({ fetched: 3, skipped: 2 });
    expect(await fetchMail(job.options("mail.mbox"))).toMatchObject({ fetched: 15, skipped: 5 });
  });
});

describe.concurrent("an mbox", () => {
  test("that holds something is left alone by a new job, unless it may be added to", async () => {
    await using job = await bed(2);
    writeFileSync(job.at("mail.mbox"), "From old Tue Feb  3 10:11:12 2026\nold\n\n");
    await expect(fetchMail(job.options("mail.mbox"))).rejects.toThrow(UsageError);
    expect(readFileSync(job.at("mail.mbox"), "utf8")).toMatch(/^From old .*\nold\n\n$/);
    await fetchMail(job.options("mail.mbox", { existing: "append" }));
    expect(await mailIn(job.at("mail.mbox"))).toEqual([...expected(2), "old\r\n"].sort());
  });

  test("what others added between two runs stays; what was removed does not come back", async () => {
    await using job = await bed(3);
    await fetchMail(job.options("mail.mbox"));
    writeFileSync(job.at("mail.mbox"), "From me Tue Feb  3 10:11:12 2026\nmine\n\n");
    job.server.maildrop().add(messageOf(4));
    expect(await fetchMail(job.options("mail.mbox"))).toMatchObject({ fetched: 1 });
    expect(await mailIn(job.at("mail.mbox"))).toEqual(["mine\r\n", messageOf(4)].sort());
  });

  test("a journal is for one place only", async () => {
    await using job = await bed(1);
    await fetchMail(job.options("mail.mbox"));
    await expect(fetchMail(job.options("Maildir"))).rejects.toThrow(/belongs to another job/);
  });
});

describe.concurrent("a function", () => {
  test("gets one message after the other, and what it has taken is not given again", async () => {
    await using job = await bed(25);
    const got: FetchedMail[] = [];
    let inside = 0;
    const to = async (mail: FetchedMail) => {
      expect(++inside).toBe(1);
      await new Promise((go) => setImmediate(go));
      inside--;
      got.push(mail);
    };
    expect(await fetchMail({ ...job.options(""), to, deleteAfter: true })).toMatchObject({ fetched: 25, deleted: 25 });
    expect(got.map(({ content }) => content.toString()).sort()).toEqual(expected(25));
    expect(got[0]).toMatchObject({ uid: "uid-1", number: 1 });
  });

  test("that throws ends the job; the messages before count", async () => {
    await using job = await bed(10);
    let taken = 0;
    const to = () => {
      if (++taken > 4) throw new Error("no more");
    };
    const failed = fetchMail({ ...job.options(""), to, deleteAfter: true });
    await expect(failed).rejects.toThrow(SinkError);
    await expect(failed).rejects.toThrow("no more");
    taken = -100;
    expect(await fetchMail({ ...job.options(""), to })).toMatchObject({ fetched: 6, skipped: 4 });
  });
});

describe.concurrent("when the server or the disk says no", () => {
  test("a message that is refused is told, the others are fetched, and it stays on the server", async () => {
    await using job = await bed(10);
    job.server.faults.reply = { "RETR 4": "-ERR it is broken" };
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(result).toMatchObject({ fetched: 9, deleted: 9 });
    expect(result.failures).toMatchObject([{ uid: "uid-4", number: 4, error: { name: "ReplyError" } }]);
    expect(job.server.maildrop().uids).toEqual(["uid-4"]);
  });

  test("a mailbox in use is tried again", async () => {
    await using job = await bed(2);
    job.server.faults.reply = { AUTH: { reply: "-ERR [IN-USE] another session has it", times: 1 } };
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 2 });
    expect(job.server.commands.filter((line) => line.startsWith("AUTH"))).toHaveLength(2);
  });

  test("deletions that the server does not make final are told, and the next run makes them again", async () => {
    await using job = await bed(3);
    job.server.faults.reply = { QUIT: { reply: "-ERR some deleted messages not removed", times: 1 } };
    const options = job.options("Maildir", { deleteAfter: true });
    const first = await fetchMail(options);
    expect(first).toMatchObject({ fetched: 3, deleted: 0 });
    expect(first.failures.map(({ uid }) => uid).sort()).toEqual(["uid-1", "uid-2", "uid-3"]);
    expect(first.failures[0]?.error.message).toMatch(/some deleted messages not removed/);
    expect(job.server.maildrop().count).toBe(3);
    expect(await fetchMail(options)).toMatchObject({ fetched: 0, skipped: 3, deleted: 3 });
  });

  test("an end of the session whose answer is lost: the next listing tells what was deleted", async () => {
    await using job = await bed(3);
    job.server.faults.loseReply = { command: "QUIT" };
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(result).toMatchObject({ fetched: 3, deleted: 3, skipped: 0 });
    expect(job.server.maildrop().count).toBe(0);
    expect(await mailIn(job.at("Maildir"))).toEqual(expected(3));
  });

  test("a server that always hangs up is given up", async () => {
    await using job = await bed(3);
    job.server.faults.closeBeforeCommand = { command: "UIDL", times: 100 };
    await expect(fetchMail(job.options("Maildir", { attempts: 2 }))).rejects.toThrow(ConnectionError);
    expect(job.server.commands.filter((line) => line === "UIDL")).toHaveLength(2);
  });

  test("a wrong password is not tried again", async () => {
    await using job = await bed(1);
    const server = job.server.urlOf().replace("test:test", "test:wrong");
    await expect(fetchMail(job.options("Maildir", { server }))).rejects.toThrow(LoginError);
    expect(job.server.commands.filter((line) => line === "CAPA")).toHaveLength(1);
  });

  test("a disk that fails in the middle: nothing is deleted that is not stored, and the next run has the rest", async () => {
    const users = { test: { password: "test", messages: messages(30) } };
    let tmp = "";
    const onCommand = (line: string) => {
      if (line === "RETR 10" && !existsSync(`${tmp}.gone`)) renameSync(tmp, `${tmp}.gone`);
    };
    await using job = await bed({ users, onCommand, features: { pipelining: false } });
    tmp = job.at("Maildir/tmp");
    const failed = fetchMail(job.options("Maildir", { deleteAfter: true }));
    await expect(failed).rejects.toThrow(SinkError);
    const there = (await mailIn(job.at("Maildir"))).length;
    expect(there).toBeLessThan(30);
    expect(job.server.maildrop().count).toBeGreaterThanOrEqual(30 - there);
    await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(await mailIn(job.at("Maildir"))).toEqual(expected(30));
    expect(job.server.maildrop().count).toBe(0);
  });

  test("a server without UIDL cannot be fetched from: nobody could tell what is new", async () => {
    await using job = await bed({ features: { uidl: false } });
    await expect(fetchMail(job.options("Maildir"))).rejects.toThrow(/UIDL/);
  });

  test("messages without pipelining, and large ones as streams", async () => {
    const large = (n: number) => `Subject: ${n}\r\n\r\n${`${"y".repeat(998)}\r\n`.repeat(5_000)}`;
    const users = { test: { password: "test", messages: [messageOf(1), large(2), messageOf(3), large(4)] } };
    await using job = await bed({ users, features: { pipelining: false } });
    const all = [messageOf(1), large(2), messageOf(3), large(4)].sort();
    for (const place of ["Maildir", "mail/", "mail.mbox"]) {
      const journal = job.at(`${place.replace("/", "")}.journal`);
      expect(await fetchMail(job.options(place, { journal }))).toMatchObject({ fetched: 4 });
      expect(await mailIn(job.at(place))).toEqual(all);
    }
  });

  test("a message too large for memory: a Maildir takes it as a stream, an mbox tells that it did not", async () => {
    const users = { test: { password: "test", messages: [messageOf(1), "z".repeat(6 * 1024 * 1024), messageOf(3)] } };
    await using job = await bed({ users });
    const server = { url: job.server.urlOf(), limits: { body: 1024 * 1024 } };
    const journal = job.at("mbox.journal");
    const result = await fetchMail(job.options("mail.mbox", { server, journal, deleteAfter: true }));
    expect(result).toMatchObject({
      fetched: 2,
      deleted: 2,
      failures: [{ uid: "uid-2", error: { name: "SinkError" } }],
    });
    expect(result.failures[0]?.error.message).toContain("a Maildir or a folder takes messages of any size");
    expect(job.server.commands).not.toContain("RETR 2");
    expect(await fetchMail(job.options("Maildir", { server }))).toMatchObject({ fetched: 1, failures: [] });
  });

  test("a server that cannot be reached is told at once", async () => {
    await using job = await bed(0);
    const server = "pop3://test@127.0.0.1:1?security=plain";
    await expect(fetchMail(job.options("Maildir", { server, attempts: 1_000 }))).rejects.toThrow(ConnectionError);
  });

  test("sizes that are lies are no matter", async () => {
    await using job = await bed(5);
    job.server.faults.wrongSizes = -20;
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 5 });
    expect(await mailIn(job.at("Maildir"))).toEqual(expected(5));
  });
});

describe.concurrent("options", () => {
  test("what cannot work is refused before anything is dialled", async () => {
    await using job = await bed(0);
    const bad: [object, RegExp][] = [
      [{ server: "nntp://h/" }, /not the URL of a mailbox/],
      [{ server: "pop3://h/inbox" }, /not the URL of a mailbox/],
      [{ server: undefined }, /either server or client/],
      [{ deleteAfter: true, fsync: false }, /deleteAfter needs fsync/],
      [{ limit: 0 }, /limit is a whole number/],
      [{ newest: 1.5 }, /newest is a whole number/],
      [{ journal: "/no/such/folder/x" }, /no folder/],
      [{ to: job.at("unclear") }, /may be a Maildir, an mbox or a folder.*format: "maildir"/],
      [{ client: new Pop3Client({ host: "h" }), server: undefined }, /give account/],
    ];
    for (const [more, says] of bad) await expect(fetchMail(job.options("Maildir", more))).rejects.toThrow(says);
    await expect(fetchMail(job.options("Maildir", { signal: AbortSignal.abort() }))).rejects.toThrow(AbortedError);
    expect(job.server.commands).toEqual([]);
  });

  test("a format that the name does not say", async () => {
    await using job = await bed(2);
    mkdirSync(job.at("box"));
    await fetchMail(job.options("box", { format: "maildir" }));
    expect(existsSync(job.at("box/new"))).toBe(true);
    const mbox = job.options("inbox", { format: "mbox", journal: undefined });
    await fetchMail(mbox);
    renameSync(job.at("inbox"), job.at("inbox.mbox"));
    expect(await mailIn(job.at("inbox.mbox"))).toEqual(expected(2));
  });

  test("a client of the caller's own is used as it is, and its session ended", async () => {
    await using job = await bed(3);
    const { port } = job.server;
    const client = new Pop3Client({
      host: "127.0.0.1",
      port,
      security: "plain",
      credentials: { user: "test", password: "test" },
    });
    await client.connect();
    const result = await fetchMail({ client, account: "test@here", to: job.at("Maildir"), deleteAfter: true });
    expect(result).toMatchObject({ fetched: 3, deleted: 3 });
    expect(client.state).toBe("closed");
    expect(job.server.maildrop().count).toBe(0);
  });

  test("a callback that throws ends the job, not the process", async () => {
    await using job = await bed(3);
    const onProgress = () => {
      throw new Error("no display");
    };
    await expect(fetchMail(job.options("Maildir", { onProgress }))).rejects.toThrow("no display");
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ skipped: 3 });
  });
});
