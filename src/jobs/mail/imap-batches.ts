/** Messages of IMAP that are asked for one by one, fetched many by one command; a few commands are on their way at once. */
import { ReplyError, SinkError } from "../../client/errors.js";
import type { CallOptions } from "../../client/session.js";
import type { ImapClient } from "../../imap/client.js";
import type { FetchData } from "../../imap/fetch-data.js";
import type { MailSink } from "./maildrop.js";

/** Messages of one command, and commands at once: no more is asked for than may be under way. */
const BATCH = 64;
const AT_ONCE = 4;

type Take = Extract<MailSink, (piece: Buffer) => unknown>;

/** A message that is wanted. */
interface Wish {
  readonly uid: number;
  readonly to: MailSink;
  readonly call: CallOptions;
  readonly resolve: (bytes: number | undefined) => void;
  readonly reject: (error: unknown) => void;
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
  fetch(uid: number, to: MailSink, call: CallOptions): Promise<number | undefined> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ uid, to, call, resolve, reject });
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
      // One that cannot be read refuses the command: those beside it are asked for again, each for itself.
      if (!(error instanceof ReplyError) || wishes.length === 1) for (const { reject } of open.values()) reject(error);
      else for (const wish of open.values()) await this.#answer([wish]);
    }
  }

  async #ask(open: Map<number, Wish>, { signal }: CallOptions): Promise<void> {
    const to = ({ uid = 0 }) => {
      const wish = open.get(uid);
      return wish && sinkOf(wish);
    };
    const shut: Promise<void>[] = [];
    await this.#client.fetch([...open.keys()], "BODY.PEEK[]", { to, signal }).each((rows) => {
      for (const row of rows) {
        const wish = open.get(row.uid ?? 0);
        if (wish === undefined || !hasContent(row)) continue;
        open.delete(wish.uid);
        shut.push(settle(wish, row));
      }
    });
    await Promise.all(shut);
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
      return wish.failure ? undefined : take(piece)?.then(undefined, fail);
    } catch (error) {
      return fail(error);
    }
  };
}

function hasContent({ streamed, body }: FetchData): boolean {
  return streamed.has("") || body.has("");
}

/** Short messages may come as a string, which goes to no sink by itself. */
async function settle(wish: Wish, { streamed, body }: FetchData): Promise<void> {
  const { to, resolve, reject } = wish;
  const content = body.get("");
  try {
    if (content !== undefined && typeof to === "function") await gentle(wish, to)(content);
    else if (content !== undefined && typeof to === "object") to.end(content);
  } catch (error) {
    reject(error);
  }
  if (wish.failure) reject(wish.failure);
  else resolve(streamed.get("") ?? content?.length);
}

function nothing(uid: number): ReplyError {
  return new ReplyError(`the server has a message with the UID ${uid}, and gives nothing of it`, {
    command: `UID FETCH ${uid} BODY.PEEK[]`,
    code: "OK",
    transient: false,
    protocol: "imap",
  });
}
