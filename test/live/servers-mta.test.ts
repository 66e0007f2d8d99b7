/** The bed of mail transfer agents itself: they say what the tables tell, deliver, refuse, and go. No client of ours. */
import { execFile } from "node:child_process";
import { createHmac } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { promisify } from "node:util";
import { afterEach, expect, it } from "vitest";
import { describeLive } from "./available.js";
import { certificates } from "./servers/certs.js";
import { freePort } from "./servers/daemon.js";
import { startMail } from "./servers/mail.js";
import {
  CATCH_ALL,
  DOMAIN,
  GREYLISTED,
  type LiveMta,
  MTA_ABILITIES,
  MTA_KINDS,
  type MtaKind,
  type MtaOptions,
  type MtaPorts,
  RCPT_ANSWERS,
  REFUSED_SUBJECT,
  startMta,
} from "./servers/mta.js";
import { RawTalk } from "./servers/raw.js";
import { startSink } from "./servers/sink.js";

const running: { stop(): Promise<void> }[] = [];
const talking: RawTalk[] = [];

function keep<Server extends { stop(): Promise<void> }>(server: Server): Server {
  running.push(server);
  return server;
}

const live = async (kind: MtaKind, options?: MtaOptions): Promise<LiveMta> => keep(await startMta(kind, options));

/** A conversation whose greeting is still to be read. */
async function dial(server: LiveMta, place: keyof MtaPorts = "smtp", client?: { cert: string; key: string }) {
  const address = { host: server.host, port: server.ports[place] };
  const raw = await RawTalk.open(address, place === "smtps" ? server.ca : undefined, client);
  talking.push(raw);
  return raw;
}

/** A conversation that has been greeted; `ehlo` is what EHLO told, line by line, sorted. */
async function talk(server: LiveMta, place?: keyof MtaPorts): Promise<{ raw: RawTalk; ehlo: string[] }> {
  const raw = await dial(server, place);
  expect(await raw.reply()).toMatch(/^220 /);
  return { raw, ehlo: await greet(raw) };
}

async function greet(raw: RawTalk): Promise<string[]> {
  const [, ...rows] = (await raw.command("EHLO me")).split("\r\n");
  return rows.map((row) => row.slice(4)).sort();
}

const base64 = (text: string): string => Buffer.from(text).toString("base64");
const plain = (user: string, password: string): string => `AUTH PLAIN ${base64(`\0${user}\0${password}`)}`;

/** The replies to MAIL, RCPT, DATA and the content. */
async function send(raw: RawTalk, to: string, content = "Subject: s\r\n\r\nx\r\n"): Promise<string[]> {
  const replies = [];
  for (const line of [`MAIL FROM:<a@example.org>`, `RCPT TO:<${to}>`, "DATA", `${content}.`]) {
    replies.push(await raw.command(line));
  }
  return replies;
}

const sent = [/^250/, /^250/, /^354/, /^250/].map((start) => expect.stringMatching(start));

afterEach(async () => {
  for (const raw of talking.splice(0)) raw.close();
  await Promise.all(running.splice(0).map((server) => server.stop()));
});

