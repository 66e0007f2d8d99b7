/** Messages of the source on their way: many small ones in memory, a large one in a file. */
import { rm } from "node:fs/promises";
import { PassThrough } from "node:stream";
import { SinkError } from "../../client/errors.js";
import { crlfPieces } from "../../message/line-ends.js";
import { writeAside } from "../../message/whole-file.js";
import type { Maildrop } from "../mail/maildrop.js";
import type { ListedMail } from "../mail/plan.js";
import { digestFrom, digesting } from "../mail/renumbered.js";
import type { Traits } from "./journal.js";
import type { Parcel } from "./target.js";
import { messageIdOf, secondOf, traitsOf } from "./traits.js";

const MiB = 1024 * 1024;
/** Messages, and bytes, that go together. */
const TOGETHER = { count: 100, bytes: 4 * MiB };
/** Bytes of a large message that are looked at for its Message-ID. */
const HEAD = 64 * 1024;

/** A message that is here, and not yet in the target. */
export interface Packed extends Parcel {
  readonly mail: ListedMail;
  readonly traits: Traits;
}

/** Messages in their order, as many as go together; one that is larger than all that goes alone. */
export function* bundles(mails: readonly ListedMail[]): Generator<ListedMail[]> {
  let bundle: ListedMail[] = [];
  let bytes = 0;
  for (const mail of mails) {
    const cost = mail.bytes ?? TOGETHER.bytes;
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
  readonly #largest: number;

  /** `spool`: the file that a large message may be in meanwhile. `largest`: bytes that one in memory may have. */
  constructor(
    drop: Maildrop,
    options: { readonly spool: string; readonly largest: number; readonly signal: AbortSignal },
  ) {
    this.#drop = drop;
    this.#signal = options.signal;
    this.#spool = options.spool;
    this.#largest = options.largest;
  }

  /** Each of a bundle, or why it is not here: undefined where it is gone. */
  pack(mails: readonly ListedMail[]): Promise<PromiseSettledResult<Packed | undefined>[]> {
    return Promise.allSettled(mails.map((mail) => (isLarge(mail) ? this.#toFile(mail) : this.#toMemory(mail))));
  }

  async #toMemory(mail: ListedMail): Promise<Packed | undefined> {
    const pieces: Buffer[] = [];
    let length = 0;
    const to = (piece: Buffer) => {
      length += piece.length;
      if (length > this.#largest) throw new SinkError(`the message is larger than ${this.#largest} bytes`);
      pieces.push(Buffer.from(piece));
    };
    if ((await this.#drop.fetch(mail, to, { signal: this.#signal })) === undefined) return undefined;
    const content = Buffer.concat(pieces);
    return { mail, content, traits: traitsOf(content, mail.date), flags: mail.flags ?? [], date: mail.date };
  }

  /** Its size must be known before its first byte is sent, with the line ends set right. */
  async #toFile(mail: ListedMail): Promise<Packed | undefined> {
    const content = new PassThrough();
    content.on("error", () => {});
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
      this.#drop.fetch(mail, content, { signal: this.#signal }).then((bytes) => {
        if (bytes === undefined) content.destroy(new Error("the message is gone"));
        return bytes;
      }),
      writeAside(this.#spool, read(), { fsync: false, mode: 0o600 }).catch((error) => {
        content.destroy(error);
        throw error;
      }),
    ]);
    if (got.status === "rejected" && !(got.reason instanceof SinkError)) throw got.reason;
    if (got.status === "fulfilled" && got.value === undefined) return undefined;
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
