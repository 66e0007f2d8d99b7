/** Which mailbox is open: SELECT, EXAMINE (RFC 9051 6.3.2, RFC 7162), CLOSE, UNSELECT, EXPUNGE, UID EXPUNGE (RFC 4315). */
import type { Input } from "../input.js";
import type { ImapMailbox } from "../mailbox.js";
import { wireName } from "../mailbox-name.js";
import { picked } from "../picked.js";
import { astring, bad, list, no, nstring } from "../reply.js";
import { demand, may, type Right, rightFor } from "../rights.js";
import { Selected } from "../selected.js";
import { compact, knownSet, ranges, sequenceSet, within } from "../sequence.js";
import type { Session } from "../session.js";
import { type CommandTable, command, find, mailboxName } from "./command.js";

export const SELECTION: CommandTable = {
  SELECT: command("authenticated", (session, input) => select(session, input, false)),
  EXAMINE: command("authenticated", (session, input) => select(session, input, true)),
  CLOSE: command("selected", (session, input) => {
    input.finish();
    const { selected, user } = session;
    const { mailbox } = selected;
    if (!selected.readOnly && may(mailbox, user, "e")) {
      mailbox.remove(selected.view.filter((message) => message.has("\\Deleted")));
    }
    session.unselect();
  }),
  UNSELECT: command(
    "selected",
    (session, input) => {
      input.finish();
      session.unselect();
    },
    ({ features }) => features.unselect || features.imap4rev2,
  ),
  EXPUNGE: command("selected", (session, input) => {
    input.finish();
    return expunge(session, () => true);
  }),
  "UID EXPUNGE": command(
    "selected",
    (session, input) => {
      const set = sequenceSet(input.blank());
      input.finish();
      const chosen = new Set(picked(session, set, true).map(({ message }) => message.uid));
      return expunge(session, (uid) => chosen.has(uid));
    },
    ({ features }) => features.uidplus || features.imap4rev2,
  ),
};

/** Refuses what would change a mailbox that is open read-only. */
export function writable(session: Session, ...rights: Right[]): void {
  const { selected, user } = session;
  if (selected.readOnly) no("The mailbox is open read-only", "READ-ONLY");
  for (const right of rights) demand(selected.mailbox, user, right);
}

function expunge(session: Session, chosen: (uid: number) => boolean): string | undefined {
  writable(session, "e");
  const { selected } = session;
  const { mailbox } = selected;
  mailbox.remove(selected.view.filter((message) => message.has("\\Deleted") && chosen(message.uid)));
  session.update(true, true);
  return session.qresync && mailbox.hasModseq ? `[HIGHESTMODSEQ ${mailbox.highestModseq}] Expunged` : undefined;
}

interface Asked {
  uidValidity: number;
  modseq: number;
  known: readonly (readonly [number, number])[] | undefined;
}

function select(session: Session, input: Input, examine: boolean): string {
  const name = mailboxName(session, input.blank());
  const asked = input.ended ? undefined : parameters(session, input.blank());
  input.finish();
  const { state, shared } = session;
  const { features } = shared.options;
  if (state.selected) {
    session.unselect(); // also where what follows fails (RFC 9051 6.3.2)
    if (features.qresync || features.imap4rev2) session.untagged("OK [CLOSED] The mailbox before is closed");
  }
  const mailbox = find(session, name, "r");
  if (!mailbox.selectable) no("Not a mailbox that can be opened", "NONEXISTENT");
  const changes = (["s", "w", "i", "t", "e"] as const).some((right) => may(mailbox, session.user, right));
  const readOnly = examine || mailbox.readOnly || !changes;
  const selected = new Selected(mailbox, readOnly, () => session.channel.stir());
  state.selected = selected;
  introduce(session, selected);
  if (asked) resync(session, selected, asked);
  return readOnly ? "[READ-ONLY] It is open" : "[READ-WRITE] It is open";
}

