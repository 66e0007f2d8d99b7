/** One session of a mail job: listing → messages into the store → journal → deletions. */
import { type PolywireError, ReplyError } from "../../client/errors.js";
import { Deletions } from "./deletions.js";
import { Delivery, type Passed } from "./delivery.js";
import { failureOf, type MailFailure, NothingCame, nameless } from "./failure.js";
import { TooLarge } from "./hand.js";
import type { MailJournal } from "./journal.js";
import type { Maildrop } from "./maildrop.js";
import type { ResolvedMail } from "./options.js";
import { deletable, type ListedMail, type MailPlan, planMail } from "./plan.js";
import type { MailMeter } from "./progress.js";
import { Renumbered } from "./renumbered.js";
import { checkUids } from "./reused.js";
import type { MailStore } from "./stores/store.js";
import { Window } from "./window.js";

const MiB = 1024 * 1024;
/** Messages, and bytes of them as the server says it, asked for and not yet stored. */
const UNDER_WAY = { count: 256, bytes: 16 * MiB };
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
  readonly #drop: Maildrop;
  readonly #window = new Window(UNDER_WAY);
  #commits: Promise<void> = Promise.resolve();
  #failure: { readonly reason: unknown } | undefined;
  readonly #deletions: Deletions;
  /** Messages that were asked for, by id. */
  readonly #asked = new Map<string, ListedMail>();
  readonly #delivery: Delivery;

  constructor(context: SessionContext, drop: Maildrop) {
    this.#context = context;
    this.#drop = drop;
    const { mail, journal, store, meter, signal } = context;
    const renumbered = new Renumbered(drop.epoch === undefined ? [] : journal.earlier(drop));
    if (!renumbered.isEmpty) meter.renumbered ??= { uidValidity: drop.epoch ?? 0, recognised: 0 };
    this.#delivery = new Delivery({ drop, store, renumbered, largest: mail.source.largest, signal });
    this.#deletions = new Deletions({ drop, meter, signal, failed: (mail, error) => this.#notDeleted(mail, error) });
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
      this.#setAside();
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
    const listing = await this.#drop.list(this.#isStored(), { signal });
    this.#checkUids(listing);
    this.#settle(listing);
    const isKnown = this.#isStored();
    const lost = listing.filter(({ id }) => !isKnown(id) && store.has(this.#delivery.keyOf(id)));
    await this.#commit();
    journal.commit(
      this.#drop,
      lost.map(({ id }) => ({ id })),
    );
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

  #checkUids(listing: readonly ListedMail[]): void {
    const { account: mailbox, uidNext } = this.#drop;
    const highest = this.#context.journal.highest(this.#drop);
    if (this.#drop.epoch !== undefined) checkUids({ mailbox, uidNext, highest, listing });
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
    return this.#context.journal.stored(this.#drop);
  }

  /** When all there is has been compared with what had other UIDs, there is no need to do so again. */
  #setAside(): void {
    const { mail, journal, meter, failures } = this.#context;
    const isPart = mail.newest !== undefined || mail.limit !== undefined || failures.size > 0;
    if (meter.renumbered && !isPart) journal.setAside(this.#drop);
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
    const { meter, failures } = this.#context;
    const bytes = await this.#delivery.deliver(mail);
    if (typeof bytes === "number") {
      meter.fetched++;
      meter.bytes += bytes;
    } else this.#passOver(mail, bytes);
    // It may have been refused in an earlier session.
    failures.delete(failureOf(mail));
  }

  /** A message that there is no need to store. */
  #passOver({ bytes }: ListedMail, why: Passed): void {
    const { meter } = this.#context;
    meter.pass(bytes);
    if (why === "vanished") meter.vanished++;
    else meter.skipped = (meter.skipped ?? 0) + 1;
    if (why === "recognised" && meter.renumbered) meter.renumbered.recognised++;
  }

  /** A message that the server refuses, or gives nothing of, or that is too large, is told; anything else ends the session. */
  #failed(mail: ListedMail, error: unknown): void {
    const isIts = error instanceof ReplyError || error instanceof TooLarge || error instanceof NothingCame;
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
      const renamed = this.#delivery.renamed();
      if (ids.length > 0) journal.commit(this.#drop, this.#delivery.stored(ids), position);
      if (renamed.length > 0) journal.rename(this.#drop, renamed);
      if (!mail.deleteAfter || this.#failure) return;
      const known = [...ids, ...renamed.map(([, { id }]) => id)];
      const mails = known.map((id) => this.#asked.get(id)).filter((each) => each !== undefined);
      // Those that share a uid go together, in the end.
      const alone = mails.filter(({ shared }) => !shared);
      if (alone.length > 0) this.#deletions.add(alone);
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
