/** Lists of groups and articles: LIST (RFC 3977 7.6, RFC 6048), NEWGROUPS, NEWNEWS (RFC 3977 7.3, 7.4). */
import { OVERVIEW_FIELDS } from "../article.js";
import type { NntpGroup } from "../group.js";
import { bodyLines, Refused } from "../reply.js";
import type { Session } from "../session.js";
import { parseStamp } from "../times.js";
import { wildmat } from "../wildmat.js";
import { type CommandTable, command } from "./command.js";

export const LIST_COMMANDS: CommandTable = {
  LIST: command("reading", (session, words) => list(session, words), { arguments: [0, 2] }),
  NEWGROUPS: command(
    "reading",
    (session, [date = "", time = "", zone]) => {
      const since = sinceWhen(session, date, time, zone);
      const added = [...session.shared.groups].filter((group) => group.created.getTime() >= since);
      return session.body(231, "List of new newsgroups follows", bodyLines(added.map(activeLine)));
    },
    { arguments: [2, 3], feature: "newgroups" },
  ),
  NEWNEWS: command(
    "reading",
    (session, [pattern = "", date = "", time = "", zone]) => {
      const since = sinceWhen(session, date, time, zone);
      const matches = wildmat(pattern);
      const groups = [...session.shared.groups].filter((group) => matches(group.name));
      return session.body(230, "List of new articles follows", bodyLines(newIds(groups, since)));
    },
    { arguments: [3, 4], feature: "newnews" },
  ),
};

/** What a LIST keyword gives: lines, some of them for the groups of a wildmat. Undefined: it is not kept here (503). */
interface List {
  title: string;
  /** Whether it takes a wildmat (or, for HEADERS, another argument). */
  argument: boolean;
  lines(session: Session, groups: NntpGroup[], argument: string | undefined): Iterable<string> | undefined;
}

const LIST_KINDS: Record<string, List> = {
  ACTIVE: { title: "list of newsgroups", argument: true, lines: (_, groups) => groups.map(activeLine) },
  "ACTIVE.TIMES": {
    title: "creation times",
    argument: true,
    lines: (_, groups) =>
      groups.map(({ name, created, creator }) => `${name} ${Math.floor(created.getTime() / 1000)} ${creator}`),
  },
  COUNTS: {
    title: "newsgroups with counts",
    argument: true,
    lines: (_, groups) =>
      groups.map(({ name, high, low, count, status }) => `${name} ${high} ${low} ${count} ${status}`),
  },
  "DISTRIB.PATS": { title: "distribution patterns", argument: false, lines: () => ["10:local.*:local", "5:*:world"] },
  HEADERS: {
    title: "headers supported by HDR",
    argument: true,
    lines: (_session, _groups, argument) => {
      if (argument !== undefined && !/^(MSGID|RANGE)$/i.test(argument)) throw new Refused(501, "Syntax error");
      return [":", ":bytes", ":lines"];
    },
  },
  MODERATORS: {
    title: "submission templates",
    argument: false,
    lines: () => ["local.*:%s@local.example", "*:%s@example.org"],
  },
  MOTD: { title: "message of the day", argument: false, lines: (session) => utf8(session.shared.options.motd) },
  NEWSGROUPS: {
    title: "descriptions of newsgroups",
    argument: true,
    lines: (_, groups) => utf8(groups.map(({ name, description }) => `${name}\t${description}`)),
  },
  "OVERVIEW.FMT": {
    title: "order of fields in overview",
    argument: false,
    lines: ({ shared }) =>
      shared.faults.overviewFormat ?? [...OVERVIEW_FIELDS, ...shared.options.overview.map((name) => `${name}:full`)],
  },
  SUBSCRIPTIONS: {
    title: "recommended subscriptions",
    argument: true,
    lines: (_, groups) => groups.map(({ name }) => name),
  },
};

function list(session: Session, [kind = "ACTIVE", argument]: string[]): Promise<void> {
  const keyword = kind.toUpperCase();
  const known = session.shared.options.features.lists.includes(keyword) && Object.hasOwn(LIST_KINDS, keyword);
  const found = known ? LIST_KINDS[keyword] : undefined;
  if (!found || (argument !== undefined && !found.argument)) throw new Refused(501, `LIST ${kind}: syntax error`);
  const matches = argument === undefined || keyword === "HEADERS" ? () => true : wildmat(argument);
  const groups = [...session.shared.groups].filter((group) => matches(group.name));
  const lines = found.lines(session, groups, argument);
  if (!lines) throw new Refused(503, `${keyword} is not maintained`);
  return session.body(215, `${found.title} follows`, bodyLines(lines));
}

/** `comp.test 10 1 y` */
function activeLine({ name, high, low, status }: NntpGroup): string {
  return `${name} ${high} ${low} ${status}`;
}

function* newIds(groups: NntpGroup[], since: number): Iterable<string> {
  const seen = new Set<string>(); // an article may be in several of the groups
  for (const group of groups) {
    for (const number of group.arrivedSince(since)) {
      const id = group.messageId(number) as string;
      if (groups.length > 1 && seen.size === seen.add(id).size) continue;
      yield id;
    }
  }
}

function sinceWhen(session: Session, date: string, time: string, zone: string | undefined): number {
  const since = parseStamp(date, time, session.shared.options.now());
  if (since === undefined || (zone !== undefined && zone.toUpperCase() !== "GMT")) throw new Refused(501, "Not a date");
  return since;
}

function utf8(lines: readonly string[]): string[] {
  return lines.map((line) => Buffer.from(line, "utf8").toString("latin1"));
}
