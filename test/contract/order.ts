/** The order of the verbs: idle, connected, ready, closed; and what is said to whom calls out of order. */
import { describe, expect, test } from "vitest";
import { LoginError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { type Bed, type Met, settling } from "./bed.js";

/** Every verb but quit() and close(), which are always in order, and one named method. */
const VERBS = {
  connect: ({ client }: Met) => client.connect(),
  login: ({ client }: Met) => client.login(),
  request: ({ client }: Met, { row }: Bed) => client.request(row.harmless),
  noop: ({ client }: Met) => client.noop(),
  named: ({ work }: Met) => (work[0] as () => Promise<unknown>)(),
} as const;
type Verb = keyof typeof VERBS;

/** These calls are out of order: each error tells what to do, nothing is sent, and nothing changes. */
async function expectMisuse(bed: Bed, met: Met, verbs: readonly Verb[], advice: string): Promise<void> {
  const { client, relay } = met;
  const { state } = client;
  const said = relay.said;
  for (const verb of verbs) {
    const error = await failure(VERBS[verb](met, bed));
    expect(error, verb).toBeInstanceOf(UsageError);
    expect(error.message, verb).toContain(`out of order while the client is ${state}`);
    expect(error.message, verb).toContain(advice);
    expect(error, verb).toMatchObject({ protocol: bed.row.protocol, clientUsable: state !== "closed" });
  }
  expect([client.state, relay.said]).toEqual([state, said]);
}

export function checkOrder(bed: Bed): void {
  describe("the order of the verbs", () => {
    test("idle: connect() comes first, and nothing is dialled before it", async () => {
      const met = await bed.meet();
      const { client, relay } = met;
      expect([client.state, client.secure, client.capabilities.size]).toEqual(["idle", false, 0]);
      expect(() => client.greeting).toThrow(UsageError);
      await expectMisuse(bed, met, ["login", "request", "noop", "named"], "call connect() first");
      expect(relay.connections).toBe(0);
      expect(await client.connect()).toBe(client.greeting);
      expect([client.state, client.greeting.ok]).toEqual(["connected", true]);
    });

    test("connected: requests may be sent; named methods where no login is needed", async () => {
      const met = await bed.connected();
      await expectMisuse(bed, met, ["connect"], "call login() first");
      if (!bed.row.loginOptional) await expectMisuse(bed, met, ["named"], "call login() first");
      expect(await VERBS.request(met, bed)).toMatchObject({ ok: true });
      await met.client.noop();
      expect(met.client.state).toBe("connected");
    });

    test("ready: nobody connects, or logs in, twice", async () => {
      const met = await bed.ready();
      await expectMisuse(bed, met, ["connect", "login"], "logged in already");
      for (const verb of ["request", "noop", "named"] as const) await VERBS[verb](met, bed);
      expect(met.client.state).toBe("ready");
    });

    test("closed: a client is not used again", async () => {
      for (const end of ["quit", "close"] as const) {
        const met = await bed.ready();
        await met.client[end]();
        expect(met.client.state).toBe("closed");
        await expectMisuse(bed, met, ["connect", "login", "request", "noop", "named"], "make a new one");
        await met.client.quit();
      }
    });

    test("all of them at once: each has its turn", async () => {
      const met = await bed.meet();
      const { client } = met;
      const calls = [client.connect(), client.login(), client.noop(), VERBS.request(met, bed), client.quit()];
      expect(await settling(calls)).toEqual(calls.map((_, index) => [index, undefined]));
      expect(client.state).toBe("closed");
    });
  });

  describe("a login that is refused", () => {
    test("leaves the client usable: a right one works", async () => {
      const { client, transcript, prepare, work } = await bed.connected();
      const { user } = bed.place;
      const error = await failure(client.login({ user, password: "not the one" }));
      expect(error).toBeInstanceOf(LoginError);
      expect(error).toMatchObject({ clientUsable: true, transient: false, retryable: false });
      expect(client.state).toBe("connected");
      expect(JSON.stringify([error, error.message, error.stack]) + transcript.script()).not.toContain("not the one");
      await client.noop();
      await client.login();
      expect(client.state).toBe("ready");
      await prepare();
      for (const call of work) await call();
    });

    test("is that of its own call, where others wait", async () => {
      const { client } = await bed.connected();
      const { user } = bed.place;
      const wrong = client.login({ user, password: "not the one" });
      const settled = await settling([wrong, client.login(), client.noop()]);
      expect(settled).toEqual([
        [0, expect.any(LoginError)],
        [1, undefined],
        [2, undefined],
      ]);
      expect(client.state).toBe("ready");
    });
  });
}
