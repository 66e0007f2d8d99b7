/** One group of a job: its cursor, its plan, and the way of its rows into the sink. */
import type { Answered, AnsweredRow, GroupCursor, StoredCursor } from "./cursor.js";
import type { HeadersJournal } from "./journal.js";
import type { HeadersMeter } from "./progress.js";
import { RangeRows } from "./range-rows.js";
import { type GroupMarks, type Range, RangePlan, type Wanted, wantedInterval } from "./ranges.js";
import type { KeptId, Sink } from "./sink.js";
import { Ordered } from "./sinks/ordered.js";

/** A row as the job sees it: what a sink takes knows more of it. */
export type AnyRow = AnsweredRow;
/** A sink of whatever rows the job fetches. */
export type AnySink = Sink<{ readonly group: string; readonly rows: readonly AnyRow[] }>;

/** What the groups of a job share. */
export interface WorkContext {
  readonly sink: AnySink;
  readonly journal: HeadersJournal;
  readonly meter: HeadersMeter;
  readonly ordered: boolean;
  /** True where message-ids are kept: `deliver` is told what goes to the sink. */
  readonly keeps: boolean;
  deliver(kept: readonly KeptId[]): void;
  readonly plan: ConstructorParameters<typeof RangePlan>[2];
  /** The sink failed: nothing is remembered any more. */
  failed(error: unknown): void;
  /** The sink has enough in hand until this settles. */
  busy(until: Promise<void>): void;
}

/** Rows held back, where they are to come out in order, before no further ones are asked for. */
const MOST_HELD = 500_000;
/** Milliseconds after which numbers that had no article may have one: what is late is asked for again then. */
const LATE_AFTER = 60_000;

export class GroupWork {
  readonly name: string;
  readonly cursor: GroupCursor;
  /** Ranges under way. */
  flying = 0;
  /** Rows and articles delivered in this run. */
  rows = 0;
  /** Rows that were not asked for, came twice, or were known from before a renumbering. */
  passedOver = 0;
  /** True where the cursor is to be stored again. */
  changed = true;
  readonly #context: WorkContext;
  readonly #plan: RangePlan;
  readonly #ordered: Ordered<AnyRow> | undefined;
  #opened = performance.now();

  /** `wanted` as it is for this group; the cursor knows the marks. */
  constructor(context: WorkContext, cursor: GroupCursor, marks: GroupMarks, wanted: Wanted) {
    this.name = cursor.group;
    this.cursor = cursor;
    this.#context = context;
    cursor.see(marks);
    cursor.reopen();
    const interval = wantedInterval(marks, wanted);
    this.#plan = new RangePlan(interval, cursor.done, context.plan);
    this.#ordered = context.ordered && interval ? new Ordered(interval.low, cursor.done) : undefined;
    context.meter.wanted += this.#plan.left;
  }

  /** True while there are numbers to ask for that are not in flight. */
  get hasMore(): boolean {
    return this.#plan.isLeft || this.#isLate;
  }

  /** The cursor as it is to be remembered. */
  store(): StoredCursor {
    this.changed = false;
    return this.cursor.store();
  }

  /** The next range, if there is one now. */
  next(): Range | undefined {
    const range = this.#plan.next() ?? this.#late();
    if (range === undefined) return undefined;
    // Rows that came early fill the memory: only those that all others wait for are of use now.
    if (this.#ordered && this.#ordered.held > MOST_HELD && !this.#ordered.isNext(range.low)) {
      this.#plan.giveBack(range);
      return undefined;
    }
    this.flying++;
    return range;
  }

  /** Takes the rows of one range as they come. */
  begin(range: Range): RangeIntake {
    return new RangeIntake(this, range, new RangeRows<AnyRow>(range, this.cursor.done));
  }

  /** A range was answered to its end. */
  settle(range: Range, rows: RangeRows<AnyRow>, count: number, bytes: number | undefined): void {
    this.flying--;
    this.take(rows.end());
    this.passedOver += rows.passedOver;
    this.cursor.settle(rows.missing);
    this.#plan.finished(range, { rows: count, bytes });
    this.changed = true;
  }

  /** The answer to a range broke off. */
  broke(range: Range, rows: RangeRows<AnyRow>): void {
    this.flying--;
    this.passedOver += rows.passedOver;
    this.#plan.broke(range, rows.from);
  }

  /** Rows on their way to the sink, in turn. @returns A promise where the sink has enough in hand. */
  take(answer: Answered<AnyRow>): void | Promise<void> {
    if (!this.#ordered) return this.#deliver(answer);
    let busy: Promise<void> | undefined;
    for (const next of this.#ordered.push(answer)) busy = this.#deliver(next) || busy;
    return busy;
  }

  #deliver(answer: Answered<AnyRow>): Promise<void> | undefined {
    const { meter } = this.#context;
    const rows = this.cursor.known > 0 ? answer.rows.filter((row) => this.#isNew(row)) : answer.rows;
    const busy = rows.length > 0 ? this.#write(rows) : undefined;
    this.passedOver += answer.rows.length - rows.length;
    this.rows += rows.length;
    meter.rows += rows.length;
    meter.answered += Math.max(0, answer.high - answer.low + 1);
    this.cursor.advance(answer);
    this.changed = true;
    return busy;
  }

  /** Before the cursor moves: what the sink did not take is not counted in. */
  #write(rows: readonly AnyRow[]): Promise<void> | undefined {
    const { sink, keeps } = this.#context;
    let busy: void | Promise<void>;
    try {
      busy = sink.write({ group: this.name, rows });
    } catch (error) {
      this.#context.failed(error);
      throw error;
    }
    if (keeps) this.#context.deliver(rows.map(({ messageId }) => ({ group: this.name, messageId })));
    if (busy) this.#context.busy(busy);
    return busy ?? undefined;
  }

  /** Behind a renumbering: whether a row was not delivered under its former number. */
  #isNew({ number, messageId }: AnyRow): boolean {
    return number > this.cursor.known || !this.#context.journal.isKnown(this.name, messageId);
  }

  /** All is answered, and what was missing among the newest is worth another look. */
  get #isLate(): boolean {
    return this.flying === 0 && this.cursor.late.size > 0 && performance.now() - this.#opened > LATE_AFTER;
  }

  #late(): Range | undefined {
    if (!this.#isLate) return undefined;
    this.#opened = performance.now();
    for (const interval of this.cursor.reopen()) this.#plan.giveBack(interval);
    this.changed = true;
    return this.#plan.next();
  }
}

/** The rows of one range on their way. */
export class RangeIntake {
  /** Rows that came. */
  count = 0;
  /** Rows that come later still (from an inflater, say) belong to nobody: the range may be asked for again by now. */
  #over = false;
  readonly #work: GroupWork;
  readonly #range: Range;
  readonly #rows: RangeRows<AnyRow>;

  constructor(work: GroupWork, range: Range, rows: RangeRows<AnyRow>) {
    this.#work = work;
    this.#range = range;
    this.#rows = rows;
  }

  take(rows: readonly AnyRow[]): void | Promise<void> {
    if (this.#over) return undefined;
    this.count += rows.length;
    return this.#work.take(this.#rows.take(rows));
  }

  /** `bytes` as they came, where that is known. */
  end(bytes?: number): void {
    this.#over = true;
    this.#work.settle(this.#range, this.#rows, this.count, bytes);
  }

  /** The answer broke off. */
  broke(): void {
    this.#over = true;
    this.#work.broke(this.#range, this.#rows);
  }
}
