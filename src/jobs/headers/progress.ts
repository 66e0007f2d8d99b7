/** How far a headers job is: counted as it goes, told once a second. */
import { Rates } from "../meter.js";

/** What a headers job says of itself once a second. */
export interface HeadersProgress {
  readonly phase: "fetching" | "done";
  /** Newsgroups in all, and those that are done. */
  readonly groups: number;
  readonly groupsDone: number;
  /** The group that was opened last. */
  readonly group: string | undefined;
  /** Article numbers known to be wanted, in the groups opened so far; and those that were answered for in this run. */
  readonly wanted: number;
  readonly answered: number;
  /** Rows (or articles) written in this run. */
  readonly rows: number;
  /** Over the last ten seconds. */
  readonly rowsPerSecond: number;
  /** Seconds to the end at this rate; undefined while that cannot be told. */
  readonly secondsLeft: number | undefined;
  /** Connections that are logged in. */
  readonly connections: number;
}

/** Counts, and turns counts into progress. */
export class HeadersMeter {
  groups = 0;
  groupsDone = 0;
  group: string | undefined;
  wanted = 0;
  answered = 0;
  rows = 0;
  connections = 0;
  readonly #rates = new Rates<"rows" | "answered">();

  /** The clock starts: what comes from now on counts for the rates. */
  begin(now: number): void {
    const { rows, answered } = this;
    this.#rates.take(now, { rows, answered });
  }

  /** What there is to say now. */
  take(phase: HeadersProgress["phase"], now: number): HeadersProgress {
    const { groups, groupsDone, group, wanted, answered, rows, connections } = this;
    const rate = this.#rates.take(now, { rows, answered });
    const pace = rate("answered");
    const known = phase === "fetching" && pace > 0 && groups === groupsDone + (wanted > answered ? 1 : 0);
    return {
      phase,
      groups,
      groupsDone,
      group,
      wanted,
      answered,
      rows,
      rowsPerSecond: rate("rows"),
      secondsLeft: known ? (wanted - answered) / pace : undefined,
      connections,
    };
  }
}
