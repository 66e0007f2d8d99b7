/** How far a group has come: what is done, what is to be asked again, and whether its numbers still mean the same. Pure. */
import { type Interval, IntervalSet } from "./interval-set.js";
import type { GroupMarks } from "./ranges.js";

/** An article that was delivered: as long as the server has the same under this number, its numbers mean the same. */
export interface Anchor {
  readonly number: number;
  readonly messageId: string;
}

/** Rows that answer for the numbers from `low` to `high`: whoever has these rows need not ask for these numbers again. */
export interface Answered<Row = Pick<AnsweredRow, "number" | "messageId">> {
  readonly low: number;
  /** `low - 1` where the rows answer for no number. */
  readonly high: number;
  readonly rows: readonly Row[];
}

/** What a cursor looks at in a row. */
export interface AnsweredRow {
  readonly number: number;
  readonly messageId: string;
}

/** A cursor as it is stored. */
export interface StoredCursor {
  readonly group: string;
  readonly epoch: number;
  readonly low: number;
  readonly high: number;
  readonly known: number;
  /** `1-500,510-600`. */
  readonly done: string;
  readonly late: string;
  /** JSON: `[[number, messageId], …]`. */
  readonly anchors: string;
}

/** Numbers below the group's high mark whose articles may still be on their way. */
export const LATE = 1_000;

/**
 * One group of one server.
 *
 * **Late articles.** Servers number articles before their overview is there, so the newest numbers that were asked and
 * not returned are kept as `late`, and asked again by {@link reopen}: at the start of the next run, or at the end of a
 * long one. A number that is missing again is kept only while it is among the newest.
 *
 * **Renumbering.** A server that was built anew gives other numbers to the same articles. See {@link checkNumbering} for how
 * that is noticed. Then a new epoch begins: nothing is done, all of it is asked again, and rows up to the high mark of
 * that moment (`known`) are passed over where their message-id was delivered in an earlier epoch. By number alone they
 * cannot be told apart, so message-ids are needed for these rows, and only for them: keeping all of them for the case
 * would cost more than the rows themselves. They are read back from the output when it happens; see the journal.
 */
export class GroupCursor {
  /** 1, and one more with each renumbering. */
  epoch = 1;
  /** The group's marks as they were seen last in this epoch; a high mark that falls (a server behind others) is not taken. */
  low = 0;
  high = 0;
  /** Rows with numbers up to this may have been delivered in an earlier epoch; 0 in the first. */
  known = 0;
  /** Numbers whose rows were delivered, or that have none. */
  done = new IntervalSet();
  /** Some of `done`, asked and not returned. */
  late = new IntervalSet();
  /** The newest delivered row first; the others at growing distances, in case that one was cancelled. */
  anchors: Anchor[] = [];

  constructor(readonly group: string) {}

  static restore(stored: StoredCursor): GroupCursor {
    const cursor = new GroupCursor(stored.group);
    const { epoch, low, high, known } = stored;
    Object.assign(cursor, { epoch, low, high, known });
    cursor.done = IntervalSet.decode(stored.done);
    cursor.late = IntervalSet.decode(stored.late);
    const anchors = JSON.parse(stored.anchors) as [number, string][];
    cursor.anchors = anchors.map(([number, messageId]) => ({ number, messageId }));
    return cursor;
  }

  /** What is to be stored: of this very moment, whatever changes while it is being written. */
  store(): StoredCursor {
    const { group, epoch, low, high, known } = this;
    const anchors = JSON.stringify(this.anchors.map(({ number, messageId }) => [number, messageId]));
    return { group, epoch, low, high, known, done: this.done.encode(), late: this.late.encode(), anchors };
  }

  /** The group as the server tells it now, after its numbers were found to mean the same. */
  see(marks: GroupMarks): void {
    this.low = marks.low;
    this.high = Math.max(this.high, marks.high);
  }

  /** These rows are on their way to the sink: the next commit counts them in. */
  advance({ low, high, rows }: Answered): void {
    if (low <= high) this.done.add(low, high);
    for (let i = rows.length - 1; i >= 0; i--) {
      const { number, messageId } = rows[i]!;
      if (!isAnchor(number, messageId)) continue;
      // A copy: the id is a slice of the text it came in, which it would keep in memory.
      const own = Buffer.from(messageId, "latin1").toString("latin1");
      this.anchors = thin([{ number, messageId: own }, ...this.anchors]);
      return;
    }
  }

  /**
   * A range was answered to its end; all of it has been {@link advance}d over.
   *
   * @param missing What was asked and not returned.
   * @param newest Of these, the ones that near the high mark are asked again. Default: 1,000.
   */
  settle(missing: Iterable<Interval>, newest: number = LATE): void {
    const from = Math.max(1, this.high - newest + 1);
    for (const { low, high } of missing) if (high >= from) this.late.add(Math.max(low, from), high);
  }

  /** Makes the late numbers ones that are not done. @returns Them. */
  reopen(): IntervalSet {
    const late = this.late;
    for (const { low, high } of late) this.done.delete(low, high);
    this.late = new IntervalSet();
    return late;
  }

  /** The numbers mean other articles than before: everything is to be asked again. */
  renumber(marks: GroupMarks): void {
    this.epoch++;
    this.low = marks.low;
    this.high = marks.high;
    this.known = marks.high;
    this.done = new IntervalSet();
    this.late = new IntervalSet();
    this.anchors = [];
  }
}

/**
 * Whether a group's numbers mean what they meant. Called with no answers at first; where it asks for one (`ask`), the
 * runner looks which message-id that number has now, and calls again with all answers so far.
 *
 * The same message-id anywhere settles it, another one as well. Where no anchor is there any more (expired, cancelled),
 * the high mark decides: below what it was, numbers were given anew. By itself a lower high mark says nothing: server
 * farms answer from machines that lag behind, and empty groups are told in several ways (RFC 3977 §6.1.1.2).
 *
 * @param found The message-id at each anchor asked for so far; undefined where there was no article.
 */
export function checkNumbering(
  cursor: Pick<GroupCursor, "anchors" | "done" | "high">,
  marks: GroupMarks,
  found: readonly (string | undefined)[] = [],
): "same" | "renumbered" | { readonly ask: Anchor } {
  if (marks.count === 0 || (cursor.done.size === 0 && cursor.anchors.length === 0)) return "same";
  const anchors = cursor.anchors.filter(({ number }) => number >= marks.low);
  for (const [i, { messageId }] of anchors.entries()) {
    if (i >= found.length) return { ask: anchors[i]! };
    if (found[i] !== undefined) return found[i] === messageId ? "same" : "renumbered";
  }
  return marks.high < cursor.high ? "renumbered" : "same";
}

/** The row itself must be in order, its message-id one that can be compared. */
function isAnchor(number: number, messageId: string): boolean {
  return Number.isSafeInteger(number) && number > 0 && /^<[^<>\s]+>$/.test(messageId);
}

/** The newest first. Of those whose distance to it has the same number of digits the farthest stays: 17 at most. */
function thin(unsorted: readonly Anchor[]): Anchor[] {
  const anchors = [...unsorted].sort((a, b) => b.number - a.number);
  const newest = anchors[0]!;
  const digits = ({ number }: Anchor) => (number === newest.number ? 0 : `${newest.number - number}`.length);
  return anchors.filter((anchor, i) => i + 1 === anchors.length || digits(anchor) !== digits(anchors[i + 1]!));
}
