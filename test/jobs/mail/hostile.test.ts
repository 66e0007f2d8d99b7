/** fetchMail against broken servers, disks and functions: nothing hangs, nothing is lost, and what went wrong is told. */
import { mkdirSync, rmSync, statSync } from "node:fs";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { ConnectionError, ReplyError, SinkError } from "../../../src/client/errors.js";
import { fetchMail } from "../../../src/jobs/mail/fetch.js";
import { MailJournal } from "../../../src/jobs/mail/journal.js";
import { Pop3Client } from "../../../src/pop3/client.js";
import { ScriptedServer } from "../../../src/testing/index.js";
import { bed, expected, mailIn, messageOf } from "./bed.js";

const user = (...messages: string[]) => ({ password: "test", messages });

describe.concurrent("whose mail it is", () => {
  test("a client of the caller's own has to come with it, where messages are known by it", async () => {
    await using job = await bed({ users: { bob: user("Subject: to bob\r\n\r\n") } });
    const { port } = job.server;
    const options = {
      host: "127.0.0.1",
      port,
      security: "plain",
      credentials: { user: "bob", password: "test" },
    } as const;
    const client = new Pop3Client(options);
    await expect(fetchMail({ client, to: job.at("Maildir") })).rejects.toThrow(/give account/);
    const got: string[] = [];
    await fetchMail({ client, to: ({ content }) => void got.push(content.toString()) });
    expect(got).toEqual(["Subject: to bob\r\n\r\n"]);
  });

  test("who logs in to act for others has their mailboxes, each for itself", async () => {
    const session = (who: string) => `
      S: +OK
      C: CAPA
      S: +OK
      S: UIDL
      S: SASL PLAIN
      S: .
      C: AUTH PLAIN ***
      S: +OK
      C: CAPA
      S: +OK
      S: UIDL
      S: .
      C: UIDL
      S: +OK
      S: 1 same-uid
      S: .
      C: LIST
      S: +OK
      S: 1 20
      S: .
      C: RETR 1
      S: +OK
      S: Subject: to ${who}
      S: .
      C: QUIT
      S: +OK`;
    await using job = await bed(0);
    await using server = await ScriptedServer.start([session("alice"), session("bob")].join("\n---\n"));
    for (const authzid of ["alice", "bob"]) {
      const credentials = { user: "master", password: "secret", authzid };
      const one = { host: server.host, port: server.port, security: "plain", credentials } as const;
      expect(await fetchMail(job.options("Maildir", { server: one }))).toMatchObject({ fetched: 1, skipped: 0 });
    }
    expect(await mailIn(job.at("Maildir"))).toEqual(["Subject: to alice\r\n", "Subject: to bob\r\n"]);
    await server.done;
  });
});

describe.concurrent("a store that fails before it reads", () => {
  test.each([
    ["Maildir", "Maildir/tmp"],
    ["mail/", "mail"],
  ])("a large message into %s: the job ends with the store's error", async (place, gone) => {
    let folder = "";
    const large = `Subject: large\r\n\r\n${"x".repeat(70)}\r\n`.padEnd(6_000_000, `${"y".repeat(70)}\r\n`);
    const onCommand = (line: string) => line === "UIDL" && rmSync(folder, { recursive: true, force: true });
    await using job = await bed({ users: { test: user(large) }, onCommand });
    folder = job.at(gone);
    await expect(fetchMail(job.options(place, { deleteAfter: true }))).rejects.toThrow(SinkError);
    expect(job.server.maildrop().count).toBe(1);
  });
});

describe.concurrent("listings that are broken", () => {
  test("a message without a size is fetched; one without a uid is told", async () => {
    await using job = await bed(3);
    job.server.faults.reply = {
      UIDL: "+OK\r\n1 uid-1\r\n2 uid-2\r\n.",
      LIST: "+OK\r\n1 90\r\n3 90\r\n.",
    };
    const result = await fetchMail(job.options("Maildir", { deleteAfter: true }));
    expect(result).toMatchObject({ fetched: 2, deleted: 2 });
    expect(result.failures.map(({ number, uid }) => [number, uid])).toEqual([[3, ""]]);
    expect(await mailIn(job.at("Maildir"))).toEqual(expected(2));
    expect(job.server.maildrop().uids).toEqual(["uid-3"]);
  });

  test("two messages of one uid: neither is taken for the other", async () => {
    await using job = await bed({ users: { test: user(messageOf(1), messageOf(2)) } });
    job.server.faults.reply = { UIDL: "+OK\r\n1 x\r\n2 x\r\n." };
    expect(await fetchMail(job.options("mail/", { deleteAfter: true }))).toMatchObject({ fetched: 2, deleted: 2 });
    expect(await mailIn(job.at("mail"))).toEqual(expected(2));
  });

  test("a uid with NUL is another one than what stands before the NUL", async () => {
    await using job = await bed(2);
    job.server.faults.reply = { UIDL: "+OK\r\n1 a\0b\r\n2 a\r\n." };
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 2 });
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 0, skipped: 2 });
  });
});

