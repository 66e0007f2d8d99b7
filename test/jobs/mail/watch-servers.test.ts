/** watchMail at servers that are odd, or on their way down: written dialogues. */
import dns from "node:dns";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, describe, expect, onTestFinished, test, vi } from "vitest";
import { ConnectionError } from "../../../src/client/errors.js";
import type { ImapOptions } from "../../../src/imap/options.js";
import { type WatchEvent, type WatchMailOptions, watchMail } from "../../../src/jobs/mail/watch.js";
import { ScriptedServer } from "../../../src/testing/index.js";
import { imapBed } from "./imap-bed.js";

const HELLO = `S: * OK [CAPABILITY IMAP4rev1 SASL-IR AUTH=PLAIN IDLE] ready
C: A1 AUTHENTICATE PLAIN ***
S: A1 OK [CAPABILITY IMAP4rev1 IDLE] in
`;
const NEXT = "S: * OK [UIDNEXT 6] next\n";

/** A mailbox with these many messages. */
const examined = (exists: number, next = NEXT) =>
  `${HELLO}C: A2 EXAMINE INBOX\nS: * ${exists} EXISTS\nS: * OK [UIDVALIDITY 7] valid\n${next}S: A2 OK [READ-ONLY] examined\n`;
const idle = (tag: string) => `C: ${tag} IDLE\nS: + idling\n`;
const idled = (tag: string) => `${idle(tag)}C: DONE\nS: ${tag} OK done\n`;
const ask = (tag: string, from: number) =>
  `C: ${tag} UID FETCH ${from}:${from + 99} (FLAGS ENVELOPE INTERNALDATE RFC822.SIZE)\n`;
/** What is new from a UID on, asked for by two commands: these rows. */
const fetch = (tag: string, from: number, rows = "") => {
  const after = `A${Number(tag.slice(1)) + 1}`;
  const uids = Array.from(rows.matchAll(/UID (\d+)/g), ([, uid]) => uid).join(" ");
  const search = `C: ${after} UID SEARCH UID ${from}:*\nS: * SEARCH ${uids}\nS: ${after} OK found\n`;
  return `${ask(tag, from)}${rows}S: ${tag} OK done\n${search}`;
};
const row = (number: number, uid: number) =>
  `S: * ${number} FETCH (UID ${uid} FLAGS () ENVELOPE (NIL "m${uid}" NIL NIL NIL NIL NIL NIL NIL NIL) RFC822.SIZE 5)\n`;
const bye = (tag: string) => `C: DONE\nS: ${tag} OK done\nC: /LOGOUT/\nS: * BYE\nCLOSE\n`;

/** Longer than a test may last: who waits for it fails. */
const EVER = 3_600_000;

async function watch(script: string, more: Partial<WatchMailOptions> = {}, client: Partial<ImapOptions> = {}) {
  const server = await ScriptedServer.start(script);
  onTestFinished(() => server.close());
  const credentials = { user: "alice", password: "s3cret" };
  const timeouts = { command: EVER, idle: EVER, quit: 100 };
  const own = { host: server.host, port: server.port, credentials, timeouts, ...client };
  const events = watchMail({ server: { protocol: "imap", security: "plain", ...own }, ...more });
  onTestFinished(async () => void (await events.return(undefined)));
  const next = async () => (await events.next()).value as WatchEvent;
  return { server, events, next };
}

describe("a server without UIDNEXT", () => {
  test("and without messages is not asked for the last one: there is none", async () => {
    const { next, events, server } = await watch(
      `${examined(0, "")}${idled("A3")}${fetch("A4", 1, row(1, 1))}${idle("A6")}${bye("A6")}`,
    );
    expect(await next()).toMatchObject({ type: "watching", messages: 0 });
    expect(await next()).toMatchObject({ type: "message", uid: 1 });
    await events.return(undefined);
    await server.done;
  });

  test("what comes while it is asked is told", async () => {
    const search = "C: A3 UID SEARCH 1:2\nS: * 3 EXISTS\nS: * SEARCH 5 3\nS: A3 OK found\n";
    const { next, events, server } = await watch(
      `${examined(2, "")}${search}${idled("A4")}${fetch("A5", 6, row(3, 6))}${idle("A7")}${bye("A7")}`,
    );
    expect(await next()).toMatchObject({ type: "watching", messages: 2 });
    expect(await next()).toMatchObject({ type: "message", uid: 6, number: 3 });
    await events.return(undefined);
    await server.done;
  });
});

