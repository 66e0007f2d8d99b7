/** The three readers and the three writers, on servers in memory: the same checks for each. */
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test } from "vitest";
import { ConnectionError, ReplyError, UsageError } from "../../src/client/errors.js";
import { ImapClient } from "../../src/imap/client.js";
import { parseHeaders } from "../../src/message/headers.js";
import type { MessageReader } from "../../src/message/reader.js";
import type { NntpOptions } from "../../src/nntp/options.js";
import { ImapServer } from "../../src/testing/imap-server.js";
import { SmtpServer } from "../../src/testing/smtp-server.js";
import * as imapBed from "../imap/dialogue.js";
import { failure } from "../net/loopback.js";
import * as nntpBed from "../nntp/dialogue.js";
import * as pop3Bed from "../pop3/dialogue.js";
import * as smtpBed from "../smtp/dialogue.js";
import { checkReader, checkWriter, content, GROUP, type ReaderBed, type WriterBed } from "./common-checks.js";

const contents = (count: number) => Array.from({ length: count }, (_, i) => content(i + 1));

async function news(count: number, options: Partial<NntpOptions> = {}) {
  const { server, nntp } = await nntpBed.memory({ groups: { [GROUP]: {} } }, options);
  const again = async () => {
    const client = nntpBed.clientOf(server).nntp;
    await client.connect();
    await client.group(GROUP);
    return client;
  };
  await nntp.connect();
  for (const each of contents(count)) await nntp.post(each);
  await nntp.group(GROUP);
  return { server, reader: nntp, first: 1, again };
}

async function drop(count: number, features: object = {}) {
  const { server, pop3 } = await pop3Bed.mailbox(contents(count), { features });
  const again = async () => {
    // A maildrop is one session's at a time.
    await pop3.quit();
    const client = pop3Bed.clientOf(server).pop3;
    await pop3Bed.enter(client);
    return client;
  };
  return { server, reader: pop3, first: 1, again };
}

async function mailbox(count: number, options: { readonly compress?: boolean } = {}) {
  const messages = contents(count);
  const users = { alice: { password: imapBed.ALICE.password, mailboxes: { INBOX: { messages } } } };
  const server = await ImapServer.start({ users });
  onTestFinished(() => server.close());
  const again = async () => {
    const { host, port } = server;
    const { ALICE: credentials, QUICK: timeouts } = imapBed;
    const imap = new ImapClient({ host, port, security: "plain", credentials, timeouts, ...options });
    onTestFinished(() => imap.close());
    await imap.connect();
    await imap.login();
    await imap.select("INBOX");
    return imap;
  };
  return { server, reader: await again(), first: 1, again };
}

const READERS: Record<string, (count: number) => Promise<ReaderBed>> = {
  NNTP: (count) => news(count),
  POP3: (count) => drop(count),
  "POP3 without pipelining": (count) => drop(count, { pipelining: false }),
  IMAP: mailbox,
};

describe.each(Object.entries(READERS))("a reader: %s", (_, open) => checkReader(open));

async function sender() {
  const server = await SmtpServer.start();
  onTestFinished(() => server.close());
  const { smtp } = smtpBed.clientOf(server);
  await smtp.connect();
  const arrived = async () => server.messages.map((each) => each.content);
  return { server, writer: smtp, arrived };
}

const WRITERS: Record<string, () => Promise<WriterBed>> = {
  SMTP: sender,
  NNTP: async () => {
    const { reader } = await news(0);
    const arrived = async () => {
      await reader.group(GROUP);
      const rows = await reader.messages().toArray();
      return Promise.all(rows.map(async ({ id }) => (await reader.retrieve(id)).content));
    };
    return { writer: reader, arrived };
  },
  IMAP: async () => {
    const { reader } = await mailbox(0);
    const arrived = async () => {
      await reader.noop();
      const rows = await reader.messages().toArray();
      return Promise.all(rows.map(async ({ id }) => (await reader.retrieve(id)).content));
    };
    return { writer: reader, arrived };
  },
};

describe.each(Object.entries(WRITERS))("a writer: %s", (_, open) => checkWriter(open));

const verbs = (commands: readonly string[], from: number) =>
  commands.slice(from).map((line) => line.replace(/^A\d+ /, "").trim());

