/** Which mailboxes there are: LIST and LSUB (RFC 9051 6.3.9, RFC 5258, RFC 5819, RFC 6154), STATUS. */
import type { Input } from "../input.js";
import type { ImapMailbox } from "../mailbox.js";
import { wireName } from "../mailbox-name.js";
import { astring, bad, list, no, nstring } from "../reply.js";
import { may } from "../rights.js";
import type { Session } from "../session.js";
import { statusItems, tellStatus } from "../status.js";
import { type CommandTable, command, find, mailboxName } from "./command.js";

export const LISTING: CommandTable = {
  LIST: command("authenticated", (session, input) => listMailboxes(session, input.blank())),
  LSUB: command("authenticated", (session, input) => lsub(session, input.blank())),
  STATUS: command("authenticated", (session, input) => {
    const name = mailboxName(session, input.blank());
    const items = statusItems(session, input.blank());
    input.finish();
    const mailbox = find(session, name, "r");
    if (!mailbox.selectable) no("Not a mailbox that can be opened", "NONEXISTENT");
    tellStatus(session, mailbox, items);
  }),
};

interface Asked {
  /** SUBSCRIBED, SPECIAL-USE, REMOTE, RECURSIVEMATCH. */
  readonly selection: ReadonlySet<string>;
  readonly patterns: readonly RegExp[];
  /** SUBSCRIBED, CHILDREN, SPECIAL-USE, STATUS. */
  readonly wanted: ReadonlySet<string>;
  readonly status: readonly string[];
  /** Attributes of RFC 5258 are used. */
  readonly extended: boolean;
}

function listMailboxes(session: Session, input: Input): void {
  const { features } = session.shared.options;
  const extends_ = features.listExtended || features.imap4rev2;
  const options = extends_ && input.sees("(") ? input.list(() => selectionOption(session, input)) : undefined;
  if (options) input.blank();
  if (options?.includes("RECURSIVEMATCH") && !options.some((name) => name === "SUBSCRIBED" || name === "SPECIAL-USE")) {
    bad("RECURSIVEMATCH alone selects nothing");
  }
  const reference = input.astring();
  input.blank();
  const many = extends_ && input.sees("(");
  const patterns = many ? input.list(() => input.pattern(), 1) : [input.pattern()];
  let status: string[] = [];
  const wanted = new Set<string>();
  const returns = input.skip(" RETURN ");
  if (returns) {
    if (!extends_) bad("LIST takes no RETURN here");
    input.list(() => {
      const name = returnOption(session, input);
      wanted.add(name);
      if (name === "STATUS") status = statusItems(session, input.blank());
    });
  }
  input.finish();
  const extended = options !== undefined || many || returns;
  const compiled = patterns.map((pattern) => compile(reference + pattern, session.tree.delimiter));
  if (!extended && patterns[0] === "") tellDelimiter(session);
  else tellAll(session, { selection: new Set(options), patterns: compiled, wanted, status, extended });
}

function selectionOption(session: Session, input: Input): string {
  const { features } = session.shared.options;
  const name = input.word();
  const known = ["SUBSCRIBED", "REMOTE", "RECURSIVEMATCH"].includes(name);
  if (!known && !(name === "SPECIAL-USE" && features.specialUse)) bad(`LIST selects nothing by ${name}`);
  return name;
}

function returnOption(session: Session, input: Input): string {
  const { features } = session.shared.options;
  const name = input.word();
  const known =
    name === "SUBSCRIBED" ||
    name === "CHILDREN" ||
    (name === "SPECIAL-USE" && features.specialUse) ||
    (name === "STATUS" && (features.listStatus || features.imap4rev2));
  if (!known) bad(`LIST does not return ${name}`);
  return name;
}

/** `LIST "" ""` asks for the delimiter alone. */
function tellDelimiter(session: Session): void {
  session.untagged(`LIST (\\Noselect) ${nstring(session.tree.delimiter || undefined)} ""`);
}

/** A pattern (octets of the wire) as a regular expression. INBOX is INBOX in any case. */
function compile(pattern: string, delimiter: string): RegExp {
  const escaped = (text: string) => text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
  const level = delimiter === "" ? "[^]*" : `[^${escaped(delimiter)}]*`;
  const named = /^inbox(?![^/.\\])/i.test(pattern) ? `INBOX${pattern.slice(5)}` : pattern;
  const parts = named.split(/([*%])/).map((part) => (part === "*" ? "[^]*" : part === "%" ? level : escaped(part)));
  return new RegExp(`^${parts.join("")}$`);
}

