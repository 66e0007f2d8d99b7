/** Proxies: SOCKS 4a and 5 and HTTP CONNECT, against small servers that speak just enough of them. */
import net from "node:net";
import { inspect } from "node:util";
import { describe, expect, test } from "vitest";
import { dial } from "../../src/net/dial.js";
import { parseProxy } from "../../src/net/proxy.js";
import { deadPort, failure, LONG, optionsFor, read, tcpServer } from "./loopback.js";

const echo = () =>
  tcpServer((socket) => {
    socket.write("220 ready\r\n");
    socket.on("data", (chunk) => socket.write(chunk));
  });

async function through(proxy: string, port: number, host = "127.0.0.1", call: Parameters<typeof dial>[2] = LONG) {
  return dial(optionsFor(port, { proxy, host }), { host, port }, call);
}

async function expectEcho(socket: net.Socket): Promise<void> {
  expect(socket.isPaused()).toBe(true);
  for (const event of ["data", "error", "close"]) expect(socket.listenerCount(event)).toBe(0);
  await new Promise((done) => setTimeout(done, 20));
  expect((await read(socket, 11)).toString()).toBe("220 ready\r\n");
  socket.write("ping");
  expect((await read(socket, 4)).toString()).toBe("ping");
  socket.destroy();
}

/** Joins a client to the server it asked for, `answer` and the server's first bytes in one write. */
function join(client: net.Socket, host: string, port: number, answer: Buffer | string): void {
  const server = net.connect(port, host);
  server.on("error", () => client.destroy());
  server.once("data", (first) => {
    client.write(Buffer.concat([Buffer.from(answer), first]));
    server.pipe(client).pipe(server);
  });
}

/** SOCKS 5 (RFC 1928, 1929): a user wants the password "pässword:@/". */
function socks5(seen: string[], refuse = 0): Promise<number> {
  return tcpServer(async (client) => {
    const methods = await read(client, 3);
    const wanted = methods.includes(2, 2) ? 2 : 0;
    client.write(Buffer.from([5, wanted]));
    if (wanted === 2) {
      const who = await read(client, 4);
      const user = who.toString("utf8", 2, 2 + who[1]!);
      const good = who.subarray(3 + who[1]!).toString() === "pässword:@/";
      seen.push(`user ${user}`);
      client.write(Buffer.from([1, good ? 0 : 1]));
      if (!good) return;
    }
    const ask = await read(client, 8);
    const type = ask[3]!;
    const host = type === 3 ? ask.toString("latin1", 5, 5 + ask[4]!) : [...ask.subarray(4, 8)].join(".");
    seen.push(`${type === 3 ? "name" : "address"} ${host}`);
    if (refuse) return void client.end(Buffer.from([5, refuse, 0, 1, 0, 0, 0, 0, 0, 0]));
    join(client, host, ask.readUInt16BE(ask.length - 2), Buffer.from([5, 0, 0, 1, 127, 0, 0, 1, 0, 9]));
  });
}

/** SOCKS 4 and 4a. */
function socks4(seen: string[], refuse = false): Promise<number> {
  return tcpServer(async (client) => {
    const ask = await read(client, 9);
    const fields = ask.toString("latin1", 8).split("\0");
    const named = ask.readUInt32BE(4) < 256;
    const host = named ? fields[1]! : [...ask.subarray(4, 8)].join(".");
    seen.push(`${fields[0]}|${host}`);
    const answer = Buffer.from([0, refuse ? 0x5b : 0x5a, 0, 0, 0, 0, 0, 0]);
    if (refuse) client.end(answer);
    else join(client, host, ask.readUInt16BE(2), answer);
  });
}

/** HTTP CONNECT (RFC 9110 §9.3.6). */
function http(seen: string[], answer = "HTTP/1.1 200 Connection established\r\nVia: test\r\n\r\n"): Promise<number> {
  return tcpServer((client) => {
    client.once("data", (chunk) => {
      seen.push(chunk.toString());
      const [, host, port] = /^CONNECT (\S+):(\d+) /.exec(chunk.toString()) ?? [];
      if (/^HTTP\/1\.[01] 2/.test(answer)) join(client, host!.replace(/[[\]]/g, ""), Number(port), answer);
      else client.end(answer);
    });
  });
}

describe("SOCKS 5", () => {
  test("an address, without a password: nothing that came early is lost", async () => {
    const seen: string[] = [];
    await expectEcho(await through(`socks5://127.0.0.1:${await socks5(seen)}`, await echo()));
    expect(seen).toEqual(["address 127.0.0.1"]);
  });

  test("a name is looked up by the proxy; user and password may hold anything", async () => {
    const seen: string[] = [];
    const url = `socks5h://jos%C3%A9:p%C3%A4ssword%3A%40%2F@127.0.0.1:${await socks5(seen)}`;
    await expectEcho(await through(url, await echo(), "localhost"));
    expect(seen).toEqual(["user josé", "name localhost"]);
  });

  test("a wrong password is named as that, and never shown", async () => {
    const port = await socks5([]);
    const error = await failure(through(`socks5://joe:hunter2@127.0.0.1:${port}`, 21));
    expect(error).toMatchObject({ name: "ConnectionError", phase: "proxy", server: "127.0.0.1:21" });
    expect(error.message).toContain("check user and password in the proxy's URL");
    expect(inspect(error, { depth: 10, showHidden: true })).not.toContain("hunter2");
  });

  test("a refusal keeps the proxy's reason", async () => {
    const error = await failure(through(`socks5://127.0.0.1:${await socks5([], 5)}`, 21));
    expect(error).toMatchObject({ phase: "proxy", message: expect.stringMatching(/ConnectionRefused/) });
  });

  test("something else than a SOCKS proxy", async () => {
    const port = await tcpServer((socket) => socket.write("HTTP/1.1 400 Bad Request\r\n\r\n"));
    const error = await failure(through(`socks5://127.0.0.1:${port}`, 21));
    expect(error.message).toContain("does the proxy speak this version of SOCKS?");
  });
});

