/** Messages of IMAP that are asked for one by one, fetched many by one command; a few commands are on their way at once. */
import { ReplyError, SinkError } from "../../client/errors.js";
import type { CallOptions } from "../../client/session.js";
import type { ImapClient } from "../../imap/client.js";
import type { ComingSection } from "../../imap/sections.js";
import type { MailSink } from "./maildrop.js";

/** Messages of one command, and commands at once: no more is asked for than may be under way. */
const BATCH = 64;
const AT_ONCE = 4;

/** What is known of a message before it comes. */
type Wanted = { readonly uid: number; readonly bytes: number | undefined };
type Take = Extract<MailSink, (piece: Buffer) => unknown>;

/** A message that is wanted. */
interface Wish extends Wanted {
  readonly to: MailSink;
  readonly call: CallOptions;
  readonly resolve: (bytes: number | undefined) => void;
  readonly reject: (error: unknown) => void;
  /** True where its sink has been given to the server's answer: it takes no second one. */
  begun?: boolean;
  /** What its sink is busy with. */
  busy?: Promise<void> | undefined;
  /** Why its sink takes no more: the messages beside it are not to suffer. */
  failure?: SinkError;
}

export class ImapBatches {
  readonly #client: ImapClient;
  #waiting: Wish[] = [];
  #running = 0;
  #due = false;

  constructor(client: ImapClient) {
    this.#client = client;
  }

  /**
   * Fetches a message; it is not marked as read. A sink that is a function may share a command with others, any other one has
   * its own.
   */
  fetch({ uid, bytes }: Wanted, to: MailSink, call: CallOptions): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ uid, bytes, to, call, resolve, reject });
      if (this.#due) return;
      this.#due = true;
      // Who asks for one asks for more.
      setImmediate(() => this.#send());
    });
  }

  #send(): void {
    this.#due = false;
    while (this.#waiting.length > 0 && this.#running < AT_ONCE) {
      this.#running++;
      void this.#answer(this.#take()).finally(() => {
        this.#running--;
        this.#send();
      });
    }
  }

  #take(): Wish[] {
    const alone = this.#waiting.findIndex(({ to }) => typeof to !== "function");
    return this.#waiting.splice(0, alone === 0 ? 1 : Math.min(BATCH, alone < 0 ? BATCH : alone));
  }

  /** Settles each of them. */
  async #answer(wishes: readonly Wish[]): Promise<void> {
    const open = new Map(wishes.map((wish) => [wish.uid, wish]));
    try {
      await this.#ask(open, wishes[0]!.call);
      await this.#missing(open, wishes[0]!.call);
    } catch (error) {
      const isRefused = error instanceof ReplyError;
      if (isRefused) await arrived(open);
      // One that cannot be read refuses the command: those beside it are asked for again, each for itself.
      for (const wish of [...open.values()]) {
        if (isRefused && wishes.length > 1 && !wish.begun) await this.#answer([wish]);
        else wish.reject(error);
      }
    }
  }

  async #ask(open: Map<number, Wish>, { signal }: CallOptions): Promise<void> {
    const to = ({ uid = 0, size }: ComingSection) => {
      const wish = open.get(uid);
      // What is nothing must not end a sink, as if that had all; nor does one take a message twice.
      if (wish === undefined || wish.begun || isNothing(wish, size)) return () => {};
      wish.begun = true;
      return sinkOf(wish);
    };
    await this.#client.fetch([...open.keys()], "BODY.PEEK[]", { to, signal }).each((rows) => {
      for (const row of rows) {
        const wish = open.get(row.uid ?? 0);
        const size = row.streamed.get("");
        if (wish === undefined || size === undefined || isNothing(wish, size)) continue;
        open.delete(wish.uid);
        settle(wish, size);
      }
    });
  }

  /** What gave nothing is gone, or cannot be read: that is no reason to call it stored. */
  async #missing(open: Map<number, Wish>, { signal }: CallOptions): Promise<void> {
    if (open.size === 0) return;
    const there = new Set(await this.#client.search({ uid: [...open.keys()] }, { signal }));
    for (const { uid, resolve, reject } of open.values()) {
      if (there.has(uid)) reject(nothing(uid));
      else resolve(undefined);
    }
    open.clear();
  }
}

/** No bytes, where the server says that there are some: it cannot read the message, and that is no empty one. */
function isNothing({ bytes }: Wish, size: number): boolean {
  return size === 0 && bytes !== 0;
}

/** Rows whose sinks were busy when their command was refused are through. */
async function arrived(open: ReadonlyMap<number, Wish>): Promise<void> {
  await Promise.all([...open.values()].map(({ busy }) => busy));
  await new Promise((resolve) => setImmediate(resolve));
}

/** The sink of a message; one of many does not fail, as that would end the command for all. */
function sinkOf(wish: Wish): MailSink {
  const { to } = wish;
  return typeof to === "function" ? gentle(wish, to) : to;
}

function gentle(wish: Wish, take: Take): Take {
  const fail = (cause: unknown) => {
    wish.failure = cause instanceof SinkError ? cause : new SinkError("the sink failed", { cause });
  };
  return (piece) => {
    try {
      wish.busy = wish.failure ? undefined : take(piece)?.then(undefined, fail);
      return wish.busy;
    } catch (error) {
      return fail(error);
    }
  };
}

function settle({ resolve, reject, failure }: Wish, size: number): void {
  if (failure) reject(failure);
  else resolve(size);
}

function nothing(uid: number): ReplyError {
  return new ReplyError(`the server has a message with the UID ${uid}, and gives nothing of it`, {
    command: `UID FETCH ${uid} BODY.PEEK[]`,
    code: "OK",
    transient: false,
    protocol: "imap",
  });
}
