/** Calls that are cancelled: before they are sent, in flight, while connecting; and that nothing listens to the signal then. */
import { getEventListeners } from "node:events";
import { describe, expect, test } from "vitest";
import { AbortedError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { type Bed, OFTEN, settling } from "./bed.js";
import type { Shared } from "./row.js";

const REASON = new Error("enough");

function expectNobodyListens({ signal }: AbortController): void {
  expect(getEventListeners(signal, "abort")).toEqual([]);
}

export function checkCancel(bed: Bed): void {
  const { row } = bed;

  describe("a call that is cancelled", () => {
    test("before it is made, or while it waits, is dropped: it is never sent, and the client goes on", async () => {
      const { client, relay, prepare, shared } = await bed.ready();
      await prepare();
      const [{ call }] = shared as [Shared];
      const stop = new AbortController();
      relay.hold();
      const running = client.request(row.harmless);
      const waiting = [
        client.request(row.refused[0], { signal: stop.signal }),
        client.noop({ signal: stop.signal }),
        call({ signal: stop.signal }),
      ];
      const settled = settling(waiting);
      await expect.poll(() => relay.said, OFTEN).toMatch(new RegExp(`${row.sent.source}$`, "m"));
      const { said } = relay;
      stop.abort(REASON);
      const after = await failure(client.request(row.refused[0], { signal: stop.signal }));
      for (const error of [after, ...(await settled).map(([, each]) => each)]) {
        expect(error).toBeInstanceOf(AbortedError);
        expect(error).toMatchObject({ clientUsable: true, cause: REASON });
      }
      relay.release();
      expect(await running).toMatchObject({ ok: true });
      expect(relay.said).toBe(said);
      await client.noop();
      expect(client.state).toBe("ready");
      expectNobodyListens(stop);
    });

    test("in flight closes the connection: it and all that wait are told why", async () => {
      const { client, relay } = await bed.ready();
      const stop = new AbortController();
      const { length } = relay.said;
      relay.hold();
      const settled = settling([
        client.request(row.harmless, { signal: stop.signal }),
        client.noop(),
        client.request(row.harmless),
      ]);
      await expect.poll(() => relay.said.length, OFTEN).toBeGreaterThan(length);
      stop.abort(REASON);
      for (const [, error] of await settled) {
        expect(error).toBeInstanceOf(AbortedError);
        expect(error).toMatchObject({ clientUsable: false, cause: REASON, protocol: row.protocol });
      }
      expect(client.state).toBe("closed");
      await expect.poll(() => relay.connections, OFTEN).toBe(0);
      await client.quit();
      expectNobodyListens(stop);
    });

    test.each(["plain", "starttls", "tls"] as const)("while connecting: %s", async (security) => {
      const { client, relay } = await bed.meet({ security });
      const stop = new AbortController();
      relay.hold();
      const settled = settling([client.connect({ signal: stop.signal }), client.login()]);
      await expect.poll(() => relay.connections, OFTEN).toBe(1);
      stop.abort(REASON);
      for (const [, error] of await settled) {
        expect(error).toBeInstanceOf(AbortedError);
        expect(error).toMatchObject({ clientUsable: false, cause: REASON });
      }
      expect(client.state).toBe("closed");
      await expect.poll(() => relay.connections, OFTEN).toBe(0);
      expectNobodyListens(stop);
    });

    test("while logging in", async () => {
      const { client, relay } = await bed.connected();
      const stop = new AbortController();
      const { length } = relay.said;
      relay.hold();
      const login = failure(client.login(undefined, { signal: stop.signal }));
      await expect.poll(() => relay.said.length, OFTEN).toBeGreaterThan(length);
      stop.abort(REASON);
      expect(await login).toBeInstanceOf(AbortedError);
      expect(client.state).toBe("closed");
      expectNobodyListens(stop);
    });

    test("when it is over already is not touched", async () => {
      const stop = new AbortController();
      const { signal } = stop;
      const { client, prepare, shared } = await bed.meet();
      await client.connect({ signal });
      await client.login(undefined, { signal });
      await prepare();
      await settling([client.noop({ signal }), client.request(row.harmless, { signal })]);
      await settling(shared.map(({ call }) => call({ signal })));
      expectNobodyListens(stop);
      stop.abort();
      await client.noop();
      expect(client.state).toBe("ready");
    });
  });
}
