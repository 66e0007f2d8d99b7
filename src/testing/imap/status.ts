/** What STATUS tells of a mailbox (RFC 9051 6.3.11): a table of its items. */
import type { Input } from "./input.js";
import type { ImapMailbox } from "./mailbox.js";
import { wireName } from "./mailbox-name.js";
import type { ResolvedImapServerOptions } from "./options.js";
import { astring, bad, list } from "./reply.js";
import type { Session } from "./session.js";

interface Item {
  /** Whether the server knows it; undefined: every server does. */
  readonly known?: (options: ResolvedImapServerOptions) => boolean;
  value(mailbox: ImapMailbox, session: Session): string | number;
}

const ITEMS: Readonly<Record<string, Item>> = {
  MESSAGES: { value: ({ all }) => all.length },
  RECENT: { value: ({ all, recentFrom }) => all.filter(({ uid }) => uid >= recentFrom).length },
  UIDNEXT: { value: ({ uidNext }) => uidNext },
  UIDVALIDITY: { value: ({ uidValidity }) => uidValidity },
  UNSEEN: { value: ({ all }) => all.filter((message) => !message.has("\\Seen")).length },
  DELETED: {
    known: ({ features }) => features.imap4rev2 || features.quota,
    value: ({ all }) => all.filter((message) => message.has("\\Deleted")).length,
  },
  "DELETED-STORAGE": {
    known: ({ features }) => features.quota,
    value: ({ all }) => octetsOf(all.filter((message) => message.has("\\Deleted"))),
  },
  SIZE: {
    known: ({ features }) => features.imap4rev2 || features.statusSize,
    value: ({ all }, { shared }) => octetsOf(all) + (shared.faults.wrongSizes ?? 0) * all.length,
  },
  HIGHESTMODSEQ: {
    known: ({ features }) => features.condstore,
    value: ({ hasModseq, highestModseq }) => (hasModseq ? highestModseq : 0),
  },
  MAILBOXID: { known: ({ features }) => features.objectid, value: ({ id }) => `(${id})` },
  APPENDLIMIT: {
    known: ({ limits }) => limits.announceAppend,
    value: (_, { shared }) => shared.options.limits.append,
  },
};

function octetsOf(messages: ImapMailbox["all"]): number {
  return messages.reduce((sum, { content }) => sum + content.size, 0);
}

/** Reads `(MESSAGES UNSEEN)`. */
export function statusItems(session: Session, input: Input): string[] {
  const names = input.list(() => input.word(), 1);
  for (const name of names) {
    const item = Object.hasOwn(ITEMS, name) ? ITEMS[name] : undefined;
    const known = item && (item.known?.(session.shared.options) ?? true);
    if (!known || (name === "RECENT" && session.rev2)) bad(`STATUS knows no ${name}`);
  }
  return names;
}

/** A STATUS response. Who asks for mod-sequences will be told of them from now on (RFC 7162 3.1). */
export function tellStatus(session: Session, mailbox: ImapMailbox, names: readonly string[]): void {
  if (names.includes("HIGHESTMODSEQ")) session.state.enabled.add("CONDSTORE");
  const pairs = names.map((name) => `${name} ${(ITEMS[name] as Item).value(mailbox, session)}`);
  session.untagged(`STATUS ${astring(wireName(mailbox.name, session.utf8), session.utf8)} ${list(pairs)}`);
}
