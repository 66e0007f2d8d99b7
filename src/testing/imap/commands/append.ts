/** APPEND (RFC 9051 6.3.12), of several messages at once (RFC 3502), and of UTF-8 headers (RFC 6855 4). */
import { dateTime } from "../dates.js";
import { flagList, permitted } from "../flags.js";
import type { Input } from "../input.js";
import { Kept } from "../message.js";
import { bad, no } from "../reply.js";
import { demandRoom } from "../room.js";
import { compact } from "../sequence.js";
import type { Session } from "../session.js";
import { type CommandTable, command, mailboxOf } from "./command.js";

export const APPENDING: CommandTable = {
  APPEND: command("authenticated", (session, input) => append(session, input.blank())),
};

interface Appended {
  readonly flags: readonly string[];
  readonly internalDate: Date;
  readonly bytes: Buffer;
}

function append(session: Session, input: Input): string {
  const target = mailboxOf(session, input, "i", "TRYCREATE");
  const { features } = session.shared.options;
  const messages: Appended[] = [];
  do messages.push(message(session, input.blank()));
  while (features.multiappend && !input.ended);
  input.finish();
  if (!target.selectable) no("Not a mailbox that takes messages", "CANNOT");
  if (messages.some(({ bytes }) => bytes.length === 0)) no("A message of no octets is none"); // RFC 3502 6.3.11
  demandRoom(
    session.tree,
    messages.map(({ bytes }) => bytes.length),
  );
  const uids = messages.map(({ flags, internalDate, bytes }) => {
    const kept = permitted(target, session.user, flags);
    return target.put({ content: new Kept(bytes), internalDate, flags: kept }).uid;
  });
  const code = features.uidplus || features.imap4rev2 ? `[APPENDUID ${target.uidValidity} ${compact(uids)}] ` : "";
  return `${code}Appended`;
}

function message(session: Session, input: Input): Appended {
  const { features, now } = session.shared.options;
  const flagged = input.sees("(");
  const flags = flagged ? flagList(input) : [];
  if (flagged) input.blank();
  const dated = input.sees('"');
  const internalDate = dated ? dateTime(input) : now();
  if (dated) input.blank();
  const wrapped = input.skip("UTF8 (");
  if (wrapped && !session.utf8) bad("UTF8 was not enabled");
  const literal = input.literal() ?? bad("A literal was due");
  if (wrapped) input.expect(")");
  if (wrapped && !literal.binary) bad("UTF8 goes with a literal8");
  if (literal.binary && !wrapped && !features.binary && !features.imap4rev2) bad("A literal8 has no place here");
  return { flags, internalDate, bytes: literal.bytes };
}
