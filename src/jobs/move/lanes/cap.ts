/** How many lanes the servers take: learned where one refuses a connection, and tried again every five minutes. Pure. */
import { TIMES } from "./times.js";

export class Cap {
  #limit = Number.POSITIVE_INFINITY;
  #probeAt = Number.POSITIVE_INFINITY;

  /** Lanes there may be now; one more than were taken where that is to be tried again. `at`: milliseconds. */
  room(at: number): number {
    return at >= this.#probeAt ? this.#limit + 1 : this.#limit;
  }

  /** Lanes that the servers took. Infinite where none was refused. */
  get limit(): number {
    return this.#limit;
  }

  /** A server refused one more connection, with so many lanes connected. */
  refused(connected: number, at: number): void {
    this.#limit = Math.max(1, connected);
    this.#probeAt = at + TIMES.cap;
  }

  /** So many lanes are connected: more than were taken before means that still more may be. */
  connected(lanes: number, at: number): void {
    if (lanes <= this.#limit) return;
    this.#limit = lanes;
    this.#probeAt = at;
  }
}
