/** Messages on their way to be sent: prepared ahead of their turn, in their order. */
import { sourceError } from "./body.js";
import type { Job, Jobs } from "./delivery.js";
import type { MailInput, RawMessage, SendMailOptions } from "./options.js";
import { type Outcome, unsent } from "./outcome.js";
import { type Prepared, prepare } from "./prepare.js";
import type { SmtpSession } from "./session.js";
import { discard } from "./streams.js";

/** A message as it was given, and who is told what became of it. */
export interface Order {
  readonly message: MailInput | RawMessage;
  readonly options: SendMailOptions;
  /** True where it was cancelled, and is settled. */
  readonly dropped?: boolean | undefined;
  /** Called when its turn has come: it is sent now. */
  begin?(): void;
  /** Called once. */
  settle(outcome: Outcome): void;
}

/** Where messages come from. */
export interface Orders {
  /** The next one, perhaps later; undefined: none now. */
  pull(): Order | undefined | Promise<Order | undefined>;
  /** Resolves when there may be one again: false where there will be none. */
  more(): Promise<boolean>;
}

/** Messages and octets that are prepared ahead of the one to be sent. */
const AHEAD = 64;
const AHEAD_OCTETS = 4 * 1024 * 1024;

/** Takes orders as fast as they can be sent, and a few ahead. */
export class Supply implements Jobs {
  readonly #session: SmtpSession;
  readonly #orders: Orders;
  readonly #ready: { order: Order; job: Job; octets: number }[] = [];
  #head = 0;
  #octets = 0;
  /** The order that is being pulled or prepared. */
  #pulling: Promise<void> | undefined;
  /** True where the last pull gave nothing. */
  #dry = false;
  /** True where nobody wants what is still to come. */
  #dropped = false;
  #wake: (() => void) | undefined;
  /** What the source of the orders failed with: nothing more comes. */
  failure: { readonly error: unknown } | undefined;

  constructor(session: SmtpSession, orders: Orders) {
    this.#session = session;
    this.#orders = orders;
  }

  next(): Job | undefined {
    for (;;) {
      if (this.#head === this.#ready.length) this.#fill();
      const next = this.#ready[this.#head];
      if (next === undefined) return undefined;
      // A moving head instead of shift(), which is slow; but it must not get away from those that were sent.
      if (++this.#head >= AHEAD) this.#ready.splice(0, this.#head);
      this.#head %= AHEAD;
      this.#octets -= next.octets;
      if (next.order.dropped !== true) return next.job;
      letGo(next.job.message);
    }
  }

  async more(): Promise<boolean> {
    this.#dry = false;
    for (;;) {
      if (this.#dropped) return false;
      this.#fill();
      if (this.#head < this.#ready.length) return true;
      if (this.#pulling) await this.#pulled();
      else if (this.failure || !(await this.#orders.more())) return false;
      else this.#dry = false;
    }
  }

  ahead(): void {
    this.#fill();
  }

  #fill(): void {
    while (!this.#pulling && !this.#dry && !this.#dropped && !this.failure) {
      if (this.#ready.length - this.#head >= AHEAD || this.#octets >= AHEAD_OCTETS) return;
      try {
        const order = this.#orders.pull();
        if (order instanceof Promise) this.#later(order);
        else this.#take(order);
      } catch (error) {
        this.failure = { error };
      }
    }
  }

  #later(pulled: Promise<Order | undefined>): void {
    this.#until(
      pulled.then(
        (order) => this.#take(order),
        (error) => {
          this.failure = { error };
        },
      ),
    );
  }

  #until(busy: Promise<void>): void {
    const pulling = busy.then(() => {
      // What was pulled may be prepared for a while yet.
      if (this.#pulling === pulling) this.#pulling = undefined;
      this.#wake?.();
    });
    this.#pulling = pulling;
  }

  #take(order: Order | undefined): void {
    if (order === undefined) {
      this.#dry = true;
      return;
    }
    const { closed } = this.#session.line;
    if (closed) {
      discard(order.message);
      order.settle(unsent(closed));
      return;
    }
    const failed = (error: unknown) => order.settle(unsent(sourceError(error)));
    try {
      const { capabilities: extensions, limits, settings, verified } = this.#session;
      const prepared = prepare(order.message, order.options, { extensions, limits, dkim: settings.dkim, verified });
      if (!(prepared instanceof Promise)) {
        this.#push(order, prepared);
        return;
      }
      // A source may be silent for ever: then nobody waits for it, and what comes of it yet is let go of.
      prepared.then(
        (message) => this.#session.line.closed && letGo(message),
        () => {},
      );
      this.#until(this.#session.line.orClosed(prepared).then((message) => this.#push(order, message), failed));
    } catch (error) {
      failed(error);
    }
  }

  #push(order: Order, message: Prepared): void {
    if (this.#dropped || order.dropped === true) {
      letGo(message);
      return;
    }
    const { timeouts } = this.#session.options;
    const { timeout } = order.options;
    const octets = Buffer.isBuffer(message.body) ? message.body.length : AHEAD_OCTETS;
    this.#octets += octets;
    let begun = false;
    const job: Job = {
      message,
      timeout: timeout ?? timeouts.command,
      acceptTimeout: timeout ?? this.#session.settings.acceptTimeout,
      begin: () => (begun ||= this.#begin(order, message)),
      settle: (outcome) => order.settle(outcome),
    };
    this.#ready.push({ order, job, octets });
  }

  #begin(order: Order, message: Prepared): boolean {
    if (this.#dropped || order.dropped === true) {
      letGo(message);
      return false;
    }
    order.begin?.();
    return true;
  }

  /** Resolves when what is pulled is there, or not wanted any more. */
  #pulled(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  /** Lets go of what was prepared and will not be sent, and waits for nothing more. */
  drop(): void {
    this.#dropped = true;
    for (const { job } of this.#ready.splice(0).slice(this.#head)) letGo(job.message);
    this.#head = this.#octets = 0;
    this.#wake?.();
  }
}

function letGo({ body }: Prepared): void {
  if (!Buffer.isBuffer(body)) body.close().catch(() => {});
}
