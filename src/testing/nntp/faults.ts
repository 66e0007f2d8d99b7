/** What the in-memory NNTP server can be told to do wrong. Every fault is off until it is set, and may be set while it runs. */
import type { ConnectionFaults } from "../connection-faults.js";

/** Where an OVER is cut. */
export interface CutFault {
  /** In this row of the answer, the first is 1. */
  row: number;
  /** Bytes of the row that still come. Default: 10. */
  bytes?: number | undefined;
  /** It hits the n-th OVER (or XOVER) from now on; counted down in place. Default: 1. */
  over?: number | undefined;
}

/**
 * What is wrong with every n-th row of an OVER: `{ duplicate: 100 }`. `0` or undefined: nothing.
 */
export interface RowFaults {
  /** The row comes twice. */
  duplicate?: number | undefined;
  /** The row ends behind the author. */
  fewFields?: number | undefined;
  /** Three fields more, behind the last. */
  manyFields?: number | undefined;
  /** In place of the number: `12x`, nothing, a minus, a number past 2^53, in turn. */
  badNumber?: number | undefined;
  /** Bytes that are no text in any charset, in the subject. */
  rubbish?: number | undefined;
  /** NUL in the subject. */
  nul?: number | undefined;
  /** CR without LF in the subject. */
  bareCr?: number | undefined;
  /** LF without CR in the subject. */
  bareLf?: number | undefined;
  /** The row ends behind the references, without `bytes`, `lines` and what follows, and without TABs at its end. */
  shortTail?: number | undefined;
  /** `bytes` and `lines` are no numbers. */
  badCounts?: number | undefined;
}

/** Everything that can go wrong on purpose. Change it while the server runs: `server.faults.emptyOver = 1`. */
export interface Faults extends ConnectionFaults {
  /** Plain bytes sent right behind the 382 of STARTTLS, in the same segment: a STARTTLS injection. */
  injectAfterStartTls?: string | undefined;

  /** Logins are refused with 481 (too many connections): all of them (`true`), or this many (counted down). */
  tooManyLogins?: boolean | number | undefined;
  /**
   * After this many commands a connection is answered 480, as if it had never logged in, until it logs in again. Happens
   * to one connection, then unsets itself.
   */
  loginAgainAfter?: number | undefined;
  /** Nothing can be stored for now: POST 441, IHAVE 436, CHECK 431, TAKETHIS 400 and the end; always, or this many times. */
  cannotStore?: boolean | number | undefined;

  // Overviews

  /** The connection is destroyed in the middle of a row of OVER or XOVER (also over COMPRESS DEFLATE). */
  cutOver?: CutFault | undefined;
  /** OVER answers 224 and no row: always (`true`), or this many times (counted down). */
  emptyOver?: boolean | number | undefined;
  /** What LIST OVERVIEW.FMT says, whatever the rows are like. */
  overviewFormat?: string[] | undefined;
  /** This many rows below the range asked for, and as many above it, where the group has them. */
  rowsOutside?: number | undefined;
  /** Rows that are wrong. */
  rows?: RowFaults | undefined;
  /** Numbers without an article as long as this is set: articles that come late. A list, or a function that says which. */
  lateArticles?: readonly number[] | ((number: number, group: string) => boolean) | undefined;
}

/** Whether the next OVER is the one to cut; counts it down. */
export function cutsNow(faults: Faults): CutFault | undefined {
  const cut = faults.cutOver;
  if (!cut) return undefined;
  cut.over = (cut.over ?? 1) - 1;
  if (cut.over > 0) return undefined;
  faults.cutOver = undefined;
  return cut;
}
