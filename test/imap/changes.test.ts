/** What has changed since: by QRESYNC, by CONDSTORE, by comparison; always what is so. */
import fc from "fast-check";
import { describe, expect, onTestFinished, test } from "vitest";
import { ReplyError, UsageError } from "../../src/client/errors.js";
import { Transcript } from "../../src/client/transcript.js";
import type { MailboxChanges } from "../../src/imap/changes.js";
import { ImapClient } from "../../src/imap/client.js";
import type { KnownState, MailboxState } from "../../src/imap/mailbox-state.js";
import type { ImapMailbox } from "../../src/testing/imap/mailbox.js";
import type { ImapFeatures } from "../../src/testing/imap/options.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { failure } from "../net/loopback.js";
import { ALICE, QUICK, ready } from "./dialogue.js";

type Features = Partial<ImapFeatures>;

const OLD: Features = { imap4rev2: false, esearch: false, qresync: false };
const SERVERS: readonly [string, Features][] = [
  ["QRESYNC", {}],
  ["CONDSTORE", { ...OLD, condstore: true }],
  ["neither", { ...OLD, condstore: false }],
];

async function mailbox(features: Features, messages = 5) {
  const users = { alice: { password: ALICE.password, mailboxes: { box: { messages: { generate: messages } } } } };
  const server = await ImapServer.start({ users, features });
  onTestFinished(() => server.close());
  const transcript = new Transcript();
  const { host, port } = server;
  const imap = new ImapClient({
    host,
    port,
    security: "plain",
    timeouts: QUICK,
    credentials: ALICE,
    compress: false,
    transcript,
  });
  onTestFinished(() => imap.close());
  await imap.connect();
  await imap.login();
  return { server, imap, box: server.mailbox("box"), transcript };
}

const uidsOf = (rows: MailboxChanges["added"]) => rows.map(({ uid }) => uid);

/** What a follower of the changes has: UID → flags. */
type Model = Map<number, string>;
const flagsOf = (flags: readonly string[] | undefined) =>
  [...(flags ?? [])]
    .filter((f) => f !== "\\Recent")
    .sort()
    .join(" ");

function follow(model: Model, { vanished, added, changed }: MailboxChanges): void {
  for (const uid of vanished) expect(model.delete(uid), `${uid} was known`).toBe(true);
  for (const { uid = 0, flags } of added) {
    expect(model.has(uid), `${uid} is new`).toBe(false);
    model.set(uid, flagsOf(flags));
  }
  for (const { uid = 0, flags } of changed) {
    expect(model.has(uid), `${uid} is known`).toBe(true);
    model.set(uid, flagsOf(flags));
  }
}

const truth = (box: ImapMailbox): Model => new Map(box.messages.map(({ uid, flags }) => [uid, flagsOf(flags)]));
/** As it is kept in a file. */
const kept = (state: MailboxState): MailboxState => JSON.parse(JSON.stringify(state)) as MailboxState;

describe.each(SERVERS)("%s:", (_, features) => {
  test("nothing is known: all messages are new", async () => {
    const { imap, server } = await mailbox(features);
    const { reset, added, changed, vanished, state, mailbox: selected } = await imap.changesSince("box");
    expect([reset, uidsOf(added), changed, vanished.size]).toEqual([true, [1, 2, 3, 4, 5], [], 0]);
    expect(state).toMatchObject({ uids: "1:5", uidNext: 6, uidValidity: server.mailbox("box").uidValidity });
    expect([selected, imap.mailbox?.name]).toEqual([imap.mailbox, "box"]);
    expect(server.violations).toEqual([]);
  });

  test("new, changed and gone, each told once", async () => {
    const { imap, server, box } = await mailbox(features);
    const { state } = await imap.changesSince("box");
    box.expunge(2, 5);
    box.setFlags(3, ["\\Seen"]);
    box.add("Subject: new\n\nx\n");
    const news = await imap.changesSince("box", kept(state));
    expect([news.reset, uidsOf(news.added), uidsOf(news.changed), [...news.vanished]]).toEqual([
      false,
      [6],
      [3],
      [2, 5],
    ]);
    expect(news.changed[0]?.flags).toContain("\\Seen");
    const none = await imap.changesSince("box", kept(news.state));
    expect([none.reset, none.added, none.changed, none.vanished.size]).toEqual([false, [], [], 0]);
    expect(server.violations).toEqual([]);
  });

  test("another UIDVALIDITY is told: all that was known is gone, all there is is new", async () => {
    const { imap, box } = await mailbox(features);
    const { state } = await imap.changesSince("box");
    box.uidValidity++;
    const { reset, added, vanished, state: next } = await imap.changesSince("box", kept(state));
    expect([reset, uidsOf(added), vanished.toString()]).toEqual([true, [1, 2, 3, 4, 5], "1:5"]);
    expect(next.uidValidity).toBe(state.uidValidity + 1);
  });

  test("a server that was put back to an older state: messages and flags are compared", async () => {
    const { imap, box } = await mailbox(features);
    const { state } = await imap.changesSince("box");
    box.expunge(1);
    const known = { ...kept(state), highestModseq: 1_000_000 };
    const { reset, vanished } = await imap.changesSince("box", known);
    expect([reset, [...vanished]]).toEqual([false, [1]]);
  });

  test("whoever follows the changes has what the server has", async () => {
    const { imap, server, box } = await mailbox(features, 8);
    const step = fc.oneof(
      fc.record({ act: fc.constant("add" as const), at: fc.nat(99) }),
      fc.record({ act: fc.constant("expunge" as const), at: fc.nat(99) }),
      fc.record({ act: fc.constant("flag" as const), at: fc.nat(99) }),
    );
    const model: Model = new Map();
    let state: MailboxState | undefined;
    const rounds = fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(rounds, async (all) => {
        for (const steps of [[], ...all]) {
          for (const { act, at } of steps) {
            const uid = box.uids[at % Math.max(1, box.count)];
            if (act === "add") box.add({ content: "Subject: x\n\nx\n", flags: at % 2 ? ["$a"] : [] });
            else if (uid === undefined) continue;
            else if (act === "expunge") box.expunge(uid);
            else box.setFlags(uid, [["\\Seen"], [], ["$b", "\\Flagged"]][at % 3] as string[]);
          }
          const news = await imap.changesSince("box", state);
          follow(model, news);
          expect(model).toEqual(truth(box));
          state = kept(news.state);
        }
      }),
      { numRuns: 25 },
    );
    expect(server.violations).toEqual([]);
  });
});

