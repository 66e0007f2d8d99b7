/** polywire mail as a process: into every kind of place, stopped and run again, and what is refused. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { mailFigures } from "../../src/cli/mail/fetch-figures.js";
import { progressLine } from "../../src/cli/progress.js";
import { ImapServer, Pop3Server, type Pop3ServerOptions } from "../../src/testing/index.js";
import { expected, mailIn, messageOf, messages } from "../jobs/mail/bed.js";
import { cleanUp, folder, PASSWORD, PLAIN, polywire, type RunOptions, testTls } from "./polywire.js";

afterAll(cleanUp);

let runs = 0;

/** A mailbox of alice's, and a folder of its own to run in. */
async function bed(count: number, options: Pop3ServerOptions = {}) {
  const users = { alice: { password: PASSWORD, messages: messages(count) } };
  const server = await Pop3Server.start({ users, ...options });
  const cwd = join(folder, `mail${++runs}`);
  mkdirSync(cwd);
  const url = server.url.replace(`:${PASSWORD}`, "");
  const run = (args: string[], more: RunOptions = {}) =>
    polywire(["mail", url, ...args, "--plain"], { ...PLAIN, cwd, ...more });
  const at = (name: string) => join(cwd, name);
  return { server, cwd, url, run, at, [Symbol.asyncDispose]: () => server.close() };
}

describe.concurrent("mail", () => {
  test("into a Maildir; the same line again fetches what is new", async () => {
    await using job = await bed(30);
    const first = await job.run(["--to", "Maildir"]);
    expect(first).toMatchObject({ code: 0, stderr: expect.stringMatching(/^Journal: Maildir\.journal\. .*\n$/) });
    expect(first.stdout).toMatch(/^30 messages \(2\.\d KiB\) in [\d.]+ s: Maildir\n$/);
    expect(await mailIn(job.at("Maildir"))).toEqual(expected(30));
    job.server.maildrop().add(messageOf(31));
    const second = await job.run(["--to", "Maildir/"]);
    expect(second.stderr).toBe("Going on with the journal Maildir.journal.\n");
    expect(second.stdout).toMatch(/^1 message \(\d+ B\) in [\d.]+ s, 30 known: Maildir\/\n$/);
    expect(job.server.maildrop().count).toBe(31);
  });

  test("--delete-after and --limit: to an mbox, a part at a time", async () => {
    await using job = await bed(10);
    const args = ["--to", "mail.mbox", "--delete-after", "--limit", "6"];
    expect((await job.run(args)).stdout).toMatch(/^6 messages .*, 6 deleted from the server: mail\.mbox\n$/);
    expect(job.server.maildrop().count).toBe(4);
    expect((await job.run(args)).stdout).toMatch(/^4 messages .*, 4 deleted from the server: mail\.mbox\n$/);
    expect(await mailIn(job.at("mail.mbox"))).toEqual(expected(10));
  });

  test("into a folder of .eml files, as JSON", async () => {
    await using job = await bed(5);
    const { stdout, code } = await job.run(["--to", "kept/", "--newest", "3", "--json", "--progress", "none"]);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ fetched: 3, skipped: 0, deleted: 0, failures: [], to: "kept/", journal: "kept.journal" },
    });
    expect(readdirSync(job.at("kept")).filter((name) => /^uid-[345]-[0-9a-f]{20}\.eml$/.test(name))).toHaveLength(3);
    expect(code).toBe(0);
  });

  test("PLACE and its journal are made with their folders", async () => {
    await using job = await bed(2);
    expect((await job.run(["--to", "new/dir/Maildir"])).code).toBe(0);
    expect(await mailIn(job.at("new/dir/Maildir"))).toEqual(expected(2));
    expect(existsSync(job.at("new/dir/Maildir.journal"))).toBe(true);
  });

  test("a message that is refused is told, and the others are there: 1", async () => {
    await using job = await bed(4, { faults: { reply: { "RETR 2": "-ERR [SYS/PERM] it is broken\x1b[2J" } } });
    const { stdout, code } = await job.run(["--to", "Maildir"]);
    expect(stdout).toMatch(/^3 messages .*: Maildir\n✗ message 2: .*it is broken/);
    expect(code).toBe(1);
    expect(await mailIn(job.at("Maildir"))).toHaveLength(3);
  });

  test("Ctrl-C ends it in order, and the same line goes on: 2", async () => {
    await using job = await bed(20, { faults: { hang: "RETR 12" }, features: { pipelining: false } });
    const stopped = await job.run(["--to", "mail.mbox", "--delete-after"], {
      running: async (child) => {
        while (!job.server.commands.includes("RETR 12")) await new Promise((go) => setTimeout(go, 10));
        child.kill("SIGINT");
      },
    });
    expect(stopped).toMatchObject({ code: 2, stderr: expect.stringContaining("Run the same command again") });
    job.server.faults.hang = undefined;
    expect((await job.run(["--to", "mail.mbox", "--delete-after"])).code).toBe(0);
    expect(await mailIn(job.at("mail.mbox"))).toEqual(expected(20));
    expect(job.server.maildrop().count).toBe(0);
  });

  test("an mbox that is there needs a word, and no journal is left behind", async () => {
    await using job = await bed(1);
    writeFileSync(job.at("old.mbox"), "From a Tue Feb  3 10:11:12 2026\nold\n\n");
    const refused = await job.run(["--to", "old.mbox"]);
    expect(refused).toMatchObject({ code: 64, stderr: expect.stringContaining("--append or --replace") });
    expect(existsSync(job.at("old.mbox.journal"))).toBe(false);
    expect((await job.run(["--to", "old.mbox", "--append"])).code).toBe(0);
    expect(await mailIn(job.at("old.mbox"))).toHaveLength(2);
    expect((await job.run(["--to", "old.mbox", "--replace"])).code).toBe(64);
    rmSync(job.at("old.mbox.journal"));
    expect((await job.run(["--to", "old.mbox", "--replace", "--no-journal"])).code).toBe(0);
    expect(await mailIn(job.at("old.mbox"))).toHaveLength(1);
  });

  test("what cannot work, and a refused login", async () => {
    await using job = await bed(1);
    const cases: [string[], number, RegExp][] = [
      [["--to", "unclear"], 64, /may be a Maildir, an mbox or a folder/],
      [["--to", "x.mbox", "--no-journal", "--delete-after"], 64, /needs a journal/],
      [["--to", "Maildir", "--append"], 64, /for an mbox/],
      [["--to", "Maildir", "--format", "mh"], 64, /maildir, mbox, eml/],
      [["--to", "Maildir", "--limit", "0"], 64, /whole number/],
      [[], 64, /required option '--to/],
    ];
    const ran = await Promise.all(cases.map(([args]) => job.run(args)));
    for (const [i, [, code, says]] of cases.entries()) {
      expect(ran[i]?.stderr).toMatch(says);
      expect(ran[i]?.code).toBe(code);
    }
    const env = { POLYWIRE_PASSWORD: "wrong" };
    expect((await job.run(["--to", "Maildir"], { env })).code).toBe(77);
    expect((await polywire(["mail", "smtp://h", "--to", "Maildir"])).stderr).toContain("POP3 or IMAP");
    expect(job.server.commands.some((line) => line.startsWith("RETR"))).toBe(false);
  });

  test("over TLS, by --ca", async () => {
    await using job = await bed(2, { tls: "implicit" });
    const ca = join(job.cwd, "ca.pem");
    writeFileSync(ca, testTls.ca);
    const args = ["mail", job.url, "--to", "Maildir", "--ca", ca];
    expect(await polywire(args, { ...PLAIN, cwd: job.cwd })).toMatchObject({ code: 0 });
    expect((await polywire(args.slice(0, -2), { ...PLAIN, cwd: job.cwd })).code).toBe(76);
  });

  test("--transcript has the dialogue, and no secret", async () => {
    await using job = await bed(1, { features: { auth: false, apop: false } });
    await job.run(["--to", "Maildir", "--transcript", "said.txt"]);
    const said = readFileSync(job.at("said.txt"), "utf8");
    expect(said).toContain("RETR 1");
    expect(said).not.toContain(PASSWORD);
  });
});

