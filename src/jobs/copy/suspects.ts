/** Messages that were under way when the connection was lost: one of them may be why. No I/O. */

/** Losses at a message, the last of them while it was sent alone, after which it is given up. */
const MOST = 2;

/**
 * A server may hang up at a message that it does not take (RFC 7888 §4). Those of a bundle that was lost go one by one, and one
 * at which the connection is lost again is given up in this run: those behind it are not to wait for it for ever.
 */
export class Suspects {
  readonly #losses = new Map<number, number>();
  readonly #givenUp = new Set<number>();

  /** True for a message that is to be sent alone. */
  has(uid: number): boolean {
    return this.#losses.has(uid);
  }

  /** True for one that is not to be sent any more. */
  isGivenUp(uid: number): boolean {
    return this.#givenUp.has(uid);
  }

  /** The connection was lost while these were sent. @returns true where that was one message, and it is given up. */
  lost(uids: readonly number[]): boolean {
    for (const uid of uids) this.#losses.set(uid, (this.#losses.get(uid) ?? 0) + 1);
    const [uid = 0] = uids;
    const isOver = uids.length === 1 && this.#losses.get(uid) === MOST;
    if (isOver) this.#givenUp.add(uid);
    return isOver;
  }
}
