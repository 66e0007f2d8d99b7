/** polywire mail, watch and copy over IMAP, as processes. */
import { existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { copyFigures } from "../../src/cli/mail/copy-figures.js";
import { lineOf } from "../../src/cli/mail/watch-lines.js";
import { progressLine } from "../../src/cli/progress.js";
import { ImapServer, type ImapServerOptions } from "../../src/testing/index.js";
import { expected, mailIn, messageOf } from "../jobs/mail/bed.js";
import { letters } from "../jobs/mail/imap-bed.js";
import { cleanUp, folder, PASSWORD, PLAIN, polywire, type RunOptions } from "./polywire.js";

afterAll(cleanUp);

let runs = 0;

/** Mailboxes of alice's, and a folder of its own to run in. */
async function bed(count: number, options: ImapServerOptions = {}) {
  const mailboxes = { INBOX: { messages: letters(count), uidValidity: 7 }, "Old mail": [messageOf(99)] };
  const server = await ImapServer.start({ users: { alice: { password: PASSWORD, mailboxes } }, ...options });
  const cwd = join(folder, `imap${++runs}`);
  mkdirSync(cwd);
  const url = server.url.replace(`:${PASSWORD}`, "");
  const run = (args: string[], more: RunOptions = {}) => polywire([...args, "--plain"], { ...PLAIN, cwd, ...more });
  const at = (name: string) => join(cwd, name);
  const inbox = server.mailbox("INBOX");
  return { server, inbox, cwd, url, run, at, [Symbol.asyncDispose]: () => server.close() };
}

describe.concurrent("mail", () => {
  test("INBOX into a Maildir; the same line again fetches what is new", async () => {
    await using job = await bed(20);
    const first = await job.run(["mail", job.url, "--to", "Maildir"]);
    expect(first.stdout).toMatch(/^20 messages \(\d\.\d KiB\) in [\d.]+ s: Maildir\n$/);
    job.inbox.add(messageOf(21));
    expect((await job.run(["mail", job.url, "--to", "Maildir"])).stdout).toMatch(/^1 message .*, 20 known: Maildir\n$/);
    expect(await mailIn(job.at("Maildir"))).toEqual(expected(21));
  });

  test("another mailbox, by its name or by the URL", async () => {
    await using job = await bed(1);
    expect((await job.run(["mail", job.url, "--mailbox", "Old mail", "--to", "old/"])).code).toBe(0);
    expect((await job.run(["mail", `${job.url}/Old%20mail`, "--to", "url/"])).code).toBe(0);
    for (const place of ["old", "url"]) expect(await mailIn(job.at(place))).toEqual([messageOf(99)]);
  });

  test("several mailboxes, each into its own place; one that the server refuses does not stop the others", async () => {
    const box = (n: number) => ({ messages: [messageOf(n)] });
    const mailboxes = {
      INBOX: box(1),
      Lists: { noselect: true },
      "Lists/A.b": box(2),
      "Lists/ü": box(3),
      Other: box(4),
    };
    await using job = await bed(0, { users: { alice: { password: PASSWORD, mailboxes } } });
    const all = await job.run(["mail", job.url, "--all", "--to", "Maildir"]);
    expect(all.stdout).toMatch(
      /: Maildir\n.*: Maildir\/\.Lists\.A%2Eb\n.*: Maildir\/\.Lists\.&APw-\n.*: Maildir\/\.Other\n$/,
    );
    expect(all.code).toBe(0);
    const places = ["", ".Lists.A%2Eb", ".Lists.&APw-", ".Other"];
    for (const [i, place] of places.entries()) {
      expect(await mailIn(job.at(join("Maildir", place)))).toEqual([messageOf(i + 1)]);
    }
    job.server.faults.reply = { EXAMINE: { reply: "NO [NOPERM] not this one", times: 1 } };
    const args = ["mail", job.url, "--mailbox", "Lists/*", "--mailbox", "Other", "--to", "kept/", "--format", "mbox"];
    const some = await job.run([...args, "--json"]);
    expect(some.code).toBe(1);
    const results = some.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(results).toMatchObject([
      { error: { code: "NO" }, mailbox: "Lists/A.b" },
      { fetched: 1, mailbox: "Lists/ü", to: "kept/Lists/&APw-.mbox" },
      { fetched: 1, mailbox: "Other", to: "kept/Other.mbox" },
    ]);
    expect(await mailIn(job.at("kept/Other.mbox"))).toEqual([messageOf(4)]);
  });

  test("--delete-after; without UIDPLUS messages are marked, and that is said", async () => {
    await using job = await bed(5);
    const ran = await job.run(["mail", job.url, "--to", "mail.mbox", "--delete-after"]);
    expect(ran.stdout).toMatch(/^5 messages .*, 5 deleted from the server: mail\.mbox\n$/);
    expect(job.inbox.count).toBe(0);
    await using old = await bed(5, { features: { uidplus: false, imap4rev2: false } });
    const marked = await old.run(["mail", old.url, "--to", "mail.mbox", "--delete-after"]);
    expect(marked.stdout).toMatch(/, 5 marked as deleted: mail\.mbox\n$/);
    expect(marked.stderr).toContain("The server has no UIDPLUS");
    expect(old.inbox.count).toBe(5);
  });

  test("a new UIDVALIDITY is said; nothing is stored twice", async () => {
    await using job = await bed(5);
    await job.run(["mail", job.url, "--to", "mail.mbox"]);
    job.inbox.uidValidity = 8;
    const ran = await job.run(["mail", job.url, "--to", "mail.mbox", "--json", "--progress", "none"]);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      fetched: 0,
      skipped: 5,
      renumbered: { uidValidity: 8, recognised: 5 },
    });
    expect(ran.stderr).toContain("new UIDVALIDITY (8), and new UIDs: 5 messages known again");
    expect(await mailIn(job.at("mail.mbox"))).toEqual(expected(5));
  });

  test("what cannot work", async () => {
    await using job = await bed(1);
    const cases: [string[], number, RegExp][] = [
      [[`${job.url}/INBOX`, "--mailbox", "INBOX", "--to", "Maildir"], 64, /both name a mailbox/],
      [[job.url, "--mailbox", "None", "--to", "Maildir"], 1, /no such mailbox|NONEXISTENT/i],
      [["smtp://alice@127.0.0.1", "--to", "Maildir"], 64, /by POP3 or IMAP/],
      [["pop3://alice@127.0.0.1", "--all", "--to", "Maildir"], 64, /POP3 has one mailbox/],
      [[job.url, "--mailbox", "None/*", "--to", "Maildir"], 64, /no mailbox is called None/],
      [[job.url, "--all", "--to", "x.mbox"], 64, /one file, and there are several/],
      [[job.url, "--all", "--to", "Maildir", "--journal", "j"], 64, /--journal is for one mailbox/],
    ];
    const ran = await Promise.all(cases.map(([args]) => job.run(["mail", ...args])));
    for (const [i, [, code, says]] of cases.entries()) {
      expect(ran[i]?.stderr).toMatch(says);
      expect(ran[i]?.code).toBe(code);
    }
  });
});