for (const kind of MTA_KINDS) {
  const has = MTA_ABILITIES[kind];
  // Exim announces it only to whom has shown a certificate
  const shown = has.mechanisms.filter((name) => name !== "EXTERNAL").join(" ");

  describeLive(kind, `${kind} as a mail transfer agent`, () => {
    it("can do what the table says", async () => {
      const server = await live(kind);
      const { raw, ehlo } = await talk(server, "submission");
      expect(ehlo).toContain(`AUTH ${shown}`);
      expect(ehlo.filter((row) => !row.startsWith("AUTH "))).toEqual(has.ehlo);
      expect((await talk(server)).ehlo).toEqual(has.ehlo);
      expect(await raw.command("HELP")).toMatch(has.help ? /^214/ : /^500 /);
      expect(await raw.command(plain("alice", "alice's"))).toMatch(/^235 /);
      expect(await raw.command(`VRFY alice@${DOMAIN}`)).toMatch(has.vrfy ? /^25/ : /^50/);
      expect(await raw.command(`EXPN alice@${DOMAIN}`)).toMatch(has.expn ? /^250/ : /^50/);
      expect(await raw.command(`ETRN ${DOMAIN}`)).toMatch(has.etrn ? /^250 / : /^458 /);
    });

    it("speaks TLS when asked, and from the first octet on smtps", async () => {
      const server = await live(kind);
      const { raw } = await talk(server, "submission");
      expect(await raw.command("STARTTLS")).toMatch(/^220 /);
      await raw.startTls(server.ca);
      expect(await greet(raw)).not.toContain("STARTTLS");
      expect(await raw.command(plain(server.user, server.password))).toMatch(/^235 /);
      expect((await talk(server, "smtps")).ehlo).toContain(`AUTH ${shown}`);
    });

    it("has no TLS where none is wanted", async () => {
      const { raw, ehlo } = await talk(await live(kind, { tls: "none" }));
      expect(ehlo).not.toContain("STARTTLS");
      expect(await raw.command("STARTTLS")).toMatch(/^50/);
    });

    it.each(["expired", "wrongHost"] as const)("shows the %s certificate", async (name) => {
      const { [name]: certificate } = await certificates();
      await expect(dial(await live(kind, { certificate }), "smtps")).rejects.toThrow(/certificate/);
    });

    it("wants TLS before anything else where that is asked", async () => {
      const server = await live(kind, { requireTls: true });
      const { raw, ehlo } = await talk(server, "submission");
      expect(ehlo.filter((row) => row.startsWith("AUTH"))).toEqual([]);
      expect(await raw.command("MAIL FROM:<a@example.org>")).toMatch(/^530 5\.7\.0 /);
    });

    it("wants a client certificate where that is asked", async () => {
      const server = await live(kind, { clientCertificate: "required" });
      const { client } = await certificates();
      const pair = { cert: await readFile(client.certFile, "utf8"), key: await readFile(client.keyFile, "utf8") };
      expect(await (await dial(server, "smtps", pair)).reply()).toMatch(/^220 /);
      const without = dial(server, "smtps").then((raw) => raw.reply());
      await expect(without.then((line) => expect(line).toMatch(/^220 /))).rejects.toThrow();
    });

    it("delivers to its users, and to any address of the other domain, what it says byte for byte", async () => {
      const server = await live(kind);
      const { raw } = await talk(server);
      const content = "Subject: b\u00e9\r\nFrom: a@example.org\r\nTo: b@example.org\r\n\r\n..dot\r\nFrom x\r\n";
      expect(await send(raw, `alice@${DOMAIN}`, content)).toEqual(sent);
      expect(await send(raw, `"a b"@${CATCH_ALL}`)).toEqual(sent);
      await expect.poll(async () => (await server.delivered("alice")).length).toBe(1);
      const [message] = await server.delivered("alice");
      expect(message?.toString("latin1")).toMatch(/Subject: b\u00e9\n[\s\S]*\n\n\.dot\nFrom x\n$/);
      await expect.poll(async () => String(await server.delivered("catchall"))).toContain("Subject: s");
    });

    it("takes BDAT in pieces", async () => {
      const server = await live(kind);
      const { raw } = await talk(server);
      await raw.command("MAIL FROM:<a@example.org> BODY=8BITMIME");
      await raw.command(`RCPT TO:<bob@${DOMAIN}>`);
      expect(await raw.command("BDAT 14\r\nSubject: one")).toMatch(/^250/);
      expect(await raw.command("BDAT 5 LAST\r\n\r\n.")).toMatch(/^250/);
      await expect.poll(async () => String(await server.delivered("bob"))).toMatch(/Subject: one\n[\s\S]*\n\.\n/);
    });

    it("answers recipients as the tables of addresses tell", async () => {
      const { raw } = await talk(await live(kind));
      await raw.command("MAIL FROM:<a@example.org>");
      for (const [address, answer] of Object.entries(RCPT_ANSWERS)) {
        expect(await raw.command(`RCPT TO:<${address}>`)).toContain(answer.slice(0, 9));
      }
      expect(await raw.command(`RCPT TO:<nobody@${DOMAIN}>`)).toMatch(/^550 /);
      expect(await raw.command("RCPT TO:<a@elsewhere.example>")).toMatch(/^55[04] .*relay/i);
      expect(await raw.command(`RCPT TO:<${GREYLISTED}>`)).toMatch(/^450 4\.7\.1 /);
      expect(await raw.command(`RCPT TO:<${GREYLISTED}>`)).toMatch(/^250 /);
      await raw.command("RSET");
      const refused = await send(raw, `alice@${DOMAIN}`, `Subject: ${REFUSED_SUBJECT}\r\n\r\nx\r\n`);
      expect(refused[3]).toMatch(/^550 5\.7\.1 /);
    });

    it("takes mail for everybody from whom has logged in, and hands it on", async () => {
      const { port, messages } = keep(await startSink());
      const server = await live(kind, { relayTo: port });
      const { raw } = await talk(server, "submission");
      await raw.command("MAIL FROM:<a@example.org>");
      expect(await raw.command("RCPT TO:<b@elsewhere.example>")).toMatch(/^5/);
      await raw.command("RSET");
      expect(await raw.command(plain(server.user, "wrong"))).toMatch(/^535 /);
      expect(await raw.command(plain(server.user, server.password))).toMatch(/^235 /);
      expect(await send(raw, "b@elsewhere.example")).toEqual(sent);
      await expect.poll(messages).toMatchObject([{ rcpt: [expect.stringContaining("<b@elsewhere.example>")] }]);
    });

    it("queues what it cannot hand on", async () => {
      const server = await live(kind, { relayTo: freePort() });
      const { raw } = await talk(server, "submission");
      await raw.command(plain("bob", "bob's"));
      expect(await send(raw, "b@elsewhere.example")).toEqual(sent);
      const queued = [{ from: "a@example.org", to: ["b@elsewhere.example"] }];
      await expect.poll(server.queue).toMatchObject(queued);
    });

    it("leaves away what is not wanted, and keeps to its limits", async () => {
      const without = ["CHUNKING", "PIPELINING", "8BITMIME", "SMTPUTF8", "DSN"];
      const server = await live(kind, { without, size: 1000, maxRecipients: 1, maxClients: 1, idleTimeout: 1 });
      const { raw, ehlo } = await talk(server);
      const expected = has.ehlo.map((row) => row.replace(/^SIZE .*/, "SIZE 1000"));
      expect(ehlo).toEqual(expected.filter((row) => !without.includes(row)));
      expect(await (await dial(server)).reply()).toMatch(/^421 /);
      expect(await raw.command("MAIL FROM:<a@example.org> SIZE=2000")).toMatch(/^552 /);
      await raw.command("RSET"); // else Postfix refuses the next one, too
      expect(await raw.command("MAIL FROM:<a@example.org>")).toMatch(/^250 /);
      expect(await raw.command(`RCPT TO:<alice@${DOMAIN}>`)).toMatch(/^250 /);
      expect(await raw.command(`RCPT TO:<bob@${DOMAIN}>`)).toMatch(/^452 /);
      expect(await raw.reply()).toMatch(/^421 /);
      await raw.ended();
    });

    it("delivers into the mailboxes of Dovecot by LMTP", async () => {
      const mail = keep(await startMail("dovecot"));
      const { raw } = await talk(await live(kind, { deliverTo: mail }));
      expect(await send(raw, `alice@${DOMAIN}`)).toEqual(sent);
      await expect.poll(async () => String(await mail.mailbox("alice"))).toContain("Subject: s");
    });

    it("listens on IPv6, comes back on the same ports, and is gone after stop()", async () => {
      const first = await live(kind, { ipv6: true });
      const { raw } = await talk(first);
      await first.stop();
      await first.stop();
      await raw.ended();
      expect(first.processes()).toEqual([]);
      await talk(await live(kind, { ipv6: true, ports: first.ports }));
    });
  });
}

