/** What happens in a mailbox of IMAP, for as long as somebody wants to know: also what came while the connection was lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { onAbort } from "../../client/abort.js";
import { ConnectionError, type PolywireError, ReplyError, UsageError } from "../../client/errors.js";
import { checkNames } from "../../client/known-names.js";
import { wholeNumber } from "../../client/options.js";
import { ImapClient } from "../../imap/client.js";
import type { FetchData } from "../../imap/fetch-data.js";
import type { Mailbox, MailboxEvent } from "../../imap/mailbox.js";
import type { MessageSet } from "../../imap/sequence-set.js";
import type { Address } from "../../message/address.js";
import { type MailServer, mailboxName, serverSource } from "./source.js";
import { WatchQueue } from "./watch-queue.js";

/** What `watchMail` takes. */
export interface WatchMailOptions {
  /** An IMAP server, by the URL of its mailbox or by the options of a client. */
  server: MailServer;
  /** The mailbox. Default: the path of the URL, else INBOX. */
  mailbox?: string | undefined;
  /** Tell also of flags that change. Default: false. */
  flags?: boolean | undefined;
  /** Tell also of messages that go. Default: false. */
  expunges?: boolean | undefined;
  /** Milliseconds until IDLE is begun again, or NOOP is said where there is none: see `idle()` of the client. */
  every?: number | undefined;
  /** Connections in a row that may fail before it is given up. Default: it is never given up. */
  attempts?: number | undefined;
  /** Ends the watch, in order. */
  signal?: AbortSignal | undefined;
}

const NAMES: Readonly<Record<keyof WatchMailOptions, true>> = {
  server: true,
  mailbox: true,
  flags: true,
  expunges: true,
  every: true,
  attempts: true,
  signal: true,
};

/** Something that happened. */
export type WatchEvent =
  /** The mailbox is watched from now on; `renumbered`: it has got a new UIDVALIDITY since, and nobody knows what came meanwhile. */
  | {
      readonly type: "watching";
      readonly mailbox: string;
      readonly messages: number;
      readonly uidValidity: number | undefined;
      readonly renumbered: boolean;
    }
  /** The connection is lost, and made again in so many milliseconds. */
  | { readonly type: "lost"; readonly error: PolywireError; readonly milliseconds: number }
  | NewMail
  /** A message is gone: every later one has one less as its number now. */
  | { readonly type: "expunge"; readonly number: number }
  /** A message has these flags now; its UID is not told by every server. */
  | {
      readonly type: "flags";
      readonly number: number;
      readonly uid: number | undefined;
      readonly flags: readonly string[];
    };

/** A message that came. */
export interface NewMail {
  readonly type: "message";
  readonly uid: number;
  /** Its number in the mailbox, at this moment. */
  readonly number: number;
  /** Decoded. */
  readonly subject: string;
  readonly from: readonly Address[];
  /** What its Date field says; undefined where that is no date. */
  readonly date: Date | undefined;
  /** When it came into the mailbox (INTERNALDATE). */
  readonly received: Date | undefined;
  readonly flags: readonly string[];
  readonly bytes: number | undefined;
  /** True where it came while nobody was connected. */
  readonly meanwhile: boolean;
}

/** Milliseconds to wait behind a connection that failed: behind the first one, and at most. */
const PAUSE = 1_000;
const LONGEST = 60_000;
/** Milliseconds that a mailbox was watched when the pause behind it is the first one again. */
const STEADY = 10_000;
/** UIDs that one FETCH asks about: what it tells is in memory while the loop works. */
const SOME = 100;
/** The largest UID that there can be (RFC 9051 §9, nz-number). */
const LAST_UID = 0xffff_ffff;
const ITEMS = ["FLAGS", "ENVELOPE", "INTERNALDATE", "RFC822.SIZE"];

/**
 * Tells of every message that comes into a mailbox, from now on (IDLE, RFC 2177; NOOP where there is none). Where the
 * connection is lost it is made again, with growing pauses, and what came meanwhile is told: by UIDNEXT, so that nothing is told
 * twice. The mailbox is opened for reading only. It ends where the loop is left, or `signal` fires.
 *
 * @throws in the loop: UsageError; LoginError and other refusals that stay; ConnectionError where the server was never reached,
 *   or `attempts` are used up.
 *
 * @example
 * for await (const event of watchMail({ server: "imaps://alice@mail.example.org/INBOX" })) {
 *   if (event.type === "message") console.log(event.uid, event.subject);
 * }
 */
export async function* watchMail(options: WatchMailOptions): AsyncGenerator<WatchEvent, void, undefined> {
  const { signal } = options;
  const watcher = new Watcher(options);
  const most = options.attempts === undefined ? Infinity : wholeNumber("attempts", options.attempts, 1);
  let milliseconds = PAUSE / 2;
  for (let failed = 1; !signal?.aborted; failed++) {
    let since = Infinity;
    try {
      for await (const event of watcher.watch()) {
        if (event.type === "watching") [failed, since] = [0, performance.now()];
        yield event;
      }
      return;
    } catch (error) {
      if (signal?.aborted) return;
      if (failed >= most || !watcher.mayTryAgain(error)) throw error;
      // A server that takes everybody, and lets go of them at once, is no better than one that takes nobody.
      milliseconds = performance.now() - since >= STEADY ? PAUSE : Math.min(LONGEST, milliseconds * 2);
      yield { type: "lost", error, milliseconds };
      await sleep(milliseconds, undefined, { signal }).catch(() => {});
    }
  }
}

type Watching = Extract<WatchEvent, { type: "watching" }>;

/** What is known of the mailbox: messages from `uidNext` on are new. */
interface Known {
  readonly uidValidity: number | undefined;
  uidNext: number;
}