describe.concurrent("request", () => {
  test("any command of POP3", async () => {
    await using job = await bed(3);
    const { stdout, code } = await polywire(["request", job.url, "UIDL", "--plain"], PLAIN);
    expect(stdout).toMatch(/^\+OK.*\n1 uid-1\n2 uid-2\n3 uid-3\n$/);
    expect(code).toBe(0);
    const refused = await polywire(["request", job.url, "RETR", "9", "--plain", "--json"], PLAIN);
    expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, code: "-ERR" });
    expect(refused.code).toBe(1);
    expect((await polywire(["request", job.url, "PASS x", "--plain"], PLAIN)).code).toBe(64);
  });

  test("any command of IMAP, in the mailbox of the URL: untagged responses, literals in their place", async () => {
    const messages = [{ content: "Subject: x\r\n\r\nhi\r\n" }];
    await using server = await ImapServer.start({
      users: { alice: { password: PASSWORD, mailboxes: { "A b": { messages } } } },
    });
    const url = `imap://alice@127.0.0.1:${server.port}/A%20b`;
    const { stdout, code } = await polywire(["request", url, "FETCH", "1", "(FLAGS BODY.PEEK[])", "--plain"], PLAIN);
    expect(stdout.replaceAll("\r\n", "\n")).toMatch(
      /^\* 1 FETCH \(.*BODY\[\] \{18\}\nSubject: x\n\nhi\n.*\)\nA\d+ OK .*\n$/,
    );
    expect(code).toBe(0);
    const refused = await polywire(["request", url, "DELETE", "None", "--plain", "--json"], PLAIN);
    expect(JSON.parse(refused.stdout)).toMatchObject({ ok: false, code: "NO" });
    expect(refused.code).toBe(1);
    expect((await polywire(["request", url, "LOGOUT", "--plain"], PLAIN)).code).toBe(64);
  });
});

test("what is shown while it goes on", () => {
  const progress = {
    phase: "fetching",
    wanted: 2000,
    wantedBytes: 4_194_304,
    fetched: 1200,
    bytes: 1_048_576,
  } as const;
  const figures = mailFigures({ ...progress, skipped: 0, deleted: 500, bytesPerSecond: 524_288, secondsLeft: 6 });
  expect(figures).toMatchObject({ done: 1_048_576, total: 4_194_304 });
  expect(progressLine(figures)).toBe("fetching: 1,200 of 2,000 messages, 1.0 MiB, 512 KiB/s, 500 deleted, 6.0 s left");
});
