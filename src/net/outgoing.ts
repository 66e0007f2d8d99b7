/** What leaves a connection: commands as text, bodies as bytes, in one write for all of one tick. */
import type { Duplex } from "node:stream";

/** Bytes of commands that do not wait for others to share their write. */
const ENOUGH = 1024;
/** Bytes of bodies up to which all is copied into one piece: that is cheaper than a write of several. */
const SMALL = 32 * 1024;

/** Gathers what is sent. Text and bytes keep their order. */
export class Outgoing {
  /** Where it goes; undefined while the connection changes its form: what is written meanwhile waits. */
  socket: Duplex | undefined;
  #text = "";
  /** Small pieces that leave as one, before the text. */
  #pieces: (Buffer | string)[] = [];
  #octets = 0;
  /** True where what was written in this tick is about to leave. */
  #leaving = false;
  /** The socket that holds bytes of this tick back, to send them in one write. */
  #corked: Duplex | undefined;

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
      if (this.#octets > SMALL) this.#spill();
    }
  }

  /** Sends now what was to leave when this tick is over. */
  flush(): void {
    this.#leaving = false;
    if (this.#pieces.length > 0) this.#gather();
    this.#writeOut();
    this.#corked?.uncork();
    this.#corked = undefined;
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    queueMicrotask(() => this.flush());
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
    for (const each of this.#taken()) this.#corked.write(each, "latin1");
  }

  #writeOut(): void {
    if (this.socket === undefined) return;
    if (this.#pieces.length > 0) this.socket.write(joined(this.#octets, this.#taken()));
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.socket.write(text, "latin1");
  }

  #taken(): readonly (Buffer | string)[] {
    const pieces = this.#pieces;
    this.#pieces = [];
    this.#octets = 0;
    return pieces;
  }
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