describe("on the wire", () => {
  test("IMAP: one FETCH, by numbers, that marks nothing as read", async () => {
    const { server, reader } = await mailbox(30);
    const before = server.commands.length;
    expect(await reader.messages({ newest: 20 }).toArray()).toHaveLength(20);
    expect(await reader.messages([31]).toArray()).toEqual([]);
    expect(verbs(server.commands, before)).toEqual(["FETCH 11:30 (UID RFC822.SIZE BODY.PEEK[HEADER])"]);
    const [row] = await reader.fetch(30, ["FLAGS"]).toArray();
    expect(row?.flags).not.toContain("\\Seen");
  });

  test("POP3: LIST and UIDL once, and TOP for what is wanted; one message is asked about alone", async () => {
    const { server, reader } = await drop(30);
    const before = server.commands.length;
    await reader.messages({ newest: 2 }).toArray();
    await reader.messages(7).toArray();
    const said = verbs(server.commands, before);
    expect(said).toEqual(["LIST", "UIDL", "TOP 29 0", "TOP 30 0", "LIST 7", "UIDL 7", "TOP 7 0"]);
  });

  test("NNTP: OVER alone; for whole headers HEAD besides", async () => {
    const { server, reader } = await news(30);
    await reader.messages(1).toArray();
    const before = server.commands.length;
    await reader.messages([5, 6]).toArray();
    await reader.messages().toArray();
    await reader.messages({ newest: 2 }).toArray();
    const said = verbs(server.commands, before);
    expect(said).toEqual(["OVER 5-6", "OVER 1-30", "OVER 29-30"]);
    await reader.messages([29], { wholeHeaders: true }).toArray();
    const heads = verbs(server.commands, before + said.length);
    expect(heads).toEqual(["OVER 29-30", "HEAD 29", "HEAD 30"]);
  });

  test("a loop that is left has asked for some messages ahead, not for all", async () => {
    const { server, pop3 } = await pop3Bed.mailbox([], {
      users: { alice: { password: pop3Bed.ALICE.password, messages: { generate: 5_000 } } },
    });
    for await (const { number } of pop3.messages()) {
      expect(number).toBe(1);
      break;
    }
    expect(server.commands.filter((line) => line.startsWith("TOP")).length).toBeLessThanOrEqual(512);
    expect(await pop3.messages({ newest: 1 }).toArray()).toHaveLength(1);
  });
});

describe("many messages", () => {
  const small = { limits: { readAhead: 1024, queue: 100 } };
  const users = (password: string, count: number) => ({
    alice: { password, messages: { generate: count }, mailboxes: { INBOX: { messages: { generate: count } } } },
  });

  test.each(["NNTP", "NNTP, whole headers", "POP3", "IMAP"])(
    "%s: calls inside the loop have their turn, however much is behind them",
    async (kind) => {
      const reader = await many(kind, 2_500);
      const wholeHeaders = kind.endsWith("headers");
      let n = 0;
      for await (const { number, id } of reader.messages("all", { wholeHeaders })) {
        expect(number).toBe(++n);
        if (n % 500 === 1) expect((await reader.retrieve(id)).content.length).toBeGreaterThan(0);
      }
      expect(n).toBe(2_500);
    },
  );

  async function many(kind: string, count: number): Promise<MessageReader> {
    if (kind.startsWith("NNTP")) {
      const { nntp } = await nntpBed.memory({ groups: { [GROUP]: { generate: count } } }, small);
      await nntp.connect();
      await nntp.group(GROUP);
      return nntp;
    }
    if (kind === "POP3") {
      const { pop3 } = await pop3Bed.mailbox([], { users: users(pop3Bed.ALICE.password, count) }, small);
      return pop3;
    }
    return (await large(count)).imap;
  }

  async function large(count: number) {
    const server = await ImapServer.start({ users: users(imapBed.ALICE.password, count) });
    onTestFinished(() => server.close());
    const { host, port } = server;
    const rest = { credentials: imapBed.ALICE, timeouts: imapBed.QUICK, ...small };
    const imap = new ImapClient({ host, port, security: "plain", ...rest });
    onTestFinished(() => imap.close());
    await imap.connect();
    await imap.login();
    await imap.select("INBOX");
    return { server, imap };
  }

  test("IMAP: messages that are removed inside the loop make it miss none", async () => {
    const { imap, server } = await large(2_500);
    const before = server.commands.length;
    const uids: (number | undefined)[] = [];
    for await (const batch of imap.messages().batches()) {
      for (const { uid } of batch) uids.push(uid);
      await imap.store(
        batch.map(({ id }) => id),
        "+FLAGS.SILENT",
        ["\\Deleted"],
      );
      await imap.expunge();
    }
    expect(uids).toEqual(Array.from({ length: 2_500 }, (_, i) => i + 1));
    expect(imap.mailbox?.exists).toBe(0);
    expect(verbs(server.commands, before).filter((line) => /FETCH|SEARCH/.test(line))).toHaveLength(4);
    expect(server.violations).toEqual([]);
  });

  test("IMAP: another mailbox inside the loop ends it", async () => {
    const { imap } = await large(2_500);
    await imap.create("other");
    const listed = async () => {
      for await (const { number } of imap.messages()) if (number === 1) await imap.select("other");
    };
    expect(await failure(listed())).toMatchObject({ name: "UsageError", clientUsable: true });
    await imap.noop();
  });

  test("NNTP: a group with few articles far apart takes few commands", async () => {
    const { server, nntp } = await nntpBed.memory({ groups: { [GROUP]: { generate: 300_000 } } });
    await nntp.connect();
    const group = server.groups.get(GROUP);
    for (let n = 2; n < 300_000; n++) group.cancel(n);
    await nntp.group(GROUP);
    const before = server.commands.length;
    expect((await nntp.messages().toArray()).map(({ number }) => number)).toEqual([1, 300_000]);
    expect(server.commands.length - before).toBeLessThan(15);
  });
});

