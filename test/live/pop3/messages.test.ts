/** Messages of real mail servers, byte for byte; what is deleted, and when; fetchNew over several sessions. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { ConnectionError, ReplyError } from "../../../src/client/errors.js";
import {
  type Bed,
  describeEach,
  describeMail,
  errorOf,
  expectUsable,
  HARD,
  SECURITIES,
  said,
  Transcript,
} from "./bed.js";

/** Puts messages into bob's mailbox, which is then as a server has it. */
async function filled(bed: Bed, messages: readonly (Buffer | string)[]): Promise<Buffer[]> {
  await bed.server.deliver("bob", ...messages);
  return bed.server.mailbox("bob");
}

const bob = (bed: Bed) => ({ user: "bob", password: bed.server.users.bob });

/** Removes all that bob has. */
async function emptied(bed: Bed): Promise<void> {
  const pop3 = await bed.ready({ credentials: bob(bed) });
  await Promise.all((await pop3.list().toArray()).map(({ number }) => pop3.dele(number)));
  await pop3.commit();
}

describeEach({}, (bed) => {
  it("hard messages come byte for byte, one by one and together, in every security", async () => {
    const kept = await filled(bed, HARD);
    for (const security of SECURITIES) {
      const pop3 = await bed.ready({ security, credentials: bob(bed) });
      const together = await Promise.all(kept.map((_, i) => pop3.retr(i + 1)));
      for (const [i, content] of kept.entries()) {
        const single = await pop3.retr(i + 1);
        expect(single.content.equals(content), `message ${i + 1}`).toBe(true);
        expect(together[i]?.content.equals(content), `message ${i + 1}, together`).toBe(true);
      }
      await pop3.quit();
    }
    await emptied(bed);
  });

  it("stat, list, uidl and top agree with it", async () => {
    const kept = await filled(bed, HARD);
    const pop3 = await bed.ready({ credentials: bob(bed) });
    const sizes = await pop3.list().toArray();
    expect(sizes.map(({ bytes }) => bytes)).toEqual(kept.map(({ length }) => length));
    const bytes = kept.reduce((sum, { length }) => sum + length, 0);
    expect(await pop3.stat()).toEqual({ count: kept.length, bytes });
    expect(await pop3.list(2)).toEqual(sizes[1]);
    const uids = await pop3.uidl().toArray();
    expect(new Set(uids.map(({ uid }) => uid)).size).toBe(kept.length);
    expect(await pop3.uidl(3)).toEqual(uids[2]);
    const { content } = await pop3.top(2, 1);
    const whole = (kept[1] as Buffer).toString("latin1");
    expect(content.toString("latin1")).toBe(whole.slice(0, whole.indexOf("\r\n\r\n") + 7));
    expect(await errorOf(pop3.retr(99))).toBeInstanceOf(ReplyError);
    expect(await pop3.message(1)).toMatchObject({ subject: "plain", text: "hello\n" });
    await expectUsable(pop3);
    await pop3.quit();
    await emptied(bed);
  });

  it("to files", async () => {
    const kept = await filled(bed, HARD);
    const pop3 = await bed.ready({ credentials: bob(bed), security: "tls" });
    await Promise.all(kept.map((_, i) => pop3.retr(i + 1, { to: join(bed.scratch, `${i}.eml`) })));
    for (const [i, content] of kept.entries()) {
      expect((await readFile(join(bed.scratch, `${i}.eml`))).equals(content)).toBe(true);
    }
    await pop3.quit();
    await emptied(bed);
  });

  it("request() knows where lines follow", async () => {
    await filled(bed, ["Subject: x\r\n\r\n.dot\r\n"]);
    const pop3 = await bed.ready({ credentials: bob(bed) });
    for (const [command, body] of [
      ["CAPA", true],
      ["LIST", true],
      ["LIST 1", false],
      ["UIDL", true],
      ["UIDL 1", false],
      ["RETR 1", true],
      ["TOP 1 0", true],
      ["STAT", false],
    ] as const) {
      expect((await pop3.request(command)).body !== undefined, command).toBe(body);
    }
    expect((await pop3.request("XYZZY", { expect: "any" })).ok).toBe(false);
    await expectUsable(pop3);
    await pop3.quit();
    await emptied(bed);
  });

  it("pipelining is tried once, and not where it was turned off", async () => {
    for (const [pipelining, times] of [
      [undefined, 2],
      [1, 0],
    ] as const) {
      const transcript = new Transcript();
      await bed.ready({ pipelining, transcript });
      expect(said(transcript).filter((verb) => verb === "NOOP")).toHaveLength(times);
    }
  });

  it("deletions are done by quit() and commit(), not by close() and rset()", async () => {
    await filled(bed, ["Subject: a\r\n\r\n", "Subject: b\r\n\r\n", "Subject: c\r\n\r\n"]);
    const count = async () => {
      const pop3 = await bed.ready({ credentials: bob(bed) });
      const stat = await pop3.stat();
      pop3.close();
      return stat.count;
    };
    const closed = await bed.ready({ credentials: bob(bed) });
    await closed.dele(1);
    expect((await closed.stat()).count).toBe(2);
    closed.close();
    const reset = await bed.ready({ credentials: bob(bed) });
    await reset.dele(1);
    await reset.rset();
    await reset.quit();
    expect(await count()).toBe(3);
    const quit = await bed.ready({ credentials: bob(bed) });
    await quit.dele(1);
    await quit.quit();
    expect(await count()).toBe(2);
    const committed = await bed.ready({ credentials: bob(bed) });
    await Promise.all([committed.dele(1), committed.dele(2)]);
    await committed.commit();
    expect(await count()).toBe(0);
  });

  it("fetchNew over several sessions: each message once, although loops are left", async () => {
    const seen = new Set<string>();
    const subjects: string[] = [];
    const subject = (n: number) => `Subject: number ${n}\r\n\r\ntext\r\n`;
    let made = 0;
    for (const [add, stop] of [
      [30, 7],
      [5, 1],
      [0, 100],
      [3, 100],
      [0, 100],
    ] as const) {
      await bed.server.deliver("bob", ...Array.from({ length: add }, () => subject(made++)));
      const pop3 = await bed.ready({ credentials: bob(bed) });
      let taken = 0;
      for await (const { uid, content } of pop3.fetchNew(seen)) {
        subjects.push(/number (\d+)/.exec(content.toString())?.[1] ?? "");
        seen.add(uid);
        if (++taken === stop) break;
      }
      await expectUsable(pop3);
      await pop3.quit();
    }
    expect(subjects).toEqual(Array.from({ length: made }, (_, n) => String(n)));
    await emptied(bed);
  });

  it("fetchNew deletes as it goes", async () => {
    await filled(
      bed,
      Array.from({ length: 40 }, (_, n) => `Subject: ${n}\r\n\r\n`),
    );
    const pop3 = await bed.ready({ credentials: bob(bed), security: "starttls" });
    for await (const { number } of pop3.fetchNew(new Set())) if (number % 2) await pop3.dele(number);
    await pop3.commit();
    const left = (await bed.server.mailbox("bob")).map((each) => /Subject: (\d+)/.exec(each.toString())?.[1]);
    expect(left).toEqual(Array.from({ length: 20 }, (_, i) => String(2 * i + 1)));
    await emptied(bed);
  });
});

