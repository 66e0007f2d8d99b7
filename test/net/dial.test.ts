/** dial: sockets that lose nothing, and every way in which a connection fails. */
import { getEventListeners } from "node:events";
import net from "node:net";
import { describe, expect, onTestFinished, test } from "vitest";
import { dial } from "../../src/net/dial.js";
import { deafPort } from "./deaf-port.js";
import { deadPort, failure, LONG, listen, optionsFor, read, tcpServer } from "./loopback.js";

const LISTENED = ["data", "end", "error", "close", "connect", "readable", "timeout", "lookup"];

describe("a socket that was dialled", () => {
  test("is paused, has no listeners, and loses nothing that came meanwhile", async () => {
    const port = await tcpServer((socket) => socket.end("220 ready\r\n"));
    const socket = await dial(optionsFor(port), { host: "127.0.0.1", port }, LONG);
    expect(socket.isPaused()).toBe(true);
    // Node keeps one "end" listener of its own.
    expect(LISTENED.filter((event) => socket.listenerCount(event) > (event === "end" ? 1 : 0))).toEqual([]);
    await new Promise((done) => setTimeout(done, 50));
    expect((await read(socket)).toString()).toBe("220 ready\r\n");
  });

  test("survives a reset nobody listened for yet: the error comes once it is read", async () => {
    const port = await tcpServer((socket) => setTimeout(() => socket.resetAndDestroy(), 30));
    const socket = await dial(optionsFor(port), { host: "127.0.0.1", port }, LONG);
    await new Promise((done) => setTimeout(done, 100));
    expect(await failure(read(socket))).toMatchObject({ code: "ECONNRESET" });
  });

  test.each(["localhost", "127.0.0.1"])("reaches %s by whichever IP version answers", async (host) => {
    const port = await tcpServer((socket) => socket.end("hi"));
    const socket = await dial(optionsFor(port, { host }), { host, port }, LONG);
    expect((await read(socket)).toString()).toBe("hi");
  });

  test("leaves from the local address of the options", async () => {
    const port = await tcpServer((socket) => socket.end(String(socket.remoteAddress)));
    const options = optionsFor(port, { host: "localhost", localAddress: "127.0.0.9" });
    const socket = await dial(options, { host: "localhost", port }, LONG);
    expect((await read(socket)).toString()).toBe("127.0.0.9");
  });

  test("leaves nothing behind on the caller's signal", async () => {
    const port = await tcpServer();
    const { signal } = new AbortController();
    const socket = await dial(optionsFor(port), { host: "127.0.0.1", port }, { signal, timeout: 5_000 });
    expect(getEventListeners(signal, "abort")).toEqual([]);
    socket.destroy();
  });
});

describe("a dial that fails", () => {
  test("nothing listens", async () => {
    const port = await deadPort();
    expect(await failure(dial(optionsFor(port), { host: "127.0.0.1", port }, LONG))).toMatchObject({
      name: "ConnectionError",
      phase: "connect",
      retryable: true,
      clientUsable: false,
      protocol: "ftp",
      server: `127.0.0.1:${port}`,
      message: `cannot connect to 127.0.0.1:${port}: nothing listens on port ${port} (ECONNREFUSED): is ${port} the right port?`,
      cause: { code: "ECONNREFUSED" },
    });
  });

  test("nothing listens on any address of the name", async () => {
    const port = await deadPort();
    const error = await failure(dial(optionsFor(port, { host: "localhost" }), { host: "localhost", port }, LONG));
    expect(error).toMatchObject({ phase: "connect", message: expect.stringContaining("nothing listens") });
  });

  test("the host does not exist", async () => {
    const host = "nosuch.invalid";
    const error = await failure(dial(optionsFor(21, { host }), { host, port: 21 }, LONG));
    expect(error).toMatchObject({ name: "ConnectionError", phase: "dns", server: "nosuch.invalid:21" });
    expect(error.message).toMatch(/no such host \(ENOTFOUND\): check the name|the name server did not answer/);
  });

  test("the local address is not ours", async () => {
    const port = await tcpServer();
    const error = await failure(
      dial(optionsFor(port, { localAddress: "192.0.2.1" }), { host: "127.0.0.1", port }, LONG),
    );
    expect(error).toMatchObject({ phase: "connect", message: expect.stringContaining("localAddress") });
  });

  test("the local address is of the other IP version", async () => {
    const port = await tcpServer();
    const error = await failure(dial(optionsFor(port, { localAddress: "::1" }), { host: "127.0.0.1", port }, LONG));
    expect(error).toMatchObject({ name: "ConnectionError", message: expect.stringMatching(/EINVAL|EADDRNOTAVAIL/) });
  });

  test("the local address is no address", async () => {
    const error = await failure(dial(optionsFor(21, { localAddress: "eth0" }), { host: "127.0.0.1", port: 21 }, LONG));
    expect(error).toMatchObject({ name: "UsageError", message: expect.stringContaining("localAddress") });
  });

  test("the signal had fired before", async () => {
    const reason = new Error("enough");
    const call = { signal: AbortSignal.abort(reason), timeout: 1_000 };
    const error = await failure(dial(optionsFor(21), { host: "127.0.0.1", port: 21 }, call));
    expect(error).toMatchObject({ name: "AbortedError", phase: "abort", cause: reason, retryable: false });
  });

  // A server whose queue of connections is full leaves further ones unanswered, on Linux at least.
  test.runIf(process.platform === "linux")("silence: the time-out, or the signal before it", async () => {
    const { port, close } = await deafPort();
    onTestFinished(close);
    const to = { host: "127.0.0.1", port };
    const late = await failure(dial(optionsFor(port), to, { timeout: 100 }));
    expect(late).toMatchObject({ name: "TimeoutError", phase: "connect", retryable: true });
    expect(late.message).toMatch(/no answer within 100 ms: is the host up/);
    const signal = AbortSignal.timeout(50);
    const ended = await failure(dial(optionsFor(port), to, { timeout: 10_000, signal }));
    expect(ended).toMatchObject({ name: "AbortedError", cause: { name: "TimeoutError" } });
  });

  test("an IPv6 server is named with brackets", async () => {
    const port = await deadPort();
    const error = await failure(dial(optionsFor(port, { host: "::1" }), { host: "::1", port }, LONG));
    expect(error.message).toContain(`[::1]:${port}`);
  });
});

test("a data connection's own address is dialled, not the options' host", async () => {
  const port = await listen(net.createServer((socket) => socket.end("data")));
  const socket = await dial(optionsFor(1, { host: "nosuch.invalid" }), { host: "127.0.0.1", port }, LONG);
  expect((await read(socket)).toString()).toBe("data");
});
