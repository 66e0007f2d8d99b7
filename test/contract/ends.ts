/** How a client ends: by quit(), by close(), by a link that is dead; and that nothing of it is left. */
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { type Bed, OFTEN, settling, sockets } from "./bed.js";

/** Timers that keep the process alive. */
const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === "Timeout").length;

export function checkEnds(bed: Bed): void {
  const { row } = bed;

  describe("the end", () => {
    test("quit() says goodbye once, behind the calls already made", async () => {
      const { client, relay, prepare, shared } = await bed.ready();
      await prepare();
      const calls = shared.map(({ call }) => call());
      const settled = settling([...calls, client.quit(), client.quit()]);
      const late = await failure(client.noop());
      const failed = (await settled).filter(([, error]) => error !== undefined).map(([index]) => index);
      expect(failed.sort()).toEqual(shared.flatMap(({ outcome }, index) => (outcome === "ok" ? [] : [index])));
      await client.quit();
      expect(late).toMatchObject({ name: "AbortedError", clientUsable: false });
      expect(client.state).toBe("closed");
      expect(relay.said.endsWith(`${row.goodbye}\r\n`)).toBe(true);
      expect(relay.said.split(`${row.goodbye}\r\n`)).toHaveLength(2);
    });

    test("quit() before connect() dials nobody", async () => {
      const { client, relay } = await bed.meet();
      await client.quit();
      expect([client.state, relay.connections, relay.said]).toEqual(["closed", 0, ""]);
    });

    test("quit() on a link that died is no error, whether that was noticed or not", async () => {
      for (const noticed of [false, true]) {
        const { client, relay } = await bed.ready();
        relay.cut();
        if (noticed) await expect.poll(() => client.state, OFTEN).toBe("closed");
        await client.quit();
        await client.quit();
        expect(client.state).toBe("closed");
      }
    });

    test("close() ends all that is pending, now, with the reason", async () => {
      const { client, relay } = await bed.ready();
      relay.hold();
      const settled = settling([client.request(row.harmless), client.noop(), client.request(row.harmless)]);
      const reason = new Error("mine");
      client.close(reason);
      client.close();
      for (const [, error] of await settled) {
        expect(error).toBeInstanceOf(AbortedError);
        expect(error).toMatchObject({ cause: reason, clientUsable: false });
      }
      expect([client.state, relay.said.includes(row.goodbye)]).toEqual(["closed", false]);
    });

    test("a server that hangs up while nothing is asked: noticed, and what comes then fails for that reason", async () => {
      const { client, relay } = await bed.ready();
      relay.cut();
      await expect.poll(() => client.state, OFTEN).toBe("closed");
      for (const call of [client.noop(), client.request(row.harmless), client.connect()]) {
        const error = await failure(call);
        expect(error).toBeInstanceOf(ConnectionError);
        expect(error).toMatchObject({ phase: "idle", retryable: true, clientUsable: false, protocol: row.protocol });
      }
    });

    test("a server that hangs up before its greeting", async () => {
      const { client, relay } = await bed.meet();
      relay.cutAt = 0;
      const error = await failure(client.connect());
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ phase: "greeting", retryable: true });
      expect(client.state).toBe("closed");
    });

    test("nobody listens there", async () => {
      const { client, relay } = await bed.meet();
      await relay.close();
      const error = await failure(client.connect());
      expect(error).toBeInstanceOf(ConnectionError);
      expect(error).toMatchObject({ phase: "connect", cause: { code: "ECONNREFUSED" } });
      expect(client.state).toBe("closed");
    });

    test.each(["plain", "starttls", "tls"] as const)(
      "await using leaves no socket and no timer: %s",
      async (security) => {
        const { client, relay, work } = await bed.meet({ security });
        // Of the relay, which goes on.
        const before = { sockets: sockets(), timers: timers() };
        {
          await using own = client;
          await own.connect();
          await own.login();
          await (work[0] as () => Promise<unknown>)();
        }
        expect(client.state).toBe("closed");
        await expect.poll(() => [relay.connections, sockets()], OFTEN).toEqual([0, before.sockets]);
        expect(timers()).toBeLessThanOrEqual(before.timers);
      },
    );
  });
}
