/** Each time-out: a server that is silent at some step ends the call with TimeoutError, and says which step. */
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { TimeoutError } from "../../src/client/errors.js";
import type { Timeouts } from "../../src/client/options.js";
import { type DeafPort, deafPort } from "../net/deaf-port.js";
import { failure } from "../net/loopback.js";
import { type Bed, type Met, OFTEN, QUICK } from "./bed.js";

const SOON = 60;

/** Short where the test looks, long elsewhere: another one that fired would take too long. */
const only = (name: keyof Timeouts): { timeouts: Timeouts } => ({ timeouts: { ...QUICK, [name]: SOON } });

async function expectTimeout({ client }: Pick<Met, "client">, call: Promise<unknown>, phase: string): Promise<void> {
  const error = await failure(call);
  expect(error).toBeInstanceOf(TimeoutError);
  expect(error).toMatchObject({ phase, retryable: true, clientUsable: false });
  expect(client.state).toBe("closed");
}

export function checkTimeouts(bed: Bed): void {
  const { row } = bed;

  describe("a server that is silent", () => {
    let deaf: DeafPort | undefined;
    beforeAll(async () => {
      deaf = await deafPort();
    });
    afterAll(() => deaf?.close());

    // A server whose queue of connections is full leaves further ones unanswered, on Linux at least.
    test.runIf(process.platform === "linux")("when it is dialled: timeouts.connect", async () => {
      const { port } = deaf as DeafPort;
      const { client } = row.client({ host: "127.0.0.1", port, security: "plain", ...only("connect") });
      await expectTimeout({ client }, client.connect(), "connect");
    });

    test("in the TLS handshake: timeouts.connect", async () => {
      const met = await bed.meet({ security: "tls", ...only("connect") });
      met.relay.hold();
      await expectTimeout(met, met.client.connect(), "tls");
    });

    test("in the handshake of an upgrade: timeouts.connect", async () => {
      const met = await bed.meet({ security: "starttls", ...only("connect") });
      const [line] = row.upgrade;
      met.relay.silentBehind = line;
      await expectTimeout(met, met.client.connect(), "tls");
    });

    test.each(["plain", "starttls"] as const)("instead of a greeting: timeouts.greeting, %s", async (security) => {
      const met = await bed.meet({ security, ...only("greeting") });
      met.relay.hold();
      const connect = met.client.connect();
      await expectTimeout(met, connect, "greeting");
      expect((await failure(connect)).message).toMatch(/is this the right port, and the right security/);
    });

    test("when it should answer: timeouts.command, or the call's own", async () => {
      for (const [timeouts, own] of [
        [only("command"), {}],
        [{}, { timeout: SOON }],
      ] as const) {
        const met = await bed.ready(timeouts);
        met.relay.hold();
        await expectTimeout(met, met.client.request(row.harmless, own), "command");
        await expectTimeout(met, met.client.noop(), "command");
      }
    });

    test("in the middle of an answer: what came of it is no answer", async () => {
      const met = await bed.ready();
      met.relay.silentAt = met.relay.heard + 5;
      await expectTimeout(met, met.client.request(row.harmless, { timeout: SOON }), "command");
    });

    test("in the login", async () => {
      const met = await bed.connected();
      met.relay.hold();
      await expectTimeout(met, met.client.login(undefined, { timeout: SOON }), "command");
    });

    test("in the middle of a transfer", async () => {
      const met = await bed.ready({ timeouts: { ...QUICK, ...row.transferTimeouts } });
      met.relay.stopBehind(20_000);
      let over = false;
      const transfer = met.transfer(() => void (over || bed.place.stall?.()));
      const error = await failure(transfer).finally(() => (over = true));
      bed.place.goOn?.();
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ retryable: true });
      expect(error).toMatchObject({ clientUsable: met.client.state !== "closed" });
    });

    test("at the goodbye: timeouts.quit, and no error", async () => {
      const met = await bed.ready(only("quit"));
      met.relay.hold();
      const quit = met.client.quit();
      await expect.poll(() => met.relay.said, OFTEN).toContain(`${row.goodbye}\r\n`);
      await quit;
      expect(met.client.state).toBe("closed");
    });

    test("behind a call in flight: quit() does not wait for it longer than timeouts.quit", async () => {
      const met = await bed.ready(only("quit"));
      met.relay.hold();
      const call = failure(met.client.request(row.harmless));
      await met.client.quit();
      expect(await call).toMatchObject({ name: "AbortedError", clientUsable: false });
      expect(met.client.state).toBe("closed");
    });
  });
}
