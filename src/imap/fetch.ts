/** FETCH (RFC 9051 §6.4.5): what is asked for, rows of what comes, literals into sinks. */
import { UsageError } from "../client/errors.js";
import type { Call, CallOptions } from "../client/session.js";
import type { Sink } from "../client/sink.js";
import { Outlet } from "../net/outlet.js";
import type { Intake } from "../net/rows.js";
import { openSink, type SinkWriter } from "../net/stream.js";
import type { FetchData } from "./fetch-data.js";
import type { TakePiece } from "./line.js";
import { parseFetch } from "./parse-fetch.js";
import { Response } from "./response.js";
import { formatSet, type MessageSet, splitSet } from "./sequence-set.js";
import { type ImapSession, sizeOf } from "./session.js";
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

/** A section of a message that is about to come. */
export interface ComingSection {
  readonly number: number;
  /** Undefined where the server tells it behind the section. */
  readonly uid: number | undefined;
  /** As in the keys of `FetchData.body`: "" is the whole message. */
  readonly section: string;
  /** Octets. */
  readonly size: number;
}

/** What `fetch()` takes. */
export interface FetchOptions extends MessageOptions {
  /** Only messages that were changed since (CHANGEDSINCE, RFC 7162). */
  changedSince?: number | bigint | undefined;
  /** With `changedSince`, by UID and with QRESYNC enabled: tell also what has gone, as an event `vanished`. */
  vanished?: boolean | undefined;
  /**
   * Gives the sink of a section, or undefined to have it in memory. A row comes when its sinks have all; the sinks must not
   * wait for another call of this client. A sink that fails rejects with SinkError, and the client stays usable.
   */
  to?: ((section: ComingSection) => Sink | undefined) | undefined;
}

const MACROS: Readonly<Record<string, string>> = { ALL: "ENVELOPE", FULL: "ENVELOPE", FAST: "INTERNALDATE" };
/** Items that a server sends unasked, too. */
const CASUAL = new Set(["UID", "FLAGS", "MODSEQ"]);
/** A section's announcement at the end of what came of a response so far. */
const SECTION = /(?:BODY|BINARY)(?:\[([^\]]*)\](<\d+>)?)? ~?\{\d+\}\r\n$|RFC822(?:\.(HEADER|TEXT))? ~?\{\d+\}\r\n$/i;

/** The commands of a FETCH: one, or several where the set is long. Throws UsageError. */
export function fetchCommands(
  set: MessageSet,
  items: FetchItem | readonly FetchItem[],
  options: FetchOptions,
): string[] {
  const list = itemList(items);
  const asked = list.length === 1 && Object.hasOwn(MACROS, list[0]!.toUpperCase()) ? list[0] : `(${list.join(" ")})`;
  const { changedSince, vanished } = options;
  if (vanished && (changedSince === undefined || options.by === "number")) {
    throw new UsageError("vanished goes with changedSince and UIDs", { protocol: "imap" });
  }
  const changed = changedSince === undefined ? "" : ` (CHANGEDSINCE ${changedSince}${vanished ? " VANISHED" : ""})`;
  const verb = options.by === "number" ? "FETCH" : "UID FETCH";
  return splitSet(set).map((each) => `${verb} ${each} ${asked}${changed}`);
}

function itemList(items: FetchItem | readonly FetchItem[]): string[] {
  const list = typeof items === "string" ? [items] : [...items];
  const isItem = (item: unknown) => typeof item === "string" && /^[A-Za-z][^\x00-\x1f\x7f-\uffff]*$/.test(item);
  if (list.length > 0 && list.every(isItem)) return list;
  throw new UsageError(`${JSON.stringify(items)} are no items of FETCH`, {
    advice: 'a list of names: ["FLAGS", "BODY.PEEK[HEADER]"]',
    protocol: "imap",
  });
}

