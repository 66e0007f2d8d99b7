/** IDLE: events as they happen, broken off for others, begun again. */
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, ReplyError } from "../../src/client/errors.js";
import { failure } from "../net/loopback.js";
import { inbox } from "./dialogue.js";

const round = (tag: string, ...lines: string[]) =>
  [`C: ${tag} IDLE`, "S: + idling", ...lines.map((line) => `S: ${line}`), "C: DONE", `S: ${tag} OK done`, ""].join(
    "\n",
  );

describe("events", () => {
  test("come as they happen, and keep the mailbox up to date", async () => {
    const script = round(
      "A3",
      "* 5 EXISTS",
      "* 2 EXPUNGE",
      "* 1 FETCH (FLAGS (\\Seen))",
      "* OK Still here",
      "* VANISHED 101",
    );
    const { imap, server } = await inbox(script, ["IDLE"]);
    const events: unknown[] = [];
    for await (const event of imap.idle()) {
      events.push(event.type);
      if (event.type === "vanished") break;
    }
    expect(events).toEqual(["exists", "expunge", "fetch", "vanished"]);
    expect(imap.mailbox?.exists).toBe(3);
    await server.done;
  });

  test("one that is left says DONE, and the client goes on", async () => {
    const { imap, server } = await inbox(`${round("A3", "* 4 EXISTS")}C: A4 NOOP\nS: A4 OK\n`, ["IDLE"]);
    for await (const event of imap.idle()) {
      expect(event).toEqual({ type: "exists", exists: 4, previous: 3 });
      break;
    }
    await imap.noop();
    await server.done;
  });

  test("a call inside the loop has its turn, and its answer's events are told, too", async () => {
    const script = `${round("A3", "* 4 EXISTS")}C: A4 UID SEARCH UNSEEN\nS: * SEARCH 104\nS: * 5 EXISTS\nS: A4 OK\n${round("A5")}`;
    const { imap, server } = await inbox(script, ["IDLE"]);
    const events: unknown[] = [];
    for await (const event of imap.idle()) {
      events.push(event.type === "exists" && event.exists);
      if (events.length === 2) break;
      expect(await imap.search({ seen: false })).toEqual([104]);
    }
    expect(events).toEqual([4, 5]);
    await server.done;
  });

  test("it is begun again before the server loses patience", async () => {
    const script = `${round("A3")}${round("A4")}${round("A5", "* 4 EXISTS")}`;
    const { imap, server } = await inbox(script, ["IDLE"]);
    for await (const _ of imap.idle({ every: 20 })) break;
    await server.done;
  });

  test("it is begun again once soon: servers miss what is being stored as it begins", async () => {
    const second = "C: A4 IDLE\nS: * 4 EXISTS\nS: + idling\nWAIT 2500\nS: * 5 EXISTS\nC: DONE\nS: A4 OK done\n";
    const { imap, server, transcript } = await inbox(`${round("A3")}${second}`, ["IDLE"]);
    const counts: unknown[] = [];
    for await (const event of imap.idle()) if (counts.push(event.type === "exists" && event.exists) === 2) break;
    expect(counts).toEqual([4, 5]);
    expect(transcript.script()).toContain("S: * 5 EXISTS\nC: DONE\nS: A4 OK done");
    await server.done;
  });

  test("… and so behind another call", async () => {
    const script = `${round("A3", "* 4 EXISTS")}C: A4 NOOP\nS: A4 OK\n${round("A5")}${round("A6", "* 5 EXISTS")}`;
    const { imap, server } = await inbox(script, ["IDLE"]);
    for await (const event of imap.idle()) {
      if (event.type !== "exists" || event.exists === 5) break;
      await imap.noop();
    }
    await server.done;
  });

  test("the server may be silent longer than a command may take", async () => {
    const script = "C: A3 IDLE\nS: + idling\nWAIT 150\nS: * 4 EXISTS\nC: DONE\nS: A3 OK\n";
    const { imap, server } = await inbox(script, ["IDLE"], { timeouts: { command: 50 } });
    for await (const _ of imap.idle()) break;
    await server.done;
  });

  test("… but not about the end of it", async () => {
    const { imap } = await inbox("C: A3 IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nWAIT 1000\n", ["IDLE"]);
    for await (const _ of imap.idle({ timeout: 50 })) break;
    expect(imap.state).toBe("closed");
  });

  test("two loops share one IDLE, and each has all events", async () => {
    const script = `C: A3 IDLE\nS: + idling\nWAIT 50\nS: * 4 EXISTS\nS: * 5 EXISTS\nC: DONE\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await inbox(script, ["IDLE"]);
    const watch = async (until: number) => {
      const counts: number[] = [];
      for await (const event of imap.idle()) {
        if (event.type === "exists") counts.push(event.exists);
        if (counts.length === until) break;
      }
      return counts;
    };
    expect(await Promise.all([watch(1), watch(2)])).toEqual([[4], [4, 5]]);
    await imap.noop();
    await server.done;
  });

  test("a server that ends IDLE by itself is not asked again at once", async () => {
    const { imap, transcript } = await inbox(
      "C: A3 IDLE\nS: + idling\nS: A3 OK that was all\nC: A4 NOOP\nS: A4 OK\nC: A5 IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nS: A5 OK\n",
      ["IDLE"],
    );
    const first = imap.idle()[Symbol.asyncIterator]();
    const event = first.next();
    await expect.poll(() => transcript.script()).toContain("S: A3 OK");
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(transcript.script()).not.toContain("A4 IDLE");
    // Who has something to say does not wait for that.
    await imap.noop();
    expect((await event).value).toMatchObject({ type: "exists" });
    await first.return();
  });

  test("… nor is one that ends it before it has begun", async () => {
    const script =
      "C: A3 IDLE\nS: A3 OK no need\nC: A4 NOOP\nS: A4 OK\nC: A5 IDLE\nS: + idling\nS: * 4 EXISTS\nC: DONE\nS: A5 OK\n";
    const { imap, server, transcript } = await inbox(script, ["IDLE"]);
    const first = imap.idle()[Symbol.asyncIterator]();
    const event = first.next();
    await expect.poll(() => transcript.script()).toContain("S: A3 OK");
    await new Promise((resolve) => setTimeout(resolve, 50));
    await imap.noop();
    expect((await event).value).toMatchObject({ type: "exists" });
    await first.return();
    await server.done;
  });

  test("events that nobody takes are bounded", async () => {
    const many = Array.from({ length: 60_000 }, (_, i) => `* ${i + 4} EXISTS\r\n`).join("");
    const script = `C: A3 IDLE\nS: + idling\nS~ ${Buffer.from(many).toString("base64")}\nC: DONE\nS: A3 OK\nC: A4 NOOP\nS: A4 OK\n`;
    const { imap, server } = await inbox(script, ["IDLE"], { limits: { readAhead: 4096 } });
    const loop = imap.idle()[Symbol.asyncIterator]();
    await loop.next();
    await imap.noop();
    const error = await failure(
      (async () => {
        for await (const _ of { [Symbol.asyncIterator]: () => loop });
      })(),
    );
    expect(error).toMatchObject({ name: "ProtocolError", clientUsable: true });
    await server.done;
  });

  test("a server without IDLE is asked by NOOP", async () => {
    const script = "C: A3 NOOP\nS: A3 OK\nC: A4 NOOP\nS: * 4 EXISTS\nS: A4 OK\n";
    const { imap, server } = await inbox(script);
    for await (const _ of imap.idle({ every: 10 })) break;
    await server.done;
  });
});

describe("the end", () => {
  test("a signal ends it politely", async () => {
    const { imap, server } = await inbox(`${round("A3")}C: A4 NOOP\nS: A4 OK\n`, ["IDLE"]);
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 30);
    const error = await failure(imap.idle({ signal: abort.signal }).toArray());
    expect(error).toBeInstanceOf(AbortedError);
    expect(error).toMatchObject({ clientUsable: true });
    await imap.noop();
    await server.done;
  });

  test("a refusal rejects", async () => {
    const { imap } = await inbox("C: A3 IDLE\nS: A3 NO not here\n", ["IDLE"]);
    expect(await failure(imap.idle().toArray())).toBeInstanceOf(ReplyError);
    expect(imap.state).toBe("ready");
  });

  test("BYE, and a connection that is lost, reject", async () => {
    const { imap } = await inbox("C: A3 IDLE\nS: + idling\nS: * BYE idle too long\n", ["IDLE"]);
    const error = await failure(imap.idle().toArray());
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error.message).toContain("idle too long");
    const other = await inbox("C: A3 IDLE\nS: + idling\nCLOSE\n", ["IDLE"]);
    expect(await failure(other.imap.idle().toArray())).toBeInstanceOf(ConnectionError);
  });

  test("quit() does not wait for a loop that idles", async () => {
    const script = `${round("A3")}C: A4 LOGOUT\nS: * BYE\nS: A4 OK\n`;
    const { imap, server, transcript } = await inbox(script, ["IDLE"]);
    const ended = failure(imap.idle().toArray());
    await expect.poll(() => transcript.script()).toContain("S: + idling");
    await imap.quit();
    await server.done;
    expect(await ended).toBeInstanceOf(AbortedError);
  });
});
