/** TLS: who is believed, who is refused and why, sessions, and taking TLS off again. */
import net from "node:net";
import { Duplex } from "node:stream";
import tls from "node:tls";
import { describe, expect, test, vi } from "vitest";
import { dial } from "../../src/net/dial.js";
import { detach, secure, secureContext, startTls, type TlsCall } from "../../src/net/tls.js";
import { testTls } from "../../src/testing/tls.js";
import { failure, LONG, optionsFor, read, tcpServer, tlsServer } from "./loopback.js";

type Given = Parameters<typeof optionsFor>[1];

async function secured(port: number, given: Given = {}, call: Partial<TlsCall> = {}): Promise<tls.TLSSocket> {
  const options = optionsFor(port, { security: "tls", ...given });
  const socket = await dial(options, { host: "127.0.0.1", port }, LONG);
  return secure(socket, options, { ...LONG, ...call });
}

describe("a server that is who it says", () => {
  test.each(["localhost", "127.0.0.1", "::1"])("is believed as %s", async (host) => {
    const port = await tlsServer({}, (socket) => socket.end("220 hi"));
    const socket = await secured(port, { host });
    expect(socket.authorized).toBe(true);
    expect(socket.isPaused()).toBe(true);
    expect((await read(socket)).toString()).toBe("220 hi");
  });

  test("is told its name where it is a name, never an address (RFC 6066)", async () => {
    const names: unknown[] = [];
    const port = await tlsServer({}, (socket) => {
      names.push((socket as { servername?: unknown }).servername);
      socket.end("hi");
    });
    for (const host of ["localhost", "127.0.0.1"]) await read(await secured(port, { host }));
    expect(names).toEqual(["localhost", false]);
  });

  test("is believed under tls.servername, and under the host of the call", async () => {
    const port = await tlsServer(testTls.wrongHost);
    (await secured(port, { tls: { servername: "wrong.example" } })).destroy();
    (await secured(port, {}, { host: "wrong.example" })).destroy();
  });

  test("gets the client certificate", async () => {
    const port = await tlsServer({ requestCert: true, ca: testTls.ca }, (socket) =>
      socket.end(String(socket.authorized && socket.getPeerCertificate().subject.CN)),
    );
    const socket = await secured(port, { tls: { cert: testTls.client.cert, key: testTls.client.key } });
    expect((await read(socket)).toString()).toBe("alice");
  });

  test("anything is believed with rejectUnauthorized: false", async () => {
    const port = await tlsServer(testTls.expired);
    (await secured(port, { host: "other.example", tls: { rejectUnauthorized: false } })).destroy();
  });

  test.each(["TLSv1.2", "TLSv1.3"] as const)("gets its session back with %s", async (maxVersion) => {
    const port = await tlsServer({ maxVersion }, (socket) => socket.write("x"));
    const sessions: Buffer[] = [];
    const first = await secured(port, {}, { onSession: (session) => sessions.push(session) });
    await read(first, 1);
    await vi.waitUntil(() => sessions.length > 0);
    const second = await secured(port, {}, { session: sessions.at(-1) });
    expect(second.isSessionReused()).toBe(true);
    for (const socket of [first, second]) socket.destroy();
  });

  test("one SecureContext serves all connections of a client, and the caller's options stay as they were", async () => {
    const given = Object.freeze({ ca: testTls.ca });
    const options = optionsFor(990, { tls: given });
    expect(secureContext(options)).toBe(secureContext(options));
    expect(secureContext(optionsFor(990))).not.toBe(secureContext(options));
  });
});

