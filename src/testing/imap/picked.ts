/** The messages that a sequence set means in the open mailbox. */
import type { Message } from "./message.js";
import { bad } from "./reply.js";
import { ranges, type SequenceSet } from "./sequence.js";
import type { Session } from "./session.js";

/** A message and its number. */
export interface Numbered {
  readonly number: number;
  readonly message: Message;
}

/** The messages of a set, in order. A number that no message has is the client's fault; a UID that none has is not. */
export function picked(session: Session, set: SequenceSet, byUid: boolean): Numbered[] {
  const { view, saved } = session.selected;
  if (set === "$") {
    const { features } = session.shared.options;
    if (!features.searchres && !features.imap4rev2) bad("$, where SEARCHRES is not announced");
    return take(
      session,
      saved.map((uid) => [uid, uid] as const),
      true,
    );
  }
  const last = byUid ? (view.at(-1)?.uid ?? 0) : view.length;
  const ordered = ranges(set, last);
  if (!byUid && ordered.some(([from, to]) => from < 1 || to > view.length)) bad("There is no message of this number");
  return take(session, ordered, byUid);
}

function take(session: Session, ordered: readonly (readonly [number, number])[], byUid: boolean): Numbered[] {
  const { selected } = session;
  const { view } = selected;
  const found: Numbered[] = [];
  for (const [from, to] of ordered) {
    const first = byUid ? selected.position(from) : from - 1;
    for (let at = first; at < view.length; at++) {
      const message = view[at] as Message;
      if ((byUid ? message.uid : at + 1) > to) break;
      found.push({ number: at + 1, message });
    }
  }
  return found;
}
