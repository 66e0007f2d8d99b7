/** How a client ends: quit, close, and calls that are cancelled. */
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, test } from "vitest";
import { AbortedError } from "../../src/client/errors.js";
import { failure, gone, no, OK, settle, ToyClient, toyIn } from "./toy.js";

describe("quit and close", () => {
  test("quit says goodbye behind the calls already made, once", async () => {
    const client = await toyIn("ready");
    const stat = client.stat();
    await Promise.all([client.quit(), client.quit()]);
    await client.quit();
    expect(await stat).toBe(OK);
    expect(client.toy.log.slice(2)).toEqual(["stat", "quit"]);
    expect([client.state, client.toy.closedWith?.message]).toEqual(["closed", "the client has quit"]);
  });

  test("quit before connect(), and on a closed client, does nothing", async () => {
    for (const state of ["idle", "closed"] as const) {
      const client = await toyIn(state);
      await client.quit();
      expect(client.state).toBe("closed");
    }
  });

  test("quit resolves on a dead link and on a refusal", async () => {
    for (const plan of [gone(), no()]) {
      const client = await toyIn("ready");
      client.toy.plans.quit = plan;
      await client.quit();
      expect(client.state).toBe("closed");
    }
  });

  test("quit is bounded where the server never says goodbye", async () => {
    const client = await toyIn("ready", { timeouts: { quit: 10 } });
    client.toy.plans.quit = "hang";
    await client.quit();
    expect([client.state, client.toy.calls.at(-1)?.timeout]).toEqual(["closed", 10]);
  });

  test("quit is bounded behind a call that is stuck, and behind credentials that never come", async () => {
    const client = await toyIn("ready", { timeouts: { quit: 40 } });
    void client.stuck();
    await client.quit();
    expect([client.state, client.toy.log]).toEqual(["closed", ["open", "login alice"]]);
    const other = await toyIn("connected", { timeouts: { quit: 40 }, credentials: () => new Promise(() => {}) });
    void other.login();
    await other.quit();
    expect(other.state).toBe("closed");
  });

  test("calls in flight may finish before quit while something moves, bytes or calls", async () => {
    const client = await toyIn("ready", { timeouts: { quit: 100 } });
    let done = () => {};
    const moving = client.stuck(new Promise<void>((resolve) => (done = resolve)));
    const quit = client.quit();
    for (let i = 0; i < 12; i++, client.toy.line.moved++) await sleep(20);
    expect(client.state).toBe("ready");
    done();
    await Promise.all([moving, quit]);
    expect(client.toy.log.at(-1)).toBe("quit");
    const other = await toyIn("ready", { timeouts: { quit: 100 } });
    const calls = Array.from({ length: 12 }, () => other.stuck(() => sleep(20)));
    await Promise.all([...calls, other.quit()]);
    expect(other.toy.log.at(-1)).toBe("quit");
  });

  test("quit behind a connect that fails resolves", async () => {
    const client = new ToyClient();
    client.before = (toy) => (toy.plans.open = gone());
    const connect = failure(client.connect());
    await client.quit();
    expect([(await connect).name, client.state]).toEqual(["ConnectionError", "closed"]);
  });

  test("quit behind a connect that was dropped resolves", async () => {
    const client = new ToyClient();
    const connect = failure(client.connect({ signal: AbortSignal.abort() }));
    await client.quit();
    expect([(await connect).name, client.state]).toEqual(["AbortedError", "closed"]);
  });

  test("a call behind quit rejects", async () => {
    const client = await toyIn("ready");
    const quit = client.quit();
    expect((await failure(client.stat())).message).toContain("has quit");
    await quit;
  });

  test("close rejects every pending call with the reason, and says no goodbye", async () => {
    const client = await toyIn("ready");
    client.toy.plans.retr = "hang";
    const pending = [client.retr(), client.stat(), client.noop()].map(failure);
    const reason = gone();
    client.close(reason);
    client.close(new Error("again"));
    expect(await Promise.all(pending)).toEqual([reason, reason, reason]);
    expect(client.toy.log).not.toContain("quit");
  });

  test("close wraps a reason that is not ours, and may be called without one", async () => {
    for (const [reason, cause] of [
      [new Error("mine"), new Error("mine")],
      [undefined, undefined],
    ]) {
      const client = await toyIn("ready");
      client.toy.plans.retr = "hang";
      const pending = failure(client.retr());
      client.close(reason);
      const error = await pending;
      expect(error).toBeInstanceOf(AbortedError);
      expect(error.cause).toEqual(cause);
    }
  });

  test("close while connecting rejects connect(), and the client stays closed", async () => {
    const client = new ToyClient();
    client.before = (toy) => (toy.plans.open = "hang");
    const connect = failure(client.connect());
    client.close();
    expect(await connect).toBeInstanceOf(AbortedError);
    await settle();
    expect(client.state).toBe("closed");
  });

  test("await using ends with quit", async () => {
    const client = await toyIn("ready");
    {
      await using inner = client;
      await inner.stat();
    }
    expect([client.state, client.toy.log.at(-1)]).toEqual(["closed", "quit"]);
  });
});

describe("cancelling", () => {
  test("a call that waits is dropped, and the client goes on", async () => {
    const client = await toyIn("ready");
    const stop = new AbortController();
    const running = client.retr();
    const dropped = failure(client.stat({ signal: stop.signal }));
    stop.abort(new Error("enough"));
    expect(await dropped).toMatchObject({ name: "AbortedError", clientUsable: true, cause: new Error("enough") });
    expect(await running).toBe(OK);
    await client.noop();
    expect(client.toy.log.slice(2)).toEqual(["retr", "noop"]);
  });

  test("a call in flight closes the connection", async () => {
    const client = await toyIn("ready");
    client.toy.plans.retr = "hang";
    const stop = new AbortController();
    const [running, waiting] = [client.retr({ signal: stop.signal }), client.stat()].map(failure);
    stop.abort();
    expect(await running).toMatchObject({ name: "AbortedError", clientUsable: false });
    expect(await waiting).toBe(await running);
    expect(client.state).toBe("closed");
  });

  test("a call that can be ended politely leaves the client usable", async () => {
    const client = await toyIn("ready");
    const stop = new AbortController();
    const running = failure(client.polite(true, { signal: stop.signal }));
    stop.abort();
    expect(await running).toMatchObject({ name: "AbortedError", clientUsable: true });
    expect(client.state).toBe("ready");
    await client.noop();
  });

  test("where politeness fails, the connection is closed", async () => {
    const client = await toyIn("ready");
    const stop = new AbortController();
    client.toy.plans.stat = "hang";
    const running = client.polite(false, { signal: stop.signal });
    running.catch(() => {});
    const waiting = failure(client.stat());
    stop.abort();
    expect((await waiting).name).toBe("AbortedError");
    expect(client.state).toBe("closed");
  });

  test("a signal that fires after the call does nothing", async () => {
    const client = await toyIn("ready");
    const stop = new AbortController();
    await client.stat({ signal: stop.signal });
    await failure(client.request("X", { signal: AbortSignal.abort() }));
    stop.abort();
    await client.noop();
    expect(client.state).toBe("ready");
  });
});
