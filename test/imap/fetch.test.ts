/** FETCH: rows, several in flight, sinks, what breaks. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Writable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { ConnectionError, ProtocolError, ReplyError, SinkError, UsageError } from "../../src/client/errors.js";
import { ImapClient } from "../../src/imap/client.js";
import type { PartialRange } from "../../src/imap/partial.js";
import type { SequenceSet } from "../../src/imap/sequence-set.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { failure } from "../net/loopback.js";
import { ALICE, course, inbox } from "./dialogue.js";

function folder(): string {
  const made = mkdtempSync(join(tmpdir(), "polywire-imap-"));
  onTestFinished(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

describe("rows", () => {
  test("come as values, by UID unless told otherwise", async () => {
    const script =
      'C: A3 UID FETCH 1:* (FLAGS RFC822.SIZE)\nS: * 1 FETCH (UID 101 FLAGS (\\Seen) RFC822.SIZE 44)\nS: * 2 FETCH (UID 102 FLAGS () RFC822.SIZE 55)\nS: A3 OK\nC: A4 FETCH 2 (ENVELOPE)\nS: * 2 FETCH (ENVELOPE (NIL "hi" NIL NIL NIL NIL NIL NIL NIL NIL))\nS: A4 OK\n';
    const { imap, server } = await inbox(script);
    const rows = await imap.fetch("1:*", ["FLAGS", "RFC822.SIZE"]).toArray();
    expect(rows.map(({ number, uid, flags, size }) => [number, uid, flags, size])).toEqual([
      [1, 101, ["\\Seen"], 44],
      [2, 102, [], 55],
    ]);
    const [row] = await imap.fetch(2, ["ENVELOPE"], { by: "number" }).toArray();
    expect([row?.number, row?.uid, row?.envelope?.subject]).toEqual([2, undefined, "hi"]);
    await server.done;
  });

  test("a macro stands alone", async () => {
    const { imap, server } = await inbox("C: A3 UID FETCH 5 ALL\nS: A3 OK\n");
    expect(await imap.fetch(5, "ALL").toArray()).toEqual([]);
    await server.done;
  });

  test("flags that are told unasked are no rows: they are events", async () => {
    const script =
      "C: A3 UID FETCH 101 (BODY.PEEK[])\nS: * 1 FETCH (UID 101 FLAGS (\\Seen))\nS: * 1 FETCH (UID 101 BODY[] {2}\nS: hi)\nS: * 4 EXISTS\nS: A3 OK\n";
    const { imap } = await inbox(script);
    const rows = await imap.fetch(101, ["BODY.PEEK[]"]).toArray();
    expect(rows.map(({ body }) => body.get("")?.toString())).toEqual(["hi"]);
    expect(imap.mailbox?.exists).toBe(4);
  });

  test("one message told twice is one row where flags are asked for", async () => {
    const script =
      "C: A3 UID FETCH 101:103 (FLAGS)\nS: * 1 FETCH (UID 101 FLAGS ())\nS: * 2 FETCH (UID 102 FLAGS ())\nS: * 1 FETCH (UID 101 FLAGS (\\Seen))\nS: * 3 FETCH (UID 103 FLAGS ())\nS: A3 OK\n";
    const { imap } = await inbox(script);
    const rows = await imap.fetch("101:103", ["FLAGS"]).toArray();
    expect(rows.map(({ uid, flags }) => [uid, flags])).toEqual([
      [101, []],
      [102, []],
      [103, []],
    ]);
  });

  test("flags that were told first, or behind, belong to the row", async () => {
    const script = [
      "C: A3 UID FETCH 101:104 (FLAGS MODSEQ BODY.PEEK[])",
      "S: * 1 FETCH (UID 101 FLAGS (\\Seen) MODSEQ (7))",
      'S: * 1 FETCH (UID 101 BODY[] "one")',
      'S: * 2 FETCH (UID 102 BODY[] "two")',
      "S: * 2 FETCH (UID 102 FLAGS (\\Draft) MODSEQ (8))",
      'S: * 3 FETCH (UID 103 BODY[] "three" FLAGS ())',
      'S: * 4 FETCH (UID 104 BODY[] "four")',
      "S: A3 OK",
      "",
    ].join("\n");
    const { imap } = await inbox(script);
    const rows = await imap.fetch("101:104", ["FLAGS", "MODSEQ", "BODY.PEEK[]"]).toArray();
    expect(rows.map(({ uid, flags, modseq, body }) => [uid, flags, modseq, body.get("")?.toString()])).toEqual([
      [101, ["\\Seen"], 7, "one"],
      [102, ["\\Draft"], 8, "two"],
      [103, [], undefined, "three"],
      [104, undefined, undefined, "four"],
    ]);
  });

  test("… also where the body goes to a sink", async () => {
    const script = [
      "C: A3 UID FETCH 101:102 (FLAGS ENVELOPE BODY.PEEK[])",
      "S: * 1 FETCH (UID 101 FLAGS (\\Seen))",
      "S: * 1 FETCH (UID 101 BODY[] {3}",
      "S: one)",
      'S: * 1 FETCH (UID 101 ENVELOPE (NIL "first" NIL NIL NIL NIL NIL NIL NIL NIL))',
      "S: * 2 FETCH (UID 102 BODY[] {3}",
      'S: two FLAGS () ENVELOPE (NIL "second" NIL NIL NIL NIL NIL NIL NIL NIL))',
      "S: A3 OK",
      "",
    ].join("\n");
    const { imap } = await inbox(script);
    const parts = new Map<number | undefined, string>();
    const to =
      ({ uid }: { uid: number | undefined }) =>
      (piece: Uint8Array) => {
        parts.set(uid, `${parts.get(uid) ?? ""}${Buffer.from(piece)}`);
      };
    const rows = await imap.fetch("101:102", ["FLAGS", "ENVELOPE", "BODY.PEEK[]"], { to }).toArray();
    expect(rows.map(({ uid, flags, envelope, streamed }) => [uid, flags, envelope?.subject, streamed.get("")])).toEqual(
      [
        [101, ["\\Seen"], "first", 3],
        [102, [], "second", 3],
      ],
    );
    expect([...parts]).toEqual([
      [101, "one"],
      [102, "two"],
    ]);
  });

  test("what nobody asked for is no row", async () => {
    const script =
      "C: A3 UID FETCH 101 (RFC822.SIZE)\nS: * 1 FETCH (UID 101 X-NEW (1 2))\nS: * 1 FETCH (UID 101 RFC822.SIZE 5)\nS: A3 OK\nC: A4 UID FETCH 102 (FLAGS MODSEQ)\nS: * 2 FETCH (UID 102 FLAGS ())\nS: A4 OK\n";
    const { imap } = await inbox(script);
    expect((await imap.fetch(101, ["RFC822.SIZE"]).toArray()).map(({ size }) => size)).toEqual([5]);
    // What a server does not tell is missing; the message is not.
    expect((await imap.fetch(102, ["FLAGS", "MODSEQ"]).toArray()).map(({ flags }) => flags)).toEqual([[]]);
  });

  test("a refusal rejects, and what came before it is given", async () => {
    const script =
      'C: A3 UID FETCH 1:9 (BODY.PEEK[])\nS: * 1 FETCH (UID 1 BODY[] "x")\nS: A3 NO [EXPUNGEISSUED] some are gone\n';
    const { imap } = await inbox(script);
    const uids: unknown[] = [];
    const error = await failure(
      (async () => {
        for await (const { uid } of imap.fetch("1:9", ["BODY.PEEK[]"])) uids.push(uid);
      })(),
    );
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ enhanced: "EXPUNGEISSUED", transient: true });
    expect([uids, imap.state]).toEqual([[1], "ready"]);
  });

  test("a call made inside the loop waits while the rest is read ahead", async () => {
    const rows = Array.from({ length: 50 }, (_, i) => `S: * ${i + 1} FETCH (UID ${i + 1} RFC822.SIZE 9)\n`).join("");
    const { imap, server } = await inbox(`C: A3 UID FETCH 1:* (RFC822.SIZE)\n${rows}S: A3 OK\nC: A4 NOOP\nS: A4 OK\n`);
    let count = 0;
    for await (const _ of imap.fetch("1:*", ["RFC822.SIZE"])) if (++count === 3) await imap.noop();
    expect(count).toBe(50);
    await server.done;
  });

  test("a loop that is left leaves the client usable", async () => {
    const script =
      "C: A3 UID FETCH 1:* (RFC822.SIZE)\nS: * 1 FETCH (UID 1 RFC822.SIZE 9)\nWAIT 50\nS: * 2 FETCH (UID 2 RFC822.SIZE 9)\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n";
    const { imap, server } = await inbox(script);
    for await (const _ of imap.fetch("1:*", ["RFC822.SIZE"])) break;
    await imap.noop();
    await server.done;
  });

  test("a set that is too long for one command is several", async () => {
    const uids = Array.from({ length: 3000 }, (_, i) => 2 * i + 10_001);
    const script =
      "C: /^A3 UID FETCH 10001,[0-9,]{7000,8000} \\(RFC822.SIZE\\)$/\nC: /^A4 UID FETCH/\nC: /^A5 UID FETCH [0-9,]*,15999 /\nS: * 1 FETCH (UID 10001 RFC822.SIZE 1)\nS: A3 OK\nS: A4 OK\nS: * 9 FETCH (UID 15999 RFC822.SIZE 1)\nS: A5 OK\n";
    const { imap, server } = await inbox(script);
    const rows = await imap.fetch(uids, ["RFC822.SIZE"]).toArray();
    expect(rows.map(({ uid }) => uid)).toEqual([10_001, 15_999]);
    await server.done;
  });

  test("only what has changed since, and with QRESYNC what has gone", async () => {
    const script =
      "C: A3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 12 VANISHED)\nS: * VANISHED (EARLIER) 4:5\nS: * VANISHED 103\nS: * 2 FETCH (UID 102 FLAGS () MODSEQ (13))\nS: A3 OK\n";
    const { imap, server } = await inbox(script);
    const gone: string[] = [];
    const vanished = (uids: SequenceSet) => void gone.push(uids.toString());
    const rows = await imap.fetch("1:*", ["FLAGS"], { changedSince: 12, vanished }).toArray();
    expect([gone, imap.mailbox?.exists]).toEqual([["4:5"], 2]);
    expect(rows.map(({ uid, modseq }) => [uid, modseq])).toEqual([[102, 13]]);
    expect(() => imap.fetch("1:*", ["FLAGS"], { vanished })).toThrow(UsageError);
    await server.done;
  });

  test("a part of them, at a server that can", async () => {
    const script =
      "C: A3 UID FETCH 1:* (RFC822.SIZE) (CHANGEDSINCE 7 PARTIAL -1:-2)\nS: * 2 FETCH (UID 9 RFC822.SIZE 1 MODSEQ (8))\nS: A3 OK\n";
    const { imap, server } = await inbox(script, ["PARTIAL"]);
    const rows = await imap.fetch("1:*", ["RFC822.SIZE"], { partial: [-1, -2], changedSince: 7 }).toArray();
    expect(rows.map(({ uid }) => uid)).toEqual([9]);
    await server.done;
    const old = await inbox("");
    expect(await failure(old.imap.fetch("1:*", "FLAGS", { partial: [1, 2] }).toArray())).toBeInstanceOf(UsageError);
    await old.server.done;
  });

  test.each<[PartialRange, "uid" | "number", string | number[]]>([
    [[1, -2], "uid", "1:*"],
    [[0, 2], "uid", "1:*"],
    [[1, 2.5], "uid", "1:*"],
    [[1, 2], "number", "1:*"],
    [[1, 2], "uid", Array.from({ length: 3000 }, (_, i) => 2 * i + 10_001)],
  ])("%j of messages by %s is no part", async (partial, by, set) => {
    const { imap } = await inbox("", ["PARTIAL"]);
    expect(() => imap.fetch(set, "FLAGS", { partial, by })).toThrow(UsageError);
  });

  test("a signal in mid answer closes the client", async () => {
    const { imap } = await inbox("C: A3 UID FETCH 1:* (FLAGS)\nS: * 1 FETCH (UID 1 FLAGS ())\nWAIT 1000\n");
    const abort = new AbortController();
    const rows = imap.fetch("1:*", ["FLAGS"], { signal: abort.signal }).each(() => abort.abort());
    expect(await failure(rows)).toMatchObject({ name: "AbortedError" });
    expect(imap.state).toBe("closed");
  });

  test.each([[[]], [["FLAGS)\r\nA9 LOGOUT"]], [["1"]], [[""]], [["UID) BODY[] (FLAGS"]], [["BODY[]]"]]])(
    "%j are no items",
    async (items) => {
      const { imap } = await inbox("");
      expect(() => imap.fetch(1, items)).toThrow(UsageError);
    },
  );
});

describe("several in flight", () => {
  test("each gets its own messages, though the server answers them together", async () => {
    const script =
      "C: A3 UID FETCH 1 (BODY.PEEK[])\nC: A4 UID FETCH 2 (BODY.PEEK[])\nC: A5 UID FETCH 3 (BODY.PEEK[])\nS: * 3 FETCH (UID 3 BODY[] {1}\nS: c)\nS: * 1 FETCH (UID 1 BODY[] {1}\nS: a)\nS: * 2 FETCH (UID 2 BODY[] {1}\nS: b)\nS: A3 OK\nS: A4 OK\nS: A5 OK\n";
    const { imap, server, transcript } = await inbox(script);
    const all = await Promise.all([1, 2, 3].map((uid) => imap.fetch(uid, "BODY.PEEK[]").toArray()));
    expect(all.map(([row]) => row?.body.get("")?.toString())).toEqual(["a", "b", "c"]);
    await server.done;
    expect(course(transcript)).toEqual(["C A3", "C A4", "C A5", "S A3", "S A4", "S A5"]);
  });

  test("the same message twice is asked for twice, one behind the other", async () => {
    const once = (tag: string) =>
      `C: ${tag} UID FETCH 1 (BODY.PEEK[])\nS: * 1 FETCH (UID 1 BODY[] {1}\nS: a)\nS: ${tag} OK\n`;
    const { imap, server, transcript } = await inbox(once("A3") + once("A4"));
    const all = await Promise.all([imap.retrieve(1), imap.retrieve(1)]);
    expect(all.map(({ content }) => content.toString())).toEqual(["a", "a"]);
    await server.done;
    expect(course(transcript)).toEqual(["C A3", "S A3", "C A4", "S A4"]);
  });

  test("different things of one message are asked for one behind the other, whatever its words are", async () => {
    const script =
      'C: A3 UID FETCH 1 (BODYSTRUCTURE)\nS: * 1 FETCH (UID 1 BODYSTRUCTURE ("text" "plain" NIL NIL NIL "7bit" 3 1))\nS: A3 OK\nC: A4 UID FETCH 1 (ENVELOPE)\nS: * 1 FETCH (UID 1 ENVELOPE (NIL "the body[]" NIL NIL NIL NIL NIL NIL NIL NIL))\nS: A4 OK\nC: A5 UID FETCH 1 (BODY.PEEK[])\nS: * 1 FETCH (UID 1 BODY[] {1}\nS: a)\nS: A5 OK\n';
    const { imap, server, transcript } = await inbox(script);
    const [[structure], [envelope], { content }] = await Promise.all([
      imap.fetch(1, ["BODYSTRUCTURE"]).toArray(),
      imap.fetch(1, ["ENVELOPE"]).toArray(),
      imap.retrieve(1),
    ]);
    const told = [structure?.bodyStructure?.type, envelope?.envelope?.subject, content.toString()];
    expect(told).toEqual(["text/plain", "the body[]", "a"]);
    await server.done;
    expect(course(transcript)).toEqual(["C A3", "S A3", "C A4", "S A4", "C A5", "S A5"]);
  });

  test("a section that comes before its UID goes to the call that has asked for it", async () => {
    const work = folder();
    const script =
      "C: A3 UID FETCH 2 (BODY.PEEK[])\nC: A4 UID FETCH 3 (BODY.PEEK[])\nC: A5 UID FETCH 1 (BODY.PEEK[])\nS: * 3 FETCH (BODY[] {5}\nS: three UID 3)\nS: * 1 FETCH (BODY[] {3}\nS: one UID 1)\nS: * 2 FETCH (BODY[] {3}\nS: two UID 2)\nS: A3 OK\nS: A4 OK\nS: A5 OK\n";
    const { imap, server } = await inbox(script);
    const [one, two, three] = await Promise.all([
      imap.retrieve(1),
      imap.retrieve(2, { to: join(work, "2") }),
      imap.retrieve(3, { to: join(work, "3") }),
    ]);
    expect([one.content.toString(), two, three]).toEqual([
      "one",
      { id: 2, uid: 2, bytes: 3 },
      { id: 3, uid: 3, bytes: 5 },
    ]);
    expect(readdirSync(work).map((name) => readFileSync(join(work, name), "utf8"))).toEqual(["two", "three"]);
    await server.done;
  });

  test("numbers mean something else when messages go: such a call is alone", async () => {
    const script =
      "C: A3 NOOP\nWAIT 30\nS: * 1 EXPUNGE\nS: A3 OK\nC: A4 FETCH 2 (RFC822.SIZE)\nS: * 2 FETCH (RFC822.SIZE 9)\nS: A4 OK\nC: A5 NOOP\nS: A5 OK\n";
    const { imap, server, transcript } = await inbox(script);
    const fetched = imap.fetch(2, ["RFC822.SIZE"], { by: "number" });
    const [, rows] = await Promise.all([imap.noop(), fetched.toArray(), imap.noop()]);
    expect(rows.map(({ size }) => size)).toEqual([9]);
    await server.done;
    expect(course(transcript)).toEqual(["C A3", "S A3", "C A4", "S A4", "C A5", "S A5"]);
  });

  test("BYE ends all of them", async () => {
    const { imap } = await inbox("C: A3 UID FETCH 1 (BODY.PEEK[])\nC: A4 UID FETCH 2 (BODY.PEEK[])\nS: * BYE out\n");
    for (const error of await Promise.all([failure(imap.retrieve(1)), failure(imap.retrieve(2))])) {
      expect(error).toBeInstanceOf(ConnectionError);
    }
  });
});

describe("messages of one moment", () => {
  const one = (uid: number) => `S: * ${uid} FETCH (UID ${uid} BODY[] {1}\nS: ${"abc"[uid - 1]})\n`;
  const retrieved = (imap: ImapClient, uids: readonly number[]) =>
    Promise.allSettled(uids.map(async (uid) => (await imap.retrieve(uid)).content.toString()));
  const got = (value: string) => ({ status: "fulfilled", value });

  test("share a command; one that is not there is its own call's ReplyError", async () => {
    const script = `C: A3 UID FETCH 1:3 (BODY.PEEK[])\n${one(3)}${one(1)}S: A3 OK\n`;
    const { imap, server } = await inbox(script);
    const [first, second, third] = await retrieved(imap, [3, 2, 1]);
    expect([first, third]).toEqual([got("c"), got("a")]);
    expect(second).toMatchObject({ reason: { name: "ReplyError", message: expect.stringContaining("UID 2") } });
    await server.done;
  });

  test("that are refused together are asked for one by one, but for those that came", async () => {
    const script = `C: A3 UID FETCH 1:3 (BODY.PEEK[])\n${one(1)}S: A3 NO bad disk\nC: A4 UID FETCH 2 (BODY.PEEK[])\nC: A5 UID FETCH 3 (BODY.PEEK[])\nS: A4 NO bad sector\n${one(3)}S: A5 OK\n`;
    const { imap, server } = await inbox(script);
    const [first, second, third] = await retrieved(imap, [1, 2, 3]);
    expect([first, third]).toEqual([got("a"), got("c")]);
    expect(second).toMatchObject({ reason: { name: "ReplyError", message: expect.stringContaining("bad sector") } });
    await server.done;
  });

  test("are sixteen in a command at most, and as patient as each other", async () => {
    const script =
      "C: A3 UID FETCH 1:16 (BODY.PEEK[])\nC: A4 UID FETCH 17:18 (BODY.PEEK[])\nC: A5 UID FETCH 19 (BODY.PEEK[])\nS: A3 OK\nS: A4 OK\nS: A5 OK\n";
    const { imap, server } = await inbox(script);
    const uids = Array.from({ length: 18 }, (_, i) => i + 1);
    const all = await Promise.allSettled([retrieved(imap, uids), imap.retrieve(19, { timeout: 500 })]);
    expect(all).toMatchObject([{ status: "fulfilled" }, { status: "rejected", reason: { name: "ReplyError" } }]);
    await server.done;
  });
});

describe("one message", () => {
  test("that does not exist is a ReplyError", async () => {
    const { imap } = await inbox("C: A3 UID FETCH 9 (BODY.PEEK[])\nS: A3 OK nothing\n");
    expect(await failure(imap.retrieve(9))).toMatchObject({ name: "ReplyError", clientUsable: true });
  });

  test("larger than limits.body closes the client", async () => {
    const script = "C: A3 UID FETCH 9 (BODY.PEEK[])\nS: * 1 FETCH (UID 9 BODY[] {1000}\n";
    const { imap } = await inbox(script, [], { limits: { body: 999 } });
    expect(await failure(imap.retrieve(9))).toBeInstanceOf(ProtocolError);
    expect(imap.state).toBe("closed");
  });

  test("is read as a message", async () => {
    const script =
      "C: A3 UID FETCH 9 (BODY.PEEK[])\nS: * 1 FETCH (UID 9 BODY[] {16}\nS: Subject: hi\nS: \nS: x)\nS: A3 OK\n";
    const { imap } = await inbox(script);
    expect((await imap.message(9)).subject).toBe("hi");
  });

  test.each([0, -1, 1.5, 2 ** 32])("%s is no UID", async (uid) => {
    const { imap } = await inbox("");
    expect(await failure(imap.retrieve(uid))).toBeInstanceOf(UsageError);
  });
});

describe("sinks", () => {
  const body = (uid: number, text: string) => `S: * ${uid} FETCH (UID ${uid} BODY[] {${text.length}}\nS: ${text})\n`;

  test("take the bytes as they come; the row says how many", async () => {
    const work = folder();
    const script = `C: A3 UID FETCH 1:2 (BODY.PEEK[])\n${body(1, "hello")}${body(2, "you")}S: A3 OK\n`;
    const { imap, server } = await inbox(script);
    const to = ({ uid }: { uid: number | undefined }) => join(work, `${uid}.eml`);
    const rows = await imap.fetch("1:2", ["BODY.PEEK[]"], { to }).toArray();
    expect(rows.map(({ uid, streamed }) => [uid, streamed.get("")])).toEqual([
      [1, 5],
      [2, 3],
    ]);
    expect(readdirSync(work).map((name) => readFileSync(join(work, name), "utf8"))).toEqual(["hello", "you"]);
    await server.done;
  });

  test("one that takes nothing holds the server back", async () => {
    const messages = Array.from({ length: 8 }, () => Buffer.alloc(4 * 1024 * 1024, "a line\r\n"));
    const server = await ImapServer.start({
      users: { alice: { password: ALICE.password, mailboxes: { INBOX: messages } } },
    });
    onTestFinished(() => server.close());
    const { host, port } = server;
    const imap = new ImapClient({ host, port, security: "plain", credentials: ALICE, compress: false });
    onTestFinished(() => imap.close());
    await imap.connect();
    await imap.login();
    await imap.select("INBOX");
    const asked: (number | undefined)[] = [];
    let open: () => void = () => {};
    const gate = new Promise<void>((resolve) => (open = resolve));
    const to = ({ uid }: { uid: number | undefined }) => {
      asked.push(uid);
      return () => gate;
    };
    const rows = imap.fetch("1:*", ["BODY.PEEK[]"], { to }).toArray();
    await expect.poll(() => asked).toEqual([1]);
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(asked).toEqual([1]);
    expect(server.replyBytes).toBeLessThan(24 * 1024 * 1024);
    open();
    expect((await rows).map(({ uid, streamed }) => [uid, streamed.get("")])).toEqual(
      messages.map(({ length }, i) => [i + 1, length]),
    );
  });

  test("those that take their time keep their rows in order", async () => {
    const script = `C: A3 UID FETCH 1:3 (BODY.PEEK[])\n${body(1, "a")}${body(2, "b")}${body(3, "c")}S: A3 OK\n`;
    const { imap } = await inbox(script);
    const waits: Record<number, number> = { 1: 60, 2: 1, 3: 20 };
    const to =
      ({ uid = 0 }: { uid: number | undefined }) =>
      () =>
        new Promise<void>((resolve) => setTimeout(resolve, waits[uid]));
    const rows = await imap.fetch("1:3", ["BODY.PEEK[]"], { to }).toArray();
    expect(rows.map(({ uid }) => uid)).toEqual([1, 2, 3]);
  });

  test("one that fails is a SinkError, and the client goes on", async () => {
    const script = `C: A3 UID FETCH 1:2 (BODY.PEEK[])\n${body(1, "hello")}${body(2, "you")}S: A3 OK\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await inbox(script);
    const full = () => {
      throw new Error("disk full");
    };
    const error = await failure(imap.fetch("1:2", ["BODY.PEEK[]"], { to: () => full }).toArray());
    expect(error).toBeInstanceOf(SinkError);
    await imap.noop();
    await server.done;
  });

  test("a message that was thrown away behind a failure is in no row", async () => {
    const script = `C: A3 UID FETCH 1:4 (BODY.PEEK[])\n${body(1, "one")}${body(2, "two")}WAIT 50\n${body(3, "three")}${body(4, "four")}S: A3 OK\n`;
    const { imap } = await inbox(script);
    const full = () => {
      throw new Error("disk full");
    };
    const [stored, rows]: [(number | undefined)[], (number | undefined)[]] = [[], []];
    const to = ({ uid }: { uid: number | undefined }) => (uid === 2 ? full : () => void stored.push(uid));
    const error = await failure(
      (async () => {
        for await (const { uid } of imap.fetch("1:4", ["BODY.PEEK[]"], { to })) rows.push(uid);
      })(),
    );
    expect([error.name, rows, stored]).toEqual(["SinkError", [1], [1]]);
  });

  test.each([
    ['BODY[] "quoted"', 6],
    ['BODY[] ""', 0],
    ["BODY[] {0}\nS: ", 0],
  ])("%s goes to its sink, too", async (section, bytes) => {
    const work = folder();
    const { imap } = await inbox(
      `C: A3 UID FETCH 1 (BODY.PEEK[])\nS: * 1 FETCH (UID 1 ${section})\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n`,
    );
    expect(await imap.retrieve(1, { to: join(work, "1") })).toEqual({ id: 1, uid: 1, bytes });
    expect(readFileSync(join(work, "1")).length).toBe(bytes);
    await imap.noop();
  });

  test("a choice of sinks that throws is a SinkError, and the client goes on", async () => {
    const script = `C: A3 UID FETCH 1:2 (BODY.PEEK[])\n${body(1, "one")}S: * 2 FETCH (UID 2 BODY[] "two")\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await inbox(script);
    const cause = new TypeError("mine");
    const to = () => {
      throw cause;
    };
    const error = await failure(imap.fetch("1:2", ["BODY.PEEK[]"], { to }).toArray());
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ cause, clientUsable: true });
    await imap.noop();
    await server.done;
  });

  test("a UID that comes behind its section is waited for: the choice of sinks has it", async () => {
    const work = folder();
    const script =
      "C: A3 UID FETCH 1:2 (BODY.PEEK[])\nS: * 1 FETCH (BODY[] {3}\nS: one UID 1)\nS: * 2 FETCH (BODY[] {3}\nS: two UID 2)\nS: A3 OK\n";
    const { imap } = await inbox(script);
    await imap.fetch("1:2", ["BODY.PEEK[]"], { to: ({ uid }) => join(work, `${uid}.eml`) }).toArray();
    expect(readdirSync(work)).toEqual(["1.eml", "2.eml"]);
  });

  test("a sink that was given a message that nobody asked for fails the call, and the client goes on", async () => {
    const script =
      'C: A3 UID FETCH 1 (BODY.PEEK[])\nS: * 9 FETCH (BODY[] {5}\nS: alien UID 99)\nS: * 1 FETCH (UID 1 BODY[] "msg-1")\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n';
    const { imap, server } = await inbox(script);
    const stored: string[] = [];
    const error = await failure(imap.retrieve(1, { to: (chunk) => void stored.push(String(chunk)) }));
    expect([error, stored]).toMatchObject([{ name: "SinkError", clientUsable: true }, ["alien"]]);
    await imap.noop();
    await server.done;
  });

  test("many sections before their UID all go to their sinks", async () => {
    const count = 3_000;
    const sections = Array.from({ length: count }, (_, i) => `BODY[${i + 1}] {1}\nS: x`).join(" ");
    const { imap } = await inbox(`C: A3 UID FETCH 1:2 (BODY.PEEK[])\nS: * 1 FETCH (${sections} UID 1)\nS: A3 OK\n`);
    const asked = new Set<string>();
    const to = ({ section }: { section: string }) => {
      asked.add(section);
      return () => {};
    };
    const [row] = await imap.fetch("1:2", ["BODY.PEEK[]"], { to }).toArray();
    expect([asked.size, row?.streamed.size, row?.body.size]).toEqual([count, count, 0]);
  });

  test("behind a loop that was left, nothing goes to sinks", async () => {
    const script = `C: A3 UID FETCH 1:3 (BODY.PEEK[])\n${body(1, "one")}WAIT 50\n${body(2, "two")}S: * 3 FETCH (UID 3 BODY[] "three")\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await inbox(script);
    const stored: unknown[] = [];
    const to =
      ({ uid }: { uid: number | undefined }) =>
      () =>
        void stored.push(uid);
    for await (const _ of imap.fetch("1:3", ["BODY.PEEK[]"], { to })) break;
    await imap.noop();
    await server.done;
    expect(stored).toEqual([1]);
  });

  test("a sink that does not answer is no reason to wait for it when the connection is closed", async () => {
    const script = `C: A3 UID FETCH 1 (BODY.PEEK[])\n${body(1, "one")}S: A3 OK\n`;
    const { imap } = await inbox(script);
    const abort = new AbortController();
    const stuck = imap.retrieve(1, {
      to: () => {
        setTimeout(() => abort.abort(), 20);
        return new Promise<void>(() => {});
      },
      signal: abort.signal,
    });
    expect(await failure(stuck)).toMatchObject({ name: "AbortedError" });
    expect(imap.state).toBe("closed");
  });

  test("what is told of what has gone by a function that throws is told behind the answer", async () => {
    const script =
      "C: A3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 7 VANISHED)\nS: * VANISHED (EARLIER) 4\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n";
    const { imap, server } = await inbox(script);
    const cause = new TypeError("mine");
    const vanished = () => {
      throw cause;
    };
    expect(await failure(imap.fetch("1:*", "FLAGS", { changedSince: 7, vanished }).toArray())).toBe(cause);
    await imap.noop();
    await server.done;
  });

  test("a section without one stays in memory", async () => {
    const script =
      "C: A3 UID FETCH 1 (BODY.PEEK[HEADER] BODY.PEEK[TEXT])\nS: * 1 FETCH (UID 1 BODY[HEADER] {3}\nS: a: BODY[TEXT] {4}\nS: text)\nS: A3 OK\n";
    const { imap } = await inbox(script);
    const sections: string[] = [];
    const to = ({ section }: { section: string }) => {
      sections.push(section);
      return section === "TEXT" ? () => {} : undefined;
    };
    const [row] = await imap.fetch(1, ["BODY.PEEK[HEADER]", "BODY.PEEK[TEXT]"], { to }).toArray();
    expect(sections).toEqual(["HEADER", "TEXT"]);
    expect([row?.body.get("HEADER")?.length, row?.streamed.get("TEXT")]).toEqual([3, 4]);
  });

  test("a literal that is no section has none", async () => {
    const script =
      "C: A3 UID FETCH 1 (ENVELOPE)\nS: * 1 FETCH (UID 1 ENVELOPE (NIL {2}\nS: hi NIL NIL NIL NIL NIL NIL NIL NIL))\nS: A3 OK\n";
    const { imap } = await inbox(script);
    const to = () => {
      throw new Error("asked for a sink");
    };
    const [row] = await imap.fetch(1, ["ENVELOPE"], { to }).toArray();
    expect(row?.envelope?.subject).toBe("hi");
  });

  test("a connection that is lost in the middle lets go of the sink", async () => {
    const { imap } = await inbox(
      "C: A3 UID FETCH 1 (BODY.PEEK[])\nS: * 1 FETCH (UID 1 BODY[] {500}\nS: hello\nCLOSE\n",
    );
    const sink = new Writable({ write: (_chunk, _encoding, done) => done() });
    const error = await failure(imap.retrieve(1, { to: sink }));
    expect(error).toBeInstanceOf(ConnectionError);
    await expect.poll(() => sink.destroyed).toBe(true);
  });
});
