/** Sections of messages on their way into sinks, and the rows that wait for them (RFC 9051 §6.4.5). */
import { SinkError } from "../client/errors.js";
import type { Sink } from "../client/sink.js";
import { Outlet } from "../net/outlet.js";
import { openSink, type SinkWriter } from "../net/stream.js";
import type { FetchData } from "./fetch-data.js";
import type { TakePiece } from "./line.js";
import { parseFetch } from "./parse-fetch.js";
import { Response } from "./response.js";
import type { ImapSession } from "./session.js";
import type { Wanted } from "./wanted.js";

/** A section of a message that is about to come. */
export interface ComingSection {
  readonly number: number;
  /** Undefined only where messages are named by their numbers, and the UID was not asked for, or comes behind. */
  readonly uid: number | undefined;
  /** As in the keys of `FetchData.body`: "" is the whole message. */
  readonly section: string;
  /** Octets. */
  readonly size: number;
}

/** Gives the sink of a section, or undefined to have it in memory. */
export type SectionSink = (section: ComingSection) => Sink | undefined;

/** A section's announcement at the end of a line. */
const SECTION = /(BODY|BINARY)(?:\[([^\]]*)\](<\d+>)?)? ~?\{\d+\}\r\n$|RFC822(?:\.(HEADER|TEXT))? ~?\{\d+\}\r\n$/i;

/** Literals of one response before which its UID is looked for: all of it is read each time. */
const MOST_LOOKS = 100;

/** A sink on its way. */
interface Open {
  readonly outlet: Outlet;
  readonly opening: Promise<SinkWriter>;
}

/** The sinks of one FETCH. */
export class Sections {
  readonly #session: ImapSession;
  readonly #wanted: Wanted;
  readonly #to: SectionSink;
  /** Those of the response that is being read. */
  #open: Open[] = [];
  /** Those of all responses that have not all yet. */
  readonly #pending = new Set<Open>();
  /** Sections of that response whose sink was asked for. */
  #offered = new Set<string>();
  /** True where one of them was thrown away. */
  #dropped = false;
  /** Its UID, where it was told. */
  #uid: number | undefined;
  #looks = 0;
  /** Settles when those of the responses before have all, and their rows are through. */
  #held: Promise<void> = Promise.resolve();
  #failure: { error: unknown } | undefined;

  constructor(session: ImapSession, wanted: Wanted, to: SectionSink) {
    this.#session = session;
    this.#wanted = wanted;
    this.#to = to;
  }

