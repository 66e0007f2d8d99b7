/** COPY and MOVE, by number and by UID (RFC 9051 6.4.7 and 6.4.8, RFC 4315, RFC 6851). */
import { permitted } from "../flags.js";
import type { Input } from "../input.js";
import type { ImapMailbox } from "../mailbox.js";
import type { Message } from "../message.js";
import type { ResolvedImapServerOptions } from "../options.js";
import { picked } from "../picked.js";
import { no } from "../reply.js";
import { demandRoom } from "../room.js";
import { compact, sequenceSet } from "../sequence.js";
import type { Session } from "../session.js";
import { type CommandTable, command, mailboxOf } from "./command.js";
import { writable } from "./select.js";

const moves = ({ features }: ResolvedImapServerOptions) => features.move || features.imap4rev2;

export const COPYING: CommandTable = {
  COPY: command("selected", (session, input) => copy(session, input.blank(), false)),
  "UID COPY": command("selected", (session, input) => copy(session, input.blank(), true)),
  MOVE: command("selected", (session, input) => move(session, input.blank(), false), moves),
  "UID MOVE": command("selected", (session, input) => move(session, input.blank(), true), moves),
};

interface Asked {
  readonly messages: readonly Message[];
  readonly target: ImapMailbox;
}

function copy(session: Session, input: Input, byUid: boolean): string {
  const asked = read(session, input, byUid);
  const code = carry(session, asked, true);
  return `${code}Copied`;
}

function move(session: Session, input: Input, byUid: boolean): void {
  const asked = read(session, input, byUid);
  writable(session, "t", "e");
  const code = carry(session, asked, false);
  if (code !== "") session.untagged(`OK ${code}Moved`); // in front of the EXPUNGE responses (RFC 6851 4.3)
  session.selected.mailbox.remove(asked.messages);
  session.update(true, true);
}

function read(session: Session, input: Input, byUid: boolean): Asked {
  const set = sequenceSet(input);
  input.blank();
  const messages = picked(session, set, byUid).map(({ message }) => message);
  const target = mailboxOf(session, input, "i", "TRYCREATE");
  input.finish();
  if (!target.selectable) no("Not a mailbox that takes messages", "CANNOT");
  if (messages.some(({ gone }) => gone)) no("Some of them are not there any more", "EXPUNGEISSUED");
  return { messages, target };
}

/** Puts copies into the target; gives the code with their UIDs (RFC 4315 3). */
function carry(session: Session, { messages, target }: Asked, more: boolean): string {
  if (messages.length === 0) return "";
  if (more)
    demandRoom(
      session.tree,
      messages.map(({ content }) => content.size),
    );
  const copies = messages.map(({ content, flags, internalDate, emailId }) => {
    return target.put({ content, internalDate, emailId, flags: permitted(target, session.user, flags) });
  });
  const { features } = session.shared.options;
  if (!features.uidplus && !features.imap4rev2) return "";
  const [from, to] = [messages, copies].map((some) => compact(some.map(({ uid }) => uid)));
  return `[COPYUID ${target.uidValidity} ${from} ${to}] `;
}