test("messages that are fetched in any order are told once each, in order, also where the connection is lost between them", async () => {
  const again = `${examined(7)}${idled("A3")}${fetch("A4", 6, row(7, 7) + row(6, 6))}${idle("A6")}`;
  const later = `S: * 8 EXISTS\nC: DONE\nS: A6 OK done\n${fetch("A7", 8, row(8, 8))}${idle("A9")}${bye("A9")}`;
  const { next, events, server } = await watch(
    `${examined(5)}${idled("A3")}${ask("A4", 6)}S: * 7 EXISTS\n${row(7, 7)}CLOSE\n---\n${again}${later}`,
  );
  expect(await next()).toMatchObject({ type: "watching", messages: 5 });
  expect(await next()).toMatchObject({ type: "lost" });
  expect(await next()).toMatchObject({ type: "watching", messages: 7 });
  expect(await next()).toMatchObject({ type: "message", uid: 6, meanwhile: true });
  expect(await next()).toMatchObject({ type: "message", uid: 7, meanwhile: true });
  expect(await next()).toMatchObject({ type: "message", uid: 8, meanwhile: false });
  await events.return(undefined);
  await server.done;
});

test("pauses grow also where the server takes everybody, and lets go of them at once", async () => {
  const short = `${examined(5)}S: * BYE not now\nCLOSE\n`;
  const { next } = await watch([short, short].join("---\n"));
  for (const milliseconds of [1_000, 2_000]) {
    expect(await next()).toMatchObject({ type: "watching" });
    expect(await next()).toMatchObject({ type: "lost", milliseconds });
  }
});

test("what comes while the loop is busy is asked for together, however often it was told", async () => {
  const many = Array.from({ length: 100 }, (_, i) => `S: * ${i + 6} EXISTS\n`).join("");
  const rows = Array.from({ length: 100 }, (_, i) => row(i + 6, i + 6)).join("");
  const first = `${fetch("A4", 6)}${idle("A6")}${many}C: DONE\nS: A6 OK done\n`;
  const asked = `${fetch("A7", 6, rows)}`;
  const rest = `${asked}${idled("A9")}${fetch("A10", 106)}${idle("A12")}${bye("A12")}`;
  const abort = new AbortController();
  const { next, server } = await watch(`${examined(5)}${idled("A3")}${first}${rest}`, { signal: abort.signal });
  expect(await next()).toMatchObject({ type: "watching" });
  for (let uid = 6; uid <= 105; uid++) expect(await next()).toMatchObject({ type: "message", uid });
  const none = next();
  await sleep(100);
  abort.abort();
  expect(await none).toBeUndefined();
  await server.done;
});

test("what nobody asked for does not wait for a loop that is busy", async () => {
  const flags = Array.from({ length: 60_000 }, (_, i) => `* 1 FETCH (UID 1 FLAGS (k${i}))\r\n`).join("");
  const flood = `S: * 6 EXISTS\nC: DONE\nS: A6 OK done\n${fetch("A7", 6, row(6, 6))}${idle("A9")}S~ ${btoa(flags)}\n`;
  const later = `WAIT 500\nS: * 7 EXISTS\nC: DONE\nS: A9 OK done\n${fetch("A10", 7, row(7, 7))}${idle("A12")}${bye("A12")}`;
  const script = `${examined(5)}${idled("A3")}${fetch("A4", 6)}${idle("A6")}${flood}${later}`;
  const { next, events, server } = await watch(script, {}, { limits: { readAhead: 4096 } });
  expect(await next()).toMatchObject({ type: "watching" });
  expect(await next()).toMatchObject({ type: "message", uid: 6 });
  await sleep(300);
  expect(await next()).toMatchObject({ type: "message", uid: 7 });
  await events.return(undefined);
  await server.done;
});

