/** Who is slow, and who gives up: only the server's silence ends a transfer, and cancelling keeps replies in step. */
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { SinkError } from "../../src/client/errors.js";
import type { FtpClient } from "../../src/ftp/client.js";
import { failure } from "../net/loopback.js";
import { clientOf, enter, memory, QUICK } from "./dialogue.js";

const IMPATIENT = { timeouts: { ...QUICK, idle: 800, command: 800 } };
const MB = 1_000_000;

describe("our own side is slow for longer than the server may be", () => {
  test("the body of a loop", async () => {
    const { ftp } = await memory({ files: { "/a": "x".repeat(20 * MB) } }, IMPATIENT);
    await enter(ftp);
    let bytes = 0;
    for await (const chunk of ftp.read("a")) {
      if (bytes === 0) await sleep(1_600);
      bytes += chunk.length;
    }
    expect(bytes).toBe(20 * MB);
  });

  test("a sink, in the middle and at its end", async () => {
    const { ftp } = await memory({ files: { "/a": "x".repeat(10 * MB) } }, IMPATIENT);
    await enter(ftp);
    let bytes = 0;
    const to = async (chunk: Buffer) => {
      if (bytes === 0 || bytes + chunk.length === 10 * MB) await sleep(1_600);
      bytes += chunk.length;
    };
    expect((await ftp.retr("a", { to })).bytes).toBe(10 * MB);
    expect(bytes).toBe(10 * MB);
  });

  test("a source, before its first bytes and between them", async () => {
    const { ftp, server } = await memory({}, IMPATIENT);
    await enter(ftp);
    async function* source() {
      await sleep(1_600);
      yield Buffer.from("a");
      await sleep(1_600);
      yield Buffer.from("b");
    }
    await ftp.stor("a", source());
    expect(server.tree.read("/a").toString()).toBe("ab");
  });
});

describe("a callback that throws", () => {
  const mine = () => {
    throw new Error("mine");
  };

  test("onBytes of a download is a SinkError, not the end of the process", async () => {
    const { ftp } = await memory({ files: { "/a": "x".repeat(2 * MB) } });
    await enter(ftp);
    expect(await failure(ftp.retr("a", { onBytes: mine }))).toBeInstanceOf(SinkError);
    await ftp.noop();
  });

  test("onBytes of an upload is a SinkError", async () => {
    const { ftp } = await memory();
    await enter(ftp);
    expect(await failure(ftp.stor("a", { text: "x" }, { onBytes: mine }))).toBeInstanceOf(SinkError);
    await ftp.noop();
  });
});

describe("cancelling at any moment", () => {
  test.each([
    ["in the clear", "none", "plain"],
    ["under TLS", "explicit", "starttls"],
  ] as const)("%s: later commands get their own replies, or the client is closed", async (_name, tls, security) => {
    const files = { "/big": "x".repeat(2 * MB), "/one": "1", "/three": "333" };
    const { ftp, server } = await memory({ files, tls }, { security });
    server.tree.generate("/many", 5000, (i) => `file-${i}`);
    let client: FtpClient = await enter(ftp);
    for (let i = 0; i < 30; i++) {
      const signal = AbortSignal.timeout(i % 15);
      server.faults.replyDelay = i % 4;
      const calls = [
        () => client.retr("big", { signal }),
        () => client.stor("up", { text: "x".repeat(MB) }, { signal }),
        () => client.entries("/many", { signal }).toArray(),
      ];
      const call = calls[i % 3]?.().catch((error) => expect(error.name).toBe("AbortedError"));
      const sizes = await Promise.allSettled([client.size("one"), client.size("three"), client.size("big")]);
      await call;
      if (client.state !== "closed") {
        expect(sizes.map((each) => each.status === "fulfilled" && each.value)).toEqual([1, 3, 2 * MB]);
      } else client = await enter(clientOf(server, { security }).ftp);
    }
  });

  test.each([
    ["in the clear", "none", "plain"],
    ["under TLS", "explicit", "starttls"],
  ] as const)(
    "%s: a listing whose data connection is not there yet is read to its end",
    async (_name, tls, security) => {
      const { ftp, server, transcript } = await memory({ tls }, { security });
      server.tree.generate("/many", 50_000, (i) => `file-${i}`);
      await enter(ftp);
      // From then on the command goes into one write with the one for its data connection.
      await ftp.entries("/").toArray();
      server.faults.replyDelay = 50;
      const abort = new AbortController();
      const listed = failure(ftp.entries("/many", { signal: abort.signal }).toArray());
      await expect.poll(() => transcript.lines.at(-1)?.text, { interval: 1 }).toBe("MLSD /many");
      abort.abort();
      expect(await listed).toMatchObject({ name: "AbortedError", clientUsable: true });
      await ftp.noop();
    },
  );

  describe("one signal for many clients", () => {
    const warnings: Error[] = [];
    const onWarning = (warning: Error) => void warnings.push(warning);
    beforeEach(() => void process.on("warning", onWarning));
    afterEach(() => void process.off("warning", onWarning));

    test("Node does not warn of a leak", async () => {
      const { server } = await memory({ tls: "explicit", files: { "/a": "x".repeat(10_000) } });
      const { signal } = new AbortController();
      const lane = async () => {
        const { ftp } = clientOf(server, { security: "starttls" });
        await ftp.connect({ signal });
        await ftp.login(undefined, { signal });
        await Promise.all([ftp.retr("a", { signal }), ftp.noop({ signal }), ftp.noop({ signal })]);
        await ftp.quit();
      };
      await Promise.all(Array.from({ length: 20 }, lane));
      await sleep(1);
      expect(warnings).toEqual([]);
    });
  });
});
