/** One session of a mail job: listing → messages into the store → journal → deletions → the end, which makes them final. */
import { PassThrough } from "node:stream";
import { PolywireError, ReplyError, SinkError } from "../../client/errors.js";
import type { Pop3Client } from "../../pop3/client.js";
import { Hands, TooLarge } from "./hand.js";
import type { MailJournal } from "./journal.js";
import type { ResolvedMail } from "./options.js";
import { joinListings, type ListedMail, planMail } from "./plan.js";
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
/** Deletions asked for at once. */
const BATCH = 1_000;

/** A message that could not be fetched, or not be deleted. */
export interface MailFailure {
  readonly uid: string;
  /** Its number in that session. */
  readonly number: number;
  readonly error: PolywireError;
}

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
  /** Messages that are marked: their deletion is final with the end of the session. */
  readonly #marked: string[] = [];

  /** The client is logged in. */
  constructor(context: SessionContext, client: Pop3Client) {
    this.#context = context;
    this.#client = client;
    this.#account = context.mail.source.account();
    this.#hands = new Hands({ together: IN_MEMORY, each: context.mail.source.largest });
  }

  /** What was stored is in the journal, also where this rejects. */
  async run(): Promise<void> {
    const { meter, mail } = this.#context;
    const timer = setInterval(() => this.#commit(), COMMIT);
    try {
      const { fetch, known } = await this.#plan();
      meter.phase = "fetching";
      await this.#fetchAll(fetch);
      clearInterval(timer);
      await this.#commit();
      this.#check();
      meter.phase = "deleting";
      if (mail.deleteAfter) await this.#delete(known.filter(this.#isStored()));
      this.#check();
      await this.#client.commit({ signal: this.#context.signal });
      meter.gone += this.#marked.splice(0).length;
    } finally {
      clearInterval(timer);
      await this.#window.empty();
      await this.#commit();
      for (const uid of this.#marked) this.#context.unsure.add(uid);
    }
  }

  /** Lists the mailbox, and remembers what a job that died had stored and not yet remembered. */
  async #plan() {
    const { meter, mail, store, journal, signal } = this.#context;
    meter.phase = "listing";
    const call = { signal };
    const [uids, sizes] = await Promise.all([
      this.#client.uidl(undefined, call).toArray(),
      this.#client.list(undefined, call).toArray(),
    ]);
    const listing = joinListings(uids, sizes);
    this.#settle(uids);
    const isKnown = this.#isStored();
    const lost = listing.filter((each) => !isKnown(each) && store.has(keyOf(this.#account, each.uid)));
    await this.#commit();
    journal.commit(
      this.#account,
      lost.map(({ uid }) => uid),
    );
    const { newest } = mail;
    const limit = mail.limit === undefined ? undefined : mail.limit - meter.fetched;
    const isStored = this.#isStored();
    const plan = planMail(listing, { isStored: (uid) => isStored({ uid }), newest, limit });
    for (const each of plan.nameless) this.#fail(each, nameless());
    meter.wanted = meter.fetched + plan.fetch.length;
    meter.wantedBytes = meter.bytes + plan.fetch.reduce((sum, { bytes }) => sum + bytes, 0);
    // What an earlier session of this job has fetched was not passed over.
    meter.skipped ??= plan.known.length;
    return plan;
  }

  /** What is no longer listed was deleted by a session whose end was lost. */
  #settle(uids: readonly { readonly uid: string }[]): void {
    const { unsure, meter } = this.#context;
    const listed = new Set(uids.map(({ uid }) => uid));
    for (const uid of unsure) {
      if (!listed.has(uid)) meter.gone++;
      // It is marked anew.
      else meter.deleted--;
    }
    unsure.clear();
  }

  #isStored(): (mail: Pick<ListedMail, "uid">) => boolean {
    const isStored = this.#context.journal.stored(this.#account);
    return ({ uid }) => isStored(uid);
  }

  async #fetchAll(mails: readonly ListedMail[]): Promise<void> {
    for (const mail of mails) {
      await this.#window.enter(mail.bytes);
      if (this.#failure) {
        this.#window.leave(mail.bytes);
        break;
      }
      void this.#fetch(mail)
        .catch((error) => this.#failed(mail, error))
        .finally(() => this.#window.leave(mail.bytes));
    }
    await this.#window.empty();
    this.#check();
  }

  async #fetch(mail: ListedMail): Promise<void> {
    const { meter, store } = this.#context;
    const bytes = store.streams && mail.bytes >= LARGE ? await this.#stream(mail) : await this.#inMemory(mail);
    meter.fetched++;
    meter.bytes += bytes;
  }

  async #inMemory({ number, uid }: ListedMail): Promise<number> {
    const { store, signal } = this.#context;
    const hand = this.#hands.hold();
    try {
      const { bytes } = await this.#client.retr(number, { to: (piece) => hand.take(piece), signal });
      await store.put({ number, uid, key: keyOf(this.#account, uid), content: hand.whole() });
      return bytes;
    } catch (error) {
      throw hand.refusal ?? error;
    } finally {
      hand.release();
    }
  }

  async #stream({ number, uid }: ListedMail): Promise<number> {
    const { store, signal } = this.#context;
    const content = new PassThrough();
    const [got, put] = await Promise.allSettled([
      this.#client.retr(number, { to: content, signal }),
      store.put({ number, uid, key: keyOf(this.#account, uid), content }),
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

  #fail({ number, uid }: ListedMail, error: PolywireError): void {
    this.#context.failures.set(`${uid}\0${uid === "" ? number : ""}`, { uid, number, error });
  }

  #check(): void {
    if (this.#failure) throw this.#failure.reason;
  }

  /** Remembers what is on the disk, then deletes it; one at a time. */
  #commit(): Promise<void> {
    this.#commits = this.#commits.then(() => this.#commitNow());
    return this.#commits;
  }

  async #commitNow(): Promise<void> {
    const { store, journal, mail, lost } = this.#context;
    try {
      const { mails, position } = await store.flush();
      if (mails.length === 0) return;
      journal.commit(
        this.#account,
        mails.map(({ uid }) => uid),
        position,
      );
      if (mail.deleteAfter && !this.#failure) await this.#delete(mails);
    } catch (reason) {
      lost();
      this.#failure ??= { reason };
    }
  }

  async #delete(mails: readonly Pick<ListedMail, "number" | "uid">[]): Promise<void> {
    const { signal, meter } = this.#context;
    for (let at = 0; at < mails.length; at += BATCH) {
      const batch = mails.slice(at, at + BATCH).map(async (mail) => {
        try {
          await this.#client.dele(mail.number, { signal });
          this.#marked.push(mail.uid);
          meter.deleted++;
        } catch (error) {
          this.#failed({ ...mail, bytes: 0 }, error);
        }
      });
      await Promise.all(batch);
    }
  }
}

function nameless(): PolywireError {
  return new PolywireError("the server gives this message no unique id: it would be fetched again each time");
}
