/** Sources that are silent, fail early, or give their bytes in bits; calls that are cancelled meanwhile. */
import { execFileSync } from "node:child_process";
import { generateKeyPairSync } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdtemp, open, rm } from "node:fs/promises";
import type { Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Readable } from "node:stream";
import { describe, expect, onTestFinished, test, vi } from "vitest";
import { AbortedError, ConnectionError, SinkError, UsageError } from "../../src/client/errors.js";
import { failure, tcpServer } from "../net/loopback.js";
import { clientOf, inMemory, QUICK, raw } from "./dialogue.js";

const silent = () => new Readable({ read() {} });
const MISSING = "/no/such/file.eml";
const LETTER = { from: "a@x.org", to: "b@x.org", subject: "x", text: "x" };
const turn = () => new Promise((resolve) => setTimeout(resolve, 20));

/** The manners in which content goes. */
const MANNERS = [
  ["BDAT", {}],
  ["DATA", { chunking: false }],
  ["step by step", { chunking: false, pipelining: false }],
] as const;

describe.each(MANNERS)("a source that is silent, by %s", (_, features) => {
  test.each([
    ["raw", () => ({ ...raw(), raw: silent() })],
    ["an attachment", () => ({ ...LETTER, attachments: [{ content: silent() }] })],
    [
      "a generator",
      () => ({
        ...raw(),
        raw: (async function* () {
          yield Buffer.from("Subject: x\r\n");
          await new Promise(() => {});
        })(),
      }),
    ],
  ])("%s: a signal, close() and a lost connection end the call at once", async (_, message) => {
    for (const end of ["signal", "close", "loss"] as const) {
      const { smtp, server } = await inMemory({ features });
      const controller = new AbortController();
      const sent = failure(smtp.send(message(), { signal: controller.signal }));
      await vi.waitFor(() => expect(server.commands.at(-1)).toMatch(/^(?:RCPT|DATA|BDAT)/));
      if (end === "signal") controller.abort();
      else if (end === "close") smtp.close();
      else await server.close();
      expect(await sent).toBeInstanceOf(end === "loss" ? ConnectionError : AbortedError);
      expect(smtp.state).toBe("closed");
      expect(server.messages).toEqual([]);
    }
  });
});

test("what is let go of is destroyed", async () => {
  const { smtp } = await inMemory();
  const [first, second] = [silent(), silent()];
  const sent = [smtp.send({ ...raw(), raw: first }), smtp.send({ ...LETTER, attachments: [{ content: second }] })];
  await turn();
  smtp.close();
  await Promise.allSettled(sent);
  await vi.waitFor(() => expect([first.destroyed, second.destroyed]).toEqual([true, true]));
});

describe("a stream that fails before its turn", () => {
  test.each(MANNERS)("ends no process, and its message is not sent, by %s", async (_, features) => {
    for (const message of [
      () => ({ ...raw(), raw: createReadStream(MISSING) }),
      () => ({ ...LETTER, attachments: [{ content: createReadStream(MISSING) }] }),
      () => ({ ...LETTER, attachments: [{ path: MISSING }] }),
    ]) {
      const { smtp, server } = await inMemory({ features });
      const [first, second] = await Promise.allSettled([smtp.send(raw("1")), smtp.send(message())]);
      expect(first).toMatchObject({ status: "fulfilled" });
      expect(second).toMatchObject({ status: "rejected", reason: expect.any(SinkError) });
      expect(server.messages.map(({ content }) => content.toString())).toEqual(["Subject: 1\r\n\r\n1\r\n"]);
    }
  });

  test("nor of the second attachment, while the first one is read", async () => {
    const { smtp, server } = await inMemory();
    const first = Readable.from(
      (async function* () {
        yield Buffer.alloc(1_000);
        await turn();
        await turn();
        yield Buffer.alloc(1_000);
      })(),
    );
    const second = silent();
    const sent = failure(smtp.send({ ...LETTER, attachments: [{ content: first }, { content: second }] }));
    second.destroy(new Error("the disk is gone"));
    expect((await sent).message).toContain("the disk is gone");
    expect(server.messages).toEqual([]);
  });

  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  const key = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
  const dkim = { domainName: "example.org", keySelector: "k", privateKey: key };

  test("with DKIM: at once, and later", async () => {
    const { smtp, server } = await inMemory({}, { dkim });
    expect(await failure(smtp.send({ ...LETTER, attachments: [{ path: MISSING }] }))).toBeInstanceOf(SinkError);
    const late = async function* () {
      yield Buffer.from("Subject: x\r\n\r\n");
      await turn();
      throw new Error("the disk is gone");
    };
    expect((await failure(smtp.send({ ...raw(), raw: late() }))).message).toContain("the disk is gone");
    await smtp.send(raw("after all"));
    expect(server.messages).toHaveLength(1);
  });
});