describe("a handshake that fails says why", () => {
  const refused = (port: number, given: Given = {}, call: Partial<TlsCall> = {}) => failure(secured(port, given, call));

  test("wrong name: whose certificate it is", async () => {
    const error = await refused(await tlsServer(testTls.wrongHost), { host: "localhost" });
    expect(error).toMatchObject({ name: "TlsError", phase: "tls", retryable: false, clientUsable: false });
    expect(error.message).toContain('the certificate is for wrong.example, not for "localhost"');
  });

  test("wrong address", async () => {
    const error = await refused(await tlsServer(testTls.wrongHost));
    expect(error.message).toContain('the certificate is for wrong.example, not for "127.0.0.1"');
  });

  test("expired: since when", async () => {
    const error = await refused(await tlsServer(testTls.expired));
    expect(error).toMatchObject({ name: "TlsError", message: expect.stringContaining("has expired on 2021-01-01") });
  });

  test("signed by an unknown authority: how to trust it", async () => {
    const options = optionsFor(await tlsServer());
    const socket = await dial(options, options, LONG);
    const error = await failure(secure(socket, { ...options, tls: {} }, LONG));
    expect(error).toMatchObject({ name: "TlsError", message: expect.stringContaining("give its CA with tls.ca") });
    expect(error.message).toContain("polywire test CA");
    expect(socket.destroyed).toBe(true);
  });

  test("the server speaks plain text", async () => {
    const port = await tcpServer((socket) => socket.write("220 ProFTPD ready\r\n"));
    const error = await refused(port);
    expect(error).toMatchObject({ name: "TlsError" });
    expect(error.message).toContain(`the server answered in plain text on port ${port} (ERR_SSL_`);
    expect(error.message).toMatch(/: is this a TLS port\?$/);
  });

  test("no TLS version in common", async () => {
    const error = await refused(await tlsServer({ maxVersion: "TLSv1.2" }), { tls: { minVersion: "TLSv1.3" } });
    expect(error).toMatchObject({ name: "TlsError", message: expect.stringContaining("no TLS version in common") });
  });

  test("no cipher in common", async () => {
    const port = await tlsServer({ ciphers: "ECDHE-ECDSA-AES128-GCM-SHA256", maxVersion: "TLSv1.2" });
    const error = await refused(port, { tls: { ciphers: "ECDHE-ECDSA-AES256-GCM-SHA384" } });
    expect(error).toMatchObject({ name: "TlsError", message: expect.stringContaining("tls.ciphers") });
  });

  test("the server wants a client certificate", async () => {
    const port = await tlsServer({
      requestCert: true,
      rejectUnauthorized: true,
      ca: testTls.ca,
      maxVersion: "TLSv1.2",
    });
    expect((await refused(port)).message).toContain("tls.cert");
  });

  test.each([
    ["hangs up", (socket: net.Socket) => socket.end()],
    ["resets", (socket: net.Socket) => setTimeout(() => socket.resetAndDestroy(), 20)],
  ] as const)("the server %s: it may be tried again", async (_, talk) => {
    const error = await refused(await tcpServer((socket) => void talk(socket)));
    expect(error).toMatchObject({ name: "TlsError", phase: "tls", retryable: true });
    expect(error.message).toContain("the server hung up");
  });

  test("the server hangs up on a detachable connection", async () => {
    const error = await refused(await tcpServer((socket) => void socket.end()), {}, { detachable: true });
    expect(error).toMatchObject({ name: "TlsError", message: expect.stringContaining("the server hung up") });
  });

  test("silence", async () => {
    const error = await refused(await tcpServer(), {}, { timeout: 60 });
    expect(error).toMatchObject({ name: "TimeoutError", phase: "tls" });
  });

  test("the caller's signal", async () => {
    const error = await refused(await tcpServer(), {}, { signal: AbortSignal.timeout(40) });
    expect(error).toMatchObject({ name: "AbortedError", phase: "abort" });
  });

  test.each([
    [{ cert: "nonsense" }, "an option of tls cannot be used"],
    [{ cert: testTls.client.cert, key: testTls.server.key }, "an option of tls cannot be used"],
    [{ ciphers: "nonsense" }, "tls.ciphers"],
    [{ minVersion: "TLSv9" as "TLSv1" }, "tls.minVersion"],
  ])("the caller's own options: %#", async (given, words) => {
    const port = await tcpServer();
    const error = await refused(port, { tls: given });
    expect(error).toMatchObject({ name: "UsageError", message: expect.stringContaining(words) });
  });
});

describe("startTls", () => {
  test.each(["held by the caller", "held by the socket"])(
    "refuses bytes from before the handshake: %s",
    async (where) => {
      const port = await tcpServer((socket) => socket.write("250 injected\r\n"));
      const options = optionsFor(port);
      const socket = await dial(options, options, LONG);
      const leftover = where === "held by the caller" ? 7 : 0;
      if (leftover === 0) {
        socket.on("readable", () => {});
        await new Promise((done) => setTimeout(done, 30));
      }
      const error = await failure(startTls(socket, leftover, options, LONG));
      expect(error).toMatchObject({
        name: "ProtocolError",
        message: expect.stringContaining("may have injected them"),
      });
      expect(socket.destroyed).toBe(true);
    },
  );

  test("starts TLS where the wire was silent", async () => {
    const port = await tlsServer({}, (socket) => socket.end("secret"));
    const options = optionsFor(port);
    const socket = await startTls(await dial(options, options, LONG), 0, options, LONG);
    expect((await read(socket)).toString()).toBe("secret");
  });
});

