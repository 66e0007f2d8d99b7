/** The maildrop: STAT, LIST, UIDL, RETR, TOP, DELE, RSET (RFC 1939 5 and 7). */
import { stuffed, topOf } from "../body.js";
import type { Source } from "../message.js";
import { listed, Refused } from "../reply.js";
import type { Held, Session } from "../session.js";
import { type CommandTable, command, words } from "./command.js";

export const MESSAGES: CommandTable = {
  STAT: command("transaction", (session, rest) => {
    words(rest, 0, 0);
    session.ok(totals(session));
  }),
  LIST: command("transaction", (session, rest) => {
    const [asked] = words(rest, 0, 1);
    if (asked === undefined) return session.body(`${present(session).length} messages`, listed(sizes(session)));
    return session.ok(`${asked} ${sizeOf(session, messageOf(session, asked))}`);
  }),
  UIDL: command(
    "transaction",
    (session, rest) => {
      const [asked] = words(rest, 0, 1);
      if (asked === undefined) return session.body("Unique-ids follow", listed(uids(session)));
      return session.ok(`${asked} ${messageOf(session, asked).uid}`);
    },
    ({ features }) => features.uidl,
  ),
  RETR: command("transaction", (session, rest) => {
    const message = messageOf(session, words(rest, 1, 1)[0]);
    return session.body(`${message.bytes} octets`, stuffed(message.pieces()));
  }),
  TOP: command(
    "transaction",
    (session, rest) => {
      const [number, lines = ""] = words(rest, 2, 2);
      if (!/^\d{1,9}$/.test(lines)) throw new Refused("Not a number of lines");
      const message = messageOf(session, number);
      return session.body("The top of the message follows", stuffed(topOf(message.pieces(), Number(lines))));
    },
    ({ features }) => features.top,
  ),
  DELE: command("transaction", (session, rest) => {
    const [asked] = words(rest, 1, 1);
    heldBy(session).deleted.add(messageOf(session, asked));
    session.ok(`Message ${asked} is marked`);
  }),
  RSET: command("transaction", (session, rest) => {
    words(rest, 0, 0);
    heldBy(session).deleted.clear();
    session.ok("No message is marked");
  }),
};

function heldBy(session: Session): Held {
  return session.held as Held; // the table asks for the transaction state
}

/** A message by its number; one that is marked is none (RFC 1939 5). */
function messageOf(session: Session, number: string | undefined): Source {
  const { messages, deleted } = heldBy(session);
  const message = /^\d{1,9}$/.test(number ?? "") ? messages[Number(number) - 1] : undefined;
  if (!message || deleted.has(message)) throw new Refused("No such message");
  return message;
}

/** Messages that are not marked, with their numbers. */
function present(session: Session): { number: number; message: Source }[] {
  const { messages, deleted } = heldBy(session);
  const numbered = messages.map((message, at) => ({ number: at + 1, message }));
  return deleted.size === 0 ? numbered : numbered.filter(({ message }) => !deleted.has(message));
}

function sizeOf(session: Session, message: Source): number {
  return message.bytes + (session.shared.faults.wrongSizes ?? 0);
}

function totals(session: Session): string {
  const all = present(session);
  return `${all.length} ${all.reduce((sum, { message }) => sum + sizeOf(session, message), 0)}`;
}

function* sizes(session: Session): Iterable<string> {
  for (const { number, message } of present(session)) yield `${number} ${sizeOf(session, message)}`;
}

function* uids(session: Session): Iterable<string> {
  const { uidlRows = 0, duplicateUids = 0 } = session.shared.faults;
  const all = present(session);
  let before = "";
  for (const [at, { number, message }] of all.slice(0, uidlRows < 0 ? uidlRows : undefined).entries()) {
    const again = duplicateUids > 0 && at > 0 && (at + 1) % duplicateUids === 0;
    yield `${number} ${again ? before : (before = message.uid)}`;
  }
  const last = all.at(-1)?.number ?? 0;
  for (let extra = 1; extra <= uidlRows; extra++) yield `${last + extra} extra-${extra}`;
}