describe("a connection that is lost in mid list", () => {
  test.each([
    ["NNTP", (count: number) => news(count, { compress: false }), false],
    ["NNTP, whole headers", (count: number) => news(count, { compress: false }), true],
    ["POP3", drop, false],
    ["IMAP", (count: number) => mailbox(count, { compress: false }), false],
  ] as const)("%s: what came is given, in order, and then the error", async (_, open, wholeHeaders) => {
    const { server, reader } = await open(200);
    server.faults.closeAtByte = server.replyBytes + (wholeHeaders ? 45_000 : 25_000);
    const got: (string | undefined)[] = [];
    const listed = async () => {
      for await (const { headers } of reader.messages("all", { wholeHeaders })) got.push(headers.get("subject"));
    };
    expect(await failure(listed())).toBeInstanceOf(ConnectionError);
    expect(got).toEqual(got.map((_, i) => `Grüße ${i + 1}`));
    expect(got.length).toBeGreaterThan(0);
    expect(got.length).toBeLessThan(200);
    expect(reader.state).toBe("closed");
  });
});

describe("what only some have", () => {
  test("POP3 without UIDL: no uid; what is marked as deleted is left out", async () => {
    const { reader } = await drop(5, { uidl: false });
    await reader.dele(2);
    await reader.dele(5);
    const rows = await reader.messages({ newest: 3 }).toArray();
    expect(rows.map(({ number, uid }) => [number, uid])).toEqual([
      [3, undefined],
      [4, undefined],
    ]);
    expect(await reader.messages(2).toArray()).toEqual([]);
  });

  test("POP3 without TOP: a ReplyError, and the client is usable", async () => {
    const { reader } = await drop(3, { top: false });
    expect(await failure(reader.messages().toArray())).toBeInstanceOf(ReplyError);
    expect((await reader.retrieve(2)).content).toEqual(content(2));
  });

  test("NNTP: a gap is no row, neither in the overview nor among whole headers", async () => {
    const { server, reader } = await news(10);
    server.groups.get(GROUP).cancel(4);
    for (const wholeHeaders of [false, true]) {
      const rows = await reader.messages([3, 6], { wholeHeaders }).toArray();
      expect(rows.map(({ number }) => number)).toEqual([3, 5, 6]);
    }
  });

  test("NNTP: nothing is listed of a group that is not selected, or not any more", async () => {
    const { server, nntp } = await nntpBed.memory({ groups: { [GROUP]: { generate: 300 }, "polywire.other": {} } });
    await nntp.connect();
    for (const wholeHeaders of [false, true]) {
      expect(await failure(nntp.messages({ newest: 1 }, { wholeHeaders }).toArray())).toBeInstanceOf(UsageError);
    }
    await nntp.group(GROUP);
    expect(await failure(nntp.group("polywire.missing"))).toBeInstanceOf(ReplyError);
    const before = server.commands.length;
    const listed = async () => {
      for await (const { number } of nntp.messages("all", { wholeHeaders: true })) {
        if (number === 1) await nntp.group("polywire.other");
      }
    };
    expect(await failure(listed())).toMatchObject({ name: "UsageError", clientUsable: true });
    const said = server.commands.slice(before).filter((line) => /^(?:OVER|GROUP)/.test(line));
    expect(said.slice(said.indexOf("GROUP polywire.other"))).toEqual(["GROUP polywire.other"]);
  });

  test("NNTP: a row that breaks the format is a summary with what could be read", async () => {
    const { nntp } = await nntpBed.connected(
      "C: GROUP g\nS: 211 7 1 7 g\nC: LIST OVERVIEW.FMT\nC: OVER 1-7\nS: 500 what?\nS: 224 rows\nS: 7\tonly this\nS: .\n",
    );
    await nntp.group("g");
    const [row] = await nntp.messages().toArray();
    expect([row?.number, row?.uid, row?.headers.get("subject")]).toEqual([7, undefined, "only this"]);
  });

  test("NNTP: an article that goes between overview and header is no row; rows of others are none either", async () => {
    const row = (n: number) => `S: ${n}\ts${n}\tf\td\t<${n}@x>\t\t1\t1\n`;
    const { nntp, server } = await nntpBed.connected(
      `C: GROUP g\nS: 211 3 1 3 g\nC: LIST OVERVIEW.FMT\nC: OVER 1-3\nS: 500 what?\nS: 224 rows\n${[9, 1, 0, 2, 3].map(row).join("")}S: .\nC: HEAD 1\nC: HEAD 2\nC: HEAD 3\nS: 221 1 <1@x>\nS: X-Own: 1\nS: .\nS: 423 gone\nS: 221 3 <3@x>\nS: X-Own: 3\nS: .\n`,
    );
    await nntp.group("g");
    const rows = await nntp.messages("all", { wholeHeaders: true }).toArray();
    expect(rows.map(({ id, uid, headers }) => [id, uid, headers.get("x-own")])).toEqual([
      [1, "<1@x>", "1"],
      [3, "<3@x>", "3"],
    ]);
    await server.done;
  });

  test("IMAP: without a selected mailbox nothing is listed, and nothing put in", async () => {
    const { reader, server } = await mailbox(1);
    await reader.create("Sent");
    await reader.unselect();
    const before = server.commands.length;
    expect(await failure(reader.messages().toArray())).toBeInstanceOf(UsageError);
    expect(await failure(reader.submit(content(1)))).toBeInstanceOf(UsageError);
    expect(server.commands).toHaveLength(before);
    const { uid } = await reader.submit(content(2), { mailbox: "Sent", flags: ["\\Seen"] });
    await reader.select("Sent");
    expect((await reader.retrieve(uid as number)).content).toEqual(content(2));
  });

  test("hidden recipients: SMTP sends to them and hides them, IMAP keeps them, NNTP refuses", async () => {
    const draft = { from: "a@example.org", to: "b@example.org", bcc: "hidden@example.org", subject: "s", text: "t\n" };
    const { server, writer } = await sender();
    await writer.submit(draft);
    expect(server.messages[0]?.to).toEqual(["b@example.org", "hidden@example.org"]);
    expect(server.messages[0]?.content.toString()).not.toContain("hidden");
    const { reader } = await mailbox(0);
    const { uid } = await reader.submit(draft);
    expect(parseHeaders((await reader.retrieve(uid as number)).content).get("bcc")).toBe("hidden@example.org");
    const group = await news(0);
    expect(await failure(group.reader.submit({ ...draft, newsgroups: GROUP }))).toBeInstanceOf(UsageError);
    const { bcc: _, ...mail } = draft;
    expect(await failure(group.reader.submit(mail))).toBeInstanceOf(UsageError);
  });
});

