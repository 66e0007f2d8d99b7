/** Large and many messages of real mail servers: sinks of all kinds, slow and broken, and servers that die in the middle. */
import { createHash } from "node:crypto";
import { readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { Writable } from "node:stream";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { ConnectionError, SinkError } from "../../../src/client/errors.js";
import { describeEach, describeMail, errorOf, expectUsable, SECURITIES } from "./bed.js";

/** 25 MB of lines, every third with a dot in front. */
const LARGE = Buffer.concat([
  Buffer.from("Subject: large\r\n\r\n"),
  Buffer.alloc(25_000_000, `${"x".repeat(70)}\r\n.${"y".repeat(997)}\r\n..\r\n`).subarray(0, 24_999_998),
  Buffer.from("\r\n"),
]);
const small = (n: number) => `Subject: small ${n}\r\n\r\n${".\r\n".repeat(n % 7)}end ${n}\r\n`;

const digest = (bytes: Buffer) => createHash("sha256").update(bytes).digest("hex");

describeEach({}, (bed) => {
  let kept: Buffer[] = [];
  /** LARGE is message 1; 300 small ones follow. */
  const filled = async () => {
    if (kept.length === 0) {
      await bed.server.deliver("alice", LARGE, ...Array.from({ length: 300 }, (_, n) => small(n)));
      kept = await bed.server.mailbox("alice");
    }
    return kept;
  };

  it("25 MB, byte for byte, in every security", async () => {
    const [large] = await filled();
    for (const security of SECURITIES) {
      const pop3 = await bed.ready({ security });
      const { content } = await pop3.retr(1);
      expect(digest(content), security).toBe(digest(large as Buffer));
      await pop3.quit();
    }
  });

  it("25 MB to a file, a slow function and a slow stream, while other calls wait", async () => {
    const [large] = await filled();
    const pop3 = await bed.ready({ security: "starttls" });
    const [hash, other] = [createHash("sha256"), createHash("sha256")];
    let naps = 0;
    const slow = async (chunk: Buffer) => {
      hash.update(chunk);
      if (naps++ % 50 === 0) await sleep(5);
    };
    const stream = new Writable({
      write: (chunk, _, done) => {
        other.update(chunk);
        setImmediate(done);
      },
    });
    const file = join(bed.scratch, "large.eml");
    const all = await Promise.all([
      pop3.retr(1, { to: slow }),
      pop3.retr(2),
      pop3.retr(1, { to: stream }),
      pop3.stat(),
      pop3.retr(1, { to: file }),
    ]);
    const bytes = (large as Buffer).length;
    expect([all[0].bytes, all[2].bytes, all[4].bytes]).toEqual([bytes, bytes, bytes]);
    const wanted = digest(large as Buffer);
    expect([hash.digest("hex"), other.digest("hex"), digest(await readFile(file))]).toEqual([wanted, wanted, wanted]);
    expect(all[1].content.equals(kept[1] as Buffer)).toBe(true);
    await expectUsable(pop3);
  });

  it("a sink that fails is a SinkError, and nothing of its message is taken for the next one's", async () => {
    await filled();
    const pop3 = await bed.ready();
    const broken = new Writable({ write: (_, __, done) => done(new Error("the disk is full")) });
    const sinks = [
      broken,
      join(bed.scratch, "no", "such", "folder", "x.eml"),
      () => {
        throw new Error("not today");
      },
    ];
    for (const to of sinks) {
      const [failed, next] = await Promise.allSettled([pop3.retr(1, { to }), pop3.retr(2)]);
      expect(failed).toMatchObject({ status: "rejected", reason: { name: "SinkError", clientUsable: true } });
      expect(failed.status === "rejected" && failed.reason).toBeInstanceOf(SinkError);
      expect(next.status === "fulfilled" && next.value.content.equals(kept[1] as Buffer)).toBe(true);
    }
    await expectUsable(pop3);
  });

  it.each([1, 7, 256, 10_000])("300 overlapping calls, %i in flight, settle in order", async (pipelining) => {
    await filled();
    const pop3 = await bed.ready({ pipelining });
    const order: number[] = [];
    const numbers = Array.from({ length: 300 }, (_, i) => i + 2);
    await Promise.all(
      numbers.map(async (number) => {
        const { content } = await pop3.retr(number);
        order.push(number);
        expect(content.equals(kept[number - 1] as Buffer), `message ${number}`).toBe(true);
      }),
    );
    expect(order).toEqual(numbers);
    await expectUsable(pop3);
  });

  it("refusals in the middle of a pipeline are those of their own calls", async () => {
    await filled();
    const pop3 = await bed.ready();
    const numbers = Array.from({ length: 200 }, (_, i) => (i % 3 === 0 ? 9_000 + i : i + 2));
    const settled = await Promise.allSettled(numbers.map((number) => pop3.retr(number)));
    for (const [i, result] of settled.entries()) {
      const number = numbers[i] as number;
      if (number >= 9_000) expect(result).toMatchObject({ reason: { name: "ReplyError", command: `RETR ${number}` } });
      else expect(result.status === "fulfilled" && result.value.content.equals(kept[number - 1] as Buffer)).toBe(true);
    }
    await expectUsable(pop3);
  });
});

for (const to of ["a Buffer", "a file"] as const) {
  describeMail("dovecot", {}, `dovecot that is killed in mid RETR to ${to}`, (bed) => {
    it("is a ConnectionError for it and all that wait, and nothing is given as whole", async () => {
      await bed.server.deliver("alice", LARGE, LARGE);
      const pop3 = await bed.ready();
      const file = join(bed.scratch, "part.eml");
      let killed = false;
      const kill = () => {
        if (!killed) bed.server.signal("SIGKILL");
        killed = true;
      };
      // The first message is still on its way when the server dies: the socket holds far less than 25 MB.
      const first = pop3.retr(1, { to: kill });
      const calls = [first, to === "a file" ? pop3.retr(2, { to: file }) : pop3.retr(2), pop3.stat(), pop3.quit()];
      const errors = await Promise.all(calls.slice(0, 3).map((call) => errorOf(call)));
      for (const error of errors) {
        expect(error).toBeInstanceOf(ConnectionError);
        expect(error).toMatchObject({ retryable: true, clientUsable: false });
      }
      await calls[3];
      expect(pop3.state).toBe("closed");
      if (to === "a file") expect((await stat(file).catch(() => ({ size: 0 }))).size).toBeLessThan(LARGE.length);
    });
  });
}

describeMail("dovecot", {}, "dovecot that hangs", (bed) => {
  it("is a TimeoutError while it is waited for, and goodbye takes no longer than it may", async () => {
    const pop3 = await bed.ready({ timeouts: { command: 300, quit: 300 } });
    const other = await bed.ready({ timeouts: { quit: 300 } });
    bed.server.signal("SIGSTOP");
    try {
      expect(await errorOf(pop3.stat())).toMatchObject({ name: "TimeoutError", retryable: true, clientUsable: false });
      await other.quit();
      expect([pop3.state, other.state]).toEqual(["closed", "closed"]);
    } finally {
      bed.server.signal("SIGCONT");
    }
    await expectUsable(await bed.ready());
  });
});
