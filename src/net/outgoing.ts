/** What leaves a connection: commands as text, bodies as bytes, in one write for all of one tick. */
import type { Duplex } from "node:stream";

/** Bytes of commands that do not wait for others to share their write. */
const ENOUGH = 1024;

/** Gathers what is sent. Text and bytes keep their order. */
export class Outgoing {
  /** Where it goes; undefined while the connection changes its form: what is written meanwhile waits. */
  socket: Duplex | undefined;
  #text = "";
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
    if (this.#corked === undefined) {
      this.#corked = this.socket;
      this.#corked?.cork();
    }
    this.#writeOut();
    for (const each of bytes) this.#corked?.write(each);
  }

  /** Sends now what was to leave when this tick is over. */
  flush(): void {
    this.#leaving = false;
    this.#writeOut();
    this.#corked?.uncork();
    this.#corked = undefined;
  }

  #leave(): void {
    if (this.#leaving) return;
    this.#leaving = true;
    queueMicrotask(() => this.flush());
  }

  #writeOut(): void {
    if (this.#text === "" || this.socket === undefined) return;
    const text = this.#text;
    this.#text = "";
    this.socket.write(text, "latin1");
  }
}