describeMail("dovecot", {}, "dovecot: many messages", (bed) => {
  it("two thousand, by overlapping calls and by fetchNew, under TLS", async () => {
    const messages = Array.from({ length: 2_000 }, (_, n) => `Subject: ${n}\r\n\r\n${".\r\n".repeat(n % 50)}`);
    const kept = await filled(bed, messages);
    const pop3 = await bed.ready({ credentials: bob(bed), security: "tls" });
    const all = await Promise.all(kept.map((_, i) => pop3.retr(i + 1)));
    expect(all.every(({ content }, i) => content.toString() === messages[i])).toBe(true);
    let next = 0;
    for await (const { content } of pop3.fetchNew(new Set())) expect(content.toString()).toBe(messages[next++]);
    expect(next).toBe(2_000);
    await pop3.quit();
  });

  it("lines that are kept with LF alone come with CR LF", async () => {
    await bed.server.deliver("alice", "Subject: unix\n\n.one\ntwo\n");
    const pop3 = await bed.ready();
    expect((await pop3.retr(1)).content.toString()).toBe("Subject: unix\r\n\r\n.one\r\ntwo\r\n");
  });
});

describeMail("dovecot", {}, "dovecot that goes away", (bed) => {
  it("in the middle of a loop: what came before is given, and the rest is a ConnectionError", async () => {
    const body = `${"x".repeat(76)}\r\n`.repeat(30_000);
    await bed.server.deliver("alice", ...Array.from({ length: 20 }, (_, n) => `Subject: ${n}\r\n\r\n${body}`));
    const pop3 = await bed.ready();
    const got: number[] = [];
    const loop = async () => {
      for await (const { number } of pop3.fetchNew(new Set())) {
        got.push(number);
        if (number === 3) await bed.server.stop();
      }
    };
    const error = await errorOf(loop());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(pop3.state).toBe("closed");
    expect(got).toEqual(got.map((_, i) => i + 1));
    expect(got.length).toBeGreaterThanOrEqual(3);
  });
});