function tellAll(session: Session, asked: Asked): void {
  const { tree, utf8, user } = session;
  const { nodes } = tree;
  const names = new Map(nodes);
  const chosen = asked.selection.has("SUBSCRIBED");
  for (const name of chosen ? tree.subscriptions : []) {
    if (!names.has(name)) names.set(name, undefined);
    for (const above of tree.superiors(name)) if (!names.has(above)) names.set(above, undefined);
  }
  for (const [name, mailbox] of names) {
    if (mailbox && !may(mailbox, user, "l")) continue;
    if (!asked.patterns.some((pattern) => pattern.test(wireName(name, utf8)))) continue;
    const itself = isSelected(session, asked, name, mailbox);
    const below = asked.selection.has("RECURSIVEMATCH") && hasSelectedBelow(session, asked, name, names);
    if (!itself && !below) continue;
    const words = attributes(session, asked, name, nodes);
    tell(session, "LIST", words, name, below ? ` ("CHILDINFO" ("${chosen ? "SUBSCRIBED" : "SPECIAL-USE"}"))` : "");
    if (asked.status.length > 0 && mailbox?.selectable && may(mailbox, user, "r")) {
      tellStatus(session, mailbox, asked.status);
    }
  }
}

function isSelected(session: Session, { selection }: Asked, name: string, mailbox: ImapMailbox | undefined): boolean {
  if (selection.has("SUBSCRIBED") && !session.tree.subscriptions.has(name)) return false;
  return !selection.has("SPECIAL-USE") || (mailbox?.specialUse.length ?? 0) > 0;
}

function hasSelectedBelow(
  session: Session,
  asked: Asked,
  name: string,
  names: ReadonlyMap<string, ImapMailbox | undefined>,
): boolean {
  const { delimiter } = session.tree;
  if (delimiter === "") return false;
  return [...names].some(([other, mailbox]) => {
    return other.startsWith(name + delimiter) && isSelected(session, asked, other, mailbox);
  });
}

function attributes(
  session: Session,
  asked: Asked,
  name: string,
  nodes: ReadonlyMap<string, ImapMailbox | undefined>,
): string[] {
  const { tree, rev2, shared } = session;
  const mailbox = nodes.get(name);
  const { features } = shared.options;
  const words: string[] = [];
  if (!mailbox) words.push(asked.extended || rev2 ? "\\NonExistent" : "\\Noselect");
  else if (!mailbox.selectable) words.push("\\Noselect");
  if (tree.delimiter === "") words.push("\\Noinferiors");
  else if (features.children || asked.wanted.has("CHILDREN")) {
    const below = [...nodes.keys()].some((other) => other.startsWith(name + tree.delimiter));
    words.push(below ? "\\HasChildren" : "\\HasNoChildren");
  }
  if (asked.wanted.has("SUBSCRIBED") || asked.selection.has("SUBSCRIBED")) {
    if (tree.subscriptions.has(name)) words.push("\\Subscribed");
  }
  if (features.specialUse) words.push(...(mailbox?.specialUse ?? []));
  return words;
}

function tell(session: Session, verb: "LIST" | "LSUB", words: readonly string[], name: string, rest = ""): void {
  const { tree, utf8 } = session;
  const shown = astring(wireName(name, utf8), utf8);
  session.untagged(`${verb} ${list(words)} ${nstring(tree.delimiter || undefined)} ${shown}${rest}`);
}

/** Names that are subscribed to; with `%` also those above them, which are not (RFC 3501 6.3.9). */
function lsub(session: Session, input: Input): void {
  const reference = input.astring();
  const text = input.blank().pattern();
  input.finish();
  const { tree, utf8 } = session;
  const pattern = compile(reference + text, tree.delimiter);
  const found = new Map<string, string[]>();
  for (const name of tree.subscriptions) {
    if (pattern.test(wireName(name, utf8))) found.set(name, []);
    else if (text.endsWith("%")) {
      const above = tree.superiors(name).find((superior) => pattern.test(wireName(superior, utf8)));
      if (above !== undefined && !found.has(above)) found.set(above, ["\\Noselect"]);
    }
  }
  for (const [name, words] of found) tell(session, "LSUB", words, name);
}
