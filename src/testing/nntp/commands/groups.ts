/** Which group, and which of its articles: GROUP LISTGROUP LAST NEXT (RFC 3977 6.1). */
import type { NntpGroup } from "../group.js";
import { type NumberRange, parseRange } from "../range.js";
import { bodyLines, Refused } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";

export const GROUPS: CommandTable = {
  GROUP: command("reading", (session, [name = ""]) => session.reply(211, enter(session, named(session, name))), {
    arguments: [1, 1],
  }),
  LISTGROUP: command("reading", (session, [name, range]) => listGroup(session, name, range), {
    arguments: [0, 2],
    feature: "listgroup",
  }),
  NEXT: command("reading", (session) => {
    const { group, number } = current(session);
    for (const next of group.numbers(number + 1)) return step(session, group, next);
    throw new Refused(421, "No next article in this group");
  }),
  LAST: command("reading", (session) => {
    const { group, number } = current(session);
    const last = group.before(number);
    if (last === undefined) throw new Refused(422, "No previous article in this group");
    step(session, group, last);
  }),
};

/** The group that is selected; 412 when none is. */
export function selected(session: Session): NntpGroup {
  const { group } = session.state;
  if (!group) throw new Refused(412, "No newsgroup selected");
  return group;
}

/** The group that is selected and the number of its current article; 420 when there is none. */
export function current(session: Session): { group: NntpGroup; number: number } {
  const group = selected(session);
  if (session.state.number === undefined) throw new Refused(420, "Current article number is invalid");
  return { group, number: session.state.number };
}

/** A range, within what the group has. */
export function within(group: NntpGroup, range: NumberRange): NumberRange {
  return { from: Math.max(range.from, group.low), to: Math.min(range.to, group.high) };
}

function named(session: Session, name: string): NntpGroup {
  const { groups } = session.shared;
  if (!groups.has(name)) throw new Refused(411, `No such group ${name}`);
  return groups.get(name);
}

/** Selects a group and its first article; gives the text of the 211. */
function enter(session: Session, group: NntpGroup): string {
  session.state.group = group;
  session.state.number = first(group.numbers());
  const { low, high, count, name } = group;
  const empty = session.shared.options.features.emptyGroup === "zeros" && count === 0;
  return empty ? `0 0 0 ${name}` : `${count} ${low} ${high} ${name}`;
}

function listGroup(session: Session, name: string | undefined, range: string | undefined): Promise<void> {
  const group = name === undefined ? selected(session) : named(session, name);
  if (range !== undefined && !session.shared.options.features.listgroupRange) throw new Refused(501, "No ranges here");
  const { from, to } = within(group, parseRange(range ?? "1-"));
  return session.body(211, `${enter(session, group)} list follows`, bodyLines(texts(group.numbers(from, to))));
}

function step(session: Session, group: NntpGroup, number: number): void {
  session.state.number = number;
  session.reply(223, `${number} ${group.messageId(number)} retrieved`);
}

function first(numbers: Iterable<number>): number | undefined {
  for (const number of numbers) return number;
  return undefined;
}

function* texts(numbers: Iterable<number>): Iterable<string> {
  for (const number of numbers) yield `${number}`;
}
