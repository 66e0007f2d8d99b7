/** Servers on loopback for the tests of net/, and what every one of them needs. */
import net from "node:net";
import tls from "node:tls";
import { onTestFinished } from "vitest";
import { type ClientOptions, type ResolvedOptions, resolve } from "../../src/client/options.js";
import { testTls } from "../../src/testing/tls.js";

export const LONG = { timeout: 5_000 };

/** Starts a server on a free port of loopback; it is closed, with its connections, when the test is over. */
export async function listen(server: net.Server, host = "127.0.0.1"): Promise<number> {
  const sockets = new Set<net.Socket>();
  server.on("connection", (socket: net.Socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
  });
  await new Promise<void>((done) => server.listen(0, host, done));
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as net.AddressInfo).port;
}

/** A TCP server that does this with every connection. */
export function tcpServer(talk: (socket: net.Socket) => void = () => {}): Promise<number> {
  return listen(net.createServer({ allowHalfOpen: true }, talk));
}

/** A TLS server with the test's good certificate, unless told otherwise. */
export function tlsServer(given: tls.TlsOptions = {}, talk: (socket: tls.TLSSocket) => void = () => {}) {
  const server = tls.createServer({ ...testTls.server, ...given }, (socket) => {
    socket.on("error", () => {});
    talk(socket);
  });
  server.on("tlsClientError", () => {});
  return listen(server);
}

/** A port of loopback on which nothing listens. */
export async function deadPort(): Promise<number> {
  const server = net.createServer();
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  const { port } = server.address() as net.AddressInfo;
  await new Promise((done) => server.close(done));
  return port;
}

export function optionsFor(port: number, given: Partial<ClientOptions> = {}): ResolvedOptions {
  return resolve("ftp", { host: "127.0.0.1", port, ...given, tls: { ca: testTls.ca, ...given.tls } });
}

/** What a promise rejects with. */
export async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("it should have failed");
}

/** Reads until `bytes` bytes are there, or the end. */
export function read(socket: net.Socket, bytes = Number.POSITIVE_INFINITY): Promise<Buffer> {
  return new Promise((done, fail) => {
    const chunks: Buffer[] = [];
    const finish = () => {
      socket.pause().off("data", onData).off("end", finish).off("error", fail);
      done(Buffer.concat(chunks));
    };
    const onData = (chunk: Buffer) => {
      chunks.push(chunk);
      if (Buffer.concat(chunks).length >= bytes) finish();
    };
    socket.on("data", onData).on("end", finish).on("error", fail).resume();
  });
}
