/** STARTTLS on a line session: nothing said in the clear may count as said under TLS. */
import type net from "node:net";
import tls from "node:tls";
import { describe, expect, test } from "vitest";
import { AbortedError, ConnectionError, ProtocolError, TlsError } from "../../src/client/errors.js";
import { testTls } from "../../src/testing/tls.js";
import { play } from "./line.js";
import { failure } from "./loopback.js";

const call = { signal: undefined, timeout: 2_000 };

/** Answers AUTH TLS with these bytes and then speaks TLS, in which it echoes. */
function upgrading(reply: string, key = testTls.server) {
  return (command: string, socket: net.Socket) => {
    if (command !== "AUTH TLS") return command === "NOOP" ? "200 clear\r\n" : undefined;
    socket.write(reply, "latin1");
    socket.removeAllListeners("data");
    const secured = new tls.TLSSocket(socket, { isServer: true, ...key });
    secured.on("error", () => {});
    secured.on("data", (chunk: Buffer) => secured.write(`200 ${chunk.toString().trim()}\r\n`));
    return undefined;
  };
}

test("what follows the agreement is encrypted", async () => {
  const { line, transcript } = await play(upgrading("234 go\r\n"));
  expect(line.tls).toBeUndefined();
  expect((await line.upgrade("AUTH TLS", call)).code).toBe("234");
  expect(line.tls).toBeDefined();
  expect((await line.send("PBSZ 0")).text).toBe("PBSZ 0");
  expect(transcript.lines.map((each) => each.text)).toContain("TLS");
});

test("a refusal is given back, and the session goes on in the clear", async () => {
  const { line } = await play((command) => (command === "NOOP" ? "200 clear\r\n" : "502 no\r\n"));
  expect((await line.upgrade("AUTH TLS", call)).code).toBe("502");
  expect([line.tls, (await line.send("NOOP")).text]).toEqual([undefined, "clear"]);
});

describe("bytes injected in the clear", () => {
  test.each([
    ["a whole reply", "234 go\r\n230 you are in\r\n"],
    ["half a reply", "234 go\r\n230"],
    ["one byte", "234 go\r\n\r"],
    ["a TLS record", "234 go\r\n\x16\x03\x01\x00\x05"],
  ])("%s behind the agreement, in its segment: ProtocolError, closed", async (_name, reply) => {
    const { line, closed } = await play(upgrading(reply));
    const error = await failure(line.upgrade("AUTH TLS", call));
    expect(error).toBeInstanceOf(ProtocolError);
    expect(closed).toEqual([error]);
    expect(await failure(line.send("USER alice"))).toBe(error);
  });

  test("in a segment of their own: the handshake fails", async () => {
    const { line, server } = await play((command) => (command === "AUTH TLS" ? "234 go\r\n" : undefined));
    const upgrade = failure(line.upgrade("AUTH TLS", call));
    setTimeout(() => server.write("230 you are in\r\n"), 30);
    expect(await upgrade).toBeInstanceOf(TlsError);
    expect(line.closed).toBeDefined();
  });

  test("behind a refusal: stray replies close the session", async () => {
    const { line } = await play(() => "502 no\r\n230 you are in\r\n");
    expect((await line.upgrade("AUTH TLS", call)).code).toBe("502");
    expect(line.closed).toBeInstanceOf(ProtocolError);
  });
});

describe("failures", () => {
  test("a certificate that is not trusted closes the session", async () => {
    const { line, closed } = await play(upgrading("234 go\r\n", testTls.wrongHost));
    const error = await failure(line.upgrade("AUTH TLS", call));
    expect(error).toBeInstanceOf(TlsError);
    expect(closed).toEqual([error]);
  });

  test("the goodbye in place of an agreement closes the session", async () => {
    const { line, closed } = await play(() => "421 too many\r\n");
    expect((await line.upgrade("AUTH TLS", call)).code).toBe("421");
    expect(closed[0]).toBeInstanceOf(ConnectionError);
  });

  test("a server that hangs up behind its agreement is a failure, not a crash", async () => {
    const { line } = await play((_command, socket) => void socket.end("234 go\r\n"));
    const error = await failure(line.upgrade("AUTH TLS", call));
    expect(error).toMatchObject({ clientUsable: false });
    expect(line.closed).toBe(error);
  });

  test("hanging up in the handshake ends it at once", async () => {
    const { line } = await play((command) => (command === "AUTH TLS" ? "234 go\r\n" : undefined));
    const upgrade = failure(line.upgrade("AUTH TLS", call));
    const reason = new AbortedError("enough");
    setTimeout(() => line.fail(reason), 30);
    expect(await upgrade).toBe(reason);
  });

  test("the signal of the call ends the handshake", async () => {
    const { line } = await play((command) => (command === "AUTH TLS" ? "234 go\r\n" : undefined));
    const signal = AbortSignal.timeout(30);
    expect(await failure(line.upgrade("AUTH TLS", { ...call, signal }))).toBeInstanceOf(AbortedError);
    expect(line.closed).toBeInstanceOf(AbortedError);
  });
});
