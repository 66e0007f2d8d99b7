/** The data connection: waited for (PASV, EPSV) or made (PORT, EPRT), and the bytes that go through it. */
import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import type { DataFaults } from "./faults.js";

/** Where the next transfer finds its connection. */
export class DataPort {
  /** Whether this side begins the TLS handshake of the next transfer: until its connection is there, or another is asked for. */
  begins = false;
  /**
   * The listener of this client, kept from transfer to transfer: with thousands of connections in TIME_WAIT the system
   * takes milliseconds to find a free port.
   */
  #server: Server | undefined;
  #destroyed = false;
  #expecting = false;
  #socket: Socket | undefined;
  #target: { host: string; port: number } | undefined;
  #arrived: (() => void) | undefined;
  readonly #open = new Set<Socket>();

  /** Listens for one connection on a port, which is returned. */
  async listen(host: string): Promise<number> {
    this.close();
    this.#server ??= await this.#listener(host);
    if (this.#destroyed) this.#stop();
    if (!this.#server) return 0;
    this.#expecting = true;
    const address = this.#server.address();
    return typeof address === "object" && address ? address.port : 0;
  }

  /** The next transfer connects there. */
  aim(host: string, port: number): void {
    this.close();
    this.#target = { host, port };
  }

  /** Whether PASV, EPSV, PORT or EPRT has been said for the next transfer. */
  get ready(): boolean {
    return this.#expecting || this.#socket !== undefined || this.#target !== undefined;
  }

  /** The connection for one transfer; undefined when none comes within `timeout` milliseconds. */
  async open(timeout: number): Promise<Socket | undefined> {
    if (this.#target) return this.#dial(this.#target, timeout);
    if (this.#expecting) await this.#arrival(timeout);
    const socket = this.#socket;
    this.#socket = undefined;
    this.close();
    return socket?.destroyed ? undefined : socket;
  }

  /** Takes back the last PASV, EPSV, PORT or EPRT. */
  close(): void {
    this.begins = false;
    if (this.#expecting) this.#stop(); // a late connection must not be taken for the next one
    this.#socket?.destroy();
    this.#socket = this.#target = undefined;
    this.#arrived?.();
  }

  /** Cuts every connection, also those in use, and stops listening. */
  destroy(): void {
    this.#destroyed = true;
    this.close();
    this.#stop();
    for (const socket of this.#open) socket.destroy();
  }

  #stop(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#expecting = false;
  }

  async #listener(host: string): Promise<Server> {
    const server = createServer({ pauseOnConnect: true, noDelay: true, allowHalfOpen: true }, (socket) => {
      if (server !== this.#server || !this.#expecting) return void socket.destroy();
      this.#keep(socket);
      this.#expecting = false;
      this.#socket = socket;
      this.#arrived?.();
    });
    server.on("error", () => server.close());
    await new Promise<void>((resolve) => server.listen(0, host, 8, resolve));
    return server;
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => this.#open.delete(socket));
  }

  async #dial(target: { host: string; port: number }, timeout: number): Promise<Socket | undefined> {
    this.#target = undefined;
    const socket = connect({ ...target, noDelay: true, allowHalfOpen: true });
    this.#keep(socket);
    const timer = setTimeout(() => socket.destroy(), timeout).unref();
    const connected = await Promise.race([
      once(socket, "connect").then(() => true),
      once(socket, "close").then(() => false),
    ]).catch(() => false);
    clearTimeout(timer);
    return connected ? socket : undefined;
  }

  #arrival(timeout: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeout).unref();
      this.#arrived = () => {
        clearTimeout(timer);
        this.#arrived = undefined;
        resolve();
      };
    });
  }
}

/** How a data connection ended: all of it, cut by a fault (or by the client), or refused by whoever took the bytes. */
export type DataEnd = "done" | "cut" | { refused: string };

/** Sends all chunks and ends the connection, waiting for the client where it is slow. */
export async function sendData(socket: Socket, chunks: Iterable<Buffer>, faults: DataFaults): Promise<DataEnd> {
  const { cutDataAt, stallDataAt, cutDataCleanly } = faults;
  const stop = Math.min(cutDataAt ?? Number.POSITIVE_INFINITY, stallDataAt ?? Number.POSITIVE_INFINITY);
  let sent = 0;
  socket.resume(); // what the client sends on a download is nobody's business, but its end must be seen
  for (let chunk of chunks) {
    const cut = sent + chunk.length >= stop;
    if (cut) chunk = chunk.subarray(0, stop - sent);
    sent += chunk.length;
    const room = socket.write(chunk);
    if (cut) return stop === cutDataAt ? cutAfterWrite(socket, cutDataCleanly) : stalled(socket);
    if (!room && !(await drained(socket))) return "cut";
    if (socket.destroyed) return "cut";
  }
  return ended(socket);
}

/** Takes everything the client sends; `take` may refuse a chunk with a reply. */
export function receiveData(
  socket: Socket,
  take: (chunk: Buffer) => { refused: string } | undefined,
  faults: DataFaults,
): Promise<DataEnd> {
  const { cutDataAt, stallDataAt, cutDataCleanly } = faults;
  const stop = Math.min(cutDataAt ?? Number.POSITIVE_INFINITY, stallDataAt ?? Number.POSITIVE_INFINITY);
  let received = 0;
  return new Promise((resolve) => {
    const finish = (end: DataEnd) => {
      socket.removeAllListeners("data");
      if (end === "done") socket.resume().end();
      else socket.destroy();
      resolve(end);
    };
    socket.on("data", (chunk: Buffer) => {
      const cut = received + chunk.length >= stop;
      const refused = take(cut ? chunk.subarray(0, stop - received) : chunk);
      received += chunk.length;
      if (refused) finish(refused);
      else if (cut && stop !== cutDataAt) socket.pause();
      else if (cut) finish(cutDataCleanly ? "done" : "cut");
    });
    socket.once("end", () => finish("done"));
    socket.once("close", () => resolve("cut")); // without an end before it
    socket.resume();
  });
}

async function cutAfterWrite(socket: Socket, cleanly: boolean | undefined): Promise<DataEnd> {
  if (cleanly) return ended(socket);
  await new Promise((resolve) => socket.write("", resolve)); // the bytes before the cut do arrive
  socket.destroy();
  return "cut";
}

function stalled(socket: Socket): Promise<DataEnd> {
  return new Promise((resolve) => {
    socket.once("end", () => socket.destroy());
    socket.once("close", () => resolve("cut"));
  });
}

/** Ends our side: done when everything, the end included, was handed to the system. */
function ended(socket: Socket): Promise<DataEnd> {
  if (socket.destroyed) return Promise.resolve("cut");
  return new Promise((resolve) => {
    socket.once("close", () => resolve(socket.writableFinished ? "done" : "cut"));
    socket.once("finish", () => resolve("done"));
    socket.end();
  });
}

function drained(socket: Socket): Promise<boolean> {
  if (socket.destroyed) return Promise.resolve(false);
  return new Promise((resolve) => {
    const settle = () => {
      socket.off("drain", settle);
      socket.off("close", settle);
      resolve(!socket.destroyed);
    };
    socket.on("drain", settle);
    socket.on("close", settle);
  });
}
