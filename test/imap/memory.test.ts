/** The client and the server in memory: every security, compressed and not, many calls at once; no rule of IMAP is broken. */
import { expect, onTestFinished, test } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { ImapClient } from "../../src/imap/client.js";
import type { ImapOptions } from "../../src/imap/options.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { testTls } from "../../src/testing/tls.js";
import { ALICE, QUICK } from "./dialogue.js";

async function mailbox(tls: "none" | "starttls" | "implicit", count: number, given: Partial<ImapOptions>) {
  const users = { alice: { password: ALICE.password, mailboxes: { INBOX: { messages: { generate: count } } } } };
  const server = await ImapServer.start({ users, tls });
  onTestFinished(() => server.close());
  const { host, port } = server;
  const security = tls === "none" ? "plain" : tls === "implicit" ? "tls" : "starttls";
  const ca = { ca: testTls.ca };
  const imap = new ImapClient({ host, port, security, tls: ca, timeouts: QUICK, credentials: ALICE, ...given });
  onTestFinished(() => imap.close());
  await imap.connect();
  await imap.login();
  await imap.select("INBOX");
  return { server, imap };
}

test.each([
  ["none", true],
  ["none", false],
  ["starttls", true],
  ["implicit", false],
] as const)("TLS %s, compressed %s: rows, single messages and new ones, overlapping", async (tls, compress) => {
  const transcript = new Transcript();
  const { server, imap } = await mailbox(tls, 400, { compress, transcript });
  expect(transcript.lines.some(({ text }) => text === "deflated")).toBe(compress);
  const [rows, single, added] = await Promise.all([
    imap.fetch("1:*", ["BODY.PEEK[]"]).toArray(),
    Promise.all(Array.from({ length: 100 }, (_, i) => imap.retrieve(i + 1))),
    imap
      .appendAll(
        "INBOX",
        Array.from({ length: 150 }, (_, i) => ({ content: { text: `Subject: ${i}\n\nx\n` } })),
      )
      .toArray(),
  ]);
  expect(rows).toHaveLength(400);
  for (const [i, { content }] of single.entries()) expect(content.equals(rows[i]?.body.get("") as Buffer)).toBe(true);
  expect(added.map(({ uid }) => uid)).toEqual(Array.from({ length: 150 }, (_, i) => 401 + i));
  await imap.noop();
  expect(imap.mailbox?.exists).toBe(550);
  await imap.quit();
  expect(server.violations).toEqual([]);
});

test("calls of all kinds at once: each gets its own answer", async () => {
  const { server, imap } = await mailbox("none", 50, {});
  const [found, stored, status, list, one, capability, flags] = await Promise.all([
    imap.search("1:5"),
    imap.store("1:5", "+FLAGS", ["\\Flagged"]),
    imap.status("INBOX", ["MESSAGES"]),
    imap.list(),
    imap.retrieve(7),
    imap.capability(),
    imap.fetch("1:9", ["FLAGS"]).toArray(),
  ]);
  expect(found).toEqual([1, 2, 3, 4, 5]);
  expect(stored.messages.map(({ uid }) => uid)).toEqual([1, 2, 3, 4, 5]);
  expect([status.messages, list.length, one.uid, capability.has("IMAP4REV1")]).toEqual([50, 1, 7, true]);
  expect(flags.map((row) => row.flags?.includes("\\Flagged"))).toEqual([
    ...Array(5).fill(true),
    ...Array(4).fill(false),
  ]);
  expect(server.violations).toEqual([]);
});