describe("QRESYNC", () => {
  test("is one round trip behind the first", async () => {
    const { imap, transcript, box } = await mailbox({});
    const { state } = await imap.changesSince("box");
    box.expunge(2);
    const before = transcript.lines.length;
    await imap.changesSince("box", state);
    const sent = transcript.lines.slice(before).filter(({ who }) => who === "C");
    expect(sent.map(({ text }) => text.replace(/^A\d+ /, ""))).toEqual([
      `SELECT box (QRESYNC (${state.uidValidity} ${state.highestModseq} 1:5))`,
    ]);
  });

  test("needs no list of UIDs: the server remembers", async () => {
    const { imap, box } = await mailbox({});
    const { uids: _, ...known } = (await imap.changesSince("box")).state;
    box.expunge(2);
    box.setFlags(1, ["\\Seen"]);
    box.add("Subject: new\n\nx\n");
    const { reset, added, changed, vanished, state } = await imap.changesSince("box", known as KnownState);
    expect([reset, uidsOf(added), uidsOf(changed), [...vanished], state.uids]).toEqual([false, [6], [1], [2], "1,3:6"]);
  });

  test.each([
    ["1:2,4:5", [3], [4]],
    ["1:5,99", [], [4, 99]],
  ])("a list that cannot be right is looked through: %s", async (uids, added, vanished) => {
    const { imap, box } = await mailbox({});
    const { state } = await imap.changesSince("box");
    box.expunge(4);
    const news = await imap.changesSince("box", { ...state, uids });
    expect([uidsOf(news.added), [...news.vanished], news.state.uids]).toEqual([added, vanished, "1:3,5"]);
  });
});

describe("a state", () => {
  test.each<[Features, object]>([
    [{}, { uidValidity: 1, highestModseq: 5 }],
    [
      { ...OLD, condstore: true },
      { uidValidity: 1, highestModseq: 5, uidNext: 9 },
    ],
    [{}, { uidValidity: 1, highestModseq: 5, uids: "a" }],
    [{}, { uidValidity: 1, highestModseq: 5, uids: "1:*" }],
  ])("that does not suffice is refused: %j %j", async (features, known) => {
    const { imap, server } = await mailbox(features);
    expect(await failure(imap.changesSince("box", known as KnownState))).toBeInstanceOf(UsageError);
    expect(server.commands.some((line) => line.includes("SELECT"))).toBe(false);
  });

  test("of a mailbox that keeps no UIDs cannot be: that is told", async () => {
    const { imap } = await ready("C: A2 SELECT box\nS: * 2 EXISTS\nS: * NO [UIDNOTSTICKY] no UIDs\nS: A2 OK\n");
    const error = await failure(imap.changesSince("box"));
    expect(error).toBeInstanceOf(ReplyError);
    expect(error).toMatchObject({ enhanced: "UIDNOTSTICKY", clientUsable: true });
  });

  test("what comes meanwhile is for the next time", async () => {
    const script =
      "C: A2 SELECT box (CONDSTORE)\nS: * 2 EXISTS\nS: * OK [UIDVALIDITY 7] v\nS: * OK [UIDNEXT 12] n\nS: * OK [HIGHESTMODSEQ 40] h\nS: A2 OK\nC: A3 UID FETCH 1:* (FLAGS) (CHANGEDSINCE 30)\nS: * 2 FETCH (UID 11 FLAGS (\\Seen) MODSEQ (35))\nS: * 3 EXISTS\nS: A3 OK\nC: A4 UID SEARCH ALL\nS: * 2 EXPUNGE\nS: * SEARCH 10 12\nS: A4 OK\nC: A5 UID FETCH 12 (FLAGS)\nS: A5 OK\n";
    const { imap, server } = await ready(script, ["CONDSTORE"]);
    const known = { uidValidity: 7, highestModseq: 30, uids: "10:11", uidNext: 12 };
    const { added, changed, vanished, state } = await imap.changesSince("box", known);
    expect([added, changed, [...vanished]]).toEqual([[], [], [11]]);
    expect(state).toEqual({ uidValidity: 7, uids: "10", uidNext: 12, highestModseq: 40 });
    await server.done;
  });
});
