/** kill -9, twenty times, at random moments of a copy from Dovecot to Cyrus: every message once, with its flags and its date. */
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ImapClient } from "../../../src/imap/client.js";
import { cameAt, flagsOf } from "../../jobs/mail/imap-bed.js";
import { describeLive } from "../available.js";
import { Paced } from "../headers/paced.js";
import { type LiveMail, startMail } from "../servers/mail.js";
import { dice, Lives, type Moment } from "./lives.js";

/** To have the same moments again: KILL_SEED=… */
const SEED = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));
const COUNT = 3_000;
/** Bytes a second from the source, while there is something to be killed. */
const RATE = 400_000;

/** In what is said to the source: in the login, the listing, the messages. */
const FROM: readonly Moment[] = [
  { behind: /AUTHENTICATE|LOGIN/, within: 30 },
  { behind: /UID SEARCH/, within: 60 },
  { behind: /BODY\.PEEK/, within: 300 },
  { behind: /BODY\.PEEK/, within: 300 },
];
/** In what is said to the target: before, while and behind messages come, and where its answer is not heard. */
const TO: readonly Moment[] = [
  ...Array.from({ length: 11 }, () => ({ behind: /APPEND/, within: 250 })),
  ...Array.from({ length: 5 }, () => ({ behind: /APPEND/, within: 400, unheard: true as const })),
];

/** Some are there twice, as in many a mailbox. */
function letter(n: number): string {
  const own = n % 100 === 0 ? n - 1 : n;
  const line = `${String.fromCharCode(97 + (own % 26)).repeat(70)}\r\n`;
  return `Subject: Letter ${own}\r\nMessage-ID: <${own}@kill.example>\r\n\r\nFrom ${own}\r\n${line.repeat(2 + ((own * 7919) % 20))}`;
}

describeLive(["dovecot", "cyrus"], "mail copied by a process that is killed", () => {
  let scratch: string;
  const servers: LiveMail[] = [];
  const serverOf = (i: 0 | 1) => servers[i] as LiveMail;
  const side = (server: LiveMail, port = server.ports.imap) => {
    const credentials = { user: "alice", password: server.users.alice };
    return { protocol: "imap", host: server.host, port, security: "plain", credentials, compress: false } as const;
  };
  const ready = async (server: LiveMail) => {
    const { protocol: _, ...options } = side(server);
    const imap = new ImapClient(options);
    await imap.connect();
    await imap.login();
    return imap;
  };
  beforeAll(async () => {
    process.stderr.write(`KILL_SEED=${SEED}\n`);
    scratch = mkdtempSync(join(tmpdir(), "polywire-kill-"));
    servers.push(await startMail("dovecot"), await startMail("cyrus"));
    await using imap = await ready(serverOf(0));
    await imap.create("source");
    const messages = Array.from({ length: COUNT }, (_, i) => ({
      content: { text: letter(i + 1) },
      flags: flagsOf(i + 1),
      date: cameAt(i + 1),
    }));
    await imap.appendAll("source", messages).toArray();
  });
  afterAll(async () => {
    await Promise.all(servers.map((server) => server.stop()));
    rmSync(scratch, { recursive: true, force: true });
  });

  test("every message once", { timeout: 300_000 }, async () => {
    await using imap = await ready(serverOf(1));
    const [{ prefix = "" } = {}] = (await imap.namespace()).personal;
    const toMailbox = `${prefix}Archive`;
    await using from = await Paced.start(serverOf(0).host, serverOf(0).ports.imap, RATE);
    await using to = await Paced.start(serverOf(1).host, serverOf(1).ports.imap, 1e9);
    const lives = new Lives("copy", {
      from: { ...side(serverOf(0), from.port), host: "127.0.0.1" },
      to: { ...side(serverOf(1), to.port), host: "127.0.0.1" },
      ...{ fromMailbox: "source", toMailbox, journal: join(scratch, "copy.journal") },
    });
    const next = dice(SEED);
    const again = () => {
      from.restart(RATE);
      to.restart(1e9);
    };
    for (const moment of FROM) {
      await lives.killed(from, moment, next());
      again();
    }
    for (const moment of TO) {
      await lives.killed(to, moment, next());
      again();
    }
    from.restart(1e9);
    const result = await lives.ended();
    expect(result).toMatchObject({ failures: [], droppedFlags: [], vanished: 0 });
    expect(Number(result.copied) + Number(result.skipped)).toBe(COUNT);
    await imap.examine(toMailbox);
    const rows = await imap.fetch("1:*", ["FLAGS", "INTERNALDATE", "BODY.PEEK[]"]).toArray();
    const found = rows.map(({ body, flags = [], internalDate }) => {
      const kept = flags.filter((flag) => flag !== "\\Recent").sort();
      return JSON.stringify([body.get("")?.toString(), kept, internalDate]);
    });
    const sent = Array.from({ length: COUNT }, (_, i) => {
      return JSON.stringify([letter(i + 1), flagsOf(i + 1).sort(), cameAt(i + 1)]);
    });
    expect(found.length).toBe(COUNT);
    expect(found.sort()).toEqual(sent.sort());
  });
});