describe.concurrent("watch", () => {
  test("a line for each message that comes, until --limit", async () => {
    await using job = await bed(3);
    const running = (child: { stderr: NodeJS.ReadableStream | null }) => {
      child.stderr?.once("data", () => {
        for (const n of [4, 5]) job.inbox.add(`From: "Al\x1b[2J" <a@example.org>\r\nSubject: No. ${n}\r\n\r\n.\r\n`);
      });
    };
    const { stdout, stderr, code } = await job.run(["watch", job.url, "--limit", "2"], { running });
    expect(stderr).toBe("Watching INBOX (3 messages).\n");
    expect(stdout).toMatch(
      /^4 {2}4 {2}\d{4}-\d\d-\d\d \d\d:\d\d {2}Al.* <a@example\.org> {2}No\. 4\n5 {2}5 .*No\. 5\n$/,
    );
    expect(code).toBe(0);
  });

  test("as JSON, flags and expunges too; SIGINT ends it in order", async () => {
    await using job = await bed(3);
    const steps = [
      () => job.inbox.setFlags(2, ["\\Seen"]),
      () => job.inbox.expunge(1),
      () => job.inbox.add(messageOf(4)),
    ];
    const running = (child: { stdout: NodeJS.ReadableStream | null; kill(signal: "SIGINT"): boolean }) => {
      let lines = 0;
      child.stdout?.on("data", (chunk: Buffer) => {
        for (const _ of chunk.toString().matchAll(/\n/g)) {
          const step = steps[lines++];
          if (step) step();
          else child.kill("SIGINT");
        }
      });
    };
    const { stdout, code } = await job.run(["watch", job.url, "--json", "--flags", "--expunges"], { running });
    const events = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { type: "watching", messages: 3, uidValidity: 7 },
      { type: "flags", number: 2, flags: expect.arrayContaining(["\\Seen"]) },
      { type: "expunge", number: 1 },
      { type: "message", uid: 4, number: 3, subject: "Message 4", meanwhile: false },
    ]);
    expect(code).toBe(0);
    expect(job.server.commands.at(-1)).toMatch(/LOGOUT/);
  });

  test("a connection that is lost is told on stderr, and made again", async () => {
    await using job = await bed(1);
    const running = (child: { stderr: NodeJS.ReadableStream | null }) => {
      let said = "";
      child.stderr?.on("data", (chunk: Buffer) => {
        said += chunk;
        if (said.match(/Watching/g)?.length === 1 && !said.includes("again in")) void job.server.say("BYE going down");
        if (said.includes("again in") && job.inbox.count === 1) job.inbox.add(messageOf(2));
      });
    };
    const { stdout, stderr, code } = await job.run(["watch", job.url, "--limit", "1"], { running });
    expect(stderr).toMatch(
      /^Watching INBOX \(1 message\)\.\npolywire: .*; again in 1\.0 s\nWatching INBOX \(2 messages\)\.\n$/,
    );
    expect(stdout).toMatch(/^2 {2}2 .*Message 2\n$/);
    expect(code).toBe(0);
  });

  test("a refused login, and what is no IMAP server", async () => {
    await using job = await bed(1);
    expect((await job.run(["watch", job.url], { env: { POLYWIRE_PASSWORD: "wrong" } })).code).toBe(77);
    expect((await job.run(["watch", "pop3://alice@127.0.0.1"])).code).toBe(64);
  });

  test("a line is one line, whatever its fields hold", () => {
    const from = [{ name: "A\nB", address: "a@b.example" }];
    const mail = { type: "message", uid: 4, number: 2, subject: "one\r\ntwo\tthree", from, date: undefined } as const;
    const rest = { received: undefined, flags: [], bytes: 1, meanwhile: false };
    expect(lineOf({ ...mail, ...rest })).toBe("2  4  -  A B <a@b.example>  one two three");
    expect(lineOf({ ...mail, ...rest, from: [{ name: "Al", address: "" }] })).toBe("2  4  -  Al  one two three");
    expect(lineOf({ type: "flags", number: 3, uid: 9, flags: ["\\Seen", "x"] })).toBe("flags 3 (UID 9): \\Seen x");
  });
});

