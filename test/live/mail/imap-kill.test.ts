/** kill -9, twenty times, at random moments of a fetch from real IMAP: every message once, with its flags and its date. */
import { randomInt } from "node:crypto";
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ImapClient } from "../../../src/imap/client.js";
import { Maildir } from "../../../src/message/maildir.js";
import { mailIn } from "../../jobs/mail/bed.js";
import { cameAt, flagsOf } from "../../jobs/mail/imap-bed.js";
import { describeLive } from "../available.js";
import { Paced } from "../headers/paced.js";
import { type LiveMail, startMail } from "../servers/mail.js";
import { dice, Lives, type Moment } from "./lives.js";

/** To have the same moments again: KILL_SEED=… */
const SEED = Number(process.env.KILL_SEED ?? randomInt(2 ** 31));
/** So many that the last life has more than five FETCHes to go. */
const COUNT = 3_000;
/** Bytes a second, while there is something to be killed. */
const RATE = 400_000;

/** Twenty deaths: in the login, in the listing, and while messages come and are deleted. */
const MOMENTS: readonly Moment[] = [
  { behind: /AUTHENTICATE|LOGIN/, within: 30 },
  { behind: /UID SEARCH/, within: 60 },
  ...Array.from({ length: 12 }, () => ({ behind: /BODY\.PEEK/, within: 500 })),
  ...Array.from({ length: 6 }, () => ({ behind: /BODY\.PEEK|UID STORE|UID EXPUNGE/, nth: 5, within: 200 })),
];

function letter(n: number): string {
  const line = `${String.fromCharCode(97 + (n % 26)).repeat(70)}\r\n`;
  return `Subject: Letter ${n}\r\nMessage-ID: <${n}@kill.example>\r\n\r\n.\r\nFrom ${n}\r\n${line.repeat(10 + ((n * 7919) % 40))}`;
}

const letters = Array.from({ length: COUNT }, (_, i) => letter(i + 1)).sort();

describeLive("dovecot", "mail fetched by IMAP by a process that is killed", () => {
  let scratch: string;
  let server: LiveMail;
  const client = () => {
    const { host, ports, users } = server;
    const credentials = { user: "alice", password: users.alice };
    return new ImapClient({ host, port: ports.imap, security: "plain", credentials });
  };
  beforeAll(async () => {
    process.stderr.write(`KILL_SEED=${SEED}\n`);
    scratch = mkdtempSync(join(tmpdir(), "polywire-kill-"));
    server = await startMail("dovecot");
    await using imap = client();
    await imap.connect();
    await imap.login();
    for (const box of ["kept", "deleted"]) {
      await imap.create(box);
      const messages = Array.from({ length: COUNT }, (_, i) => ({
        content: { text: letter(i + 1) },
        flags: flagsOf(i + 1),
        date: cameAt(i + 1),
      }));
      await imap.appendAll(box, messages).toArray();
    }
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(scratch, { recursive: true, force: true });
  });

  /** Twenty lives, and one to the end. */
  async function lived(mailbox: string, to: string, more: object): Promise<Record<string, unknown>> {
    const { host, ports, users } = server;
    await using paced = await Paced.start(host, ports.imap, RATE);
    const credentials = { user: "alice", password: users.alice };
    const at = { protocol: "imap", host: "127.0.0.1", port: paced.port, security: "plain", credentials };
    const options = { server: { ...at, compress: false }, mailbox, to, journal: `${to}.journal`, ...more };
    const lives = new Lives("fetch", options);
    const next = dice(SEED + mailbox.length);
    for (const moment of MOMENTS) {
      await lives.killed(paced, moment, next());
      paced.restart(RATE);
    }
    paced.restart(1e9);
    return await lives.ended();
  }

  describe.concurrent("every message once", () => {
    test("kept on the server: a Maildir with flags and dates", { timeout: 240_000 }, async () => {
      const to = join(scratch, "Maildir");
      const { fetched, skipped, failures } = await lived("kept", to, {});
      expect([failures, Number(fetched) + Number(skipped)]).toEqual([[], COUNT]);
      expect(await mailIn(to)).toEqual(letters);
      const maildir = await Maildir.open(to);
      for (const message of await maildir.list()) {
        const n = Number(/<(\d+)@/.exec((await maildir.read(message)).toString())?.[1]);
        const known = flagsOf(n).filter((flag) => flag.startsWith("\\"));
        expect(message.flags.replace("P", "")).toBe(
          known
            .map((flag) => flag[1]!.replace("A", "R"))
            .sort()
            .join(""),
        );
        expect(statSync(message.path).mtime).toEqual(cameAt(n));
      }
      await using imap = client();
      await imap.connect();
      await imap.login();
      await imap.examine("kept");
      const rows = await imap.fetch("1:*", "FLAGS").toArray();
      expect(rows.map(({ flags }) => flags?.includes("\\Seen"))).toEqual(
        Array.from({ length: COUNT }, (_, i) => flagsOf(i + 1).includes("\\Seen")),
      );
    });

    test("deleted from the server: an mbox", { timeout: 240_000 }, async () => {
      const to = join(scratch, "mail.mbox");
      const { failures } = await lived("deleted", to, { deleteAfter: true });
      expect(failures).toEqual([]);
      expect(await mailIn(to)).toEqual(letters);
      await using imap = client();
      await imap.connect();
      await imap.login();
      expect((await imap.examine("deleted")).exists).toBe(0);
    });
  });
});