class Watcher {
  readonly #options: WatchMailOptions;
  readonly #server: ReturnType<typeof serverSource>;
  readonly #mailbox: string;
  #known: Known | undefined;

  constructor(options: WatchMailOptions) {
    checkNames(options, Object.keys(NAMES));
    this.#options = options;
    this.#server = serverSource(options.server);
    if (this.#server.protocol !== "imap") throw new UsageError("a mailbox is watched by IMAP");
    this.#mailbox = mailboxName(options.mailbox ?? this.#server.path);
  }

  /** True for a connection that is lost, once there was one, and for a server that is busy. */
  mayTryAgain(error: unknown): error is PolywireError {
    if (this.#known === undefined) return false;
    // A machine that is offline does not know the name of its server, which was there before.
    if (error instanceof ConnectionError) return error.retryable || error.phase === "dns";
    return error instanceof ReplyError && error.retryable;
  }

  /** One connection. */
  async *watch(): AsyncGenerator<WatchEvent> {
    const { signal, every } = this.#options;
    const client = await this.#server.connect();
    if (!(client instanceof ImapClient)) throw new UsageError("a mailbox is watched by IMAP");
    // On a link that is dead DONE waits for its answer as long as any command; who says goodbye does not.
    const forget = onAbort(signal, () => void client.quit());
    try {
      await client.connect({ signal });
      await client.login(undefined, { signal });
      const box = await client.examine(this.#mailbox, { signal });
      const isNew = this.#known === undefined;
      const entered = await this.#enter(client, box);
      const missed = isNew || entered.renumbered ? 0 : entered.messages;
      yield entered;
      const events = client.idle({ signal, every })[Symbol.asyncIterator]();
      try {
        // Whatever comes from here on is an event; what came before that is not.
        const queue = new WatchQueue();
        void queue.listen(events, (event) => this.#wants(event));
        yield* this.#fresh(client, missed);
        for (let event = await queue.next(); event !== undefined; event = await queue.next()) {
          yield* this.#tell(client, event);
        }
      } finally {
        await Promise.all([events.return(), client.quit()]);
      }
    } finally {
      forget();
      await client.quit();
    }
  }

  async #enter(client: ImapClient, { uidValidity, uidNext, exists }: Mailbox): Promise<Watching> {
    const renumbered = this.#known !== undefined && this.#known.uidValidity !== uidValidity;
    if (this.#known === undefined || renumbered) {
      const next = uidNext ?? (await this.#behindLast(client, exists));
      this.#known = { uidValidity, uidNext: next };
    }
    return { type: "watching", mailbox: this.#mailbox, messages: exists, uidValidity, renumbered };
  }

  /** The UID behind the last one of these messages, where the server has no UIDNEXT. `*` may be a later one by now. */
  async #behindLast(client: ImapClient, exists: number): Promise<number> {
    if (exists === 0) return 1;
    const uids = await client.search({ numbers: `1:${exists}` }, { signal: this.#options.signal });
    return uids.reduce((last, uid) => Math.max(last, uid), 0) + 1;
  }

  #wants(event: MailboxEvent): boolean {
    const { flags = false, expunges = false } = this.#options;
    if (event.type === "exists") return event.exists > event.previous;
    return event.type === "fetch" ? flags && event.data.flags !== undefined : event.type === "expunge" && expunges;
  }

  async *#tell(client: ImapClient, event: MailboxEvent): AsyncGenerator<WatchEvent> {
    if (event.type === "exists") yield* this.#fresh(client, 0);
    else if (event.type === "expunge") yield event;
    else if (event.type === "fetch") {
      const { number, uid, flags = [] } = event.data;
      yield { type: "flags", number, uid, flags };
    }
  }

  /**
   * What has come since the last message that was told. Messages up to the number `missed` came while nobody was connected.
   * The loop works between two commands: in the middle of one it would hold up IDLE.
   */
  async *#fresh(client: ImapClient, missed: number): AsyncGenerator<WatchEvent> {
    const { uidNext } = this.#known as Known;
    const last = Math.min(uidNext + SOME - 1, LAST_UID);
    // Two commands, and one round trip, which is all where few have come.
    const [rows, uids] = await Promise.all([
      this.#rows(client, `${uidNext}:${last}`),
      client.search({ uid: `${uidNext}:*` }, { signal: this.#options.signal }),
    ]);
    yield* this.#newMail(rows, missed);
    // `9:*` is the last message, too, where all are below 9.
    const rest = uids.filter((uid) => uid > last).sort((a, b) => a - b);
    for (let at = 0; at < rest.length; at += SOME) {
      yield* this.#newMail(await this.#rows(client, rest.slice(at, at + SOME)), missed);
    }
  }

  #rows(client: ImapClient, uids: MessageSet): Promise<FetchData[]> {
    return client.fetch(uids, ITEMS, { signal: this.#options.signal }).toArray();
  }

  /** Each once, whatever the order they came in. */
  *#newMail(rows: readonly FetchData[], missed: number): Generator<NewMail> {
    const known = this.#known as Known;
    for (const row of [...rows].sort((a, b) => (a.uid ?? 0) - (b.uid ?? 0))) {
      const { uid, number } = row;
      if (uid === undefined || uid < known.uidNext) continue;
      known.uidNext = uid + 1;
      yield newMail(uid, row, number <= missed);
    }
  }
}

function newMail(uid: number, row: FetchData, meanwhile: boolean): NewMail {
  const { number, envelope, internalDate: received, flags = [], size: bytes } = row;
  const { subject = "", from = [], date } = envelope ?? {};
  return { type: "message", uid, number, subject, from, date, received, flags, bytes, meanwhile };
}
