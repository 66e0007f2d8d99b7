/** NOTIFY: what is asked for, what is told, and how it ends. */
import { describe, expect, onTestFinished, test } from "vitest";
import { AbortedError, ConnectionError, ReplyError, UsageError } from "../../src/client/errors.js";
import { ImapClient } from "../../src/imap/client.js";
import { type NotifyEvent, type NotifyGroup, notifyCommand, notifyEvent } from "../../src/imap/notify.js";
import { Response } from "../../src/imap/response.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { failure } from "../net/loopback.js";
import { ALICE, inbox, QUICK } from "./dialogue.js";
import { hearEverywhere } from "./reading.js";

const USUAL = "(SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))";
const MESSAGES = ["messageNew", "messageExpunge", "flagChange"] as const;

/** Commands as text: a literal's bytes between angle brackets. */
const written = (groups: readonly NotifyGroup[], status = false) =>
  notifyCommand(groups, status, false)
    .map((piece) => (typeof piece === "string" ? piece : `<${Buffer.concat(piece.bytes as Buffer[])}>`))
    .join("");

describe("the command", () => {
  test.each<[NotifyGroup[], string]>([
    [
      [{ of: "selected", events: [...MESSAGES], fetch: ["UID", "BODY.PEEK[HEADER]"] }],
      "NOTIFY SET (SELECTED (MessageNew (UID BODY.PEEK[HEADER]) MessageExpunge FlagChange))",
    ],
    [
      [{ of: "personal", events: ["mailboxName", "subscriptionChange"] }],
      `NOTIFY SET ${USUAL} (PERSONAL (MailboxName SubscriptionChange))`,
    ],
    [
      [
        { of: { mailboxes: "INBOX" }, events: [] },
        { of: { subtree: ["Träume", "a b"] }, events: ["messageNew", "messageExpunge"] },
      ],
      `NOTIFY SET ${USUAL} (MAILBOXES (INBOX) NONE) (SUBTREE (Tr&AOQ-ume "a b") (MessageNew MessageExpunge))`,
    ],
    [
      [
        { of: "selected-delayed", events: [] },
        { of: "inboxes", events: ["mailboxMetadataChange"] },
        { of: "subscribed", events: ["serverMetadataChange"] },
      ],
      "NOTIFY SET (SELECTED-DELAYED NONE) (INBOXES (MailboxMetadataChange)) (SUBSCRIBED (ServerMetadataChange))",
    ],
  ])("%j", (groups, text) => {
    expect(written(groups)).toBe(text);
    expect(written(groups, true)).toBe(text.replace("SET", "SET STATUS"));
  });

  test.each<[unknown]>([
    [[]],
    [[{ of: "personal", events: ["messageNew"] }]],
    [[{ of: "personal", events: ["flagChange"] }]],
    [[{ of: "personal", events: [...MESSAGES], fetch: "UID" }]],
    [[{ of: "selected", events: [], fetch: "UID" }]],
    [[{ of: "selected", events: [...MESSAGES], fetch: "UID) x" }]],
    [
      [
        { of: "selected", events: [] },
        { of: "selected-delayed", events: [] },
      ],
    ],
    [[{ of: "personal", events: ["MessageNew"] }]],
    [[{ of: "all", events: [] }]],
    [[{ of: { subtree: [] }, events: [] }]],
    [[{ of: { mailboxes: "a\r\nb" }, events: [] }]],
    [[{ of: {}, events: [] }]],
  ])("%j is refused", (groups) => {
    expect(() => written(groups as NotifyGroup[])).toThrow(UsageError);
  });
});

