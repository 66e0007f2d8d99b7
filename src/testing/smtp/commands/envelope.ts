/** From whom, and to whom: MAIL, RCPT, RSET (RFC 5321 4.1.1). */
import type { ReplyByAddress } from "../options.js";
import { wrongParameter } from "../parameters.js";
import { fitsPattern, isMailbox, type PathArgument, parsePathArgument } from "../path.js";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";
import { Transaction } from "../transaction.js";
import { announcedLimits } from "./access.js";
import { type CommandTable, command, nothingBehind } from "./command.js";

export const ENVELOPE: CommandTable = {
  MAIL: command((session, rest) => mail(session, rest)),
  RCPT: command((session, rest) => rcpt(session, rest)),
  RSET: command(
    (session, rest) => {
      nothingBehind(rest);
      session.reset();
      session.reply(250, "2.0.0", "Forgotten");
    },
    { beforeTls: true },
  ),
};

function mail(session: Session, rest: string): void {
  const { options } = session.shared;
  if (session.state.hello === undefined) throw new Refused(503, "5.5.1", "Say who you are first");
  if (options.requireLogin && session.state.user === undefined)
    throw new Refused(530, "5.7.0", "Authentication required");
  if (session.transaction) {
    if (session.transaction.begun && !session.transaction.broken) session.violation("MAIL: between two BDAT");
    throw new Refused(503, "5.5.1", "One message at a time");
  }
  if (session.messages >= options.limits.messages) {
    if (announcedLimits(session).length > 0) session.violation("MAIL: more messages than MAILMAX");
    throw new Refused(421, "4.7.0", "Enough for this connection");
  }
  const { address, params } = understood(session, "MAIL", parsePathArgument(rest, "FROM"));
  if (address !== "") checkAddress(session, "MAIL", address, params.SMTPUTF8 !== undefined);
  const { size } = options.features;
  if (size && Number(params.SIZE ?? 0) > size) throw new Refused(552, "5.3.4", "The message is too large");
  if (refusedBy(session, options.rejectFrom, address)) return;
  session.transaction = new Transaction(session, address, params);
  session.reply(250, "2.1.0", "Sender ok");
}

function rcpt(session: Session, rest: string): void {
  const { options, ledger } = session.shared;
  const { transaction } = session;
  if (!transaction) throw new Refused(503, "5.5.1", "MAIL comes first");
  if (transaction.begun) {
    session.violation("RCPT: between two BDAT");
    throw new Refused(503, "5.5.1", "The content has begun");
  }
  const { address, params } = understood(session, "RCPT", parsePathArgument(rest, "TO"));
  if (address === "") throw new Refused(501, "5.1.3", "A recipient needs an address");
  if (address.toLowerCase() !== "postmaster")
    checkAddress(session, "RCPT", address, transaction.params.SMTPUTF8 !== undefined);
  if (transaction.recipients.length >= options.limits.recipients) {
    if (announcedLimits(session).length > 0) session.violation("RCPT: more recipients than RCPTMAX");
    throw new Refused(452, "4.5.3", "Too many recipients");
  }
  if (refusedBy(session, options.reject, address)) return;
  if (options.greylist > 0 && ledger.tries(transaction.from, address) < options.greylist)
    throw new Refused(450, "4.7.1", "Come back later");
  transaction.recipients.push({ address, params });
  session.reply(250, "2.1.5", "Recipient ok");
}

/** What could be understood, and its parameters are announced. */
function understood(session: Session, verb: "MAIL" | "RCPT", argument: PathArgument | undefined): PathArgument {
  if (!argument) {
    session.violation(`${verb}: wrong syntax`);
    throw new Refused(501, "5.5.4", "Syntax error in the path or its parameters");
  }
  for (const oddity of argument.oddities) session.violation(`${verb}: ${oddity}`);
  const wrong = wrongParameter(verb, argument.params, session.state.announced);
  if (wrong === undefined) return argument;
  session.violation(`${verb}: ${wrong}`);
  throw new Refused(/wrong value$/.test(wrong) ? 501 : 555, "5.5.4", wrong);
}

function checkAddress(session: Session, verb: string, address: string, utf8: boolean): void {
  if (!isMailbox(address)) {
    session.violation(`${verb}: not a mailbox`);
    throw new Refused(553, verb === "MAIL" ? "5.1.7" : "5.1.3", "Not a mailbox");
  }
  if (utf8 || !/[^\0-\x7f]/.test(address)) return;
  session.violation(`${verb}: letters beyond ASCII without SMTPUTF8`);
  throw new Refused(553, "5.6.7", "Letters beyond ASCII need SMTPUTF8");
}

/** Gives the reply that a table has for this address; false where it has none. */
function refusedBy(session: Session, table: ReplyByAddress, address: string): boolean {
  const reply = replyFor(table, address);
  if (reply !== undefined) session.send(`${reply}\r\n`);
  return reply !== undefined;
}

/** The reply that a table has for an address. */
export function replyFor(table: ReplyByAddress, address: string): string | undefined {
  for (const pattern in table) if (fitsPattern(pattern, address)) return table[pattern];
  return undefined;
}
