/** The way of rows into their feed where several calls bring them: other calls have their turn between two of these. */
import type { Feed } from "../client/rows.js";

/** Waits where the feed has no room, while no call is running: one that is made inside the loop over the rows can be. */
export class Gate<T> {
  /** True where the consumer has left: rows are not wanted any more. */
  left = false;
  readonly #feed: Feed<T>;
  #room: (() => void) | undefined;

  /** `most`: bytes that all rows in one array may have. */
  constructor(feed: Feed<T>, most: number) {
    this.#feed = feed;
    feed.bound(most);
    feed.resume = () => this.#room?.();
    feed.cancel = () => {
      this.left = true;
      this.#room?.();
    };
  }

  /** Gives rows of `bytes` bytes on; resolves when there is room for more. */
  async give(rows: T[], bytes: number): Promise<void> {
    if (this.#feed.push(rows, bytes) || this.left) return;
    await new Promise<void>((resolve) => (this.#room = resolve));
    this.#room = undefined;
  }
}

/** Gives what a call brought on; throws what it failed by. */
export async function giveSome<T extends { readonly head: Buffer }>(gate: Gate<T>, some: Some<T>): Promise<void> {
  const { rows, failure } = some;
  await gate.give(
    rows,
    rows.reduce((sum, { head }) => sum + head.length, 0),
  );
  if (failure) throw failure.error;
}

/** What a call brought, and why it brought no more: rows that came before a failure are given, too. */
export interface Some<T> {
  readonly rows: T[];
  readonly failure?: { readonly error: unknown } | undefined;
}
