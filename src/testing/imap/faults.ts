/** What the in-memory IMAP server can be told to do wrong. Every fault is off until it is set, and may be set while it runs. */
import type { CommandFault } from "../command-faults.js";
import type { ConnectionFaults } from "../connection-faults.js";

/** Where an answer is cut. */
export interface CutFault extends CommandFault {
  /** Bytes of the answer (all of its responses) that still come. */
  at: number;
  /** How it ends: the connection is closed, or nothing comes any more. Default: `"close"`. */
  ending?: "close" | "silence" | undefined;
}

/** A literal that does not come. */
export interface LiteralFault extends CommandFault {
  /** Bytes of it that come all the same. Default: 0. */
  bytes?: number | undefined;
  /** How it ends. Default: `"silence"`. */
  ending?: "close" | "silence" | undefined;
}

/** A message that another client expunges in between. */
export interface ExpungeFault extends CommandFault {
  /** The number of the message, as the client knows it. */
  message: number;
}

/**
 * Everything that can go wrong on purpose. Change it while the server runs: `server.faults.wrongTag = { command: "NOOP" }`.
 *
 * Commands are meant without their tags: `"NOOP"`, `"UID FETCH"`, `"FETCH 1"`. What {@link CommandFaults.reply} gives is
 * the end of the answer, and gets the tag: `{ NOOP: "NO [UNAVAILABLE] Later" }`; lines before it come as they are.
 */
export interface Faults extends ConnectionFaults {
  // The connection

  /** Plain bytes sent right behind the OK of STARTTLS, in the same segment: an injection. */
  injectAfterStartTls?: string | undefined;

  // Answers

  /** The answer to this command breaks off. */
  cutResponse?: CutFault | undefined;
  /** BYE comes behind the first response of the answer to this command, and the connection is closed. */
  byeDuring?: CommandFault | undefined;
  /** The answer ends with a tag that nobody has given. */
  wrongTag?: CommandFault | undefined;
  /** The end of the answer comes behind the end of the next command's, where that was sent already. */
  outOfOrder?: CommandFault | undefined;
  /**
   * FETCHes that are sent together are answered together: a response of the last one, one of the one before it, and so on in
   * turn, and their ends behind all of them. (Where anything but FETCH responses is among the answers, they come in order.)
   */
  together?: boolean | undefined;
  /** This command is answered BAD, and the answer repeats it: a password in it, too. It is not done. */
  echo?: CommandFault | undefined;
  /** Lines (without CRLF) put between responses, one in front of each, in turn: `["* XYZZY 42", "* 7 XNEW (a b)"]`. */
  strangers?: readonly string[] | undefined;
  /** Another client expunges a message behind the first response of the answer, and the client is told at once. */
  expungeDuring?: ExpungeFault | undefined;

  // Literals

  /** A literal of a FETCH is announced, and does not come. */
  missingLiteral?: LiteralFault | undefined;
  /** A synchronizing literal is refused with NO in place of `+`. */
  refuseLiteral?: CommandFault | undefined;

  // What is told of messages

  /** The UID comes behind all else in a FETCH response. */
  uidLast?: boolean | undefined;
  /** Sections (BODY[], BINARY[], RFC822) come as quoted strings where these can hold them: ASCII on one line, or nothing. */
  quotedSections?: boolean | undefined;

  /** RFC822.SIZE says so many octets more (or less) for each message. */
  wrongSizes?: number | undefined;
}
