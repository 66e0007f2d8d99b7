/** STORE and UID STORE (RFC 9051 6.4.6), with UNCHANGEDSINCE (RFC 7162 3.1.3). */
import { flagList, messageFlag, permitted } from "../flags.js";
import type { Input } from "../input.js";
import { hasFlag, type Message } from "../message.js";
import { type Numbered, picked } from "../picked.js";
import { bad, list, no } from "../reply.js";
import { may, rightFor } from "../rights.js";
import { compact, sequenceSet } from "../sequence.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";
import { writable } from "./select.js";

export const STORING: CommandTable = {
  STORE: command("selected", (session, input) => store(session, input.blank(), false), undefined, false),
  "UID STORE": command("selected", (session, input) => store(session, input.blank(), true)),
};

interface Change {
  readonly sign: string;
  readonly silent: boolean;
  readonly flags: readonly string[];
  readonly unchangedSince: number | undefined;
}

function store(session: Session, input: Input, byUid: boolean): string | undefined {
  const set = sequenceSet(input);
  const change = changeOf(session, input.blank());
  const chosen = picked(session, set, byUid);
  writable(session);
  const { selected, user } = session;
  const { mailbox } = selected;
  const wanted = change.flags.length === 0 ? ["\\Answered"] : change.flags;
  if (!wanted.some((flag) => may(mailbox, user, rightFor(flag)))) no("You may not set these flags", "NOPERM");
  const keywords = mailbox.known.length;
  const { unchangedSince } = change;
  const late = ({ message }: Numbered) => unchangedSince !== undefined && message.modseq > unchangedSince;
  const modified = new Set(chosen.filter(late));
  for (const each of chosen) {
    const { message } = each;
    if (!message.gone && !modified.has(each)) mailbox.change(message, changed(session, message, change));
  }
  if (mailbox.known.length > keywords) session.untagged(`FLAGS ${list(mailbox.known)}`);
  for (const each of chosen) tell(session, each, byUid, change.silent && !modified.has(each));
  if (modified.size === 0) return undefined;
  return `[MODIFIED ${compact([...modified].map(({ number, message }) => (byUid ? message.uid : number)))}] Some were not stored`;
}

function changeOf(session: Session, input: Input): Change {
  let unchangedSince: number | undefined;
  if (input.skip("(UNCHANGEDSINCE ")) {
    if (!session.shared.options.features.condstore) bad("STORE takes no UNCHANGEDSINCE here");
    unchangedSince = input.number();
    input.expect(")");
    input.blank();
    if (!session.selected.mailbox.hasModseq) bad("The mailbox has no mod-sequences");
    session.state.enabled.add("CONDSTORE");
  }
  const [, sign = "", silent] = input.take(/([+-]?)FLAGS(\.SILENT)?(?= )/iy) ?? bad("FLAGS was due");
  input.blank();
  const flags = input.sees("(") ? flagList(input) : bare(input);
  input.finish();
  return { sign, silent: silent !== undefined, flags, unchangedSince };
}

/** Flags without parentheses around them. */
function bare(input: Input): string[] {
  const flags = [messageFlag(input)];
  while (input.skip(" ")) flags.push(messageFlag(input));
  return flags;
}

/** The flags a message has then; what the user may not change stays. */
function changed({ selected, user }: Session, message: Message, { sign, flags }: Change): string[] {
  const { mailbox } = selected;
  const allowed = permitted(mailbox, user, flags);
  const rest = message.flags.filter((flag) => !hasFlag(flags, flag));
  if (sign === "+") return [...message.flags, ...allowed.filter((flag) => !message.has(flag))];
  const fixed = message.flags.filter((flag) => !may(mailbox, user, rightFor(flag)));
  if (sign === "-") return [...rest, ...fixed.filter((flag) => !hasFlag(rest, flag))];
  return [...fixed, ...allowed.filter((flag) => !hasFlag(fixed, flag))];
}

/** A silent STORE tells the mod-sequence only, where it is wanted at all (RFC 7162 3.1.3). */
function tell(session: Session, { number, message }: Numbered, byUid: boolean, silent: boolean): void {
  const { selected, condstore } = session;
  if (message.gone) return;
  const how = session.telling(false);
  selected.told(message);
  const uid = byUid || how.uid ? `UID ${message.uid} ` : "";
  const modseq = condstore && selected.mailbox.hasModseq;
  if (!silent) session.untagged(`${number} FETCH (${uid}${selected.flagsOf(message, { ...how, uid: false })})`);
  else if (modseq) session.untagged(`${number} FETCH (${uid}MODSEQ (${message.modseq}))`);
}
