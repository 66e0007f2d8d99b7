/** FETCH and UID FETCH (RFC 9051 6.4.5), with CHANGEDSINCE and VANISHED (RFC 7162 3.1.4 and 3.2.6) and PARTIAL (RFC 9394). */
import { type FetchItem, fetchItems, fetchResponse, namedItem } from "../fetch-items.js";
import type { Input } from "../input.js";
import { partialOf, partialRange } from "../partial.js";
import { type Numbered, picked } from "../picked.js";
import { bad } from "../reply.js";
import { may } from "../rights.js";
import { compact, ranges, type SequenceSet, sequenceSet, within } from "../sequence.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";

export const FETCHING: CommandTable = {
  FETCH: command("selected", (session, input) => fetch(session, input.blank(), false), undefined, false),
  "UID FETCH": command("selected", (session, input) => fetch(session, input.blank(), true)),
};

interface Modifiers {
  changedSince?: number;
  vanished?: boolean;
  partial?: readonly [number, number];
}

async function fetch(session: Session, input: Input, byUid: boolean): Promise<void> {
  const set = sequenceSet(input);
  const items = fetchItems(session, input.blank());
  const how = input.skip(" ") ? modifiers(session, input, byUid) : {};
  input.finish();
  const asks = (name: string) => items.some((item) => item.name === name);
  if (how.changedSince !== undefined && !asks("MODSEQ")) items.push(namedItem(session, "MODSEQ"));
  if (byUid && !asks("UID")) items.unshift(namedItem(session, "UID"));
  const { selected, state } = session;
  if (asks("MODSEQ")) {
    if (!selected.mailbox.hasModseq) bad("The mailbox has no mod-sequences");
    state.enabled.add("CONDSTORE");
  }
  if (how.vanished) tellVanished(session, set, how.changedSince ?? 0);
  const since = how.changedSince ?? -1;
  const chosen = picked(session, set, byUid).filter(({ message }) => message.modseq > since);
  await tellAll(session, how.partial ? partialOf(chosen, how.partial) : chosen, items);
}

function modifiers(session: Session, input: Input, byUid: boolean): Modifiers {
  const { features } = session.shared.options;
  const how: Modifiers = {};
  input.list(() => {
    const word = input.word();
    if (word === "CHANGEDSINCE" && features.condstore) how.changedSince = input.blank().number();
    else if (word === "VANISHED" && features.qresync) how.vanished = true;
    else if (word === "PARTIAL" && features.partial && byUid) how.partial = partialRange(input.blank());
    else bad(`FETCH takes no ${word} here`);
  }, 1);
  if (how.vanished && !(byUid && session.qresync && how.changedSince !== undefined)) {
    bad("VANISHED goes with UID FETCH, CHANGEDSINCE and QRESYNC (RFC 7162 3.2.6)");
  }
  return how;
}

function tellVanished(session: Session, set: SequenceSet, since: number): void {
  if (set === "$") return;
  const { mailbox } = session.selected;
  const asked = ranges(set, mailbox.uidNext - 1);
  const gone = mailbox.expungedSince(since).filter((uid) => within(uid, asked));
  if (gone.length > 0) session.untagged(`VANISHED (EARLIER) ${compact(gone)}`);
}

async function tellAll(session: Session, chosen: readonly Numbered[], items: readonly FetchItem[]): Promise<void> {
  const { selected, channel } = session;
  const names = new Set(items.map(({ name }) => name));
  const sees = items.some((item) => item.sees) && !selected.readOnly && may(selected.mailbox, session.user, "s");
  const told = names.has("FLAGS") && (!session.condstore || names.has("MODSEQ"));
  for (const { message } of chosen) {
    const marked = sees && !message.has("\\Seen");
    if (marked) selected.mailbox.change(message, [...message.flags, "\\Seen"]);
    const more = marked ? changed(session, names) : [];
    if (marked || told) selected.told(message);
    const number = selected.numberOf(message);
    if (number === 0) continue; // a fault has let it be expunged in between
    await session.stream(fetchResponse(session, number, message, [...items, ...more]));
    if (channel.dead || channel.broken || session.closed) return;
  }
}

/** What must come along where a message has become \Seen. */
function changed(session: Session, names: ReadonlySet<string>): FetchItem[] {
  const due = session.condstore && session.selected.mailbox.hasModseq ? ["FLAGS", "MODSEQ"] : ["FLAGS"];
  return due.filter((name) => !names.has(name)).map((name) => namedItem(session, name));
}
