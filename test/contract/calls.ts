/** Requests, what is refused before it is sent, and calls that overlap. */
import { describe, expect, test } from "vitest";
import { ReplyError, UsageError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { type Bed, OFTEN, settling } from "./bed.js";
import type { Shared } from "./row.js";

export function checkCalls(bed: Bed): void {
  const { row } = bed;

  describe("request()", () => {
    test("gives the reply to any command; a refusal rejects, or is given where any reply is expected", async () => {
      const { client } = await bed.ready();
      const [command, code] = row.refused;
      expect(await client.request(row.harmless)).toMatchObject({ ok: true, code: expect.any(String) });
      const error = await failure(client.request(command));
      expect(error).toBeInstanceOf(ReplyError);
      expect(error).toMatchObject({ command, protocol: row.protocol, clientUsable: true });
      expect(error).toMatchObject({ code: expect.stringContaining(code) });
      const reply = await client.request(command, { expect: "any" });
      expect(reply).toMatchObject({ ok: false, code: expect.stringContaining(code) });
      expect(reply.lines.length).toBeGreaterThan(0);
      expect(client.state).toBe("ready");
      await client.noop();
    });

    test("leaves to a method what would leave the session behind, and names it", async () => {
      const { client, relay } = await bed.connected();
      const { said } = relay;
      const [command, method] = row.notRaw;
      const error = await failure(client.request(command));
      expect(error).toBeInstanceOf(UsageError);
      expect(error.message).toContain(`use ${method}`);
      expect(relay.said).toBe(said);
      await client.noop();
    });

    test.each([
      ["CR LF", "\r\n"],
      ["CR", "\r"],
      ["LF", "\n"],
      ["NUL", "\0"],
    ])("refuses %s: nothing is sent, and the client goes on", async (_, end) => {
      const { client, relay } = await bed.ready();
      const { said } = relay;
      for (const command of [
        `${row.harmless}${end}${row.harmless}`,
        `${row.harmless}${end}`,
        `${end}${row.harmless}`,
      ]) {
        const error = await failure(client.request(command));
        expect(error, JSON.stringify(command)).toBeInstanceOf(UsageError);
        expect(error).toMatchObject({ clientUsable: true });
        expect(error.message).not.toMatch(/\p{Cc}/u);
      }
      expect(relay.said).toBe(said);
      expect(await client.request(row.harmless)).toMatchObject({ ok: true });
    });

    test("shows what it is told to show, in errors and in the transcript", async () => {
      const { client, transcript } = await bed.ready();
      const [command] = row.refused;
      const error = await failure(client.request(`${command} hunter2`, { shown: `${command} ***` }));
      expect(error).toMatchObject({ command: `${command} ***` });
      expect(JSON.stringify([error, error.message, error.stack])).not.toContain("hunter2");
      expect(transcript.lines.filter(({ who }) => who === "C").map(({ text }) => text)).toContainEqual(
        expect.stringContaining(`${command} ***`),
      );
    });
  });

  describe("calls that overlap", () => {
    test("get each its own answer, and settle in their order where the answers come one behind the other", async () => {
      const { client, relay, prepare, shared } = await bed.ready();
      await prepare();
      const again = [...shared, ...shared, ...shared];
      for (const byByte of [false, true]) {
        relay.byByte = byByte;
        const settled = await settling(again.map(({ call }) => call()));
        const order = settled.map(([index]) => index);
        if (byByte) expect(order).toEqual(again.map((_, index) => index));
        const outcomes = settled.map(([index, error]) => [index, error instanceof ReplyError ? error.code : error]);
        const expected = order.map((index) => [index, again[index]?.outcome]);
        expect(outcomes.map(([index, outcome]) => [index, outcome ?? "ok"])).toEqual(expected);
      }
      await client.noop();
      expect(client.state).toBe("ready");
    });

    test("of one kind settle in their order, whatever comes together", async () => {
      const { client, relay, prepare, shared } = await bed.ready();
      await prepare();
      const [{ call }] = shared as [Shared];
      for (const kind of [() => client.noop(), () => client.request(row.harmless), call]) {
        relay.hold();
        const settled = settling(Array.from({ length: 20 }, () => kind()));
        setImmediate(() => relay.release());
        expect(await settled).toEqual(Array.from({ length: 20 }, (_, index) => [index, undefined]));
      }
    });

    test("are sent before the answers to others are there", async () => {
      const { relay, prepare, shared } = await bed.ready();
      await prepare();
      const { said } = relay;
      relay.hold();
      const settled = settling(shared.map(({ call }) => call()));
      const lines = () => relay.said.slice(said.length).split("\r\n").length - 1;
      await expect.poll(lines, OFTEN).toBe(shared.length);
      relay.release();
      expect(await settled).toHaveLength(shared.length);
    });

    test("requests and named methods take turns", async () => {
      const { client, prepare, shared } = await bed.ready();
      await prepare();
      const calls = shared.flatMap(({ call }) => [call(), client.request(row.harmless), client.noop()]);
      const settled = await settling(calls);
      expect(settled.map(([index]) => index)).toEqual(calls.map((_, index) => index));
      const failed = settled.filter(([, error]) => error !== undefined).map(([index]) => index);
      expect(failed).toEqual(shared.flatMap(({ outcome }, index) => (outcome === "ok" ? [] : [index * 3])));
    });
  });
}
