/** A control connection as lines: command lines in, replies out, TLS switched on in between, and the faults of its bytes. */
import type { Socket } from "node:net";
import { setImmediate as nextTurn, setTimeout as sleep } from "node:timers/promises";
import { type SecureContext, TLSSocket } from "node:tls";
import { serveTls } from "../handshake.js";
import type { ByteCount } from "../wire.js";
import type { Faults } from "./faults.js";

/** What a control connection tells its session. */
export interface ControlEvents {
  line(line: string): void;
  closed(): void;
}

const LONGEST_LINE = 8192;

export class Control {
  readonly #faults: Faults;
  readonly #count: ByteCount;
  readonly #events: ControlEvents;
  #socket: Socket;
  #rest = "";
  #pending = "";
  #dying = false;
  #paced: Promise<void> | undefined;

  constructor(socket: Socket, faults: Faults, count: ByteCount, events: ControlEvents) {
    this.#socket = socket;
    this.#faults = faults;
    this.#count = count;
    this.#events = events;
  }

  /** Begins to read; over TLS from the first byte where a context is given. */
  start(secureContext?: SecureContext): void {
    this.#socket.setNoDelay(true);
    if (secureContext) this.#socket = serveTls(this.#socket, { isServer: true, secureContext });
    this.#listen();
  }

  get secure(): boolean {
    return this.#socket instanceof TLSSocket;
  }

  /** The address this client reached us at. */
  get localAddress(): string {
    return this.#socket.localAddress ?? "127.0.0.1";
  }

  get remoteAddress(): string {
    return this.#socket.remoteAddress ?? "127.0.0.1";
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /**
   * Sends whole lines (latin1, each with CRLF). Replies of one turn of the event loop leave in one write.
   * Gives a promise only where a fault slows the bytes down.
   */
  send(text: string): Promise<void> | undefined {
    const { replyDelay, byteByByte, splitReplyAt, closeAtByte } = this.#faults;
    const slow = this.#paced || replyDelay || byteByByte || splitReplyAt !== undefined || closeAtByte !== undefined;
    if (slow) return this.#pace(text);
    if (this.#pending === "") queueMicrotask(() => this.flush());
    this.#pending += text;
    return undefined;
  }

  /** Writes what `send` has gathered. */
  flush(): void {
    const text = this.#pending;
    this.#pending = "";
    if (text !== "") this.#write(text);
  }

  /** Goes on over TLS; what the client sent in plain text before the handshake is thrown away. */
  upgrade(secureContext: SecureContext): void {
    this.flush();
    if (this.#socket.destroyed) return;
    const plain = this.#socket;
    plain.removeAllListeners("data");
    this.#rest = "";
    this.#socket = serveTls(plain, { isServer: true, secureContext });
    this.#listen();
  }

  /** Ends the connection after everything sent so far. */
  async end(): Promise<void> {
    while (this.#paced) await this.#paced;
    this.flush();
    this.#socket.end();
    this.#socket.destroySoon();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(): void {
    this.#socket.on("data", (chunk: Buffer) => this.#read(chunk));
    this.#socket.on("error", () => this.#socket.destroy());
    this.#socket.once("close", () => this.#events.closed());
  }

  #read(chunk: Buffer): void {
    const socket = this.#socket;
    const text = this.#rest + chunk.toString("latin1");
    let from = 0;
    for (let at = text.indexOf("\n"); at !== -1; at = text.indexOf("\n", from)) {
      const line = text.slice(from, text[at - 1] === "\r" ? at - 1 : at);
      from = this.#faults.dropsTogether ? text.length : at + 1;
      this.#events.line(withoutTelnet(line));
      if (socket !== this.#socket) return; // AUTH TLS: what came behind it was not protected
    }
    this.#rest = text.slice(from);
    if (this.#rest.length > LONGEST_LINE) this.#socket.destroy();
  }

  #write(text: string): void {
    if (this.#dying || this.#socket.destroyed || !this.#socket.writable) return;
    this.#count.bytes += text.length;
    this.#socket.write(text, "latin1");
  }

  #pace(text: string): Promise<void> {
    const before = this.#paced ?? Promise.resolve(this.flush());
    const paced: Promise<void> = before
      .then(() => this.#writeSlowly(text))
      .finally(() => {
        if (this.#paced === paced) this.#paced = undefined;
      });
    this.#paced = paced;
    return paced;
  }

  async #writeSlowly(text: string): Promise<void> {
    const faults = this.#faults;
    if (faults.replyDelay) await sleep(faults.replyDelay, undefined, { ref: false });
    const left = faults.closeAtByte === undefined ? Number.POSITIVE_INFINITY : faults.closeAtByte - this.#count.bytes;
    const dies = left >= 0 && left <= text.length;
    for (const [index, segment] of this.#segments(dies ? text.slice(0, left) : text).entries()) {
      // Else the system would join them. A turn in front of the first byte, too: it follows another reply's last.
      if (faults.byteByByte) await nextTurn();
      else if (index > 0) await sleep(2);
      this.#write(segment);
    }
    if (!dies) return;
    faults.closeAtByte = undefined;
    this.#dying = true;
    this.#socket.write("", () => this.#socket.destroy());
  }

  #segments(text: string): string[] {
    const { byteByByte, splitReplyAt } = this.#faults;
    if (byteByByte) return Array.from(text);
    if (splitReplyAt === undefined || splitReplyAt <= 0 || splitReplyAt >= text.length) return [text];
    return [text.slice(0, splitReplyAt), text.slice(splitReplyAt)];
  }
}

/** Undoes telnet's doubling of 0xFF and drops its commands, also the IP and Synch that some clients put before ABOR (RFC 959 4.1.3). */
function withoutTelnet(line: string): string {
  if (!line.includes("\xff") && !line.startsWith("\xf2")) return line;
  return line
    .replace(/^[\xf2\xf4\xff]+(?=ABOR|STAT|QUIT)/i, "")
    .replace(/\xff(\xff|[\xfb-\xfe][\0-\xff]|[\xf0-\xfa])/g, (_all, what: string) => (what === "\xff" ? what : ""));
}