/** Word by which an answer is told from what the server sends unasked; undefined: there is none. */
function markOf(items: FetchItem | readonly FetchItem[]): string | undefined {
  const heavy = itemList(items).find((item) => !CASUAL.has(item.toUpperCase()));
  const word = heavy?.toUpperCase().split(/[[. ]PEEK|[[ ]/)[0];
  return word === undefined ? undefined : (MACROS[word] ?? word);
}

/** What a FETCH wants, as long as it is in flight. */
export function wantedBy(set: MessageSet, items: FetchItem | readonly FetchItem[], { by }: FetchOptions): Wanted {
  return new Wanted(formatSet(set), by !== "number", markOf(items));
}

/** Sends the commands, and gives the rows to the intake as they come. */
export async function fetchRows(
  session: ImapSession,
  commands: readonly string[],
  wanted: Wanted,
  { to }: FetchOptions,
  call: Call,
  intake: Intake<FetchData>,
): Promise<void> {
  const batch = new Batch(session, intake);
  const sections = to && new Sections(session, wanted, to);
  const take = (response: Response) => {
    if (response.name !== "FETCH") return false;
    const row = session.parsed(response);
    if (!wanted.answeredBy(response.raw, row, session.mailbox?.exists)) return false;
    const bytes = sizeOf(response);
    if (sections === undefined) batch.add(row, bytes);
    else sections.end(() => batch.addLate(row, bytes));
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
    }
  } catch (error) {
    sections?.letGo(error);
    throw error;
  } finally {
    batch.flush();
    intake.end();
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

/** The sinks of sections. */
class Sections {
  readonly #session: ImapSession;
  readonly #wanted: Wanted;
  readonly #to: (section: ComingSection) => Sink | undefined;
  /** Those of the response that is being read. */
  #open: { readonly outlet: Outlet; readonly opening: Promise<SinkWriter> }[] = [];
  /** Settles when those of the responses before have all, and their rows are through. */
  #held: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | undefined;

  constructor(session: ImapSession, wanted: Wanted, to: (section: ComingSection) => Sink | undefined) {
    this.#session = session;
    this.#wanted = wanted;
    this.#to = to;
  }

  /** A literal of a FETCH begins: gives what takes it, where it is a section that has a sink. */
  begin(head: Response, size: number): TakePiece | undefined {
    const found = head.name === "FETCH" ? SECTION.exec(head.raw) : null;
    if (found === null || head.number === undefined) return undefined;
    const { number } = head;
    // What stands before the literal; the UID is among it as a rule, and is waited for by nobody where it is not.
    const { uid } = parseFetch(new Response(`${head.raw.slice(0, found.index)})`, head.literals));
    if (uid !== undefined && !this.#wanted.isOf(uid, number, this.#session.mailbox?.exists)) return undefined;
    // Behind a failure the rest is read and dropped.
    if (this.#failure) return () => {};
    const section = ((found[1] ?? found[3] ?? "") + (found[2] ?? "")).toUpperCase();
    const sink = this.#to({ number, uid, section, size });
    if (sink === undefined) return undefined;
    const opening = openSink(sink);
    const outlet = new Outlet(this.#session, opening);
    this.#open.push({ outlet, opening });
    return (piece) => outlet.take(piece);
  }

  /** The response is whole: its row is through when its sinks have all. No more is read until then. */
  end(row: () => void): void {
    const open = this.#open;
    this.#open = [];
    if (open.length > 0) this.#session.pause(open);
    const ends = Promise.all(open.map(({ outlet }) => outlet.end()));
    ends.catch(() => {});
    this.#held = this.#held
      .then(() => ends)
      .then(row)
      .catch((error) => void (this.#failure ??= { error }))
      .finally(() => this.#session.resume(open));
  }

  /** Settles when all sinks have all; rejects with what the first of them failed by. */
  async over(): Promise<void> {
    await this.#held;
    if (this.#failure) throw this.#failure.error;
  }

  /** The response that was being read will not be whole: its sinks are let go of. */
  letGo(error: unknown): void {
    for (const { opening } of this.#open.splice(0)) {
      opening.then(
        (writer) => writer.destroy(error as Error),
        () => {},
      );
    }
  }
}