describeLive(["postfix", "dovecot"], "postfix with Dovecot's logins", () => {
  it("takes what Dovecot knows", async () => {
    const mail = keep(await startMail("dovecot"));
    const server = await live("postfix", { authBy: mail });
    const { raw, ehlo } = await talk(server, "submission");
    expect(ehlo.find((row) => row.startsWith("AUTH "))).toMatch(/ XOAUTH2\b/);
    const challenge = Buffer.from((await raw.command("AUTH CRAM-MD5")).slice(4), "base64");
    const answer = createHmac("md5", "alice's").update(challenge).digest("hex");
    expect(await raw.command(base64(`alice ${answer}`))).toMatch(/^235 /);
    const bearer = base64(`user=bob\x01auth=Bearer ${mail.token("bob")}\x01\x01`);
    expect(await (await talk(server, "submission")).raw.command(`AUTH XOAUTH2 ${bearer}`)).toMatch(/^235 /);
  });
});

describeLive("exim", "exim in particular", () => {
  it("knows who shows a client certificate", async () => {
    const server = await live("exim", { clientCertificate: "asked" });
    const { client } = await certificates();
    const pair = { cert: await readFile(client.certFile, "utf8"), key: await readFile(client.keyFile, "utf8") };
    const raw = await dial(server, "smtps", pair);
    await raw.reply();
    expect((await greet(raw)).find((row) => row.startsWith("AUTH "))).toMatch(/ EXTERNAL$/);
    expect(await raw.command(`AUTH EXTERNAL ${base64(server.user)}`)).toMatch(/^235 /);
  });

  it("takes EHLO before it has greeted where PIPECONNECT is wanted, and not else", async () => {
    const early = await dial(await live("exim", { pipeConnect: true }));
    expect(await early.command("EHLO me")).toMatch(/^220 /);
    expect(await early.reply()).toMatch(/^250.PIPE_?CONNECT\r$/m);
    const late = await dial(await live("exim"));
    expect(await late.command("EHLO me\r\nNOOP")).toMatch(/^554 /);
  });
});

describeLive(MTA_KINDS, "all of them", () => {
  it.each(MTA_KINDS)("%s ends with the process that started it", async (kind) => {
    const module = new URL("servers/mta.ts", import.meta.url);
    const script = `import(${JSON.stringify(module)}).then((m) => m.startMta("${kind}")).then((s) => {
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
  await expect(startMta("postfix", { pipeConnect: true })).rejects.toThrow("postfix cannot do: pipeConnect");
  await expect(startMta("exim", { without: ["HELP"] })).rejects.toThrow("exim cannot do: without HELP");
});
