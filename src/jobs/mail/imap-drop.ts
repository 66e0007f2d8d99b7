/** A mailbox of IMAP, known by its UIDs: listed, fetched many at a time, and rid of messages that are stored. */
import { UsageError } from "../../client/errors.js";
import type { CallOptions } from "../../client/session.js";
import type { ImapClient } from "../../imap/client.js";
import { ImapBatches } from "./imap-batches.js";
import type { Deletion, Maildrop, MailSink } from "./maildrop.js";
import type { ListedMail } from "./plan.js";

/** How a mailbox is opened. */
export interface ImapDropOptions extends CallOptions {
  readonly mailbox: string;
  /** What the journal calls it. */
  readonly account: string;
  /** True where messages are to be deleted; else nothing in the mailbox is changed, not even what is `\Recent`. */
  readonly write: boolean;
}

export class ImapDrop implements Maildrop {
  readonly account: string;
  readonly epoch: number;
  readonly uidNext: number | undefined;
  readonly deletion: Deletion;
  readonly #client: ImapClient;
  readonly #batches: ImapBatches;

  private constructor(client: ImapClient, account: string, epoch: number, uidNext: number | undefined) {
    this.account = account;
    this.epoch = epoch;
    this.uidNext = uidNext;
    this.#client = client;
    // EXPUNGE alone removes whatever anybody has marked; that of UIDPLUS (RFC 4315) what it is told to.
    this.deletion = client.has("UIDPLUS") || client.has("IMAP4REV2") ? "at-once" : "mark-only";
    this.#batches = new ImapBatches(client);
  }

  /** Selects the mailbox. Throws UsageError for one that has no lasting UIDs, or may not be written to. */
  static async open(client: ImapClient, options: ImapDropOptions): Promise<ImapDrop> {
    const { mailbox, account, write, ...call } = options;
    const box = await (write ? client.select(mailbox, call) : client.examine(mailbox, call));
    if (box.uidValidity === undefined) {
      throw new UsageError(`the server gives the messages of ${mailbox} no lasting UIDs`, {
        advice: "nobody could tell which of them are stored: fetch this mailbox by POP3",
      });
    }
    const canMark = box.permanentFlags?.some((flag) => flag.toLowerCase() === "\\deleted") ?? true;
    if (write && (box.readOnly || !canMark)) {
      throw new UsageError(`in ${mailbox} nothing can be deleted`, { advice: "fetch it without deleteAfter" });
    }
    return new ImapDrop(client, account, box.uidValidity, box.uidNext);
  }

  async list(isKnown: (id: string) => boolean, call: CallOptions): Promise<ListedMail[]> {
    const uids = await this.#client.search({ all: true }, call);
    const listed = new Map<number, ListedMail>();
    for (const uid of uids.sort((a, b) => a - b)) listed.set(uid, listedMail(uid));
    const unknown = [...listed.values()].filter(({ id }) => !isKnown(id)).map(({ number }) => number);
    if (unknown.length > 0) await this.#measure(unknown, listed, call);
    return [...listed.values()];
  }

  fetch(mail: ListedMail, to: MailSink, call: CallOptions): Promise<number | undefined> {
    return this.#batches.fetch({ uid: mail.number, bytes: mail.bytes }, to, call);
  }

  async discard(mails: readonly ListedMail[], call: CallOptions): Promise<PromiseSettledResult<void>[]> {
    const uids = mails.map(({ number }) => number);
    const done = this.#discard(uids, call);
    const [answer] = await Promise.allSettled([done]);
    return mails.map(() => answer);
  }

  async commit(): Promise<void> {}

  /** Says something, so that the server does not hang up. */
  noop(call: CallOptions): Promise<unknown> {
    return this.#client.noop(call);
  }

  async #discard(uids: readonly number[], call: CallOptions): Promise<void> {
    await this.#client.store(uids, "+FLAGS.SILENT", ["\\Deleted"], call);
    if (this.deletion === "at-once") await this.#client.expunge(uids, call);
  }

  /** What is to be known of messages before they are fetched. */
  async #measure(uids: readonly number[], listed: Map<number, ListedMail>, call: CallOptions): Promise<void> {
    // Most messages have one of a few sets of flags.
    const sets = new Map<string, readonly string[]>();
    await this.#client.fetch(uids, ["FLAGS", "INTERNALDATE", "RFC822.SIZE"], call).each((rows) => {
      for (const { uid = 0, flags: told = [], internalDate: date, size: bytes } of rows) {
        const key = told.join(" ");
        // \Recent is the session's, not the message's.
        if (!sets.has(key))
          sets.set(
            key,
            told.filter((flag) => flag.toLowerCase() !== "\\recent"),
          );
        // One that came since is the next run's.
        if (listed.has(uid)) listed.set(uid, { ...listedMail(uid), bytes, flags: sets.get(key), date });
      }
    });
  }
}

/** A UID is its own number: those of IMAP change when others delete. */
function listedMail(uid: number): ListedMail {
  const id = String(uid);
  return { number: uid, uid: id, id, shared: false, bytes: undefined };
}
