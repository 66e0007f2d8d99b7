/** The bed of mail servers itself: each starts in every mode it has, says what the tables tell, and goes. No client of ours. */
import { execFile } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { describeLive } from "./available.js";
import { certificates } from "./servers/certs.js";
import {
  BROKEN_USER,
  type LiveMail,
  MAIL_ABILITIES,
  MAIL_KINDS,
  type MailKind,
  type MailOptions,
  ODD_USERS,
  startMail,
} from "./servers/mail.js";
import { RawTalk } from "./servers/raw.js";
import { startSink } from "./servers/sink.js";

const running: { stop(): Promise<void> }[] = [];
const talking: RawTalk[] = [];

function keep<Server extends { stop(): Promise<void> }>(server: Server): Server {
  running.push(server);
  return server;
}

const live = async (kind: MailKind, options?: MailOptions): Promise<LiveMail> => keep(await startMail(kind, options));

type Place = Exclude<keyof LiveMail["ports"], "auth">;

/** A conversation whose greeting is still to be read. */
async function talk(server: LiveMail, place: Place = "pop3", client?: { cert: string; key: string }): Promise<RawTalk> {
  const secret = place === "pop3s" || place === "imaps" || place === "submissions";
  const raw = await RawTalk.open(
    { host: server.host, port: server.ports[place] },
    secret ? server.ca : undefined,
    client,
  );
  talking.push(raw);
  return raw;
}

/** A POP3 session that has greeted; with a name, logged in. */
async function pop3(server: LiveMail, user?: string, place: "pop3" | "pop3s" = "pop3"): Promise<RawTalk> {
  const raw = await talk(server, place);
  expect(await raw.line()).toMatch(/^\+OK /);
  if (user !== undefined) {
    expect(await raw.ask(`USER ${octets(user)}`)).toMatch(/^\+OK/);
    expect(await raw.ask(`PASS ${octets(server.users[user] ?? "")}`)).toMatch(/^\+OK /);
  }
  return raw;
}

const clientPair = async () => {
  const { client } = await certificates();
  return { cert: await readFile(client.certFile, "utf8"), key: await readFile(client.keyFile, "utf8") };
};

/** UTF-8, a character for each octet. */
const octets = (text: string): string => Buffer.from(text).toString("latin1");
const base64 = (text: string): string => Buffer.from(text).toString("base64");
const plain = (user: string, password: string): string => `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`;
const lines = (text: string): string[] => text.split("\r\n").slice(0, -1);

