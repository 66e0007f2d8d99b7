/** What leaves a connection: commands as text, bodies as bytes, in one write for all of one tick. */
import type { Duplex } from "node:stream";

/** Bytes of commands that do not wait for others to share their write. */
const ENOUGH = 1024;
/** Bytes of bodies up to which all is copied into one piece: that is cheaper than a write of several. */
const SMALL = 32 * 1024;
/**
 * Bytes that the socket holds at most. It tells only when all of them have left: that is the sign that a server takes what
 * it is sent, and a large body shows many over a slow line.
 */
const MOST = 128 * 1024;
/** What is called behind it comes when this tick's work is done. queueMicrotask() makes more of it, and costs more. */
const TICK = Promise.resolve();

/** Gathers what is sent. Text and bytes keep their order. */
export class Outgoing {
  /** Where it goes; undefined while the connection changes its form: what is written meanwhile waits. */
  socket: Duplex | undefined;
  #text = "";
  /** Small pieces that leave as one, before the text. */
  #pieces: (Buffer | string)[] = [];
  #octets = 0;
  /** What the socket has no room for yet. */
  readonly #behind: (Buffer | string)[] = [];
  /** True where what was written in this tick is about to leave. */
  #leaving = false;
  readonly #flush = () => this.flush();
  /** The socket that holds bytes of this tick back, to send them in one write. */
  #corked: Duplex | undefined;

  /** True where more should be written only when the socket has drained, and was fed. */
  get full(): boolean {
    return this.#behind.length > 0 || this.socket?.writableNeedDrain === true;
  }

  /** Text with one character per byte. */
  write(line: string): void {
    this.#leave();
    this.#text += line;
    // Thousands of calls at once take their time: the server begins with the first ones meanwhile.
    if (this.#text.length >= ENOUGH) this.flush();
  }

  writeBytes(bytes: readonly Buffer[]): void {
    this.#leave();
    this.#gather();
    for (const each of bytes) {
      this.#pieces.push(each);
      this.#octets += each.length;
      if (this.#octets > SMALL && this.#octets >= markOf(this.socket)) this.#spill();
    }
  }

  /** Sends now what was to leave when this tick is over. */
  flush(): void {
    this.#leaving = false;
    if (this.#pieces.length > 0) this.#gather();
    this.#writeOut();
    this.#corked?.uncork();
    this.#corked = undefined;
    this.feed();
  }

  /** Gives the socket what it had no room for, as far as it has some now: to be called when it has drained. */
  feed(): void {
    const { socket } = this;
    while (this.#behind.length > 0 && socket !== undefined && socket.writableLength < MOST) {
      const rest = octetsBelow(markOf(socket), this.#behind);
      if (rest !== undefined) {
        socket.write(joined(rest, this.#behind.splice(0)));
        return;
      }
      socket.cork();
      this.#behind.splice(0, fill(socket, this.#behind));
      socket.uncork();
    }
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    TICK.then(this.#flush);
  }

  /** Text takes its place among the pieces. */
  #gather(): void {
    if (this.#text === "") return;
    this.#pieces.push(this.#text);
    this.#octets += this.#text.length;
    this.#text = "";
  }

  /** Too much to be copied: it goes as it is, and the socket tells how much it holds. */
  #spill(): void {
    if (this.socket === undefined) return;
    if (this.#corked === undefined) {
      this.#corked = this.socket;
      this.#corked.cork();
    }
    for (const each of this.#taken()) this.#give(this.#corked, each);
  }

  #writeOut(): void {
    if (this.socket === undefined) return;
    if (this.#pieces.length > 0) this.#give(this.socket, joined(this.#octets, this.#taken()));
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.#give(this.socket, text);
  }

  /** Writes it where the socket has room for it, and nothing waits before it. */
  #give(socket: Duplex, piece: Buffer | string): void {
    const fits = this.#behind.length === 0 && socket.writableLength + piece.length <= MOST;
    if (fits) socket.write(piece, "latin1");
    else this.#behind.push(piece);
  }

  #taken(): readonly (Buffer | string)[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#octets = 0;
    return pieces;
  }
}

/**
 * Bytes from which on the socket asks to wait until they have left. Fewer are copied: they may still be in its hands when
 * their source has its memory back (16 KiB up to Node 20, 64 KiB since 22).
 */
function markOf(socket: Duplex | undefined): number {
  return socket?.writableHighWaterMark ?? 0;
}

/** The octets of all pieces, where they are fewer than `most`. They may be thousands: no more of them are looked at than it takes. */
function octetsBelow(most: number, pieces: readonly (Buffer | string)[]): number | undefined {
  let octets = 0;
  for (const { length } of pieces) if ((octets += length) >= most) return undefined;
  return octets;
}

/** Writes what the socket has room for. Gives how many pieces that were; of the next one, its beginning may be gone. */
function fill(socket: Duplex, pieces: (Buffer | string)[]): number {
  for (let given = 0; given < pieces.length; given++) {
    const piece = pieces[given] as Buffer | string;
    const room = MOST - socket.writableLength;
    if (piece.length > room) {
      const bytes = typeof piece === "string" ? Buffer.from(piece, "latin1") : piece;
      if (room > 0) socket.write(bytes.subarray(0, room));
      pieces[given] = bytes.subarray(Math.max(0, room));
      return given;
    }
    socket.write(piece, "latin1");
  }
  return pieces.length;
}

/** Memory for pieces, cut off from the front: a Buffer of its own for each costs more than the copy. */
let slab = Buffer.allocUnsafeSlow(0);

function joined(octets: number, pieces: readonly (Buffer | string)[]): Buffer {
  if (slab.length < octets) slab = Buffer.allocUnsafeSlow(Math.max(octets, 2 * SMALL));
  const whole = slab.subarray(0, octets);
  slab = slab.subarray(octets);
  let at = 0;
  for (const each of pieces) at += typeof each === "string" ? whole.write(each, at, "latin1") : each.copy(whole, at);
  return whole;
}
