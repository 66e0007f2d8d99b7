/** FETCH (RFC 9051 §6.4.5): what is asked for, rows of what comes. */
import { UsageError } from "../client/errors.js";
import type { Call, CallOptions } from "../client/session.js";
import type { Intake } from "../net/rows.js";
import { Assembly } from "./assembly.js";
import type { FetchData } from "./fetch-data.js";
import { kindsOf } from "./fetch-kind.js";
import { isByNumber, wholeArgument } from "./mailbox-argument.js";
import { type PartialRange, partialArgument } from "./partial.js";
import type { Response } from "./response.js";
import { type SectionSink, Sections } from "./sections.js";
import { formatSet, type MessageSet, parseSet, type SequenceSet, splitSet } from "./sequence-set.js";
import type { ImapSession } from "./session.js";
import { sizeOf } from "./size.js";
import { Wanted } from "./wanted.js";

/**
 * What can be asked of a message: an item of FETCH, `ENVELOPE`, `BODY.PEEK[1.2]<0.1000>`, or a macro, `ALL`. `BODY[…]` marks
 * the message as read, `BODY.PEEK[…]` does not.
 */
export type FetchItem =
  | "ALL"
  | "FAST"
  | "FULL"
  | "UID"
  | "FLAGS"
  | "ENVELOPE"
  | "BODYSTRUCTURE"
  | "INTERNALDATE"
  | "RFC822.SIZE"
  | "MODSEQ"
  | "BODY.PEEK[]"
  | "BODY.PEEK[HEADER]"
  | "BODY.PEEK[TEXT]"
  | "PREVIEW"
  | "EMAILID"
  | "THREADID"
  | "SAVEDATE"
  | (string & {});

/** How messages are named. */
export interface MessageOptions extends CallOptions {
  /**
   * `"uid"`: by their UIDs, which stay. `"number"`: by their numbers in the mailbox, which change when messages before them
   * go; such a call has the connection alone. Default: `"uid"`.
   */
  by?: "uid" | "number" | undefined;
}

/** What `fetch()` takes. */
export interface FetchOptions extends MessageOptions {
  /** Only messages that were changed since (CHANGEDSINCE, RFC 7162). */
  changedSince?: number | bigint | undefined;
  /** With `changedSince`, by UID and with QRESYNC enabled: called with the UIDs of those that have gone since. */
  vanished?: ((uids: SequenceSet) => void) | undefined;
  /** By UID, at a server with PARTIAL (RFC 9394): a part of them, `[1, 100]`, or `[-1, -100]` for the last hundred. */
  partial?: PartialRange | undefined;
  /**
   * Gives the sink of a section, or undefined to have it in memory. A row comes when its sinks have all; the sinks must not
   * wait for another call of this client. A sink that fails rejects with SinkError, and the client stays usable.
   */
  to?: SectionSink | undefined;
}

const MACROS = new Set(["ALL", "FULL", "FAST"]);

/** A name; a section with brackets, and a part of it; what goes with a name, as in `PREVIEW (LAZY)`. */
const ITEM = /^[A-Za-z][\w.-]*(?:\[[\x20-\x5c\x5e-\x7e]*\](?:<\d+(?:\.\d+)?>)?)?(?: \([\w -]+\))?$/;

/** The commands of a FETCH: one, or several where the set is long. Throws UsageError. */
export function fetchCommands(
  set: MessageSet,
  items: FetchItem | readonly FetchItem[],
  options: FetchOptions,
): string[] {
  const list = itemList(items);
  const asked = list.length === 1 && MACROS.has(list[0]!.toUpperCase()) ? list[0] : `(${list.join(" ")})`;
  const verb = isByNumber(options.by) ? "FETCH" : "UID FETCH";
  const sets = splitSet(set);
  if (options.partial && (sets.length > 1 || options.by === "number")) {
    throw new UsageError("partial goes with a short set of UIDs", { advice: 'name all: "1:*"', protocol: "imap" });
  }
  return sets.map((each) => `${verb} ${each} ${asked}${modifiers(options)}`);
}

function modifiers({ changedSince, vanished, partial, by }: FetchOptions): string {
  const words: string[] = [];
  if (changedSince !== undefined) words.push(`CHANGEDSINCE ${wholeArgument("changedSince", changedSince)}`);
  if (vanished && (typeof vanished !== "function" || changedSince === undefined || by === "number")) {
    throw new UsageError("vanished is a function, and goes with changedSince and UIDs", { protocol: "imap" });
  }
  if (vanished) words.push("VANISHED");
  if (partial) words.push(`PARTIAL ${partialArgument(partial)}`);
  return words.length === 0 ? "" : ` (${words.join(" ")})`;
}