describe.concurrent("copy", () => {
  const passwords = { POLYWIRE_FROM_PASSWORD: PASSWORD, POLYWIRE_TO_PASSWORD: PASSWORD };

  test("a mailbox into another server's; the same line again copies what is new", async () => {
    await using from = await bed(30);
    await using to = await bed(0);
    const run = (...more: string[]) =>
      from.run(["copy", `${from.url}/INBOX`, `${to.url}/Archive`, ...more], { env: passwords });
    const first = await run();
    expect(first.stderr).toMatch(/^Journal: polywire-copy-[0-9a-f]{10}\.journal\. If this is interrupted/);
    expect(first.stdout).toMatch(/^30 messages \(\d\.\d KiB\) copied in [\d.]+ s\n$/);
    expect(first.code).toBe(0);
    const flags = (server: ImapServer, box: string) =>
      server.mailbox(box).messages.map((each) => [...each.flags].sort());
    expect(flags(to.server, "Archive")).toEqual(flags(from.server, "INBOX"));
    from.inbox.add(messageOf(31));
    const again = await run("--json", "--progress", "none");
    expect(JSON.parse(again.stdout)).toMatchObject({ copied: 1, skipped: 30, failures: [], droppedFlags: [] });
    expect(to.server.mailbox("Archive").count).toBe(31);
  });

  test("a message that the target refuses is told: 1; what stops the job says how to go on", async () => {
    await using from = await bed(3);
    await using to = await bed(0, { limits: { append: 120 } });
    from.inbox.add(`Subject: large\r\n\r\n${"x".repeat(200)}\r\n`);
    const args = ["copy", from.url, `${to.url}/Archive`, "--journal", "a.journal"];
    const ran = await from.run(args, { env: passwords });
    expect(ran.stdout).toMatch(/^3 messages .*\n✗ UID 4: .*120\n$/);
    expect(ran.code).toBe(1);
    to.server.faults.reply = { APPEND: "NO [OVERQUOTA] full" };
    from.inbox.add(messageOf(5));
    const stopped = await from.run(args, { env: passwords });
    expect(stopped.stderr).toMatch(
      /quota is used up[\s\S]*Run the same command again to go on \(journal: a\.journal\)/,
    );
    expect(stopped.code).toBe(2);
  });

  test("neither server is offered the other's password; POP3 is no side of a copy", async () => {
    await using from = await bed(1);
    await using to = await bed(0);
    const env = { POLYWIRE_FROM_PASSWORD: PASSWORD, POLYWIRE_TO_PASSWORD: "wrong" };
    expect((await from.run(["copy", from.url, `${to.url}/A`], { env })).code).toBe(77);
    expect((await from.run(["copy", "pop3://alice@127.0.0.1", to.url], { env })).code).toBe(64);
    expect(existsSync(from.at("polywire-copy.journal"))).toBe(false);
  });
});

test("what is shown of a copy while it goes on", () => {
  const progress = {
    phase: "copying",
    wanted: 1_200,
    wantedBytes: 4096,
    copied: 300,
    bytes: 1024,
    skipped: 7,
  } as const;
  const figures = copyFigures({ ...progress, bytesPerSecond: 512, secondsLeft: 6 });
  expect(progressLine(figures)).toBe("copying: 300 of 1,200 messages, 1.0 KiB, 512 B/s, 6.0 s left");
  expect([figures.done, figures.total]).toEqual([1024, 4096]);
});