describe("events", () => {
  test.each<[string, unknown]>([
    [
      "* STATUS misc (UIDNEXT 999 MESSAGES 554)",
      { type: "status", status: { name: "misc", uidNext: 999, messages: 554 } },
    ],
    [
      '* LIST (\\Subscribed) "/" Tr&AOQ-ume ("OLDNAME" ("a b"))',
      {
        type: "list",
        gone: false,
        oldName: "a b",
        mailbox: expect.objectContaining({ name: "Träume", flags: ["\\Subscribed"] }),
      },
    ],
    [
      '* LIST (\\NonExistent) "." {3}\r\nINB',
      { type: "list", gone: true, mailbox: expect.objectContaining({ name: "INB" }) },
    ],
    [
      '* METADATA "" /shared/comment /private/x',
      { type: "metadata", mailbox: "", entries: ["/shared/comment", "/private/x"] },
    ],
    // As Dovecot 2.3 writes them.
    [
      '* STATUS "Tr\xc3\xa4ume & mehr" (MESSAGES 1)',
      { type: "status", status: { name: "Träume & mehr", messages: 1 } },
    ],
    ["* STATUS {3}\r\n\xc3\xa4. (MESSAGES 1)", { type: "status", status: { name: "ä.", messages: 1 } }],
    ['* STATUS "this & that" (MESSAGES 1)', { type: "status", status: { name: "this & that", messages: 1 } }],
    ['* STATUS "this &- that" (MESSAGES 1)', { type: "status", status: { name: "this & that", messages: 1 } }],
    ["* 3 EXISTS", undefined],
    ["* SEARCH 1", undefined],
    ["* OK [NOTIFICATIONOVERFLOW] too many", undefined],
    ["* 3 STATUS", undefined],
  ])("%s, cut anywhere", (line, event) => {
    const { events } = hearEverywhere(`${line}\r\n`);
    const { raw, literals } = events[0] as { raw: string; literals: string[] };
    const response = new Response(
      raw,
      literals.map((each) => Buffer.from(each, "latin1")),
    );
    expect(notifyEvent(response, false)).toEqual(event);
  });
});

const groups: NotifyGroup[] = [{ of: "personal", events: [...MESSAGES, "mailboxName", "subscriptionChange"] }];
const SET = `NOTIFY SET ${USUAL} (PERSONAL (MessageNew MessageExpunge FlagChange MailboxName SubscriptionChange))`;
const end = (tag: string) => `C: ${tag} NOTIFY SET ${USUAL}\nS: ${tag} OK\n`;

