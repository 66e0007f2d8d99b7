/** What TLS stands on where it may be taken off again (FTP's CCC): a stream that can be pulled off its socket. */
import type { Socket } from "node:net";
import { Duplex } from "node:stream";
import type { TLSSocket } from "node:tls";
import { ConnectionError, ProtocolError, TimeoutError } from "../client/errors.js";

const HEADER = 5;
const NOTHING = Buffer.alloc(0);
const plugs = new WeakMap<TLSSocket, Plug>();

/** The plug under a TLS socket, where it has one. */
export function plugOf(socket: TLSSocket): Plug | undefined {
  return plugs.get(socket);
}

/**
 * Hands the bytes of a socket to TLS one record at a time (RFC 8446 §5.1), so that what comes behind the record with
 * the close_notify, which is encrypted and cannot be told from outside, was not yet given to TLS and is still ours.
 */
export class Plug extends Duplex {
  readonly #socket: Socket;
  #held: Buffer = NOTHING;
  /** True once TLS has seen the close_notify of the other side. */
  #ended = false;
  #pulled = false;
  #onEnded: (() => void) | undefined;
  #onLost: ((error: Error) => void) | undefined;

  constructor(socket: Socket) {
    super({ readableHighWaterMark: 1, allowHalfOpen: true });
    this.#socket = socket;
    socket.on("data", this.#onData).on("end", this.#onEnd).on("error", this.#onError).on("close", this.#onClose);
  }

  /** Tells the plug which TLS stands on it. */
  carry(tls: TLSSocket): void {
    plugs.set(tls, this);
    // Node pushes null at the moment TLS has read a close_notify; its "end" event comes too late to keep the next bytes.
    const push = tls.push;
    tls.push = (chunk: unknown, encoding?: BufferEncoding) => {
      if (chunk === null) this.#end();
      return push.call(tls, chunk, encoding);
    };
  }

  /** Ends TLS on both sides; resolves to the socket, paused, with the bytes that came behind TLS. */
  pull(tls: TLSSocket, timeout: number): Promise<Socket> {
    this.#pulled = true;
    return new Promise<Socket>((resolve, reject) => {
      const fail = (error: Error) => done(() => reject(error), true);
      const onEarly = () => fail(new ProtocolError("the server sent more under TLS after it was asked to end it"));
      const late = () => new TimeoutError(`the server did not end TLS within ${timeout} ms`, { phase: "tls" });
      const timer = setTimeout(() => fail(late()), timeout);
      let over = false;
      const done = (then: () => void, lost = false) => {
        if (over) return;
        over = true;
        clearTimeout(timer);
        this.#onEnded = this.#onLost = undefined;
        tls.removeListener("data", onEarly);
        this.#leave(tls, lost);
        then();
      };
      this.#onLost = fail;
      const both = Promise.all([
        new Promise<void>((said) => tls.end(said)),
        new Promise<void>((heard) => (this.#ended ? heard() : (this.#onEnded = heard))),
      ]);
      both.then(() => done(() => resolve(this.#socket)), fail);
      tls.on("data", onEarly).on("error", fail).resume();
    });
  }

  override _read(): void {
    this.#socket.resume();
    // Deferred: within _read(), the record before this one was not yet given to TLS.
    process.nextTick(() => this.#feed());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.#socket.write(chunk, done);
  }

  override _final(done: (error?: Error | null) => void): void {
    if (this.#pulled) done();
    else this.#socket.end(done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#pulled) this.#socket.destroy();
    done(error);
  }

  #onData = (chunk: Buffer): void => {
    this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk]);
    this.#feed();
    // What TLS does not take waits in the kernel; _read() goes on. Behind the end, nothing is read until pull().
    if (this.#ended || this.#recordLength() > 0) this.#socket.pause();
  };

  #onEnd = (): void => {
    if (this.#onLost) this.#onClose();
    else this.push(null);
  };

  #onError = (error: Error): void => {
    if (this.#onLost) this.#onLost(error);
    else this.destroy(error);
  };

  #onClose = (): void => {
    if (this.#onLost) this.#onLost(new ConnectionError("the server hung up instead of ending TLS", { phase: "tls" }));
    else this.destroy();
  };

  /** Gives TLS whole records, as long as it takes them and has not reached its end. */
  #feed(): void {
    while (!this.#ended && this.readableFlowing && this.readableLength === 0) {
      const length = this.#recordLength();
      if (length === 0) return;
      const record = this.#held.subarray(0, length);
      this.#held = this.#held.subarray(length);
      this.push(record);
    }
  }

  /** Bytes of the first record held, 0 where it is not whole yet. */
  #recordLength(): number {
    if (this.#held.length < HEADER) return 0;
    // What is no TLS record goes to OpenSSL as it is, for its verdict.
    if (this.#held[1] !== 3 || this.#held[0]! < 20 || this.#held[0]! > 23) return this.#held.length;
    const length = HEADER + this.#held.readUInt16BE(3);
    return this.#held.length < length ? 0 : length;
  }

  #end(): void {
    this.#ended = true;
    this.#onEnded?.();
  }

  /** Lets go of both sides. */
  #leave(tls: TLSSocket, lost: boolean): void {
    const socket = this.#socket;
    socket.removeListener("data", this.#onData).removeListener("end", this.#onEnd);
    socket.removeListener("error", this.#onError).removeListener("close", this.#onClose);
    tls.on("error", () => {});
    tls.destroy();
    if (lost) socket.on("error", () => {}).destroy();
    else socket.pause();
    if (!lost && this.#held.length > 0) socket.unshift(this.#held);
    this.#held = NOTHING;
  }
}