describe("a complete message by SMTP", () => {
  const raw = (...head: string[]) => `${head.join("\r\n")}\r\n\r\nbody\r\n`;

  test.each(["bytes", "text", "stream"])("goes to whom its headers name, without Bcc: %s", async (kind) => {
    const { server, writer } = await sender();
    const text = raw(
      "From: One <one@example.org>, two@example.org",
      "Bcc: hidden@example.org,",
      "\tmore@example.org",
      "To: Bob <bob@example.org>, list: c@example.org, d@example.org;",
      "Subject: s",
      "Cc: =?utf-8?q?Z=C3=B6e?= <zoe@example.org>",
      "bcc: last@example.org",
    );
    const sources = {
      bytes: Buffer.from(text),
      text: { text },
      stream: Readable.from([...text].map((c) => Buffer.from(c))),
    };
    const { accepted } = await writer.submit(sources[kind as keyof typeof sources]);
    const to = ["bob", "c", "d", "zoe", "hidden", "more", "last"].map((name) => `${name}@example.org`);
    expect(accepted.map(({ recipient }) => recipient)).toEqual(to);
    expect(server.messages).toMatchObject([{ from: "one@example.org", to }]);
    expect(server.messages[0]?.content.toString()).toBe(
      raw(
        "From: One <one@example.org>, two@example.org",
        "To: Bob <bob@example.org>, list: c@example.org, d@example.org;",
        "Subject: s",
        "Cc: =?utf-8?q?Z=C3=B6e?= <zoe@example.org>",
      ),
    );
    expect(server.violations).toEqual([]);
  });

  test("goes where the envelope says, as it is", async () => {
    const { server, writer } = await sender();
    const source = { text: raw("From: a@example.org", "Bcc: kept@example.org", "To: b@example.org") };
    await writer.submit(source, { envelope: { from: "", to: "c@example.net" } });
    expect(server.messages).toMatchObject([{ from: "", to: ["c@example.net"] }]);
    expect(server.messages[0]?.content.toString()).toBe(source.text);
  });

  test("one that was sent again by others goes from and to those of the last time alone", async () => {
    const { server, writer } = await sender();
    const first = ["Resent-From: old@example.org", "Resent-To: older@example.org", "Resent-Cc: oldest@example.org"];
    const original = ["From: a@example.org", "To: b@example.org", "Subject: s"];
    const kept = ["Resent-From: r@example.org", "Resent-To: new@example.org", "Resent-Date: x", ...first, ...original];
    await writer.submit({ text: raw("Received: from x", "Resent-Bcc: hidden@example.org", ...kept) });
    expect(server.messages).toMatchObject([{ from: "r@example.org", to: ["new@example.org", "hidden@example.org"] }]);
    expect(server.messages[0]?.content.toString()).toBe(raw("Received: from x", ...kept));
  });

  test("Sender goes before From", async () => {
    const { server, writer } = await sender();
    await writer.submit({
      text: raw("From: a@example.org, b@example.org", "Sender: s@example.org", "To: c@example.org"),
    });
    expect(server.messages[0]?.from).toBe("s@example.org");
  });

  test.each([
    ["no From", raw("To: b@example.org")],
    ["no recipients", raw("From: a@example.org")],
    ["sent again to nobody", raw("Resent-From: x@example.org", "From: a@example.org", "To: b@example.org")],
    ["sent again by nobody knows whom", raw("Resent-To: x@example.org", "From: a@example.org", "To: b@example.org")],
    ["a recipient that is no address", raw("From: a@example.org", "To: b@example.org, nonsense")],
    [
      "two recipients without a comma",
      raw("From: a@example.org", "To: b@example.org", "Cc: c@example.org d@example.org"),
    ],
    ["no header", "body"],
    ["a header without end", `From: a@example.org\r\nTo: b@example.org\r\n${"X: y\r\n".repeat(200_000)}`],
  ])("is refused before anything is sent: %s", async (_, text) => {
    const { server, writer } = await sender();
    const before = server.commands.length;
    const source = Readable.from([Buffer.from(text)]);
    for (const each of [Buffer.from(text), source]) {
      expect(await failure(writer.submit(each))).toBeInstanceOf(UsageError);
    }
    expect(source.destroyed).toBe(true);
    expect(server.commands).toHaveLength(before);
    await writer.noop();
  });
});
