/** One session of a mail job: listing → messages into the store → journal → deletions → the end, which makes them final. */
import { PassThrough } from "node:stream";
import { type PolywireError, ReplyError, SinkError } from "../../client/errors.js";
import type { Pop3Client } from "../../pop3/client.js";
import { Deletions } from "./deletions.js";
import { failureOf, type MailFailure, nameless } from "./failure.js";
import { Hands, TooLarge } from "./hand.js";
import type { MailJournal } from "./journal.js";
import type { ResolvedMail } from "./options.js";
import { deletable, joinListings, type ListedMail, type MailPlan, planMail } from "./plan.js";
import type { MailMeter } from "./progress.js";
import { keyOf, type MailStore } from "./stores/store.js";
import { Window } from "./window.js";

const MiB = 1024 * 1024;
/** Messages, and bytes of them as the server says it, asked for and not yet stored. */
const UNDER_WAY = { count: 256, bytes: 16 * MiB };
/** Messages from this size on go to the store as streams, where it takes them. */
const LARGE = 4 * MiB;
/** Bytes of messages in memory, before the server is held back. */
const IN_MEMORY = 64 * MiB;
/** Milliseconds between two commits. */
const COMMIT = 1_000;

/** What a session shares with the others of its job. */
export interface SessionContext {
  readonly mail: ResolvedMail;
  readonly journal: MailJournal;
  readonly store: MailStore;
  readonly meter: MailMeter;
  readonly failures: Map<string, MailFailure>;
  /** What earlier sessions have marked as deleted, and may have deleted: they were lost before that was certain. */
  readonly unsure: Set<string>;
  /** Called where the store or the journal failed: what is in the store is not all in the journal. */
  readonly lost: () => void;
  /** Ends the session where the job ends: cancelled, or failed. */
  readonly signal: AbortSignal;
}

export class MailSession {
  readonly #context: SessionContext;
  readonly #client: Pop3Client;
  readonly #account: string;
  readonly #window = new Window(UNDER_WAY);
  readonly #hands: Hands;
  #commits: Promise<void> = Promise.resolve();
  #failure: { readonly reason: unknown } | undefined;
  readonly #deletions: Deletions;
  /** Messages that were asked for, by id. */
  readonly #asked = new Map<string, ListedMail>();

  /** The client is logged in. */
  constructor(context: SessionContext, client: Pop3Client) {
    this.#context = context;
    this.#client = client;
    this.#account = context.mail.source.account();
    this.#hands = new Hands({ together: IN_MEMORY, each: context.mail.source.largest });
    const { meter, signal } = context;
    this.#deletions = new Deletions({ client, meter, signal, failed: (mail, error) => this.#notDeleted(mail, error) });
  }

