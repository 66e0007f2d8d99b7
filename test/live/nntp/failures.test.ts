/** Real news servers that die, hang, or are left in the middle of an answer. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, expect, it } from "vitest";
import { AbortedError, ConnectionError, SinkError, TimeoutError } from "../../../src/client/errors.js";
import type { NntpClient } from "../../../src/nntp/client.js";
import { describeEach, describeNews, errorOf, expectUsable } from "./bed.js";

const LOST = { retryable: true, clientUsable: false };
const big = "polywire.big";

/** Reads rows slowly, and calls back once when the first ones are there. */
async function readSlowly(nntp: NntpClient, then: () => void): Promise<number> {
  let rows = 0;
  for await (const batch of nntp.over("1-").batches()) {
    if (rows === 0) then();
    rows += batch.length;
    await sleep(1);
  }
  return rows;
}

for (const compress of [true, false]) {
  describeNews("inn", { seed: true }, `inn that is killed (compressed: ${compress})`, (bed) => {
    it("in mid OVER: a ConnectionError for it and all that wait, and the client is closed", async () => {
      const nntp = await bed.ready({ compress });
      await nntp.group(big);
      const reading = errorOf(readSlowly(nntp, () => bed.server.signal("SIGKILL")));
      const waiting = [nntp.date(), nntp.article(1), nntp.over([1, 10]).toArray()].map(errorOf);
      for (const error of [await reading, ...(await Promise.all(waiting)), await errorOf(nntp.date())]) {
        expect(error).toBeInstanceOf(ConnectionError);
        expect(error).toMatchObject(LOST);
      }
      expect(nntp.state).toBe("closed");
      await nntp.quit();
      const refused = await errorOf(bed.client().connect());
      expect(refused).toMatchObject({ name: "ConnectionError", phase: "connect", retryable: true });
    });
  });
}

describeEach({ seed: true }, (bed) => {
  const group = "polywire.small";
  afterEach(() => bed.server.signal("SIGCONT"));

  const ASKED: Record<string, (nntp: NntpClient, timeout: number) => Promise<unknown>> = {
    "a command": (nntp, timeout) => nntp.date({ timeout }),
    rows: (nntp, timeout) => nntp.over("1-", { timeout }).toArray(),
    "an article": (nntp, timeout) => nntp.article(1, { timeout }),
    "an article to a sink": (nntp, timeout) => nntp.article(1, { timeout, to: () => {} }),
    "a list": (nntp, timeout) => nntp.list("ACTIVE", undefined, { timeout }).toArray(),
  };
  it.each(Object.keys(ASKED))("that hangs in the middle of %s: a TimeoutError", async (what) => {
    const nntp = await bed.ready();
    await nntp.group(group);
    bed.server.signal("SIGSTOP");
    const error = await errorOf((ASKED[what] as (typeof ASKED)[string])(nntp, 200));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toMatchObject(LOST);
    expect(nntp.state).toBe("closed");
    await nntp.quit();
  });

  it("is hung up on where a call in flight is cancelled; one that waits is only dropped", async () => {
    const nntp = await bed.ready();
    await nntp.group(group);
    const gone = new AbortController();
    gone.abort(new Error("enough"));
    const dropped = await errorOf(nntp.article(1, { signal: gone.signal }));
    expect(dropped).toBeInstanceOf(AbortedError);
    expect(dropped).toMatchObject({ clientUsable: true });
    expect((await nntp.stat(1)).number).toBe(1);
    const stop = new AbortController();
    const cancelled = errorOf(nntp.over("1-", { signal: stop.signal }).toArray());
    setImmediate(() => stop.abort());
    expect(await cancelled).toBeInstanceOf(AbortedError);
    expect(nntp.state).toBe("closed");
  });

  it("goes on after a sink that failed, and after an article too large for memory was refused it", async () => {
    const nntp = await bed.ready({ limits: { body: 1000 } });
    await nntp.group(group);
    const failing = () => {
      throw new Error("mine");
    };
    const error = await errorOf(nntp.article(103, { to: failing }));
    expect(error).toBeInstanceOf(SinkError);
    expect(error).toMatchObject({ clientUsable: true, cause: { message: "mine" } });
    expect(await errorOf(nntp.article(103, { to: "/no/such/folder/file" }))).toBeInstanceOf(SinkError);
    expect(await errorOf(nntp.article(103, { to: "/dev/full" }))).toBeInstanceOf(SinkError);
    await expectUsable(nntp);
    await nntp.group(group);
    const large = await errorOf(nntp.article(103));
    expect(large.message).toMatch(/more than 1000 bytes does not go into memory: give a sink/);
    expect(large.clientUsable).toBe(nntp.state === "ready");
  });

  it("killed while an answer is awaited: a ConnectionError", async () => {
    const nntp = await bed.ready();
    await nntp.group(group);
    bed.server.signal("SIGSTOP");
    const answers = [nntp.over("1-").toArray(), nntp.article(1), nntp.date()].map(errorOf);
    await sleep(50);
    bed.server.signal("SIGKILL");
    for (const error of await Promise.all(answers)) {
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject(LOST);
    }
    expect(nntp.state).toBe("closed");
  });
});
