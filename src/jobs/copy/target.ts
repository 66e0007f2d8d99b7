/** The mailbox that mail is copied into: opened or made, added to, and looked through for what may be in it already. */
import type { Hash } from "node:crypto";
import { ReplyError, UsageError } from "../../client/errors.js";
import type { CallOptions } from "../../client/session.js";
import type { Source } from "../../client/sink.js";
import type { ImapClient } from "../../imap/client.js";
import type { FetchData } from "../../imap/fetch-data.js";
import type { Mailbox } from "../../imap/mailbox.js";
import { digestFrom, digesting } from "../mail/renumbered.js";
import { type Candidate, messageIdOf, secondOf } from "./traits.js";

/** A message on its way. */
export interface Parcel {
  readonly content: Source;
  readonly flags: readonly string[];
  readonly date: Date | undefined;
}

/** What a flag is made of (RFC 9051 §9); what a server has beyond it cannot be sent. */
const FLAG = /^\\?[!#$&'+,\-./0-9:;<=>?@A-Z[^_`a-z|}~]+$/;

/** What a target is opened with. */
export interface CopyTargetOptions {
  /** Gets the flags that the mailbox cannot keep. */
  readonly dropped: Set<string>;
  readonly signal: AbortSignal;
}

export class CopyTarget {
  /** UIDVALIDITY. */
  readonly epoch: number;
  /** Flags that the mailbox cannot keep, and messages had. */
  readonly dropped: Set<string>;
  /** UIDs of messages that come now are at least this one. */
  low: number;
  readonly #client: ImapClient;
  readonly #name: string;
  readonly #flags: ReadonlySet<string> | undefined;
  readonly #signal: AbortSignal;

  private constructor(client: ImapClient, box: Mailbox, epoch: number, { dropped, signal }: CopyTargetOptions) {
    this.#client = client;
    this.#name = box.name;
    this.#signal = signal;
    this.dropped = dropped;
    this.epoch = epoch;
    this.low = box.uidNext ?? 1;
    this.#flags = box.permanentFlags && new Set(box.permanentFlags.map((flag) => flag.toLowerCase()));
  }

  /** Opens the mailbox; where there is none it is made. Throws UsageError for one that has no lasting UIDs. */
  static async open(client: ImapClient, name: string, options: CopyTargetOptions): Promise<CopyTarget> {
    const { signal } = options;
    const box = await client.select(name, { signal }).catch(async (refused) => {
      if (!(refused instanceof ReplyError)) throw refused;
      // Where it cannot be made, that it was not there is what is to be told.
      await client.create(name, { signal }).catch((error) => {
        throw error instanceof ReplyError ? refused : error;
      });
      return client.select(name, { signal });
    });
    if (box.uidValidity === undefined) {
      throw new UsageError(`the server gives the messages of ${name} no lasting UIDs`, {
        advice: "nobody could tell which of them have come: copy into another mailbox",
      });
    }
    return new CopyTarget(client, box, box.uidValidity, options);
  }

  /** Says something, so that the server does not hang up. */
  noop(call: CallOptions): Promise<unknown> {
    return this.#client.noop(call);
  }

  /** Of the flags of a message those that the mailbox can keep. */
  keepable(flags: readonly string[]): string[] {
    return flags.filter((flag) => {
      const own = flag.toLowerCase();
      const isKept = !this.#flags || this.#flags.has(own) || (!own.startsWith("\\") && this.#flags.has("\\*"));
      if (!isKept || !FLAG.test(flag)) this.dropped.add(flag);
      return isKept && FLAG.test(flag);
    });
  }

  /** Adds messages. Resolves to their UIDs, null where the server does not tell them. */
  async append(parcels: readonly Parcel[]): Promise<(number | null)[]> {
    const messages = parcels.map(({ content, flags, date }) => ({ content, flags: this.keepable(flags), date }));
    const rows = await this.#client.appendAll(this.#name, messages, { signal: this.#signal }).toArray();
    const uids = rows.map(({ uid, uidValidity }) => (uidValidity === this.epoch ? (uid ?? null) : null));
    for (const uid of uids) if (uid !== null) this.low = Math.max(this.low, uid + 1);
    return uids;
  }

  /** What came since, less what is known: from this UID on. */
  async candidates(low: number, known: ReadonlySet<number>): Promise<Candidate[]> {
    const call: CallOptions = { signal: this.#signal };
    // So that those that came meanwhile are among them.
    await this.#client.noop(call);
    const found: Candidate[] = [];
    const items = ["RFC822.SIZE", "INTERNALDATE", "BODY.PEEK[HEADER.FIELDS (MESSAGE-ID)]"];
    await this.#client.fetch(`${low}:*`, items, call).each((rows) => {
      for (const row of rows) {
        // `9:*` is the last message, too, where all are below 9.
        if (row.uid !== undefined && row.uid >= low && !known.has(row.uid)) found.push(candidate(row.uid, row));
      }
    });
    return found;
  }

  /** The digests of messages; one that is gone has none. */
  async digests(uids: readonly number[]): Promise<Map<number, string>> {
    const digests = new Map<number, string>();
    if (uids.length === 0) return digests;
    // Of those that are coming: there may be a hundred thousand in all.
    const hashes = new Map<number, Hash>();
    const to = ({ uid = 0 }) => {
      const hash = digesting();
      hashes.set(uid, hash);
      return (piece: Buffer) => void hash.update(piece);
    };
    await this.#client.fetch(uids, "BODY.PEEK[]", { to, signal: this.#signal }).each((rows) => {
      for (const { uid = 0 } of rows) {
        const hash = hashes.get(uid);
        if (hash) digests.set(uid, digestFrom(hash));
        hashes.delete(uid);
      }
    });
    return digests;
  }
}

function candidate(uid: number, { size = 0, internalDate, body }: FetchData): Candidate {
  const header = [...body.values()][0] ?? Buffer.alloc(0);
  return { uid, bytes: size, date: secondOf(internalDate), messageId: messageIdOf(header) };
}