/** A server that takes one message by DATA, and reads nothing of it until it is told to. */
async function stalling() {
  const received: Buffer[] = [];
  let socket: Socket | undefined;
  let tail = "";
  const port = await tcpServer((each) => {
    socket = each;
    each.write("220 x\r\n");
    each.on("data", (bytes) => {
      received.push(bytes);
      tail = (tail + bytes.toString("latin1")).slice(-20);
      if (tail.startsWith("EHLO")) each.write("250-x\r\n250 PIPELINING\r\n");
      if (tail.endsWith("\r\n.\r\n")) each.write("250 taken\r\n");
      if (!tail.endsWith("DATA\r\n")) return;
      received.length = 0;
      each.pause();
      each.write("250 ok\r\n250 ok\r\n354 go\r\n");
    });
  });
  return { host: "127.0.0.1", port, go: () => socket?.resume(), received: () => Buffer.concat(received).toString() };
}

test("a pipe that gives bit by bit, to a server that stops reading: every byte as it was", async () => {
  const folder = await mkdtemp(join(tmpdir(), "polywire-fifo-"));
  onTestFinished(() => rm(folder, { recursive: true }));
  const fifo = join(folder, "mail");
  execFileSync("mkfifo", [fifo]);
  const line = (i: number) => `line ${i} ${"x".repeat(1_000)}\r\n`;
  const server = await stalling();
  const { smtp } = clientOf(server, { name: "x.org", timeouts: { ...QUICK, idle: 20_000 } });
  await smtp.connect();
  const sent = smtp.send({ ...raw(), raw: fifo });
  const file = await open(fifo, "w");
  let written = 0;
  const writing = (async () => {
    for (; written < 12_000; written++) {
      await file.write(line(written));
      await new Promise(setImmediate);
    }
    await file.close();
  })();
  // When nothing moves any more, all buffers between the two are full.
  for (let before = -1; before < written; ) {
    before = written;
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
  server.go();
  await writing;
  await sent;
  const wanted = `${Array.from({ length: 12_000 }, (_, i) => line(i)).join("")}.\r\n`;
  expect(server.received() === wanted).toBe(true);
});

describe("one of many that is cancelled", () => {
  test("before it is begun leaves the others alone", async () => {
    const { smtp, server } = await inMemory({ faults: { slowReader: { bytes: 1_000, delay: 1 } } }, { window: 2 });
    const controllers = Array.from({ length: 30 }, () => new AbortController());
    const sent = controllers.map(({ signal }, i) => smtp.send(raw(`${i}`), { signal }));
    const all = Promise.allSettled(sent);
    await sent[0];
    controllers[29]!.abort();
    const results = await all;
    expect(results.map(({ status }) => status)).toEqual([...Array(29).fill("fulfilled"), "rejected"]);
    expect(results[29]).toMatchObject({ reason: { name: "AbortedError", clientUsable: true } });
    expect(server.messages).toHaveLength(29);
    await smtp.noop();
  });
});

describe("sendAll()", () => {
  test("cancelled, or closed, from within its own generator", async () => {
    for (const end of ["abort", "close"] as const) {
      const { smtp } = await inMemory();
      const controller = new AbortController();
      function* messages() {
        yield raw("1");
        if (end === "abort") controller.abort();
        else smtp.close();
        yield raw("2");
      }
      const loop = smtp.sendAll(messages(), { signal: controller.signal }).toArray();
      expect(await failure(loop)).toBeInstanceOf(AbortedError);
      expect(smtp.state).toBe("closed");
    }
  });

  test("a generator that fails when it is left: the loop ends, and what was under way is sent", async () => {
    const { smtp, server } = await inMemory();
    function* messages() {
      try {
        for (let i = 0; ; i++) yield raw(`${i}`);
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: that is what is tested
        throw new Error("not now");
      }
    }
    for await (const _ of smtp.sendAll(messages())) break;
    await smtp.noop();
    expect(server.messages.length).toBeGreaterThan(0);
    expect(server.violations).toEqual([]);
  });

  test("does not run ahead of what is under way where messages cannot be sent", async () => {
    const { smtp } = await inMemory({ faults: { slowReader: { bytes: 1_000, delay: 20 } } });
    let given = 0;
    function* endless() {
      yield raw("first");
      for (;;) {
        given++;
        yield raw("x", "no address");
      }
    }
    for await (const { state } of smtp.sendAll(endless())) {
      expect(state).toBe("sent");
      expect(given).toBeLessThan(1_000);
      break;
    }
    await smtp.noop();
  });
});

test.each([5, null, undefined, "abc", {}])("sendAll(%j) is no list of messages", async (messages) => {
  const { smtp } = await inMemory();
  expect(() => smtp.sendAll(messages as never)).toThrow(UsageError);
  await smtp.noop();
});

describe("an envelope of plain JavaScript", () => {
  test.each([undefined, null, 7, {}, [undefined], [{ address: 7 }]])("with %j for its recipients", async (to) => {
    const { smtp } = await inMemory();
    const message = { envelope: { from: "a@x.org", to: to as never }, raw: Buffer.from("x") };
    expect(await failure(smtp.send(message))).toBeInstanceOf(UsageError);
  });
});