test("a loop that is slow in the middle of what came at once holds up nothing: all is told, and what comes behind it", async () => {
  await using bed = await imapBed(1);
  const server = { url: bed.server.urlOf(), limits: { readAhead: 4096 } };
  const events = watchMail({ server });
  const next = async () => (await events.next()).value as WatchEvent;
  expect(await next()).toMatchObject({ type: "watching", messages: 1 });
  for (let n = 2; n <= 301; n++) bed.box.add(`Subject: ${"long ".repeat(20)}${n}\r\n\r\nhello\r\n`);
  for (let uid = 2; uid <= 301; uid++) {
    expect(await next()).toMatchObject({ type: "message", uid });
    if (uid % 60 === 2) await sleep(50);
  }
  const last = next();
  bed.box.add("Subject: last\r\n\r\nhello\r\n");
  expect(await last).toMatchObject({ type: "message", uid: 302, subject: "last" });
  await events.return(undefined);
  expect(bed.server.violations).toEqual([]);
});

describe("a link that is dead", () => {
  const dead = `${examined(5)}${idled("A3")}${fetch("A4", 6)}${idle("A6")}C: DONE\nWAIT ${EVER}\n`;

  /** Watches until it waits in its second IDLE. */
  async function waiting(more: Partial<WatchMailOptions>) {
    const { server, events, next } = await watch(dead, more);
    server.done.catch(() => {});
    await next();
    const last = events.next();
    return { events, last };
  }

  test("holds up no signal", async () => {
    const abort = new AbortController();
    const { last } = await waiting({ signal: abort.signal });
    setTimeout(() => abort.abort(), 100);
    expect(await last).toEqual({ done: true, value: undefined });
  });

  test("holds up nobody who leaves the loop", async () => {
    const told = dead.replace(fetch("A4", 6), fetch("A4", 6, row(6, 6)));
    const { server, events, next } = await watch(told);
    server.done.catch(() => {});
    await next();
    expect(await next()).toMatchObject({ type: "message", uid: 6 });
    expect(await events.return(undefined)).toEqual({ done: true, value: undefined });
  });
});

describe("a name that is not known", () => {
  afterEach(() => void vi.restoreAllMocks());

  /** `mail.test` is this machine, the first `times` times. */
  function known(times: number) {
    const lookup = dns.lookup as unknown as (
      name: string,
      options: object,
      done: (...given: unknown[]) => void,
    ) => void;
    let left = times;
    vi.spyOn(dns, "lookup").mockImplementation(((
      name: string,
      options: object,
      done: (...given: unknown[]) => void,
    ) => {
      if (name !== "mail.test") return lookup(name, options, done);
      if (left-- > 0) return done(null, [{ address: "127.0.0.1", family: 4 }]);
      done(Object.assign(new Error("getaddrinfo ENOTFOUND mail.test"), { code: "ENOTFOUND", syscall: "getaddrinfo" }));
    }) as never);
  }

  test("is no reason to give up where it was known before: the machine is offline", async () => {
    known(1);
    const { next } = await watch(`${examined(5)}S: * BYE down\nCLOSE\n`, {}, { host: "mail.test" });
    expect(await next()).toMatchObject({ type: "watching" });
    expect(await next()).toMatchObject({ type: "lost", milliseconds: 1_000 });
    expect(await next()).toMatchObject({ type: "lost", milliseconds: 2_000, error: { phase: "dns" } });
  });

  test("… and one where it never was", async () => {
    known(0);
    const { next, server } = await watch(examined(5), {}, { host: "mail.test" });
    server.done.catch(() => {});
    await expect(next()).rejects.toThrow(ConnectionError);
  });
});
