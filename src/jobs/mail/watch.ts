/** What happens in a mailbox of IMAP, for as long as somebody wants to know: also what came while the connection was lost. */
import { setTimeout as sleep } from "node:timers/promises";
import { ConnectionError, type PolywireError, ReplyError, UsageError } from "../../client/errors.js";
import { wholeNumber } from "../../client/options.js";
import { ImapClient } from "../../imap/client.js";
import type { FetchData } from "../../imap/fetch-data.js";
import type { Mailbox, MailboxEvent } from "../../imap/mailbox.js";
import type { Address } from "../../message/address.js";
import { type MailServer, mailboxName, serverSource } from "./source.js";

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

/** Milliseconds to wait after a connection that failed: after the first one, and at most. */
const PAUSE = 1_000;
const LONGEST = 60_000;
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
  for (let failed = 1; !signal?.aborted; failed++) {
    try {
      for await (const event of watcher.watch()) {
        if (event.type === "watching") failed = 0;
        yield event;
      }
      return;
    } catch (error) {
      if (signal?.aborted) return;
      if (failed >= most || !watcher.mayTryAgain(error)) throw error;
      const milliseconds = Math.min(LONGEST, PAUSE * 2 ** Math.max(0, failed - 1));
      yield { type: "lost", error, milliseconds };
      await sleep(milliseconds, undefined, { signal }).catch(() => {});
    }
  }
}

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
    this.#options = options;
    this.#server = serverSource(options.server);
    if (this.#server.protocol !== "imap") throw new UsageError("a mailbox is watched by IMAP");
    this.#mailbox = mailboxName(options.mailbox ?? this.#server.path);
  }

  /** True for a connection that is lost, once there was one, and for a server that is busy. */
  mayTryAgain(error: unknown): error is PolywireError {
    const isPassing = error instanceof ConnectionError || error instanceof ReplyError;
    return isPassing && error.retryable && this.#known !== undefined;
  }

  /** One connection. */
  async *watch(): AsyncGenerator<WatchEvent> {
    const { signal, every } = this.#options;
    const client = await this.#server.connect();
    if (!(client instanceof ImapClient)) throw new UsageError("a mailbox is watched by IMAP");
    try {
      await client.connect({ signal });
      await client.login(undefined, { signal });
      const box = await client.examine(this.#mailbox, { signal });
      const isNew = this.#known === undefined;
      yield await this.#enter(client, box);
      const events = client.idle({ signal, every })[Symbol.asyncIterator]();
      try {
        // Whatever comes from here on is an event; what came before that is not.
        let next = events.next();
        next.catch(() => {});
        yield* this.#fresh(client, !isNew);
        for (let each = await next; !each.done; each = await next) {
          next = events.next();
          next.catch(() => {});
          yield* this.#tell(client, each.value);
        }
      } finally {
        await events.return();
      }
    } finally {
      await client.quit();
    }
  }

  async #enter(client: ImapClient, { uidValidity, uidNext, exists }: Mailbox): Promise<WatchEvent> {
    const renumbered = this.#known !== undefined && this.#known.uidValidity !== uidValidity;
    if (this.#known === undefined || renumbered) {
      const { signal } = this.#options;
      const next = uidNext ?? Math.max(0, ...(await client.search({ numbers: "*" }, { signal }))) + 1;
      this.#known = { uidValidity, uidNext: next };
    }
    return { type: "watching", mailbox: this.#mailbox, messages: exists, uidValidity, renumbered };
  }

  async *#tell(client: ImapClient, event: MailboxEvent): AsyncGenerator<WatchEvent> {
    const { flags, expunges } = this.#options;
    if (event.type === "exists" && event.exists > event.previous) yield* this.#fresh(client, false);
    else if (event.type === "expunge" && expunges) yield event;
    else if (event.type === "fetch" && flags && event.data.flags) {
      const { number, uid, flags } = event.data;
      yield { type: "flags", number, uid, flags };
    }
  }

  /** What has come since the last message that was told. */
  async *#fresh(client: ImapClient, meanwhile: boolean): AsyncGenerator<WatchEvent> {
    const known = this.#known as Known;
    const { signal } = this.#options;
    for await (const row of client.fetch(`${known.uidNext}:*`, ITEMS, { signal })) {
      // `9:*` is the last message, too, where all are below 9.
      if (row.uid === undefined || row.uid < known.uidNext) continue;
      known.uidNext = row.uid + 1;
      yield newMail(row.uid, row, meanwhile);
    }
  }
}

function newMail(uid: number, row: FetchData, meanwhile: boolean): NewMail {
  const { number, envelope, internalDate: received, flags = [], size: bytes } = row;
  const { subject = "", from = [], date } = envelope ?? {};
  return { type: "message", uid, number, subject, from, date, received, flags, bytes, meanwhile };
}
