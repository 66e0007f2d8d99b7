/** Servers that write their answers in other ways than most: all are allowed to. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { ImapClient } from "../../src/imap/client.js";
import type { ImapOptions } from "../../src/imap/options.js";
import type { ImapFaults, ImapServerOptions } from "../../src/testing/index.js";
import { ImapServer } from "../../src/testing/index.js";
import { failure } from "../net/loopback.js";
import { ALICE, QUICK } from "./dialogue.js";

/** On one line, without one, with quotes, empty, with what no quotes can hold. */
const CONTENTS = [
  "one line",
  'say "hi" \\',
  "",
  "two\r\nlines\r\n",
  "größe",
  "Subject: six\r\n\r\nbody\r\n",
  "x".repeat(500),
];

const ODD: readonly (readonly [string, ImapFaults])[] = [
  ["the UID behind all else", { uidLast: true }],
  ["sections in quotes", { quotedSections: true }],
  ["answers to several commands together", { together: true }],
  ["all of it", { uidLast: true, quotedSections: true, together: true }],
  ["all of it, byte by byte", { uidLast: true, quotedSections: true, together: true, byteByByte: true }],
];

async function start(options: ImapServerOptions, given: Partial<ImapOptions> = {}) {
  const server = await ImapServer.start(options);
  onTestFinished(() => server.close());
  const { host, port } = server;
  const transcript = new Transcript();
  const rest = { host, port, security: "plain", timeouts: QUICK, credentials: ALICE, compress: false } as const;
  const imap = new ImapClient({ ...rest, transcript, ...given });
  onTestFinished(() => imap.close());
  return { server, imap, transcript };
}

/** INBOX with the contents, their UIDs ahead of their numbers. */
async function inbox(faults: ImapFaults) {
  const messages = ["gone", ...CONTENTS].map((content) => Buffer.from(content));
  const users = { alice: { password: ALICE.password, mailboxes: { INBOX: messages } } };
  const { server, imap } = await start({ users });
  await imap.connect();
  await imap.login();
  await imap.select("INBOX");
  await imap.store(1, "+FLAGS.SILENT", ["\\Deleted"]);
  await imap.expunge(1);
  Object.assign(server.faults, faults);
  return { server, imap, uids: CONTENTS.map((_, i) => i + 2) };
}

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "polywire-imap-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe.each(ODD)("%s", (_, faults) => {
  test("rows, by UID and by number, have what belongs to them", async () => {
    const { server, imap } = await inbox(faults);
    const items = ["UID", "BODY.PEEK[]", "RFC822.SIZE"] as const;
    for (const by of ["uid", "number"] as const) {
      const rows = await imap.fetch("1:*", items, { by }).toArray();
      expect(rows.map(({ number, uid, body }) => [number, uid, body.get("")?.toString()])).toEqual(
        CONTENTS.map((content, i) => [i + 1, i + 2, content]),
      );
    }
    expect(server.violations).toEqual([]);
  });

  test("calls that overlap each have their own messages, in memory and in their sinks", async () => {
    const { server, imap, uids } = await inbox(faults);
    const place = folder();
    const [halves, single, stored] = await Promise.all([
      Promise.all([uids.slice(0, 3), uids.slice(3)].map((some) => imap.fetch(some, ["BODY.PEEK[]"]).toArray())),
      Promise.all(uids.map((uid) => imap.retrieve(uid))),
      Promise.all(uids.map((uid) => imap.retrieve(uid, { to: join(place, `${uid}.eml`) }))),
    ]);
    expect(halves.flat().map(({ uid, body }) => [uid, body.get("")?.toString()])).toEqual(
      CONTENTS.map((content, i) => [i + 2, content]),
    );
    expect(single.map(({ uid, content }) => [uid, content.toString()])).toEqual(
      CONTENTS.map((content, i) => [i + 2, content]),
    );
    expect(stored.map(({ uid, bytes }) => [uid, bytes])).toEqual(
      CONTENTS.map((content, i) => [i + 2, Buffer.byteLength(content)]),
    );
    for (const [i, content] of CONTENTS.entries())
      expect(readFileSync(join(place, `${i + 2}.eml`), "utf8")).toBe(content);
    expect(server.violations).toEqual([]);
  });

  test("sinks are asked for by the UID, however late it comes", async () => {
    const { imap } = await inbox(faults);
    const place = folder();
    const to = ({ uid }: { uid: number | undefined }) => join(place, `${uid}.eml`);
    const rows = await imap.fetch("1:*", ["BODY.PEEK[]"], { to }).toArray();
    expect(rows.map(({ streamed }) => streamed.get(""))).toEqual(CONTENTS.map((content) => Buffer.byteLength(content)));
    expect(readdirSync(place)).toHaveLength(CONTENTS.length);
    for (const [i, content] of CONTENTS.entries())
      expect(readFileSync(join(place, `${i + 2}.eml`), "utf8")).toBe(content);
  });
});

describe("a command that is repeated in its refusal", () => {
  test.each([
    ["LOGIN", 's3"cr\\et'],
    ["LOGIN", "geheim größe"],
    ["AUTHENTICATE PLAIN", "s3cret"],
    ["AUTHENTICATE PLAIN", "x".repeat(300)],
  ])("%s: nobody sees the password %s", async (command, password) => {
    const asked = command === "LOGIN" ? {} : { mechanisms: ["PLAIN"] };
    const mechanisms = asked.mechanisms ?? [];
    const users = { alice: { password, mailboxes: {} } };
    const { imap, transcript } = await start(
      { users, mechanisms, faults: { echo: { command } } },
      { ...asked, credentials: { user: "alice", password } },
    );
    await imap.connect();
    const error = await failure(imap.login());
    const said = `${error.message} ${error.stack} ${transcript.script()}`;
    expect(said).toMatch(/BAD|Cannot do this/);
    const secrets = [
      password,
      password.replace(/["\\]/g, "\\$&"),
      Buffer.from(`\0alice\0${password}`).toString("base64"),
    ];
    for (const secret of secrets) {
      expect(said).not.toContain(secret);
      expect(said).not.toContain(secret.slice(0, 40));
    }
  });

  test("a refused command leaves the client usable", async () => {
    const { imap } = await start({ users: { alice: ALICE.password }, faults: { echo: { command: "CREATE" } } });
    await imap.connect();
    await imap.login();
    expect(await failure(imap.create("box"))).toMatchObject({ name: "ReplyError", clientUsable: true });
    await imap.create("box");
    expect(imap.state).toBe("ready");
  });
});
