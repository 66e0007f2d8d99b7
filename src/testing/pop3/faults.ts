/** What the in-memory POP3 server can be told to do wrong. Every fault is off until it is set, and may be set while it runs. */
import type { CommandFault } from "../command-faults.js";
import type { ConnectionFaults } from "../connection-faults.js";

/** Where a message is cut. */
export interface CutFault extends CommandFault {
  /** Bytes of the body, as they are on the way (dots doubled), that still come. */
  at: number;
}

/** Everything that can go wrong on purpose. Change it while the server runs: `server.faults.duplicateUids = 3`. */
export interface Faults extends ConnectionFaults {
  // The connection

  /** Plain bytes sent right behind the `+OK` of STLS, in the same segment: an injection. */
  injectAfterStls?: string | undefined;

  // Replies

  /** Every line ends with LF alone: replies, lists, messages and their final dots. Default: false. */
  loneLf?: boolean | undefined;
  /** Status lines are filled up to this many characters. Default: as they are. */
  longReply?: number | undefined;

  // Bodies

  /**
   * The end of a body, CRLF `.` CRLF, does not come in one segment: every byte of it in its own (`true`), or cut in
   * front of this byte of it (1 to 4; of LF `.` LF, which `loneLf` makes of it, 1 and 2). A body that `cutBody` cuts has no end.
   */
  splitTerminator?: boolean | number | undefined;
  /** The final dot comes twice: always (`true`), or this many times (counted down). */
  duplicateTerminator?: boolean | number | undefined;
  /** The connection is destroyed in the middle of the body that answers this command. */
  cutBody?: CutFault | undefined;

  // What is told of messages

  /** UIDL gives so many rows more (or less, where it is negative) than there are messages. */
  uidlRows?: number | undefined;
  /** Every n-th row of UIDL has the unique-id of the row before it. 0: none. */
  duplicateUids?: number | undefined;
  /** LIST and STAT say so many octets more (or less) for each message. */
  wrongSizes?: number | undefined;
}