  /** A literal of a FETCH begins: gives what takes it, where it is a section that has a sink. */
  begin(head: Response, size: number): TakePiece | undefined {
    const line = head.raw.slice(head.raw.lastIndexOf("\r\n", head.raw.length - 3) + 1);
    const found = head.name === "FETCH" ? SECTION.exec(line) : null;
    if (found === null || head.number === undefined) return undefined;
    const { number } = head;
    const uid = this.#uidOf(head, head.raw.length - line.length + found.index);
    if (!this.#isMine(uid, number)) return undefined;
    const section = ((found[2] ?? found[4] ?? "") + (found[3] ?? "")).toUpperCase();
    this.#offered.add(keyOf(found[1]?.toUpperCase() === "BINARY", section));
    return this.#take({ number, uid, section, size });
  }

  /**
   * The response is whole: its row is through when its sinks have all. No more is read until then.
   *
   * @param isWanted False where the consumer has left: what was not begun goes nowhere.
   */
  end(row: FetchData, isWanted: boolean, give: () => void): void {
    if (isWanted) {
      row.body = this.#rest(row, row.body, false);
      row.binary = this.#rest(row, row.binary, true);
    }
    const [open, dropped] = [this.#open, this.#dropped || !isWanted];
    this.#next();
    if (open.length > 0) this.#session.pause(open);
    const ends = Promise.all(open.map((each) => this.#finish(each)));
    ends.catch(() => {});
    this.#held = this.#held
      .then(() => ends)
      // A row says that its sections are where they belong.
      .then(() => (dropped ? undefined : give()))
      .catch((error) => void (this.#failure ??= { error }))
      .finally(() => this.#session.resume(open));
  }

  /** The response was not ours. Where a sink took some of it for the message that was asked for, it holds what is wrong. */
  forget(): void {
    if (this.#open.length > 0) {
      const error = new SinkError("the server sent a message that nobody asked for, and a sink has it: ask again");
      for (const each of this.#open) this.#destroy(each, error);
      this.#failure ??= { error };
    }
    this.#next();
  }

  /** Settles when all sinks have all; rejects with what the first of them failed by, and where the connection is lost. */
  async over(): Promise<void> {
    await this.#held;
    if (this.#failure) throw this.#failure.error;
  }

  /** The answer will not be whole, or nobody waits for it: the sinks that do not have all are let go of. */
  letGo(error: unknown): void {
    for (const each of this.#pending) this.#destroy(each, error as Error);
  }

  /** What stands before the literal; the UID is among it as a rule. */
  #uidOf(head: Response, end: number): number | undefined {
    if (this.#uid === undefined && this.#looks++ < MOST_LOOKS) {
      this.#uid = parseFetch(new Response(`${head.raw.slice(0, end)})`, head.literals)).uid;
    }
    // Where one message was asked for, and by nobody else, it is that one.
    return this.#uid ?? (this.#session.fetchesOverlap ? undefined : this.#wanted.uid);
  }

  /** A UID that comes behind the section is waited for. */
  #isMine(uid: number | undefined, number: number): boolean {
    if (uid === undefined && this.#wanted.byUid) return false;
    return this.#wanted.isOf(uid, number, this.#session.mailbox?.exists);
  }

  /** Another response comes. */
  #next(): void {
    this.#open = [];
    this.#offered = new Set();
    this.#dropped = false;
    this.#uid = undefined;
    this.#looks = 0;
  }

  async #finish(open: Open): Promise<void> {
    await open.outlet.end();
    this.#pending.delete(open);
  }

  #destroy(open: Open, error: Error): void {
    this.#pending.delete(open);
    open.opening.then(
      (writer) => writer.destroy(error),
      () => {},
    );
  }

  /** What takes a section; undefined: it stays in memory. */
  #take(coming: ComingSection): TakePiece | undefined {
    // Behind a failure the rest is read and dropped.
    if (this.#failure) return this.#drop();
    let sink: Sink | undefined;
    try {
      sink = this.#to(coming);
    } catch (cause) {
      const error = cause instanceof SinkError ? cause : new SinkError(`no sink was given: ${cause}`, { cause });
      this.#failure = { error };
      return this.#drop();
    }
    if (sink === undefined) return undefined;
    const opening = openSink(sink);
    const outlet = new Outlet(this.#session, this.#session.line, opening);
    const open = { outlet, opening };
    this.#open.push(open);
    this.#pending.add(open);
    return (piece) => outlet.take(piece);
  }

  #drop(): TakePiece {
    this.#dropped = true;
    return () => {};
  }

  /** Sections that came as a quoted string, or before their UID, go to their sinks now; gives those that have none. */
  #rest(row: FetchData, sections: ReadonlyMap<string, Buffer>, binary: boolean): ReadonlyMap<string, Buffer> {
    const kept = new Map(sections);
    const streamed = new Map(row.streamed);
    for (const [section, bytes] of sections) {
      if (this.#offered.has(keyOf(binary, section))) continue;
      const take = this.#take({ number: row.number, uid: row.uid, section, size: bytes.length });
      if (take === undefined) continue;
      if (bytes.length > 0) take(bytes);
      streamed.set(section, bytes.length);
      kept.delete(section);
    }
    row.streamed = streamed;
    return kept;
  }
}

/** BODY[1] and BINARY[1] are two. */
function keyOf(binary: boolean, section: string): string {
  return `${binary ? "BINARY" : "BODY"} ${section}`;
}
