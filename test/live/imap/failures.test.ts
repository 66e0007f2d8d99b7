/** What goes wrong with real servers: killed in the middle, silent, given up by their caller, TLS that does not fit. */
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { AbortedError, ConnectionError, LoginError, TimeoutError, TlsError } from "../../../src/client/errors.js";
import { Transcript } from "../../../src/client/transcript.js";
import { ImapClient } from "../../../src/imap/client.js";
import type { ImapOptions } from "../../../src/imap/options.js";
import { errorOf } from "../bed.js";
import { certificates } from "../servers/certs.js";
import { type LiveMail, MAIL_KINDS, type MailKind, type MailOptions, startMail } from "../servers/mail.js";
import { describeEach, describeMail } from "./bed.js";

const MiB = 1024 * 1024;
/** More than what the kernel and the client may hold of it. */
const TEXT = Buffer.alloc(1_020_000, "0123456789abcdef0123456789abcdef\r\n");
const LARGE = Buffer.concat([Buffer.from("Subject: large\r\n\r\n"), TEXT]);
const COUNT = 40;
/** No more than this is read before it is asked for. */
const CLOSE = { limits: { readAhead: 64 * 1024 } } as const;

async function start(kind: MailKind, options: MailOptions = {}): Promise<LiveMail> {
  const live = await startMail(kind, options);
  onTestFinished(() => live.stop());
  return live;
}

function clientOf(live: LiveMail, given: Partial<ImapOptions> = {}): ImapClient {
  const { security = "plain" } = given;
  const port = security === "tls" ? live.ports.imaps : live.ports.imap;
  const credentials = { user: "alice", password: live.users.alice };
  const tls = { ca: live.ca, servername: "localhost", ...given.tls };
  const imap = new ImapClient({ host: live.host, port, credentials, security, compress: false, ...given, tls });
  onTestFinished(() => imap.close());
  return imap;
}

async function ready(live: LiveMail, given?: Partial<ImapOptions>): Promise<ImapClient> {
  const imap = clientOf(live, given);
  await imap.connect();
  await imap.login();
  await imap.select("INBOX");
  return imap;
}

/** A server whose INBOX has 40 messages of a megabyte. */
async function full(kind: MailKind): Promise<LiveMail> {
  const live = await start(kind);
  await live.deliver("alice", ...Array.from({ length: COUNT }, () => LARGE));
  return live;
}

