/** What the in-memory SMTP server can be told to do wrong. Every fault is off until it is set, and may be set while it runs. */
import { matchesCommand } from "../command-faults.js";
import type { ConnectionFaults } from "../connection-faults.js";

/** A refusal of the n-th command of a kind. */
export interface RefuseFault {
  /** The verb, or the beginning of the line up to a blank; `"."`: the end of a message. */
  command: string;
  /** The whole reply without its CRLF. The connection is closed behind a 421. */
  reply: string;
  /** It hits the n-th of them from now on, those included that another one hits; counted down in place. Default: 1. */
  nth?: number | undefined;
  /** How many it hits from there on; counted down in place. Default: 1. */
  times?: number | undefined;
}

/** Where content is cut. */
export interface DataCut {
  /** Bytes of the content, as they are on the way, that are still read. */
  at: number;
  /** It hits the n-th message from now on; counted down in place. Default: 1. */
  nth?: number | undefined;
}

/**
 * Everything that can go wrong on purpose. Change it while the server runs:
 * `server.faults.refuse = { command: "RCPT", nth: 3, reply: "450 4.2.1 Later" }`.
 *
 * For all faults that name a command, the end of a message, by DATA or by BDAT LAST, is the command `"."`: with
 * `loseReply: { command: "." }` a message is taken and the connection closed in place of its reply, with
 * `closeBeforeCommand: { command: "." }` it is closed and the message not taken. The final reply to DATA, and to BDAT LAST,
 * is that to the message: `loseReply` and `closeAfterCommand` hit it under either name.
 */
export interface Faults extends ConnectionFaults {
  // The connection

  /** Plain bytes sent right behind the 220 of STARTTLS, in the same segment: an injection. */
  injectAfterStartTls?: string | undefined;

  // Replies

  /** Replies of one line get this many lines. Default: as they are. */
  replyLines?: number | undefined;
  /** Refusals of commands, counted. */
  refuse?: RefuseFault | RefuseFault[] | undefined;

  // Content

  /** The connection is destroyed in the middle of a message. */
  cutData?: DataCut | undefined;
  /** Content is read in pieces of so many bytes, with so many milliseconds before each. */
  slowReader?: { bytes: number; delay: number } | undefined;
}

/** The reply to refuse this line with, if one is due; counts down. */
export function refusal(faults: Faults, line: string): string | undefined {
  let due: string | undefined;
  // All of them count, also those behind the one that hits.
  for (const fault of [faults.refuse ?? []].flat()) {
    if (!matchesCommand(fault.command, line)) continue;
    fault.nth = (fault.nth ?? 1) - 1;
    const left = fault.times ?? 1;
    if (due !== undefined || fault.nth > 0 || left <= 0) continue;
    fault.times = left - 1;
    due = fault.reply;
  }
  return due;
}

/** Whether the message that begins now is the one to cut; counts down. */
export function cutNow(faults: Faults): number | undefined {
  const cut = faults.cutData;
  if (!cut) return undefined;
  cut.nth = (cut.nth ?? 1) - 1;
  if (cut.nth > 0) return undefined;
  faults.cutData = undefined;
  return cut.at;
}
