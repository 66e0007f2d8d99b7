/** Messages of the source on their way: many small ones in memory, a large one in a file. */
import { rm } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { SinkError } from "../../client/errors.js";
import { crlfPieces } from "../../message/line-ends.js";
import { writeAside } from "../../message/whole-file.js";
import { fetchInto, type Maildrop } from "../mail/maildrop.js";
import type { ListedMail } from "../mail/plan.js";
import { digestFrom, digesting } from "../mail/renumbered.js";
import type { Traits } from "./journal.js";
import type { Parcel } from "./target.js";
import { messageIdOf, secondOf, traitsOf } from "./traits.js";

const MiB = 1024 * 1024;
/** Messages, and bytes, that go together. */
const TOGETHER = { count: 100, bytes: 4 * MiB };
/** Bytes that the messages of a bundle may have, whatever was said of their sizes. */
const IN_MEMORY = 4 * TOGETHER.bytes;
/** Bytes of a large message that are looked at for its Message-ID. */
const HEAD = 64 * 1024;

/** A message that is here, and not yet in the target. */
export interface Packed extends Parcel {
  readonly mail: ListedMail;
  readonly traits: Traits;
}

/** What came of a message that was asked for: it is gone; it is larger than was said, and nothing of it is kept. */
export type Unpacked = "vanished" | "large";

/** Messages in their order, as many as go together; one that is larger than all that goes alone, as one that has to. */
export function* bundles(
  mails: readonly ListedMail[],
  hasToGoAlone: (mail: ListedMail) => boolean = () => false,
): Generator<ListedMail[]> {
  let bundle: ListedMail[] = [];
  let bytes = 0;
  for (const mail of mails) {
    const cost = hasToGoAlone(mail) ? TOGETHER.bytes : (mail.bytes ?? TOGETHER.bytes);
    if (bundle.length === TOGETHER.count || (bundle.length > 0 && bytes + cost > TOGETHER.bytes)) {
      yield bundle;
      bundle = [];
      bytes = 0;
    }
    bundle.push(mail);
    bytes += cost;
  }
  if (bundle.length > 0) yield bundle;
}

/** Fetches messages of the source. */
export class Packer {
  readonly #drop: Maildrop;
  readonly #signal: AbortSignal;
  readonly #spool: string;

  /** `spool`: the file that a large message may be in meanwhile. */
  constructor(drop: Maildrop, options: { readonly spool: string; readonly signal: AbortSignal }) {
    this.#drop = drop;
    this.#signal = options.signal;
    this.#spool = options.spool;
  }

  /** Each of a bundle, or why it is not here. */
  pack(mails: readonly ListedMail[]): Promise<PromiseSettledResult<Packed | Unpacked>[]> {
    const held = { bytes: 0 };
    return Promise.allSettled(mails.map((mail) => (isLarge(mail) ? this.#toFile(mail) : this.#toMemory(mail, held))));
  }

  async #toMemory(mail: ListedMail, held: { bytes: number }): Promise<Packed | Unpacked> {
    const pieces: Buffer[] = [];
    let fits = true;
    const to = (piece: Buffer) => {
      fits &&= held.bytes + piece.length <= IN_MEMORY;
      if (fits) {
        pieces.push(Buffer.from(piece));
        held.bytes += piece.length;
      } else for (const { length } of pieces.splice(0)) held.bytes -= length;
    };
    if ((await this.#drop.fetch(mail, to, { signal: this.#signal })) === undefined) return "vanished";
    if (!fits) return "large";
    const content = Buffer.concat(pieces);
    return { mail, content, traits: traitsOf(content, mail.date), flags: mail.flags ?? [], date: mail.date };
  }

  /** Its size must be known before its first byte is sent, with the line ends set right. */
  async #toFile(mail: ListedMail): Promise<Packed | Unpacked> {
    const content = new PassThrough();
    const hash = digesting();
    let head = Buffer.alloc(0);
    async function* read() {
      for await (const piece of crlfPieces(content)) {
        hash.update(piece);
        if (head.length < HEAD) head = Buffer.concat([head, piece]).subarray(0, HEAD);
        yield piece;
      }
    }
    await rm(this.#spool, { force: true });
    const [got, put] = await Promise.allSettled([
      fetchInto(this.#drop, mail, content, this.#signal),
      writeAside(this.#spool, read(), { fsync: false, mode: 0o600 }).catch((error) => {
        content.destroy(error);
        throw error;
      }),
    ]);
    if (got.status === "rejected" && !(got.reason instanceof SinkError)) throw got.reason;
    if (got.status === "fulfilled" && got.value === undefined) return "vanished";
    if (put.status === "rejected") throw put.reason;
    if (got.status === "rejected") throw got.reason;
    const messageId = messageIdOf(head);
    const traits = { digest: digestFrom(hash), bytes: put.value, messageId, date: secondOf(mail.date) };
    return { mail, content: this.#spool, traits, flags: mail.flags ?? [], date: mail.date };
  }
}

/** True for a message that does not go into memory. */
export function isLarge({ bytes }: ListedMail): boolean {
  return bytes === undefined || bytes >= TOGETHER.bytes;
}