describe("SOCKS 4", () => {
  test("an address", async () => {
    const seen: string[] = [];
    await expectEcho(await through(`socks4://joe@127.0.0.1:${await socks4(seen)}`, await echo()));
    expect(seen).toEqual(["joe|127.0.0.1"]);
  });

  test("a name (4a)", async () => {
    const seen: string[] = [];
    await expectEcho(await through(`socks4a://127.0.0.1:${await socks4(seen)}`, await echo(), "localhost"));
    expect(seen).toEqual(["|localhost"]);
  });

  test("a refusal", async () => {
    const error = await failure(through(`socks4://127.0.0.1:${await socks4([], true)}`, 21));
    expect(error).toMatchObject({ phase: "proxy", message: expect.stringContaining("rejected") });
  });
});

describe("HTTP CONNECT", () => {
  test("with Basic authentication", async () => {
    const seen: string[] = [];
    const port = await echo();
    await expectEcho(await through(`http://joe:s%3Acret@127.0.0.1:${await http(seen)}`, port, "localhost"));
    expect(seen).toEqual([
      `CONNECT localhost:${port} HTTP/1.1\r\nHost: localhost:${port}\r\n` +
        `Proxy-Authorization: Basic ${Buffer.from("joe:s:cret").toString("base64")}\r\n\r\n`,
    ]);
  });

  test("without", async () => {
    const seen: string[] = [];
    await expectEcho(await through(`http://127.0.0.1:${await http(seen)}`, await echo()));
    expect(seen[0]).not.toContain("Authorization");
  });

  test.each([
    ["HTTP/1.1 407 Proxy Authentication Required\r\n\r\n", "407 Proxy Authentication Required: give user and password"],
    ["HTTP/1.0 403 Forbidden\r\n\r\n", "403 Forbidden: many proxies allow CONNECT to port 443 only"],
    ["HTTP/1.1 502 Bad\u001b[2J Gateway\r\nX: y\r\n\r\n", "it said 502 Bad [2J Gateway"],
    ["220 ProFTPD\r\n\r\n", "it is not an HTTP proxy"],
    ["HTTP/1.1 502", "it hung up without an answer"],
    [`HTTP/1.1 200 OK\r\nX: ${"x".repeat(20_000)}`, "its answer is too long"],
  ])("%#: what the proxy says is told", async (answer, words) => {
    const port = answer.includes("200 OK")
      ? await tcpServer((client) => void client.resume().write(answer))
      : await http([], answer);
    const error = await failure(through(`http://joe:hunter2@127.0.0.1:${port}`, 21));
    expect(error).toMatchObject({ name: "ConnectionError", phase: "proxy" });
    expect(error.message).toContain(words);
    expect(inspect(error, { depth: 10 })).not.toContain("hunter2");
  });
});

describe("any proxy", () => {
  test.each(["socks5", "socks4", "http"])("%s: not there", async (scheme) => {
    const error = await failure(through(`${scheme}://joe:hunter2@127.0.0.1:${await deadPort()}`, 21));
    expect(error).toMatchObject({ name: "ConnectionError", phase: "proxy" });
    expect(error.message).toContain(`through the ${scheme} proxy 127.0.0.1:`);
    expect(error.message).toContain("nothing listens");
    expect(inspect(error, { depth: 10 })).not.toContain("hunter2");
  });

  test.each(["socks5", "socks4", "http"])("%s: silent, hung up on, aborted", async (scheme) => {
    const url = `${scheme}://joe:hunter2@127.0.0.1:`;
    const silent = await tcpServer((socket) => void socket.resume());
    const late = await failure(through(`${url}${silent}`, 21, "127.0.0.1", { timeout: 80 }));
    expect(late).toMatchObject({ name: "TimeoutError", phase: "proxy" });
    const signal = AbortSignal.timeout(40);
    const ended = await failure(through(`${url}${silent}`, 21, "127.0.0.1", { timeout: 5_000, signal }));
    expect(ended).toMatchObject({ name: "AbortedError" });
    const closes = await tcpServer((socket) => socket.end());
    expect(await failure(through(`${url}${closes}`, 21))).toMatchObject({ name: "ConnectionError", phase: "proxy" });
  });

  test.each([
    "ftp://joe:hunter2@proxy",
    "joe:hunter2@proxy:1080",
    "socks5:",
    "https://joe:hunter2@p:1",
    "http://a:b%00hunter2@c",
  ])("%s is no proxy: a UsageError that hides the password", async (url) => {
    const error = await failure(through(url, 21));
    expect(error.name).toBe("UsageError");
    expect(error.message).not.toContain("hunter2");
  });

  test("URLs have usual ports", () => {
    expect(parseProxy("socks5://[::1]")).toMatchObject({ kind: "socks5", host: "::1", port: 1080 });
    expect(parseProxy("http://p/")).toMatchObject({ kind: "http", port: 80 });
  });
});
