/** One message after the other from the mailbox into the store: in memory, or as a stream where it is large. */
import { PassThrough } from "node:stream";
import { SinkError } from "../../client/errors.js";
import { NothingCame } from "./failure.js";
import { Hands } from "./hand.js";
import type { EarlierMail, StoredMail } from "./journal.js";
import { fetchInto, type Maildrop, nameOf } from "./maildrop.js";
import type { ListedMail } from "./plan.js";
import { digestFrom, digesting, type Renumbered } from "./renumbered.js";
import { type IncomingMail, keyOf, type MailStore } from "./stores/store.js";

const MiB = 1024 * 1024;
/** Messages from this size on go to the store as streams, where it takes them. */
const LARGE = 4 * MiB;
/** Bytes of messages in memory, before the server is held back. */
const IN_MEMORY = 64 * MiB;

/** Why a message was not stored: it is gone, or was stored when it had another UID. */
export type Passed = "vanished" | "recognised";

/** What deliveries need of their session. */
export interface DeliveryContext {
  readonly drop: Maildrop;
  readonly store: MailStore;
  readonly renumbered: Renumbered;
  /** Bytes of one message in memory. */
  readonly largest: number;
  readonly signal: AbortSignal;
}

export class Delivery {
  readonly #context: DeliveryContext;
  readonly #hands: Hands;
  /** Of messages that are in the store, and not yet in the journal. */
  readonly #digests = new Map<string, string>();

  constructor(context: DeliveryContext) {
    this.#context = context;
    this.#hands = new Hands({ together: IN_MEMORY, each: context.largest });
  }

  /** Resolves to the message's bytes when the store has it. Rejects with what server or store say. */
  deliver(mail: ListedMail): Promise<number | Passed> {
    const isLarge = this.#context.store.streams && (mail.bytes ?? LARGE) >= LARGE;
    return isLarge ? this.#stream(mail) : this.#inMemory(mail);
  }

  /** What the store calls a message. */
  keyOf(id: string): string {
    return keyOf(nameOf(this.#context.drop), id);
  }

  /** What the journal is to know of messages that are on the disk. */
  stored(ids: readonly string[]): StoredMail[] {
    return ids.map((id) => {
      const digest = this.#digests.get(id);
      this.#digests.delete(id);
      return { id, digest };
    });
  }

  /** What it is to know by another UID, since the last time. */
  renamed(): [EarlierMail, StoredMail][] {
    return this.#context.renumbered.take();
  }

  async #inMemory(mail: ListedMail): Promise<number | Passed> {
    const { drop, store, signal } = this.#context;
    const hand = this.#hands.hold();
    // It is not fetched to be refused.
    if ((mail.bytes ?? 0) > this.#hands.limits.each) throw hand.refuse();
    try {
      const bytes = await drop.fetch(mail, (piece) => hand.take(piece), { signal });
      if (bytes === undefined) return "vanished";
      if (bytes === 0 && mail.bytes) throw new NothingCame();
      const content = hand.whole();
      if (this.#isStored(mail, () => digestFrom(digesting().update(content)))) return "recognised";
      await store.put(this.#incoming(mail, content));
      return bytes;
    } catch (error) {
      throw hand.refusal ?? error;
    } finally {
      hand.release();
    }
  }

  async #stream(mail: ListedMail): Promise<number | Passed> {
    const { drop, renumbered, signal } = this.#context;
    if (renumbered.isEmpty) return this.#pass(mail);
    // What it is is known when all of it has come, and then it would be in the store.
    const hash = digesting();
    const bytes = await drop.fetch(mail, (piece) => void hash.update(piece), { signal });
    if (bytes === undefined) return "vanished";
    return this.#isStored(mail, () => digestFrom(hash)) ? "recognised" : this.#pass(mail);
  }

  async #pass(mail: ListedMail): Promise<number | Passed> {
    const { drop, store, signal } = this.#context;
    const content = new PassThrough();
    const [got, put] = await Promise.allSettled([
      fetchInto(drop, mail, content, signal),
      store.put(this.#incoming(mail, this.#digested(mail, content))).catch((error) => {
        // A store that fails before it reads leaves nobody to read: the rest of the message is dropped.
        content.destroy(error);
        throw error;
      }),
    ]);
    // Where the disk is full, the server's side fails, too: it is the disk that counts.
    if (got.status === "rejected" && !(got.reason instanceof SinkError)) throw got.reason;
    if (got.status === "fulfilled" && got.value === undefined) return "vanished";
    if (put.status === "rejected") throw put.reason;
    if (got.status === "rejected") throw got.reason;
    return got.value as number;
  }

  #incoming({ number, uid, id, flags, date }: ListedMail, content: IncomingMail["content"]): IncomingMail {
    return { number, uid, id, key: this.keyOf(id), content, flags, date };
  }

  /** True for a message that was stored when it had another UID. Else its digest is kept for the journal. */
  #isStored({ id }: ListedMail, digestOf: () => string): boolean {
    const { drop, renumbered } = this.#context;
    if (drop.epoch === undefined) return false;
    const digest = digestOf();
    if (renumbered.claim(id, digest)) return true;
    this.#digests.set(id, digest);
    return false;
  }

  /** A stream whose digest is known when it has ended, before the store has all of it. One that is empty must not be that. */
  async *#digested({ id, bytes }: ListedMail, content: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    const hash = digesting();
    let length = 0;
    for await (const piece of content) {
      hash.update(piece);
      length += piece.length;
      yield piece;
    }
    if (length === 0 && bytes) throw new NothingCame();
    this.#digests.set(id, digestFrom(hash));
  }
}
