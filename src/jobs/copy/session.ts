/** One session of a copy: what may be in the target is settled, then bundle after bundle goes there. */
import { AbortedError, ConnectionError } from "../../client/errors.js";
import type { MailFailure } from "../mail/failure.js";
import type { Maildrop } from "../mail/maildrop.js";
import type { ListedMail } from "../mail/plan.js";
import { Renumbered } from "../mail/renumbered.js";
import { checkUids } from "../mail/reused.js";
import { Awake, type Sleeper } from "./awake.js";
import type { CopyJournal, Intent, SourceUid } from "./journal.js";
import { bundles, isLarge, type Packed, Packer } from "./parcels.js";
import type { CopyMeter } from "./progress.js";
import { isOfMessage, MANY } from "./refusals.js";
import { settle, TOUCH } from "./settle.js";
import type { Suspects } from "./suspects.js";
import type { CopyTarget } from "./target.js";

/** What a session shares with the others of its job. */
export interface CopyContext {
  readonly source: Maildrop & Sleeper & { readonly epoch: number; readonly uidNext: number | undefined };
  readonly target: CopyTarget;
  readonly journal: CopyJournal;
  readonly meter: CopyMeter;
  readonly failures: Map<number, MailFailure>;
  readonly suspects: Suspects;
  /** The file that a large message may be in meanwhile. */
  readonly spool: string;
  readonly signal: AbortSignal;
}

export class CopySession {
  readonly #context: CopyContext;
  readonly #packer: Packer;
  /** What was copied when the source had other UIDs. */
  #renumbered = new Renumbered([]);
  /** Messages that are larger than the source says. */
  readonly #large: ListedMail[] = [];
  readonly #awake = new Awake();

  constructor(context: CopyContext) {
    this.#context = context;
    this.#packer = new Packer(context.source, context);
  }

  async run(): Promise<void> {
    const { source, target, signal } = this.#context;
    this.#awake.begin([source, target], { signal });
    try {
      await this.#awake.during(target, () => this.#settle());
      await this.#copyAll(await this.#awake.during(source, () => this.#list()));
      // All there is has been compared with what had other UIDs: there is no need to do so again.
      if (this.#context.failures.size === 0) this.#context.journal.setAside(source.epoch);
    } finally {
      this.#awake.end();
    }
  }

  async #settle(): Promise<void> {
    const { source, target, journal, meter, signal } = this.#context;
    meter.phase = "settling";
    const isDoubted = journal.doubt(target.epoch);
    const arrived = await settle(journal, target, { signal });
    // What an earlier session of this run had sent is copied by it.
    if (meter.skipped === undefined) meter.found += arrived.length;
    else if (!isDoubted) for (const { uid, bytes } of arrived) this.#add(uid, bytes);
    this.#renumbered = new Renumbered(journal.earlier(source.epoch));
  }

  async #list(): Promise<ListedMail[]> {
    const { source, journal, meter, signal, suspects } = this.#context;
    meter.phase = "listing";
    const done = journal.done(source.epoch);
    const listing = await source.list((id) => done.has(Number(id)), { signal });
    const highest = [...done].reduce((most, uid) => Math.max(most, uid), 0);
    checkUids({ mailbox: source.account, uidNext: source.uidNext, highest, listing });
    const mails = listing.filter(({ number }) => !done.has(number) && !suspects.isGivenUp(number));
    meter.wanted = meter.copied + mails.length;
    meter.wantedBytes = meter.bytes + mails.reduce((sum, { bytes = 0 }) => sum + bytes, 0);
    meter.skipped ??= listing.filter(({ number }) => done.has(number)).length;
    return mails;
  }

  async #copyAll(mails: readonly ListedMail[]): Promise<void> {
    this.#context.meter.phase = "copying";
    await this.#copyMails(mails);
    // Of some the source said less than they have: those go as large ones do.
    await this.#copyMails(this.#large);
  }

  /** While one bundle goes to the target, the next one comes from the source. */
  async #copyMails(mails: readonly ListedMail[]): Promise<void> {
    const { suspects } = this.#context;
    let coming: Promise<Packed[]> | undefined;
    for (const bundle of bundles(mails, ({ number }) => suspects.has(number))) {
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
    const { meter, source } = this.#context;
    const packed: Packed[] = [];
    const settled = await this.#awake.during(source, () => this.#packer.pack(bundle));
    for (const [i, each] of settled.entries()) {
      const mail = bundle[i] as ListedMail;
      if (each.status === "rejected") this.#failed(mail, each.reason);
      else if (each.value === "large") this.#large.push({ ...mail, bytes: undefined });
      else if (each.value !== "vanished") packed.push(each.value);
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
    try {
      await this.#append(fresh);
    } catch (error) {
      if (!isOfMessage(error)) throw error;
      await this.#sendEach(fresh);
    }
  }

  async #append(packed: readonly Packed[]): Promise<void> {
    const { journal, target } = this.#context;
    journal.intend(packed.map((each) => this.#intentOf(each)));
    const timer = setInterval(() => this.#touch(), TOUCH);
    try {
      this.#arrived(packed, await this.#awake.during(target, () => target.append(packed)));
    } catch (error) {
      if (error instanceof ConnectionError && !(error instanceof AbortedError)) this.#lost(packed, error);
      throw error;
    } finally {
      clearInterval(timer);
    }
  }

  /** The journal is told that something is being sent still. */
  #touch(): void {
    try {
      this.#context.journal.touch(Date.now());
    } catch {
      // What is wrong with it ends the job when something has arrived.
    }
  }

  /** The target has hung up at these, or is silent. */
  #lost(packed: readonly Packed[], error: ConnectionError): void {
    const { suspects, failures } = this.#context;
    const isGivenUp = suspects.lost(packed.map(({ mail }) => mail.number));
    if (isGivenUp)
      for (const { uid, number } of packed.map(({ mail }) => mail)) failures.set(number, { uid, number, error });
  }

  /** A bundle was refused: some of it may be in the target, and one of the rest is why. */
  async #sendEach(packed: readonly Packed[]): Promise<void> {
    const { journal, target, signal, source } = this.#context;
    // Everything was answered: nothing comes late.
    await this.#awake.during(target, () => settle(journal, target, { signal, late: false }));
    const done = journal.done(source.epoch);
    let refused = 0;
    for (const each of packed) {
      if (done.has(each.mail.number)) {
        this.#add(each.mail.number, each.traits.bytes);
        continue;
      }
      try {
        await this.#append([each]);
      } catch (error) {
        if (!isOfMessage(error)) throw error;
        journal.drop([this.#uidOf(each.mail)]);
        this.#failed(each.mail, error);
        if (++refused >= MANY && refused === packed.length) throw error;
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
    for (const { mail, traits } of packed) this.#add(mail.number, traits.bytes);
  }

  #add(uid: number, bytes: number): void {
    const { meter, failures } = this.#context;
    meter.copied++;
    meter.bytes += bytes;
    failures.delete(uid);
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
