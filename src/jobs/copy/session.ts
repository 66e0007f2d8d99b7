/** One session of a copy: what may be in the target is settled, then bundle after bundle goes there. */
import { type PolywireError, ReplyError, SinkError, UsageError } from "../../client/errors.js";
import type { MailFailure } from "../mail/failure.js";
import type { Maildrop } from "../mail/maildrop.js";
import type { ListedMail } from "../mail/plan.js";
import { Renumbered } from "../mail/renumbered.js";
import type { CopyJournal, Intent, SourceUid } from "./journal.js";
import { bundles, isLarge, type Packed, Packer } from "./parcels.js";
import type { CopyMeter } from "./progress.js";
import { settle } from "./settle.js";
import type { CopyTarget } from "./target.js";

/** Refusals that are about the target, not about a message: every other one would be refused, too. */
const HOPELESS: ReadonlySet<string> = new Set([
  "OVERQUOTA",
  "TRYCREATE",
  "NOPERM",
  "NONEXISTENT",
  "UNAVAILABLE",
  "INUSE",
]);

/** What a session shares with the others of its job. */
export interface CopyContext {
  readonly source: Maildrop & { readonly epoch: number };
  readonly target: CopyTarget;
  readonly journal: CopyJournal;
  readonly meter: CopyMeter;
  readonly failures: Map<number, MailFailure>;
  /** The file that a large message may be in meanwhile. */
  readonly spool: string;
  /** Bytes of a message in memory. */
  readonly largest: number;
  readonly signal: AbortSignal;
}

export class CopySession {
  readonly #context: CopyContext;
  readonly #packer: Packer;
  /** What was copied when the source had other UIDs. */
  #renumbered = new Renumbered([]);

  constructor(context: CopyContext) {
    this.#context = context;
    this.#packer = new Packer(context.source, context);
  }

  async run(): Promise<void> {
    const { source, target, journal, meter, failures, signal } = this.#context;
    meter.phase = "settling";
    journal.doubt(target.epoch);
    meter.found += await settle(journal, target, { signal });
    const earlier = journal.earlier(source.epoch);
    this.#renumbered = new Renumbered(earlier);
    const mails = await this.#list();
    meter.phase = "copying";
    await this.#copyAll(mails);
    // All there is has been compared with what had other UIDs: that is not needed any more.
    if (earlier.length > 0 && failures.size === 0) journal.forgetEarlier(source.epoch);
  }

  async #list(): Promise<ListedMail[]> {
    const { source, journal, meter, signal } = this.#context;
    meter.phase = "listing";
    const done = journal.done(source.epoch);
    const listing = await source.list((id) => done.has(Number(id)), { signal });
    const mails = listing.filter(({ number }) => !done.has(number));
    meter.wanted = meter.copied + mails.length;
    meter.wantedBytes = meter.bytes + mails.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
    meter.skipped ??= listing.length - mails.length;
    return mails;
  }

  /** While one bundle goes to the target, the next one comes from the source. */
  async #copyAll(mails: readonly ListedMail[]): Promise<void> {
    let coming: Promise<Packed[]> | undefined;
    for (const bundle of bundles(mails)) {
      const before = await coming;
      // There is one file for large messages: the one before has to leave it first.
      if (before && bundle.some(isLarge)) await this.#send(before);
      coming = this.#pack(bundle);
      // It is waited for below, or what was sent meanwhile has failed.
      coming.catch(() => {});
      if (before && !bundle.some(isLarge)) await this.#send(before);
    }
    if (coming) await this.#send(await coming);
  }

  async #pack(bundle: readonly ListedMail[]): Promise<Packed[]> {
    const { meter } = this.#context;
    const packed: Packed[] = [];
    for (const [i, each] of (await this.#packer.pack(bundle)).entries()) {
      const mail = bundle[i] as ListedMail;
      if (each.status === "rejected") this.#failed(mail, each.reason);
      else if (each.value !== undefined) packed.push(each.value);
      else {
        meter.vanished++;
        meter.pass(mail.bytes);
      }
    }
    return packed;
  }

  /** Says what is about to be sent, sends it, and says what has arrived. */
  async #send(packed: readonly Packed[]): Promise<void> {
    const fresh = this.#withoutKnown(packed);
    if (fresh.length === 0) return;
    const { journal } = this.#context;
    journal.intend(fresh.map((each) => this.#intentOf(each)));
    try {
      this.#arrived(fresh, await this.#context.target.append(fresh));
    } catch (error) {
      if (!isOfMessage(error)) throw error;
      await this.#sendEach(fresh);
    }
  }

  /** A bundle was refused: some of it may be in the target, and one of the rest is why. */
  async #sendEach(packed: readonly Packed[]): Promise<void> {
    const { journal, target, signal, source } = this.#context;
    // Everything was answered: nothing comes late.
    await settle(journal, target, { signal, late: 0 });
    const done = journal.done(source.epoch);
    for (const each of packed) {
      if (done.has(each.mail.number)) {
        this.#count(each);
        continue;
      }
      journal.intend([this.#intentOf(each)]);
      try {
        this.#arrived([each], await target.append([each]));
      } catch (error) {
        if (!isOfMessage(error)) throw error;
        journal.drop([this.#uidOf(each.mail)]);
        this.#failed(each.mail, error);
      }
    }
  }

  /** Messages that were copied when they had other UIDs need no copy. */
  #withoutKnown(packed: readonly Packed[]): Packed[] {
    const { journal, meter } = this.#context;
    const fresh = packed.filter(({ mail, traits }) => !this.#renumbered.claim(mail.id, traits.digest));
    const pairs = this.#renumbered.take();
    if (pairs.length === 0) return fresh;
    const { epoch } = this.#context.source;
    journal.rename(
      pairs.map(([before, now]) => [
        { epoch: before.epoch, uid: Number(before.id) },
        { epoch, uid: Number(now.id) },
      ]),
    );
    meter.recognised += pairs.length;
    for (const { mail } of packed.filter((each) => !fresh.includes(each))) meter.pass(mail.bytes);
    return fresh;
  }

  #arrived(packed: readonly Packed[], targets: readonly (number | null)[]): void {
    const { journal, target } = this.#context;
    journal.arrive(
      packed.map(({ mail }, i) => ({ ...this.#uidOf(mail), target: targets[i] ?? null })),
      target.epoch,
    );
    for (const each of packed) this.#count(each);
  }

  #count({ mail, traits }: Packed): void {
    const { meter, failures } = this.#context;
    meter.copied++;
    meter.bytes += traits.bytes;
    failures.delete(mail.number);
  }

  #uidOf({ number }: ListedMail): SourceUid {
    return { epoch: this.#context.source.epoch, uid: number };
  }

  #intentOf({ mail, traits }: Packed): Intent {
    const { epoch, low } = this.#context.target;
    return { ...this.#uidOf(mail), ...traits, targetEpoch: epoch, low, at: Date.now() };
  }

  /** A message that one side refuses is told; anything else ends the session. */
  #failed({ uid, number }: ListedMail, error: unknown): void {
    if (!isOfMessage(error)) throw error;
    this.#context.failures.set(number, { uid, number, error });
  }
}

/** True where the next message may fare better. */
function isOfMessage(error: unknown): error is PolywireError {
  if (error instanceof ReplyError) return error.clientUsable && !HOPELESS.has(error.enhanced ?? "");
  return (error instanceof UsageError || error instanceof SinkError) && error.clientUsable;
}
