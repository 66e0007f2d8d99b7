/** The last stage of a connection's output: bytes to the socket, one piece after the other, and the faults of bytes. */
import type { Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";

/** Faults of a connection's bytes, the same in every protocol. */
export interface ByteFaults {
  /** Milliseconds to wait before each reply. Default: 0. */
  replyDelay?: number | undefined;
  /** Every byte travels in a segment of its own. Default: false. */
  byteByByte?: boolean | undefined;
  /**
   * A connection is destroyed as soon as the server has sent this many bytes in total (`server.replyBytes`, over all
   * connections). Happens once, then unsets itself.
   */
  closeAtByte?: number | undefined;
  /** As `closeAtByte`, but the connection stays open and says nothing any more. Happens once, then unsets itself. */
  stallAtByte?: number | undefined;
}

/** Bytes the server has sent, over all connections. */
export interface ByteCount {
  bytes: number;
}

/** After so many bytes without a wait, other connections have their turn. */
const FAIR = 4 * 1024 * 1024;

export class Wire {
  readonly #faults: ByteFaults;
  readonly #count: ByteCount;
  #socket: Socket;
  #dead = false;
  #unbroken = 0;

  constructor(socket: Socket, faults: ByteFaults, count: ByteCount) {
    this.#socket = socket;
    this.#faults = faults;
    this.#count = count;
  }

  /** The connection is cut, or says nothing any more. */
  get dead(): boolean {
    return this.#dead || !this.#socket.writable;
  }

  /** A fault that looks at single replies is on: they must not be written together. */
  get slow(): boolean {
    const { replyDelay, byteByByte, closeAtByte, stallAtByte } = this.#faults;
    return Boolean(replyDelay) || Boolean(byteByByte) || closeAtByte !== undefined || stallAtByte !== undefined;
  }

  /** From here on over another socket: TLS. */
  use(socket: Socket): void {
    this.#socket = socket;
  }

  /** Resolves when the system has taken the bytes, so that the buffer may be used again. Never rejects. */
  async write(bytes: Buffer): Promise<void> {
    if (this.dead || bytes.length === 0) return;
    const { closeAtByte, stallAtByte } = this.#faults;
    const left = Math.min(closeAtByte ?? Number.POSITIVE_INFINITY, stallAtByte ?? Number.POSITIVE_INFINITY);
    const room = left - this.#count.bytes;
    if (room < 0 || room > bytes.length) return this.#pass(bytes);
    await this.#pass(bytes.subarray(0, room));
    this.#dead = true;
    if (left !== closeAtByte) this.#faults.stallAtByte = undefined;
    else {
      this.#faults.closeAtByte = undefined;
      this.#socket.destroy();
    }
  }

  async #pass(bytes: Buffer): Promise<void> {
    if (!this.#faults.byteByByte) return this.#send(bytes);
    for (let at = 0; at < bytes.length && !this.dead; at++) {
      await nextTurn(); // else the system would join them
      await this.#send(bytes.subarray(at, at + 1));
    }
  }

  async #send(bytes: Buffer): Promise<void> {
    if (bytes.length === 0 || this.dead) return;
    this.#count.bytes += bytes.length;
    await new Promise<void>((done) => {
      const socket = this.#socket;
      const settle = () => {
        socket.off("close", settle);
        done();
      };
      socket.once("close", settle); // a write that a cut leaves open has no callback in every version of Node
      socket.write(bytes, settle);
    });
    this.#unbroken += bytes.length;
    if (this.#unbroken < FAIR) return;
    this.#unbroken = 0;
    await nextTurn();
  }

  /** Waits as long as `replyDelay` says. */
  async delay(): Promise<void> {
    if (this.#faults.replyDelay) await sleep(this.#faults.replyDelay, undefined, { ref: false });
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
