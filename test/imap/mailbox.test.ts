/** Mailboxes: selected, listed, changed; and what is told of them. */
import { describe, expect, test } from "vitest";
import { ReplyError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { connected, course, inbox, ready, selected } from "./dialogue.js";

describe("a selected mailbox", () => {
  test("has what the server told of it", async () => {
    const { imap, server } = await ready(selected("A2", 3, "SELECT INBOX"));
    const mailbox = await imap.select("INBOX");
    expect(mailbox).toMatchObject({
      name: "INBOX",
      readOnly: false,
      exists: 3,
      uidValidity: 7,
      uidNext: 105,
      flags: ["\\Answered", "\\Flagged", "\\Deleted", "\\Seen", "\\Draft"],
      permanentFlags: ["\\Deleted", "\\Seen", "\\*"],
    });
    expect(imap.mailbox).toBe(mailbox);
    await server.done;
  });

  test("is kept up to date, whoever's answer tells it", async () => {
    const script =
      "C: A3 NOOP\nS: * 2 EXPUNGE\nS: * 5 EXISTS\nS: * OK [UIDNEXT 107] more\nS: * FLAGS (\\Seen $New)\nS: A3 OK\nC: A4 XDO\nS: * 4 EXPUNGE\nS: A4 OK\n";
    const { imap } = await inbox(script);
    const { mailbox } = imap;
    await imap.noop();
    expect(mailbox).toMatchObject({ exists: 5, uidNext: 107, flags: ["\\Seen", "$New"] });
    await imap.request("XDO");
    expect(mailbox?.exists).toBe(4);
  });

  test("VANISHED counts down, but for what was gone before", async () => {
    const script = "C: A3 NOOP\nS: * VANISHED 101:102\nS: * VANISHED (EARLIER) 1:90\nS: A3 OK\n";
    const { imap } = await inbox(script);
    await imap.noop();
    expect(imap.mailbox?.exists).toBe(1);
  });

  test("for reading only says so", async () => {
    const { imap } = await ready("C: A2 EXAMINE box\nS: * 0 EXISTS\nS: A2 OK [READ-ONLY] in\n");
    expect((await imap.examine("box")).readOnly).toBe(true);
    const other = await ready("C: A2 SELECT box\nS: * 0 EXISTS\nS: A2 OK [READ-ONLY] in\n");
    expect((await other.imap.select("box")).readOnly).toBe(true);
  });

  test("is none behind a refusal (RFC 9051 §6.3.2)", async () => {
    const { imap } = await inbox("C: A3 SELECT nowhere\nS: A3 NO [NONEXISTENT] no\n");
    expect(await failure(imap.select("nowhere"))).toMatchObject({ name: "ReplyError", enhanced: "NONEXISTENT" });
    expect(imap.mailbox).toBeUndefined();
  });

  test("what comes before CLOSED belongs to the one before", async () => {
    const script =
      "C: A3 SELECT box\nS: * 1 EXPUNGE\nS: * 9 EXISTS\nS: * OK [CLOSED] was\nS: * 2 EXISTS\nS: A3 OK [READ-WRITE]\n";
    const { imap } = await inbox(script);
    expect(await imap.select("box")).toMatchObject({ exists: 2, uidNext: undefined });
  });

  test.each([
    ["UNSELECT", "unselect"],
    ["CLOSE", "closeMailbox"],
  ] as const)("%s lets go of it", async (command, method) => {
    const { imap, server } = await inbox(`C: A3 ${command}\nS: A3 OK\n`);
    await imap[method]();
    expect(imap.mailbox).toBeUndefined();
    await server.done;
  });

  test("QRESYNC tells what has changed and gone", async () => {
    const script =
      "C: A2 ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: A2 OK\nC: A3 SELECT box (QRESYNC (7 90 1:50))\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] valid\nS: * OK [HIGHESTMODSEQ 95] highest\nS: * VANISHED (EARLIER) 3:4\nS: * 1 FETCH (UID 1 FLAGS (\\Seen) MODSEQ (91))\nS: A3 OK [READ-WRITE]\n";
    const { imap } = await ready(script);
    expect(await imap.enable(["QRESYNC"])).toEqual(["QRESYNC"]);
    const { resync, exists } = await imap.select("box", { qresync: { uidValidity: 7, modseq: 90, uids: "1:50" } });
    expect(exists).toBe(2);
    expect(resync?.map(({ type }) => type)).toEqual(["vanished", "fetch"]);
  });

  test.each(["[UIDVALIDITY 8] x\nS: * OK [HIGHESTMODSEQ 95] x", "[UIDVALIDITY 7] x\nS: * OK [NOMODSEQ] x"])(
    "… and nothing of a mailbox of which nothing can be told: %j",
    async (codes) => {
      const script = `C: A2 ENABLE QRESYNC\nS: * ENABLED QRESYNC\nS: A2 OK\nC: A3 SELECT box (QRESYNC (7 90))\nS: * 2 EXISTS\nS: * OK ${codes}\nS: A3 OK [READ-WRITE]\n`;
      const { imap } = await ready(script);
      await imap.enable(["QRESYNC"]);
      expect((await imap.select("box", { qresync: { uidValidity: 7, modseq: 90 } })).resync).toBeUndefined();
    },
  );

  test("what comes right behind the selection is of the new mailbox", async () => {
    const script =
      "C: A2 SELECT a\nS: * 5 EXISTS\nS: A2 OK\nC: A3 SELECT b\nS: * 2 EXISTS\nS~ " +
      `${Buffer.from("A3 OK [READ-WRITE] in\r\n* 3 EXISTS\r\n").toString("base64")}\n`;
    const { imap } = await ready(script);
    await imap.select("a");
    expect((await imap.select("b")).exists).toBe(3);
  });

  test("codes whose numbers are missing tell nothing", async () => {
    const script =
      "C: A2 SELECT a\nS: * OK [UIDVALIDITY] x\nS: * OK [UIDNEXT foo] x\nS: * OK [HIGHESTMODSEQ] x\nS: A2 OK\n";
    const { imap } = await ready(script);
    expect(await imap.select("a")).toMatchObject({
      uidValidity: undefined,
      uidNext: undefined,
      highestModseq: undefined,
    });
  });

  test("… where it was enabled", async () => {
    const { imap, server } = await ready("");
    expect(await failure(imap.select("box", { qresync: { uidValidity: 7, modseq: 9 } }))).toBeInstanceOf(UsageError);
    await server.done;
  });
});

test("the code of an answer tells of the mailbox, too", async () => {
  const script =
    "C: A2 SELECT a\nS: * OK [HIGHESTMODSEQ 7] x\nS: A2 OK [READ-WRITE]\nC: A3 EXPUNGE\nS: A3 OK [HIGHESTMODSEQ 99] done\nC: A4 NOOP\nS: A4 OK [READ-ONLY] now\n";
  const { imap } = await ready(script);
  const mailbox = await imap.select("a");
  await imap.expunge();
  expect([mailbox.highestModseq, mailbox.readOnly]).toEqual([99, false]);
  await imap.noop();
  expect(mailbox.readOnly).toBe(true);
});

test("a server that tells nothing of itself has no fields", async () => {
  const { imap } = await ready("C: A2 ID NIL\nS: A2 OK\n");
  expect(await imap.id()).toEqual({});
});

describe("names", () => {
  test("travel as modified UTF-7, quoted where they have to be", async () => {
    const ok = (tag: string, command: string) => `C: ${tag} ${command}\nS: ${tag} OK\n`;
    const script = [
      ok("A2", 'CREATE "Tr&AOQ-ume &- mehr"'),
      ok("A3", "RENAME a b/c"),
      ok("A4", "SUBSCRIBE b/c"),
      ok("A5", "UNSUBSCRIBE b/c"),
      ok("A6", "DELETE b/c"),
    ].join("");
    const { imap, server } = await ready(script);
    await imap.create("Träume & mehr");
    await imap.rename("a", "b/c");
    await imap.subscribe("b/c");
    await imap.unsubscribe("b/c");
    await imap.delete("b/c");
    await server.done;
  });

  test("… and as UTF-8 where that was enabled", async () => {
    const script = `C: A2 ENABLE UTF8=ACCEPT\nS: * ENABLED UTF8=ACCEPT\nS: A2 OK\nC: A3 CREATE {8+}\nC~ ${Buffer.from("Träume!\r\n").toString("base64")}\nS: A3 OK\n`;
    const { imap, server } = await ready(script, ["LITERAL+"]);
    await imap.enable(["UTF8=ACCEPT"]);
    await imap.create("Träume!");
    await server.done;
  });

  test.each(["a\r\nA9 LOGOUT", "a\0b"])("%j is none", async (name) => {
    const { imap, server } = await ready("");
    expect(await failure(imap.create(name))).toBeInstanceOf(UsageError);
    expect(await failure(imap.select(name))).toBeInstanceOf(UsageError);
    await server.done;
  });
});

describe("lists", () => {
  test("tell names, separators, flags and uses", async () => {
    const script =
      'C: A2 LIST "" "*"\nS: * LIST (\\HasNoChildren \\Sent) "/" "Gesendet &APw-"\nS: * LIST (\\Noselect) NIL {3}\nS: a"b\nS: A2 OK\n';
    const { imap } = await ready(script);
    expect(await imap.list()).toEqual([
      { name: "Gesendet ü", delimiter: "/", flags: ["\\HasNoChildren", "\\Sent"], specialUse: "\\Sent" },
      { name: 'a"b', delimiter: undefined, flags: ["\\Noselect"], specialUse: undefined },
    ]);
  });

  test("ask for what the server can tell along", async () => {
    const script =
      'C: A2 LIST (SUBSCRIBED) box "%" RETURN (SPECIAL-USE STATUS (MESSAGES) CHILDREN)\nS: * LIST (\\Subscribed) "/" box/a ("CHILDINFO" ("SUBSCRIBED"))\nS: * STATUS box/a (MESSAGES 4)\nS: A2 OK\n';
    const { imap, server } = await ready(script, ["LIST-EXTENDED", "SPECIAL-USE", "LIST-STATUS"]);
    const [listed] = await imap.list("%", { reference: "box", select: ["SUBSCRIBED"], status: ["MESSAGES"] });
    expect(listed).toMatchObject({ name: "box/a", status: { messages: 4 } });
    expect(listed?.extended?.get("CHILDINFO")).toEqual(["SUBSCRIBED"]);
    await server.done;
  });

  test("… or ask one by one", async () => {
    const script =
      'C: A2 LIST "" "*"\nS: * LIST () "/" a\nS: * LIST (\\NoSelect) "/" b\nS: * LIST () "/" c\nS: A2 OK\nC: A3 STATUS a (MESSAGES)\nC: A4 STATUS c (MESSAGES)\nS: * STATUS c (MESSAGES 2)\nS: * STATUS a (MESSAGES 1)\nS: A3 OK\nS: A4 OK\n';
    const { imap, server } = await ready(script);
    const listed = await imap.list("*", { status: ["MESSAGES"] });
    expect(listed.map(({ name, status }) => [name, status?.messages])).toEqual([
      ["a", 1],
      ["b", undefined],
      ["c", 2],
    ]);
    await server.done;
  });

  test.each([{ select: ["A) x"] }, { return: ["B("] }, { status: [] }])("%j is not asked", async (options) => {
    const { imap, server } = await ready("");
    expect(await failure(imap.list("*", options))).toBeInstanceOf(UsageError);
    await server.done;
  });
});

describe("what is told of a mailbox", () => {
  test("STATUS", async () => {
    const script =
      "C: A2 STATUS box (MESSAGES UIDNEXT HIGHESTMODSEQ SIZE APPENDLIMIT MAILBOXID)\nS: * STATUS box (MESSAGES 1 UIDNEXT 44 HIGHESTMODSEQ 18446744073709551615 SIZE 99 APPENDLIMIT NIL MAILBOXID (F1) X-NEW (1 2))\nS: A2 OK\n";
    const { imap } = await ready(script);
    const items = ["MESSAGES", "UIDNEXT", "HIGHESTMODSEQ", "SIZE", "APPENDLIMIT", "MAILBOXID"] as const;
    expect(await imap.status("box", items)).toEqual({
      name: "box",
      messages: 1,
      uidNext: 44,
      highestModseq: 18446744073709551615n,
      size: 99,
      mailboxId: "F1",
    });
  });

  test("an OK without it is a ReplyError, and the client goes on", async () => {
    const { imap, server } = await ready("C: A2 STATUS box (MESSAGES)\nS: A2 OK\nC: A3 NOOP\nS: A3 OK\n");
    expect(await failure(imap.status("box", ["MESSAGES"]))).toMatchObject({ name: "ReplyError", clientUsable: true });
    await imap.noop();
    await server.done;
  });

  test.each([
    ["inbox/Drafts", "INBOX/Drafts"],
    ["a\u0308", "&AOQ-"],
    ["box", "Box"],
  ])("of %j may be told of %s", async (name, told) => {
    const script = `C: /^A2 STATUS .* \\(MESSAGES\\)/\nS: * STATUS ${told} (MESSAGES 3)\nS: A2 OK\n`;
    const { imap } = await ready(script);
    expect(await imap.status(name, ["MESSAGES"])).toMatchObject({ messages: 3 });
  });

  test("several at once get each its own, also two of one mailbox", async () => {
    const script =
      "C: A2 STATUS a (MESSAGES)\nC: A3 STATUS b (MESSAGES)\nC: A4 STATUS a (MESSAGES)\nS: * STATUS b (MESSAGES 2)\nS: * STATUS a (MESSAGES 1)\nS: * STATUS a (MESSAGES 3)\nS: A2 OK\nS: A3 OK\nS: A4 OK\n";
    const { imap } = await ready(script);
    const all = await Promise.all(["a", "b", "a"].map((name) => imap.status(name, ["MESSAGES"])));
    expect(all.map(({ messages }) => messages)).toEqual([1, 2, 3]);
  });

  test("what is told unasked of the same mailbox is not the answer", async () => {
    const script = "C: A2 STATUS a (UIDNEXT)\nS: * STATUS a (MESSAGES 3)\nS: * STATUS a (UIDNEXT 9)\nS: A2 OK\n";
    const { imap } = await ready(script);
    expect(await imap.status("a", ["UIDNEXT"])).toMatchObject({ uidNext: 9 });
  });

  test("of a list, one by one: a refused one has none, and no more are in flight than may be", async () => {
    const status = (tag: string, name: string) => `C: ${tag} STATUS ${name} (MESSAGES)\n`;
    const script = `C: A2 LIST "" "*"\nS: * LIST () "/" a\nS: * LIST () "/" b\nS: * LIST (\\Noselect) "/" c\nS: * LIST () "/" d\nS: A2 OK\n${status("A3", "a")}${status("A4", "b")}S: * STATUS a (MESSAGES 1)\nS: A3 OK\nS: A4 NO [NOPERM] no\n${status("A5", "d")}S: * STATUS d (MESSAGES 4)\nS: A5 OK\n`;
    const { imap, server, transcript } = await ready(script, [], { pipelining: 2 });
    const listed = await imap.list("*", { status: ["MESSAGES"] });
    expect(listed.map(({ name, status: { messages } = {} }) => [name, messages])).toEqual([
      ["a", 1],
      ["b", undefined],
      ["c", undefined],
      ["d", 4],
    ]);
    await server.done;
    expect(course(transcript)).toEqual(["C A3", "C A4", "S A3", "S A4", "C A5", "S A5"]);
  });

  test("NAMESPACE", async () => {
    const script =
      'C: A2 NAMESPACE\nS: * NAMESPACE (("" "/")("#mh/" "/" "X-PARAM" ("a" "b"))) NIL (("#shared." "."))\nS: A2 OK\n';
    const { imap } = await ready(script);
    expect(await imap.namespace()).toEqual({
      personal: [
        { prefix: "", delimiter: "/" },
        { prefix: "#mh/", delimiter: "/" },
      ],
      other: [],
      shared: [{ prefix: "#shared.", delimiter: "." }],
    });
  });

  test("NAMESPACE that is answered by OK alone is a ReplyError, and the client goes on", async () => {
    const { imap, server } = await ready("C: A2 NAMESPACE\nS: A2 OK\nC: A3 NOOP\nS: A3 OK\n");
    const error = await failure(imap.namespace());
    expect(error).toMatchObject({ name: "ReplyError", command: "NAMESPACE", code: "OK", clientUsable: true });
    expect(error.message).toContain("told nothing");
    await imap.noop();
    await server.done;
  });

  test("CAPABILITY and ID before the login; the client is no further by that", async () => {
    const script =
      'C: A1 CAPABILITY\nS: * CAPABILITY IMAP4rev1 ID\nS: A1 OK\nC: A2 ID NIL\nS: * ID ("name" "x")\nS: A2 OK\n';
    const { imap, server } = await connected(script);
    expect([...(await imap.capability()).keys()]).toEqual(["IMAP4REV1", "ID"]);
    expect(await imap.id()).toEqual({ name: "x" });
    expect(imap.state).toBe("connected");
    expect(await failure(imap.namespace())).toBeInstanceOf(UsageError);
    await server.done;
  });

  test("ID, both ways", async () => {
    const script =
      'C: A2 ID ("name" "mine" "vendor" "a \\"b\\"")\nS: * ID ("Name" "Theirs" "support-url" NIL)\nS: A2 OK\nC: A3 ID NIL\nS: * ID NIL\nS: A3 OK\n';
    const { imap, server } = await ready(script);
    expect(await imap.id({ name: "mine", vendor: 'a "b"' })).toEqual({ name: "Theirs" });
    expect(await imap.id()).toEqual({});
    await server.done;
  });

  test("CAPABILITY, asked again", async () => {
    const { imap } = await ready("C: A2 CAPABILITY\nS: * CAPABILITY IMAP4rev1 NEW\nS: A2 OK\n");
    expect([...(await imap.capability()).keys()]).toEqual(["IMAP4REV1", "NEW"]);
    expect([imap.has("new"), imap.has("old")]).toEqual([true, false]);
  });
});

test("a refusal of a named method leaves the client usable", async () => {
  const { imap, server } = await ready("C: A2 DELETE INBOX\nS: A2 NO [CANNOT] never\nC: A3 NOOP\nS: A3 OK\n");
  const error = await failure(imap.delete("inbox"));
  expect(error).toBeInstanceOf(ReplyError);
  expect(error).toMatchObject({ command: "DELETE INBOX", enhanced: "CANNOT" });
  await imap.noop();
  await server.done;
});