describe("detach", () => {
  /** A server that ends TLS as RFC 4217 says: `talk` gets both sides once the handshake is done. */
  async function cccServer(
    talk: (tls: tls.TLSSocket, raw: net.Socket) => void,
    maxVersion: tls.SecureVersion = "TLSv1.3",
  ) {
    return tcpServer((raw) => {
      const under = new Duplex({
        read: () => {},
        write: (chunk, _, done) => done(void raw.write(chunk)),
        final: (done) => done(),
      });
      const onData = (chunk: Buffer) => under.push(chunk);
      raw.on("data", onData);
      const secureContext = tls.createSecureContext({ ...testTls.server, maxVersion });
      const side = new tls.TLSSocket(under, { isServer: true, secureContext });
      side.on("error", () => {}).on("end", () => raw.off("data", onData));
      talk(side, raw);
    });
  }

  const versions = ["TLSv1.2", "TLSv1.3"] as const;

  test.each(versions)("goes on in plain text after %s", async (version) => {
    const port = await cccServer((side, raw) => {
      side.on("data", () => side.write("200 ok\r\n"));
      side.on("end", () => side.end(() => raw.on("data", (chunk) => raw.write(`plain ${chunk}`))));
    }, version);
    const socket = await secured(port, {}, { detachable: true });
    socket.write("CCC\r\n");
    expect((await read(socket, 8)).toString()).toBe("200 ok\r\n");
    const plain = await detach(socket);
    plain.write("NOOP\r\n");
    expect((await read(plain, 12)).toString()).toBe("plain NOOP\r\n");
    expect(plain).toBeInstanceOf(net.Socket);
    plain.destroy();
  });

  test.each(versions)("keeps what came behind the close_notify in the same segment: %s", async (version) => {
    const port = await cccServer((side, raw) => {
      side.resume().on("end", () => {
        raw.cork();
        side.write("");
        side.end(() => {
          raw.write("220 in plain text\r\n");
          raw.uncork();
        });
      });
    }, version);
    const plain = await detach(await secured(port, {}, { detachable: true }));
    expect((await read(plain, 19)).toString()).toBe("220 in plain text\r\n");
    plain.destroy();
  });

  test("the server may end TLS first", async () => {
    const port = await cccServer((side, raw) => {
      side.once("data", () => side.end("200 ok\r\n"));
      side.on("end", () => raw.on("data", (chunk) => raw.write(`plain ${chunk}`)));
    });
    const socket = await secured(port, {}, { detachable: true });
    socket.write("CCC\r\n");
    expect((await read(socket, 8)).toString()).toBe("200 ok\r\n");
    const plain = await detach(socket);
    // The server of this test would take an X in the same segment as our close_notify for TLS.
    await new Promise((done) => setTimeout(done, 30));
    plain.write("X");
    expect((await read(plain, 7)).toString()).toBe("plain X");
    plain.destroy();
  });

  test("carries megabytes both ways before", async () => {
    const size = 3_000_000;
    const port = await cccServer((side) => void side.pipe(side));
    const socket = await secured(port, {}, { detachable: true });
    const sent = Buffer.alloc(size, "polywire");
    socket.write(sent);
    expect((await read(socket, size)).equals(sent)).toBe(true);
    socket.destroy();
  });

  test.each([
    ["a server that does not answer", () => {}, "TimeoutError"],
    [
      "a server that hangs up",
      (side: tls.TLSSocket, raw: net.Socket) => side.resume().on("end", () => raw.end()),
      "ConnectionError",
    ],
    [
      "a server that resets",
      (side: tls.TLSSocket, raw: net.Socket) => side.resume().on("end", () => raw.resetAndDestroy()),
      "ConnectionError",
    ],
    [
      "a server that talks on",
      (side: tls.TLSSocket) => side.resume().on("end", () => side.write("more")),
      "ProtocolError",
    ],
  ] as const)("%s is given up", async (_, talk, name) => {
    const port = await cccServer((side, raw) => void talk(side, raw));
    const socket = await secured(port, {}, { detachable: true });
    const error = await failure(detach(socket, 150));
    // Node 24 reports a reset as one of TLS, Node 20 as one of the socket.
    const expected = error.name === "TlsError" && name === "ConnectionError" ? "TlsError" : name;
    expect(error.name).toBe(expected);
    await new Promise((done) => setTimeout(done, 20));
    expect(socket.destroyed).toBe(true);
  });

  test("a reset reaches the owner of a detachable connection", async () => {
    const port = await cccServer((_, raw) => setTimeout(() => raw.resetAndDestroy(), 50));
    const socket = await secured(port, {}, { detachable: true });
    expect(await failure(read(socket))).toMatchObject({ code: "ECONNRESET" });
  });

  test("an ordinary end reaches the owner of a detachable connection", async () => {
    const port = await tlsServer({}, (socket) => socket.end("bye"));
    const socket = await secured(port, {}, { detachable: true });
    expect((await read(socket)).toString()).toBe("bye");
  });

  test("is refused where the connection was not made for it", async () => {
    const socket = await secured(await tlsServer());
    expect((await failure(detach(socket))).message).toContain("detachable");
    socket.destroy();
  });
});
