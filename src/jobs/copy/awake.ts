/** Two connections: servers hang up who says nothing for long (RFC 9051 §5.4), and one side may wait an hour for the other. */
import type { CallOptions } from "../../client/session.js";

/** Milliseconds: also what stands between may forget a connection that is silent, and sooner than the half hour of the RFC. */
const EVERY = 120_000;

/** A side that can say something that means nothing. */
export interface Sleeper {
  noop(call: CallOptions): Promise<unknown>;
}

export class Awake {
  readonly #busy = new Map<Sleeper, number>();
  #timer: NodeJS.Timeout | undefined;

  begin(sides: readonly Sleeper[], call: CallOptions): void {
    const idle = (side: Sleeper) => !this.#busy.get(side);
    this.#timer = setInterval(() => {
      // What is wrong with a side is told by the call that needs it.
      for (const side of sides.filter(idle)) this.during(side, () => side.noop(call)).catch(() => {});
    }, EVERY);
  }

  /** Work of a side: it says enough meanwhile. */
  async during<T>(side: Sleeper, work: () => Promise<T>): Promise<T> {
    this.#busy.set(side, (this.#busy.get(side) ?? 0) + 1);
    try {
      return await work();
    } finally {
      this.#busy.set(side, (this.#busy.get(side) ?? 0) - 1);
    }
  }

  end(): void {
    clearInterval(this.#timer);
  }
}