  /** What was stored is in the journal, also where this rejects. */
  async run(): Promise<void> {
    const { meter, mail } = this.#context;
    const timer = setInterval(() => this.#commit(), COMMIT);
    try {
      const plan = await this.#plan();
      meter.phase = "fetching";
      await this.#fetchAll(plan.fetch);
      clearInterval(timer);
      await this.#commit();
      this.#check();
      meter.phase = "deleting";
      if (mail.deleteAfter) this.#deletions.add(deletable(plan, this.#isStored()));
      await this.#deletions.settled();
      this.#check();
      await this.#deletions.commit();
    } finally {
      clearInterval(timer);
      await this.#window.empty();
      await this.#commit();
      await this.#deletions.settled();
      for (const id of this.#deletions.unsure) this.#context.unsure.add(id);
    }
  }

  /** Lists the mailbox, and remembers what a job that died had stored and not yet remembered. */
  async #plan(): Promise<MailPlan> {
    const { meter, mail, store, journal, signal } = this.#context;
    meter.phase = "listing";
    const call = { signal };
    const [uids, sizes] = await Promise.all([
      this.#client.uidl(undefined, call).toArray(),
      this.#client.list(undefined, call).toArray(),
    ]);
    const listing = joinListings(uids, sizes);
    this.#settle(listing);
    const isKnown = this.#isStored();
    const lost = listing.map(({ id }) => id).filter((id) => !isKnown(id) && store.has(keyOf(this.#account, id)));
    await this.#commit();
    journal.commit(this.#account, lost);
    const { newest } = mail;
    const limit = mail.limit === undefined ? undefined : mail.limit - meter.fetched;
    const plan = planMail(listing, { isStored: this.#isStored(), newest, limit });
    for (const each of plan.nameless) this.#fail(each, nameless());
    meter.wanted = meter.fetched + plan.fetch.length;
    meter.wantedBytes = meter.bytes + plan.fetch.reduce((sum, { bytes }) => sum + (bytes ?? 0), 0);
    // What an earlier session of this job has fetched was not passed over.
    meter.skipped ??= plan.known.length;
    return plan;
  }

  /** What is no longer listed was deleted by a session whose end was lost. */
  #settle(listing: readonly ListedMail[]): void {
    const { unsure, meter } = this.#context;
    const listed = new Set(listing.map(({ id }) => id));
    for (const id of unsure) {
      if (!listed.has(id)) meter.gone++;
      // It is marked anew.
      else meter.deleted--;
    }
    unsure.clear();
  }

  #isStored(): (id: string) => boolean {
    return this.#context.journal.stored(this.#account);
  }

  async #fetchAll(mails: readonly ListedMail[]): Promise<void> {
    for (const mail of mails) {
      // One whose size nobody knows goes alone, as the largest do.
      const cost = mail.bytes ?? UNDER_WAY.bytes;
      await this.#window.enter(cost);
      if (this.#failure) {
        this.#window.leave(cost);
        break;
      }
      this.#asked.set(mail.id, mail);
      void this.#fetch(mail)
        .catch((error) => this.#failed(mail, error))
        .finally(() => this.#window.leave(cost));
    }
    await this.#window.empty();
    this.#check();
  }

  async #fetch(mail: ListedMail): Promise<void> {
    const { meter, store } = this.#context;
    const bytes =
      store.streams && (mail.bytes ?? LARGE) >= LARGE ? await this.#stream(mail) : await this.#inMemory(mail);
    meter.fetched++;
    meter.bytes += bytes;
    // It may have been refused in an earlier session.
    this.#context.failures.delete(failureOf(mail));
  }

  async #inMemory({ number, uid, id, bytes: listed = 0 }: ListedMail): Promise<number> {
    const { store, signal } = this.#context;
    const hand = this.#hands.hold();
    // It is not fetched to be refused.
    if (listed > this.#hands.limits.each) throw hand.refuse();
    try {
      const { bytes } = await this.#client.retr(number, { to: (piece) => hand.take(piece), signal });
      await store.put({ number, uid, id, key: keyOf(this.#account, id), content: hand.whole() });
      return bytes;
    } catch (error) {
      throw hand.refusal ?? error;
    } finally {
      hand.release();
    }
  }

  async #stream({ number, uid, id }: ListedMail): Promise<number> {
    const { store, signal } = this.#context;
    const content = new PassThrough();
    // Both sides tell what became of it.
    content.on("error", () => {});
    const [got, put] = await Promise.allSettled([
      this.#client.retr(number, { to: content, signal }),
      store.put({ number, uid, id, key: keyOf(this.#account, id), content }).catch((error) => {
        // A store that fails before it reads leaves nobody to read: the rest of the message is dropped.
        content.destroy(error);
        throw error;
      }),
    ]);
    // Where the disk is full, the server's side fails, too: it is the disk that counts.
    if (got.status === "rejected" && !(got.reason instanceof SinkError)) throw got.reason;
    if (put.status === "rejected") throw put.reason;
    if (got.status === "rejected") throw got.reason;
    return got.value.bytes;
  }

  /** A message that the server refuses, or that is too large, is told; anything else ends the session. */
  #failed(mail: ListedMail, error: unknown): void {
    const isIts = error instanceof ReplyError || error instanceof TooLarge;
    if (isIts && error.clientUsable) this.#fail(mail, error);
    else this.#failure ??= { reason: error };
  }

  #fail(mail: ListedMail, error: PolywireError): void {
    const { uid, number } = mail;
    this.#context.failures.set(failureOf(mail), { uid, number, error });
  }

  #check(): void {
    if (this.#failure) throw this.#failure.reason;
  }

  /** Remembers what is on the disk, and has it deleted; one at a time. */
  #commit(): Promise<void> {
    this.#commits = this.#commits.then(() => this.#commitNow());
    return this.#commits;
  }

  async #commitNow(): Promise<void> {
    const { store, journal, mail, lost } = this.#context;
    try {
      const { ids, position } = await store.flush();
      if (ids.length === 0) return;
      journal.commit(this.#account, ids, position);
      if (!mail.deleteAfter || this.#failure) return;
      const mails = ids.map((id) => this.#asked.get(id)).filter((each) => each !== undefined);
      // Those that share a uid go together, in the end.
      this.#deletions.add(mails.filter(({ shared }) => !shared));
    } catch (reason) {
      lost();
      this.#failure ??= { reason };
    }
  }

  /** A refusal is told, also that of the session's end; anything else ends the session. */
  #notDeleted(mail: ListedMail, error: unknown): void {
    if (error instanceof ReplyError) this.#fail(mail, error);
    else this.#failure ??= { reason: error };
  }
}