describe.concurrent("the end of the session", () => {
  test("does not matter where nothing was deleted", async () => {
    await using job = await bed(2);
    job.server.faults.closeBeforeCommand = { command: "QUIT", times: 100 };
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ fetched: 2, failures: [] });
    job.server.faults.reply = { QUIT: "-ERR no" };
    job.server.faults.closeBeforeCommand = undefined;
    expect(await fetchMail(job.options("Maildir"))).toMatchObject({ skipped: 2, failures: [] });
  });
});

describe.concurrent("a function", () => {
  test("that throws an error of another server ends the job at once, as a failure of its own", async () => {
    for (const thrown of [
      new ReplyError("550 no", { command: "RCPT", code: "550", transient: false }),
      new ConnectionError("lost", { phase: "command" }),
    ]) {
      await using job = await bed(5);
      let calls = 0;
      const to = () => {
        calls++;
        throw thrown;
      };
      const failed = await fetchMail({ ...job.options(""), to, deleteAfter: true }).catch((error) => error);
      expect(failed).toBeInstanceOf(SinkError);
      expect(failed.cause).toBe(thrown);
      expect(calls).toBe(1);
      expect(job.server.commands.filter((line) => line === "UIDL")).toHaveLength(1);
      expect(job.server.maildrop().count).toBe(5);
    }
  });
});

test("the journal goes on while deletions are not answered", async () => {
  await using job = await bed(30);
  let release = () => {};
  const late = new Promise<void>((resolve) => {
    release = resolve;
  });
  class Late extends Pop3Client {
    override async dele(number: number): Promise<void> {
      await late;
      return super.dele(number);
    }
  }
  const { port } = job.server;
  const credentials = { user: "test", password: "test" };
  const client = new Late({ host: "127.0.0.1", port, security: "plain", credentials });
  const commit = vi.spyOn(MailJournal.prototype, "commit");
  onTestFinished(() => commit.mockRestore());
  const commits = () => commit.mock.calls.filter(([, ids]) => ids.length > 0).length;
  const to = () => new Promise<void>((go) => setTimeout(go, 50));
  const running = fetchMail({ client, account: "test@here", to, journal: job.at("mail.journal"), deleteAfter: true });
  while (commits() < 2) await new Promise((go) => setTimeout(go, 10));
  release();
  expect(await running).toMatchObject({ fetched: 30, deleted: 30 });
});

test("mail, and the journal, are for their owner's eyes", async () => {
  const mode = (path: string) => (statSync(path).mode & 0o777).toString(8);
  await using job = await bed(1);
  for (const place of ["deep/mail.mbox", "kept/", "Maildir"]) {
    const journal = job.at(`${place.replaceAll("/", "")}.journal`);
    await fetchMail(job.options(place, { journal }));
    expect(mode(journal)).toBe("600");
  }
  expect([mode(job.at("deep")), mode(job.at("deep/mail.mbox")), mode(job.at("kept"))]).toEqual(["700", "600", "700"]);
  mkdirSync(job.at("own"), { mode: 0o755 });
  await fetchMail(job.options("own/", { journal: job.at("own.journal") }));
  expect(mode(job.at("own"))).toBe("755");
});

test.each(["Maildir", "mail.mbox", "mail/"])(
  "into %s: a message of which nothing comes is told, and not deleted",
  async (to) => {
    for (const bytes of [500, 5_000_000]) {
      await using job = await bed(2);
      job.server.faults.reply = { "RETR 2": "+OK\r\n.", LIST: `+OK\r\n1 80\r\n2 ${bytes}\r\n.` };
      const result = await fetchMail(job.options(to, { deleteAfter: true }));
      expect(result).toMatchObject({ fetched: 1, deleted: 1, failures: [{ uid: "uid-2" }] });
      expect(await mailIn(job.at(to))).toEqual([messageOf(1)]);
    }
  },
);
