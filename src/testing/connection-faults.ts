/** Faults of whole connections, the same in every protocol that is a conversation of lines: all but FTP. */
import type { CommandFaults } from "./command-faults.js";
import type { ScramFault } from "./sasl/index.js";
import type { ByteFaults } from "./wire.js";

/** Faults of a connection: of its bytes, its beginning, its login and its end, and of single commands. */
export interface ConnectionFaults extends ByteFaults, CommandFaults {
  /** Milliseconds before the greeting. Default: 0. */
  greetingDelay?: number | undefined;
  /** New connections hear nothing, not even a greeting: all of them (`true`), or this many (counted down). */
  silent?: boolean | number | undefined;
  /**
   * New connections are told that there are too many (502 in NNTP, 421 in SMTP, `-ERR [SYS/TEMP]` in POP3, BYE in IMAP) and
   * closed: all of them (`true`), or this many (counted down).
   */
  tooManyConnections?: boolean | number | undefined;
  /** After this many commands a connection is told to come back later (as above; in NNTP 400) and closed. */
  goingAwayAfter?: number | undefined;
  /** What is wrong with the server's side of SCRAM: another nonce, a wrong signature, none, or `e=` in its place. */
  scram?: ScramFault | undefined;
}