describe.each(MAIL_KINDS)("%s", (kind) => {
  const eachOf = (way: "killed" | "ended") => (live: LiveMail) =>
    way === "killed" ? Promise.resolve(live.signal("SIGKILL")) : live.stop();

  it("killed in mid FETCH: whole rows, then ConnectionError for all that is under way", async () => {
    const live = await full(kind);
    const imap = await ready(live);
    let whole = 0;
    const waiting: Promise<Error>[] = [];
    const loop = async () => {
      for await (const { body } of imap.fetch("1:*", ["BODY.PEEK[]"])) {
        // Cyrus' LMTP adds to the header.
        expect(body.get("")?.subarray(-TEXT.length).equals(TEXT)).toBe(true);
        if (++whole !== 2) continue;
        waiting.push(errorOf(imap.noop()), errorOf(imap.retrieve(1)), errorOf(imap.append("INBOX", LARGE)));
        live.signal("SIGKILL");
      }
    };
    expect(await errorOf(loop())).toBeInstanceOf(ConnectionError);
    expect(waiting).toHaveLength(3);
    for (const each of waiting) expect((await each).message).toMatch(/closed|closes|connection/);
    expect(whole).toBeLessThan(COUNT);
    expect(imap.state).toBe("closed");
  });

  it("killed in mid APPEND: ConnectionError, in memory as from a file", async () => {
    for (const source of ["memory", "file"]) {
      const live = await start(kind);
      const transcript = new Transcript();
      const imap = await ready(live, { transcript });
      const bytes = Buffer.alloc(40 * MiB, "a line of text.\r\n");
      const path = join(live.home, "source");
      await writeFile(path, bytes);
      // It takes nothing more than the kernel does.
      live.signal("SIGSTOP");
      const appended = errorOf(imap.append("INBOX", source === "file" ? path : bytes));
      await expect.poll(() => transcript.script(), { timeout: 10_000 }).toMatch(/^C: \S+ APPEND/m);
      live.signal("SIGKILL");
      expect(await appended).toBeInstanceOf(ConnectionError);
      expect(imap.state).toBe("closed");
    }
  });

  it.each(["killed", "ended"] as const)("%s in IDLE: the loop rejects", async (way) => {
    const live = await start(kind);
    const transcript = new Transcript();
    const imap = await ready(live, { transcript });
    const idling = errorOf(imap.idle().toArray());
    await expect.poll(() => transcript.script(), { timeout: 10_000 }).toMatch(/^S: \+ /m);
    await eachOf(way)(live);
    expect(await idling).toBeInstanceOf(ConnectionError);
    expect(imap.state).toBe("closed");
  });

  it("a signal in mid FETCH: AbortedError, and another client has it all", async () => {
    const live = await full(kind);
    const imap = await ready(live, CLOSE);
    const controller = new AbortController();
    let rows = 0;
    const loop = async () => {
      for await (const _ of imap.fetch("1:*", ["BODY.PEEK[]"], { signal: controller.signal })) {
        if (++rows === 2) controller.abort();
      }
    };
    expect(await errorOf(loop())).toBeInstanceOf(AbortedError);
    expect(rows).toBeLessThan(COUNT);
    expect(imap.state).toBe("closed");
    const other = await ready(live);
    expect(await other.fetch("1:*", ["RFC822.SIZE"]).toArray()).toHaveLength(COUNT);
  });

  it("a server that hangs is waited for as long as the call says: a command, a greeting, an IDLE that is to end", async () => {
    const live = await start(kind);
    const [imap, idling] = [await ready(live), await ready(live)];
    const controller = new AbortController();
    const loop = idling.idle({ signal: controller.signal, timeout: 300 });
    const first = errorOf(loop.toArray());
    await imap.noop();
    live.signal("SIGSTOP");
    onTestFinished(() => live.signal("SIGCONT"));
    expect(await errorOf(imap.noop({ timeout: 300 }))).toBeInstanceOf(TimeoutError);
    expect(imap.state).toBe("closed");
    const greeting = clientOf(live, { timeouts: { greeting: 300 } });
    expect(await errorOf(greeting.connect())).toBeInstanceOf(TimeoutError);
    controller.abort();
    expect(await first).toBeInstanceOf(ConnectionError);
    await expect.poll(() => idling.state, { timeout: 10_000 }).toBe("closed");
  });

  it.each([
    ["wrongHost", /the certificate is for wrong\.example/],
    ["expired", /the certificate has expired on 2021-01-01/],
  ] as const)("TLS with a certificate that is no good: %s", async (name, says) => {
    const live = await start(kind, { certificate: (await certificates())[name] });
    for (const security of ["starttls", "tls"] as const) {
      const transcript = new Transcript();
      const imap = clientOf(live, { security, transcript });
      const error = await errorOf(imap.connect());
      expect(error).toBeInstanceOf(TlsError);
      expect(error.message).toMatch(says);
      expect(transcript.script()).not.toMatch(/^C: \S+ (?:AUTHENTICATE|LOGIN)/m);
      expect(imap.state).toBe("closed");
    }
  });

  it("TLS that is not there is an error, and nothing is said in the clear", async () => {
    const live = await start(kind, { tls: "none" });
    const transcript = new Transcript();
    const error = await errorOf(clientOf(live, { security: "starttls", transcript }).connect());
    expect(error).toBeInstanceOf(TlsError);
    expect(error.message).toMatch(/STARTTLS/);
    expect(transcript.script()).not.toMatch(/^C: \S+ (?:AUTHENTICATE|LOGIN)/m);
    const implicit = clientOf(live, { security: "tls", port: live.ports.imap });
    expect(await errorOf(implicit.connect())).toBeInstanceOf(TlsError);
  });
});

describeEach({}, (bed) => {
  it("a certificate of nobody who is known is refused, unless that is asked for", async () => {
    const unknown = bed.client({ security: "tls", tls: { ca: [] } });
    expect(await errorOf(unknown.connect())).toMatchObject({ name: "TlsError", phase: "tls" });
    const careless = bed.client({ security: "tls", tls: { ca: [], rejectUnauthorized: false } });
    await careless.connect();
    expect(careless.secure).toBe(true);
  });
});

describeMail("dovecot", { exclusive: true }, "dovecot, one session of a user at a time", (bed) => {
  it("one too many is no word about the password, and may be tried again", async () => {
    const first = await bed.ready();
    await first.select("INBOX");
    const second = bed.client();
    await second.connect();
    const error = await errorOf(second.login());
    expect(error).not.toBeInstanceOf(LoginError);
    expect(error).toMatchObject({ retryable: true });
    expect(error.message).toMatch(/connections/i);
    await first.quit();
    await expect.poll(async () => (await bed.ready()).state, { timeout: 10_000 }).toBe("ready");
  });
});