describe("a loop", () => {
  test("is told while other calls go on, and says when it has enough", async () => {
    const script = `C: A3 ${SET}\nS: A3 OK\nS: * STATUS misc (MESSAGES 4)\nC: A4 NOOP\nS: * 4 EXISTS\nS: A4 OK\n${end("A5")}C: A6 NOOP\nS: A6 OK\n`;
    const { imap, server } = await inbox(script, ["NOTIFY"]);
    const events: unknown[] = [];
    for await (const event of imap.notify(groups)) {
      events.push(event.type);
      if (event.type === "exists") break;
      await imap.noop();
    }
    expect([events, imap.mailbox?.exists]).toEqual([["status", "exists"], 4]);
    await imap.noop();
    await server.done;
  });

  test("gives signs of life", async () => {
    const script = `C: A3 ${SET}\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\nC: A5 NOOP\nS: A5 OK\nS: * STATUS misc (MESSAGES 4)\n`;
    const { imap, server } = await inbox(script, ["NOTIFY"]);
    const first = await imap.notify(groups, { every: 20 })[Symbol.asyncIterator]().next();
    expect(first.value).toMatchObject({ type: "status" });
    await server.done;
  });

  test("asks once more behind what happened, and hears what the server has missed", async () => {
    const script = `C: A3 ${SET}\nS: A3 OK\nC: A4 NOOP\nS: * 4 EXISTS\nS: A4 OK\nC: A5 NOOP\nS: * 5 EXISTS\nS: A5 OK\n${end("A6")}`;
    const { imap, server } = await inbox(script, ["NOTIFY"]);
    const told: unknown[] = [];
    for await (const event of imap.notify(groups)) {
      told.push(event.type === "exists" && event.exists);
      if (told.length === 2) break;
    }
    expect(told).toEqual([4, 5]);
    await server.done;
  });

  test("hears at once how the mailboxes are, where it asks", async () => {
    const script = `C: A3 ${SET.replace("SET", "SET STATUS")}\nS: * STATUS a (MESSAGES 1)\nS: * STATUS b (MESSAGES 2)\nS: A3 OK\n${end("A4")}`;
    const { imap, server } = await inbox(script, ["NOTIFY"]);
    const names: unknown[] = [];
    for await (const event of imap.notify(groups, { status: true })) {
      names.push(event.type === "status" && event.status.name);
      if (names.length === 2) break;
    }
    expect(names).toEqual(["a", "b"]);
    await server.done;
  });

  test("throws where the server could not tell all, and may be begun again", async () => {
    const script = `C: A3 ${SET}\nS: A3 OK\nS: * OK [NOTIFICATIONOVERFLOW] too many\n${end("A4")}C: A5 ${SET}\nS: * STATUS a (MESSAGES 1)\nS: A5 OK\n${end("A6")}`;
    const { imap, server } = await inbox(script, ["NOTIFY"]);
    const error = await failure(imap.notify(groups).toArray());
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ enhanced: "NOTIFICATIONOVERFLOW", transient: true, clientUsable: true });
    for await (const _ of imap.notify(groups)) break;
    await server.done;
  });

  test("a refusal of its events rejects, and nothing is to be undone", async () => {
    const script = `C: A3 ${SET}\nS: A3 NO [BADEVENT (MessageNew)] no\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await inbox(script, ["NOTIFY"]);
    expect(await failure(imap.notify(groups).toArray())).toMatchObject({ name: "ReplyError", enhanced: "BADEVENT" });
    await imap.noop();
    await server.done;
  });

  test("a server without it is not asked, and a second one at a time is refused", async () => {
    const { imap, server } = await inbox("");
    expect(await failure(imap.notify(groups).toArray())).toBeInstanceOf(UsageError);
    await server.done;
    const other = await inbox(`C: A3 ${SET}\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n`, ["NOTIFY"]);
    const first = failure(other.imap.notify(groups).toArray());
    expect(await failure(other.imap.notify(groups).toArray())).toBeInstanceOf(UsageError);
    await other.imap.noop();
    other.imap.close();
    expect(await first).toBeInstanceOf(AbortedError);
  });

  test("a signal ends it politely", async () => {
    const { imap, server } = await inbox(`C: A3 ${SET}\nS: A3 OK\n${end("A4")}C: A5 NOOP\nS: A5 OK\n`, ["NOTIFY"]);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 30);
    const error = await failure(imap.notify(groups, { signal: abort.signal }).toArray());
    expect(error).toBeInstanceOf(AbortedError);
    expect(error).toMatchObject({ clientUsable: true });
    await imap.noop();
    await server.done;
  });

  test("a connection that is lost ends it, although nothing is in flight", async () => {
    const { imap } = await inbox(`C: A3 ${SET}\nS: A3 OK\nWAIT 20\nS: * BYE too long\nCLOSE\n`, ["NOTIFY"]);
    const error = await failure(imap.notify(groups).toArray());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain("too long");
  });
});

describe("what ended a loop is told", () => {
  test("also where the server refuses to tell as before", async () => {
    const refused = "C: A4 NOTIFY SET (SELECTED-DELAYED (MessageNew MessageExpunge FlagChange))\nS: A4 NO not now\n";
    const script = `C: A3 ${SET}\nS: A3 OK\nS: * OK [NOTIFICATIONOVERFLOW] too many\n${refused}C: A5 NOOP\nS: A5 OK\n`;
    const { imap, server } = await inbox(script, ["NOTIFY"]);
    expect(await failure(imap.notify(groups).toArray())).toMatchObject({ enhanced: "NOTIFICATIONOVERFLOW" });
    await imap.noop();
    await server.done;
  });

  test("also where the connection is lost meanwhile", async () => {
    const script = `C: A3 ${SET}\nS: A3 OK\nS: * OK [NOTIFICATIONOVERFLOW] too many\nC: A4 NOTIFY SET ${USUAL}\nCLOSE\n`;
    const { imap } = await inbox(script, ["NOTIFY"]);
    expect(await failure(imap.notify(groups).toArray())).toMatchObject({ enhanced: "NOTIFICATIONOVERFLOW" });
    expect(await failure(imap.noop())).toBeInstanceOf(ConnectionError);
  });
});

describe("a link that is dead", () => {
  /** Longer than a test may last: who waits for it fails. */
  const EVER = 3_600_000;
  const given = { timeouts: { ...QUICK, command: EVER, quit: 100 } };

  /** A loop at a server that takes all this, and answers no more. */
  async function dead(script: string) {
    const { imap, server } = await inbox(`${script}WAIT ${EVER}\n`, ["NOTIFY"], given);
    server.done.catch(() => {});
    return imap;
  }

  test.each([
    ["as it begins", `C: A3 ${SET}\n`, EVER],
    ["while it waits", `C: A3 ${SET}\nS: A3 OK\nC: A4 NOTIFY SET ${USUAL}\n`, EVER],
    ["in a sign of life", `C: A3 ${SET}\nS: A3 OK\nC: A4 NOOP\n`, 20],
  ])("holds up no signal %s", async (_, script, every) => {
    const imap = await dead(script);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 100);
    const error = await failure(imap.notify(groups, { signal: abort.signal, every }).toArray());
    expect(error).toBeInstanceOf(AbortedError);
  });

  test("holds up nobody who leaves the loop", async () => {
    const imap = await dead(`C: A3 ${SET}\nS: * STATUS a (MESSAGES 1)\nS: A3 OK\nC: A4 NOTIFY SET ${USUAL}\n`);
    for await (const _ of imap.notify(groups)) break;
    await imap.quit();
  });
});

describe("at the server in memory", () => {
  async function started() {
    const users = {
      alice: { password: ALICE.password, mailboxes: { INBOX: { messages: { generate: 3 } }, box: {}, other: {} } },
    };
    const server = await ImapServer.start({ users });
    onTestFinished(() => server.close());
    const { host, port } = server;
    const imap = new ImapClient({ host, port, security: "plain", timeouts: QUICK, credentials: ALICE });
    onTestFinished(() => imap.close());
    await imap.connect();
    await imap.login();
    return { server, imap };
  }

  test("mailboxes that are not selected, the selected one, names: all is told, and calls go on inside the loop", async () => {
    const { server, imap } = await started();
    await imap.select("INBOX");
    const told: string[] = [];
    const all: NotifyGroup[] = [
      { of: "selected", events: [...MESSAGES], fetch: ["UID", "BODY.PEEK[HEADER.FIELDS (SUBJECT)]"] },
      ...groups,
    ];
    const next: (() => unknown)[] = [
      () => server.mailbox("box").add("Subject: b\n\nx\n"),
      () => server.mailbox("INBOX").add("Subject: i\n\nx\n"),
      () => server.mailbox("INBOX").expunge(1),
      () => imap.create("new"),
    ];
    const word = (event: NotifyEvent) => {
      if (event.type === "status") return `status ${event.status.name} ${event.status.messages}`;
      if (event.type === "list") return `list ${event.mailbox.name}`;
      if (event.type === "fetch") return `fetch ${event.data.uid} ${[...event.data.body.values()].join("").trim()}`;
      return event.type;
    };
    for await (const event of imap.notify(all, { status: true })) {
      if (event.type === "status" && told.length < 2) {
        told.push(`before ${event.status.name}`);
        if (told.length < 2) continue;
      } else told.push(word(event));
      if (event.type === "list") break;
      expect((await imap.search()).length).toBeGreaterThan(2);
      if (event.type !== "exists") await next.shift()?.();
    }
    expect(told).toEqual([
      "before box",
      "before other",
      "status box 1",
      "exists",
      "fetch 4 Subject: i",
      "expunge",
      "list new",
    ]);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(3);
    expect(server.violations).toEqual([]);
  });

  test("behind it, the selected mailbox is told of as before", async () => {
    const { server, imap } = await started();
    await imap.select("INBOX");
    const added = imap.notify(groups)[Symbol.asyncIterator]();
    const first = added.next();
    await imap.noop();
    server.mailbox("other").add("Subject: x\n\nx\n");
    expect((await first).value).toMatchObject({ type: "status" });
    await added.return();
    server.mailbox("INBOX").expunge(1);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(2);
  });
});
