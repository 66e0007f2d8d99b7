/** Messages that have new UIDs, since their mailbox has a new UIDVALIDITY: those that are stored are known again by their bytes. */
import { createHash, type Hash } from "node:crypto";
import type { EarlierMail, StoredMail } from "./journal.js";

/** What messages are known by. */
export function digesting(): Hash {
  return createHash("sha256");
}

/** Half of it tells any two messages apart. */
export function digestFrom(hash: Hash): string {
  return hash.digest("hex").slice(0, 32);
}

export class Renumbered {
  readonly #byDigest = new Map<string, EarlierMail[]>();
  readonly #pairs: [EarlierMail, StoredMail][] = [];

  /** What is stored under earlier UIDs. */
  constructor(earlier: readonly EarlierMail[]) {
    for (const mail of earlier) {
      const same = this.#byDigest.get(mail.digest);
      if (same) same.push(mail);
      else this.#byDigest.set(mail.digest, [mail]);
    }
  }

  /** True where no message that comes can be one of them. */
  get isEmpty(): boolean {
    return this.#byDigest.size === 0;
  }

  /** True for a message that is stored: one for each that was, so that two of the same bytes stay two. */
  claim(id: string, digest: string): boolean {
    const same = this.#byDigest.get(digest);
    const before = same?.pop();
    if (same?.length === 0) this.#byDigest.delete(digest);
    if (before === undefined) return false;
    this.#pairs.push([before, { id, digest }]);
    return true;
  }

  /** Takes away what was claimed since the last time: before, and now. */
  take(): [EarlierMail, StoredMail][] {
    return this.#pairs.splice(0);
  }
}