afterEach(async () => {
  for (const raw of talking.splice(0)) raw.close();
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

for (const kind of MAIL_KINDS) {
  const has = MAIL_ABILITIES[kind];
  // Cyrus announces it only to whom has shown a certificate
  const shown = has.mechanisms.filter((name) => kind === "dovecot" || name !== "EXTERNAL").join(" ");

  describeLive(kind, `${kind} as a mail server`, () => {
    it("can do what the table says", async () => {
      const server = await live(kind);
      const raw = await talk(server);
      expect(/<.+@.+>$/.test(await raw.line())).toBe(has.apop);
      const before = lines(await raw.list("CAPA", "+OK"));
      expect(before).toContain("STLS");
      expect(before).toContain(`SASL ${shown}`);
      expect(before.filter((line) => !/^(STLS|SASL|IMPLEMENTATION)/.test(line)).sort()).toEqual(has.capa);
      const after = lines(await (await pop3(server, "alice")).list("CAPA", "+OK"));
      expect(after.filter((line) => /^(STLS|SASL|USER)/.test(line))).toEqual([]);
      const imap = await (await talk(server, "imap")).line();
      expect([...imap.matchAll(/ AUTH=(\S+?)(?=[ \]])/g)].map(([, name]) => name).join(" ")).toBe(shown);
      expect(imap).toMatch(/\bSTARTTLS\b/);
    });

    it("has only the mechanisms that were asked for, and APOP only if it may", async () => {
      const server = await live(kind, { mechanisms: ["CRAM-MD5"], apop: false });
      const raw = await talk(server);
      expect(await raw.line()).not.toContain("<");
      expect(lines(await raw.list("CAPA", "+OK"))).toContain("SASL CRAM-MD5");
    });

    it("speaks TLS when asked, and from the first octet on other ports", async () => {
      const server = await live(kind);
      const raw = await pop3(server);
      expect(await raw.ask("STLS")).toMatch(/^\+OK /);
      await raw.startTls(server.ca);
      expect(lines(await raw.list("CAPA", "+OK"))).not.toContain("STLS");
      await pop3(server, "alice", "pop3s");
      const imap = await talk(server, "imap");
      await imap.line();
      expect(await imap.ask("a STARTTLS")).toMatch(/^a OK /);
      await imap.startTls(server.ca);
      expect(await imap.ask("b LOGOUT")).toMatch(/^\* BYE /);
      expect(await (await talk(server, "imaps")).line()).toMatch(/^\* OK /);
    });

    it("has no TLS where none is wanted", async () => {
      const raw = await pop3(await live(kind, { tls: "none" }));
      expect(await raw.list("CAPA", "+OK")).not.toMatch(/STLS/);
      expect(await raw.ask("STLS")).toMatch(/^-ERR /);
    });

    it.each(["expired", "wrongHost"] as const)("shows the %s certificate", async (name) => {
      const { [name]: certificate } = await certificates();
      await expect(pop3(await live(kind, { certificate }), undefined, "pop3s")).rejects.toThrow(/certificate/);
    });

    it("refuses passwords without TLS where that is wanted", async () => {
      const server = await live(kind, { requireTls: true });
      const raw = await pop3(server);
      expect(await raw.ask(`USER ${server.user}`)).toMatch(/^-ERR /);
      expect(await raw.ask(plain(server.user, server.password))).toMatch(/^-ERR /);
      await pop3(server, "alice", "pop3s");
    });

    it("knows its users by USER, APOP, PLAIN and CRAM-MD5, and nobody else", async () => {
      const server = await live(kind, { users: { carol: "carol's" } });
      const { user, password } = server;
      await pop3(server, "carol");
      const raw = await talk(server);
      const stamp = /<.+>$/.exec(await raw.line())?.[0];
      const digest = createHash("md5").update(`${stamp}${password}`).digest("hex");
      expect(await raw.ask(`APOP ${user} ${digest}`)).toMatch(/^\+OK /);
      expect(await (await pop3(server)).ask(plain(user, password))).toMatch(/^\+OK /);
      const cram = await pop3(server);
      const challenge = Buffer.from((await cram.ask("AUTH CRAM-MD5")).slice(2), "base64");
      const answer = createHmac("md5", password).update(challenge).digest("hex");
      expect(await cram.ask(base64(`${user} ${answer}`))).toMatch(/^\+OK /);
      expect(await (await pop3(server)).ask(plain(user, "wrong"))).toMatch(/^-ERR \[AUTH\]/);
      expect(await (await pop3(server)).ask(plain("nobody", password))).toMatch(/^-ERR \[AUTH\]/);
    });

    it("knows who shows a client certificate, and wants one where that is asked", async () => {
      const server = await live(kind);
      const raw = await talk(server, "pop3s", await clientPair());
      await raw.line();
      expect(await raw.ask(`AUTH EXTERNAL ${base64(server.user)}`)).toMatch(/^\+OK /);
      const strict = await live(kind, { clientCertificate: "required" });
      const without = pop3(strict, undefined, "pop3s").then((each) => each.ask(plain("alice", "alice's")));
      await expect(without.then((line) => expect(line).toMatch(/^\+OK/))).rejects.toThrow();
      const known = await talk(strict, "pop3s", await clientPair());
      await known.line();
      expect(await known.ask(plain(strict.user, strict.password))).toMatch(/^\+OK/);
    });

    it("has the messages that were delivered, in order, and no more when they were deleted", async () => {
      const server = await live(kind);
      await server.deliver("alice", "Subject: 1\r\n\r\n.dot\r\n", "Subject: 2\r\n\r\nbé\r\n");
      const raw = await pop3(server, "alice");
      expect(await raw.ask("STAT")).toMatch(/^\+OK 2 /);
      expect(await raw.list("RETR 1", "+OK")).toMatch(/Subject: 1\r\n(.*\r\n)*\r\n\.\.dot\r\n$/);
      expect(await raw.ask("DELE 1")).toMatch(/^\+OK/);
      await raw.ask("QUIT");
      await raw.ended();
      const [left, ...more] = await server.mailbox("alice");
      expect(String(left)).toMatch(/Subject: 2\r\n(.*\r\n)*\r\nbé\r\n$/);
      expect(more).toEqual([]);
      await expect(server.deliver("nobody", "x")).rejects.toThrow();
    });

    it("takes mail by LMTP, with an answer for each recipient", async () => {
      const server = await live(kind);
      const raw = await talk(server, "lmtp");
      await raw.reply();
      expect(await raw.command("LHLO me")).toMatch(/250.PIPELINING/);
      await raw.command("MAIL FROM:<a@example.org>");
      expect(await raw.command("RCPT TO:<alice>")).toMatch(/^250 /);
      expect(await raw.command("RCPT TO:<bob>")).toMatch(/^250 /);
      expect(await raw.command("RCPT TO:<nobody>")).toMatch(/^550 5\.1\.1 /m);
      await raw.command("DATA");
      expect(await raw.command("Subject: two\r\n\r\nx\r\n.")).toMatch(/^250 /);
      expect(await raw.reply()).toMatch(/^250 /);
      expect(String(await server.mailbox("bob"))).toContain("Subject: two");
    });

    it("listens on IPv6", async () => {
      await pop3(await live(kind, { ipv6: true }), "bob");
    });

    it("is gone after stop(), with its sessions and folders", async () => {
      const server = await live(kind);
      const raw = await pop3(server, "alice");
      await server.stop();
      await server.stop();
      await raw.ended();
      expect(server.processes()).toEqual([]);
      expect(existsSync(server.home)).toBe(false);
    });

    it("comes back after a crash on the same ports, with the same mail", async () => {
      const home = await mkdtemp(join(tmpdir(), "polywire-mail-"));
      const first = await live(kind, { home });
      await first.deliver("alice", "Subject: kept\r\n\r\nx\r\n");
      first.signal("SIGKILL");
      await first.stop();
      const second = await live(kind, { home, ports: first.ports });
      expect(await (await pop3(second, "alice")).ask("STAT")).toMatch(/^\+OK 1 /);
      await second.stop();
      await rm(home, { recursive: true });
    });
  });
}

describeLive(["dovecot", "sink"], "dovecot in particular", () => {
  it.each(Object.keys(ODD_USERS))("knows the user %s", async (user) => {
    const server = await live("dovecot");
    await pop3(server, user);
    expect(await (await pop3(server)).ask(plain(user, ODD_USERS[user]!))).toMatch(/^\+OK /);
  });

  it("takes tokens, and tells what is wrong with one before it refuses", async () => {
    const server = await live("dovecot");
    const login = async (token: string) =>
      (await pop3(server)).ask(`AUTH XOAUTH2 ${base64(`user=alice\x01auth=Bearer ${token}\x01\x01`)}`);
    expect(await login(server.token("alice"))).toMatch(/^\+OK /);
    expect(await login(server.token("bob"))).toMatch(/^\+ /);
    const raw = await pop3(server);
    const late = `n,a=alice,\x01auth=Bearer ${server.token("alice", { expired: true })}\x01\x01`;
    const challenge = await raw.ask(`AUTH OAUTHBEARER ${base64(late)}`);
    expect(JSON.parse(Buffer.from(challenge.slice(2), "base64").toString())).toHaveProperty("status");
    expect(await raw.ask("AQ==")).toMatch(/^-ERR \[AUTH\] /);
  });

  it("says [IN-USE] to the second session, and [SYS/TEMP] where a mailbox cannot be opened", async () => {
    const server = await live("dovecot", { exclusive: true });
    await (await pop3(server, "alice")).ask("NOOP"); // or the second waits for 10 s
    expect(await (await pop3(server)).ask(plain("alice", "alice's"))).toMatch(/^-ERR \[IN-USE\] /);
    expect(await (await pop3(server)).ask(plain(BROKEN_USER, "broken's"))).toMatch(/^-ERR \[SYS\/TEMP\] /);
  });

  it("hands what is submitted to its sink, or to the port it is given", async () => {
    const sink = keep(await startSink());
    const [own, given] = [await live("dovecot"), await live("dovecot", { relay: sink.port })];
    const announced = MAIL_ABILITIES.dovecot.mechanisms.filter((name) => name !== "ANONYMOUS").join(" ");
    for (const [server, messages] of [
      [own, own.relayed],
      [given, sink.messages],
    ] as const) {
      const raw = await talk(server, "submission");
      await raw.reply();
      expect(await raw.command("EHLO me")).toContain(`250-AUTH ${announced}\r\n`);
      expect(await raw.command("MAIL FROM:<a@example.org>")).toMatch(/^530 /);
      expect(await raw.command(plain("alice", "alice's"))).toMatch(/^235 /);
      for (const line of ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.org>", "DATA"]) await raw.command(line);
      expect(await raw.command("Subject: out\r\n\r\n..\r\n.")).toMatch(/^250 /);
      const [message, ...more] = await messages();
      expect(message).toMatchObject({ mail: "<a@example.org> AUTH=alice", rcpt: ["<b@example.org>"] });
      expect(String(message?.content)).toMatch(/^Received: .*Subject: out\n\n\.\n$/s);
      expect(more).toEqual([]);
    }
    expect(await given.relayed()).toEqual([]);
  });
});

describeLive(MAIL_KINDS, "all of them", () => {
  it.each(MAIL_KINDS)("%s ends with the process that started it", async (kind) => {
    const module = new URL("servers/mail.ts", import.meta.url);
    const script = `import(${JSON.stringify(module)}).then((m) => m.startMail("${kind}")).then((s) => {
      console.log(s.processes().join()); setTimeout(() => process.kill(process.pid, "SIGKILL"), 50) })`;
    const failed = await promisify(execFile)(process.execPath, ["--import", "tsx", "-e", script]).catch(
      (error) => error,
    );
    const pids = String(failed.stdout).trim().split(",");
    expect(pids).not.toContain("");
    const there = () => pids.some((pid) => existsSync(`/proc/${pid}`));
    await expect.poll(there, { timeout: 5000 }).toBe(false);
  });
});

it("says which option a server cannot do", async () => {
  const options: MailOptions = { exclusive: true, mechanisms: ["PLAIN", "XOAUTH2"] };
  await expect(startMail("cyrus", options)).rejects.toThrow("cyrus cannot do: exclusive, mechanism XOAUTH2");
});