/** The items as a list. Throws UsageError for what are none. */
export function itemList(items: FetchItem | readonly FetchItem[]): string[] {
  const list = typeof items === "string" ? [items] : [...items];
  const isItem = (item: unknown) => typeof item === "string" && ITEM.test(item);
  if (list.length > 0 && list.every(isItem)) return list;
  throw new UsageError(`${JSON.stringify(items)} are no items of FETCH`, {
    advice: 'a list of names: ["FLAGS", "BODY.PEEK[HEADER]"]',
    protocol: "imap",
  });
}

/** What a FETCH wants, as long as it is in flight. */
export function wantedBy(set: MessageSet, items: FetchItem | readonly FetchItem[], { by }: FetchOptions): Wanted {
  return new Wanted(formatSet(set), by !== "number", kindsOf(itemList(items)));
}

/** Sends the commands, and gives the rows to the intake as they come. */
export async function fetchRows(
  session: ImapSession,
  commands: readonly string[],
  wanted: Wanted,
  { to, partial, vanished }: FetchOptions,
  call: Call,
  intake: Intake<FetchData>,
): Promise<void> {
  if (partial && !session.has("PARTIAL")) {
    const advice = "fetch what search(…, { partial }) gives";
    throw new UsageError("the server fetches no parts of a set", { advice, protocol: "imap" });
  }
  const batch = new Batch(session, intake);
  const sections = to && new Sections(session, wanted, to);
  const give = sections ? batch.addLate : batch.add;
  const rows = new Assembly(wanted.asked, wanted.byUid, give.bind(batch));
  const gone = vanished && new Gone(vanished);
  const take = (response: Response) => {
    if (response.name === "VANISHED" && gone) return gone.take(response);
    if (response.name !== "FETCH") return false;
    const row = session.parsed(response);
    const bytes = sizeOf(response);
    const isOurs = wanted.isOf(row.uid, row.number, session.mailbox?.exists);
    if (!isOurs || !wanted.isMarked(row) || !rows.awaits(row)) {
      sections?.forget();
      if (isOurs) rows.note(row, bytes);
      return false;
    }
    if (sections === undefined) rows.add(row, bytes);
    else sections.end(row, !intake.left, () => rows.add(row, bytes));
    return true;
  };
  const literal =
    sections && ((head: Response, size: number) => (intake.left ? undefined : sections.begin(head, size)));
  try {
    // A set that is too long for one command is no reason for more than some of them at once.
    for (let at = 0; at < commands.length; at += 4) {
      const some = commands
        .slice(at, at + 4)
        .map((text) => session.send(text, { timeout: call.timeout, take, literal }));
      for (const result of await Promise.allSettled(some)) if (result.status === "rejected") throw result.reason;
      await sections?.over();
      gone?.over();
    }
  } catch (error) {
    sections?.letGo(error);
    throw error;
  } finally {
    rows.end();
    batch.flush();
    intake.end();
  }
}

/** What has gone, told to a function of the caller's. */
class Gone {
  readonly #tell: (uids: SequenceSet) => void;
  #failure: { error: unknown } | undefined;

  constructor(tell: (uids: SequenceSet) => void) {
    this.#tell = tell;
  }

  /** VANISHED (EARLIER) answers; without the word it tells what happens now (RFC 7162 §3.2.10). */
  take(response: Response): boolean {
    const cursor = response.cursor();
    if (!cursor.atList) return false;
    cursor.skip();
    const uids = parseSet(cursor.atom());
    try {
      this.#tell(uids);
    } catch (error) {
      this.#failure ??= { error };
    }
    return true;
  }

  /** Throws what the function has thrown. */
  over(): void {
    if (this.#failure) throw this.#failure.error;
  }
}

/** Rows that came at once are given on together. */
class Batch {
  readonly #session: ImapSession;
  readonly #intake: Intake<FetchData>;
  #rows: FetchData[] = [];
  #bytes = 0;
  #due = false;
  readonly #flush = () => this.flush();

  constructor(session: ImapSession, intake: Intake<FetchData>) {
    this.#session = session;
    this.#intake = intake;
  }

  add(row: FetchData, bytes: number): void {
    this.#rows.push(row);
    this.#bytes += bytes;
    if (this.#due) return;
    this.#due = true;
    this.#session.line.afterwards(this.#flush);
  }

  /** A row whose sinks took their time. */
  addLate(row: FetchData, bytes: number): void {
    this.#rows.push(row);
    this.#bytes += bytes;
    this.flush();
  }

  flush(): void {
    this.#due = false;
    if (this.#bytes === 0) return;
    const rows = this.#rows;
    const bytes = this.#bytes;
    this.#rows = [];
    this.#bytes = 0;
    this.#intake.give(rows, bytes);
  }
}