function introduce(session: Session, selected: Selected): void {
  const { mailbox, readOnly, view } = selected;
  const { features } = session.shared.options;
  session.untagged(`FLAGS ${list(mailbox.known)}`);
  session.untagged(`OK [PERMANENTFLAGS ${list(permanent(session, mailbox, readOnly))}] What can be kept`);
  session.untagged(`${view.length} EXISTS`);
  if (!session.rev2) {
    session.untagged(`${selected.recent} RECENT`);
    const unseen = view.findIndex((message) => !message.has("\\Seen"));
    if (unseen !== -1) session.untagged(`OK [UNSEEN ${unseen + 1}] The first that was not seen`);
  }
  session.untagged(`OK [UIDVALIDITY ${mailbox.uidValidity}] As long as UIDs hold`);
  session.untagged(`OK [UIDNEXT ${mailbox.uidNext}] The next UID`);
  if (features.condstore) session.untagged(modseqOf(mailbox));
  if (features.objectid) session.untagged(`OK [MAILBOXID (${mailbox.id})] Its id`);
  if (session.rev2) {
    const { delimiter } = session.tree;
    const name = astring(wireName(mailbox.name, true), true);
    session.untagged(`LIST () ${nstring(delimiter || undefined)} ${name}`);
  }
}

function modseqOf({ hasModseq, highestModseq }: ImapMailbox): string {
  return hasModseq ? `OK [HIGHESTMODSEQ ${highestModseq}] The highest` : "OK [NOMODSEQ] No mod-sequences here";
}

function permanent(session: Session, mailbox: ImapMailbox, readOnly: boolean): string[] {
  if (readOnly) return [];
  const flags = mailbox.known.filter((flag) => may(mailbox, session.user, rightFor(flag)));
  return mailbox.newKeywords && may(mailbox, session.user, "w") ? [...flags, "\\*"] : flags;
}

/** `(CONDSTORE)`, `(QRESYNC (uidvalidity modseq uids (numbers uids)))`. */
function parameters(session: Session, input: Input): Asked | undefined {
  const { features } = session.shared.options;
  let asked: Asked | undefined;
  input.list(() => {
    const word = input.word();
    if (word === "CONDSTORE" && features.condstore) session.state.enabled.add("CONDSTORE");
    else if (word === "QRESYNC" && features.qresync) {
      if (!session.qresync) bad("QRESYNC was not enabled");
      asked = qresyncParameter(input.blank());
    } else bad(`No parameter ${word} here`);
  }, 1);
  return asked;
}

function qresyncParameter(input: Input): Asked {
  input.expect("(");
  const uidValidity = input.number();
  const modseq = input.blank().number();
  if (uidValidity === 0 || modseq === 0) bad("QRESYNC with a zero");
  let known: Asked["known"];
  if (input.sees(" ") && !input.sees(" (")) known = knownSet(input.blank());
  if (input.skip(" ")) {
    input.expect("(");
    const numbers = knownSet(input);
    const uids = knownSet(input.blank());
    input.expect(")");
    if (total(numbers) !== total(uids)) bad("QRESYNC with pairs that do not pair");
  }
  input.expect(")");
  return { uidValidity, modseq, known };
}

function total(set: readonly (readonly [number, number])[]): number {
  return set.reduce((sum, [from, to]) => sum + Math.abs(to - from) + 1, 0);
}

/** What has happened since the client was last here (RFC 7162 3.2.5). */
function resync(session: Session, selected: Selected, { uidValidity, modseq, known }: Asked): void {
  const { mailbox } = selected;
  if (uidValidity !== mailbox.uidValidity || !mailbox.hasModseq) return;
  const ordered = known && ranges(known, 0xffffffff);
  const concerns = (uid: number) => !ordered || within(uid, ordered);
  const gone = mailbox.expungedSince(modseq).filter(concerns);
  if (gone.length > 0) session.untagged(`VANISHED (EARLIER) ${compact(gone)}`);
  for (const [at, message] of selected.view.entries()) {
    if (message.modseq <= modseq || !concerns(message.uid)) continue;
    session.untagged(`${at + 1} FETCH (${selected.flagsOf(message, session.telling(false))})`);
  }
}
