/** Mailboxes come and go: CREATE, DELETE, RENAME, SUBSCRIBE, UNSUBSCRIBE (RFC 9051 6.3.4 to 6.3.8, RFC 6154 3). */
import type { Input } from "../input.js";
import { bad, no } from "../reply.js";
import { demand } from "../rights.js";
import type { Session } from "../session.js";
import { type CommandTable, command, mailboxName } from "./command.js";

export const MAILBOXES: CommandTable = {
  CREATE: command("authenticated", (session, input) => create(session, input.blank())),
  DELETE: command("authenticated", (session, input) => remove(session, input.blank())),
  RENAME: command("authenticated", (session, input) => rename(session, input.blank())),
  SUBSCRIBE: command("authenticated", (session, input) => {
    const name = mailboxName(session, input.blank());
    input.finish();
    session.tree.subscribe(name);
  }),
  UNSUBSCRIBE: command("authenticated", (session, input) => {
    const name = mailboxName(session, input.blank());
    input.finish();
    session.tree.subscribe(name, false);
  }),
};

const USES = ["\\All", "\\Archive", "\\Drafts", "\\Flagged", "\\Important", "\\Junk", "\\Sent", "\\Trash"];

function create(session: Session, input: Input): string | undefined {
  const { tree, shared } = session;
  const { features } = shared.options;
  const given = mailboxName(session, input);
  // A delimiter behind the name only says that others will be below it (RFC 9051 6.3.4).
  const name = tree.delimiter !== "" && given.endsWith(tree.delimiter) ? given.slice(0, -1) : given;
  const specialUse = input.skip(" (USE ") ? uses(session, input) : [];
  input.finish();
  unused(session, name);
  const mailbox = tree.create(name, { specialUse, subscribed: false });
  return features.objectid ? `[MAILBOXID (${mailbox.id})] It is there` : undefined;
}

function uses(session: Session, input: Input): string[] {
  if (!session.shared.options.features.createSpecialUse) bad("CREATE takes no USE here");
  const words = input.list(() => input.flag());
  input.expect(")");
  return words.map((word) => {
    const known = USES.find((use) => use.toLowerCase() === word.toLowerCase());
    return known ?? no(`No mailbox is made for ${word}`, "USEATTR");
  });
}

/** Refuses a name that cannot be given. */
function unused(session: Session, name: string): void {
  const { tree, user } = session;
  if (tree.get(name)) no("There is one of this name", "ALREADYEXISTS");
  const empty = tree.delimiter !== "" && name.split(tree.delimiter).includes("");
  if (name === "" || empty || /[*%]/.test(name)) no("Not a name for a mailbox", "CANNOT");
  const above = tree.superiors(name).findLast((superior) => tree.get(superior));
  const parent = above === undefined ? undefined : tree.get(above);
  if (parent) demand(parent, user, "k");
}

function remove(session: Session, input: Input): void {
  const name = mailboxName(session, input);
  input.finish();
  const { tree, state, user } = session;
  if (name === "INBOX") no("INBOX stays", "CANNOT");
  const mailbox = tree.get(name) ?? no("No such mailbox", "NONEXISTENT");
  demand(mailbox, user, "x");
  if (state.selected?.mailbox === mailbox) session.unselect();
  mailbox.remove(mailbox.all); // whoever else has it open is told
  tree.delete(name);
}

function rename(session: Session, input: Input): void {
  const from = mailboxName(session, input);
  const to = mailboxName(session, input.blank());
  input.finish();
  const { tree, user } = session;
  const below = from + tree.delimiter;
  if (!tree.get(from) && !tree.nodes.has(from)) no("No such mailbox", "NONEXISTENT");
  if (from !== "INBOX" && tree.delimiter !== "" && to.startsWith(below)) no("Not below itself", "CANNOT");
  unused(session, to);
  const mailbox = tree.get(from);
  if (mailbox) demand(mailbox, user, "x");
  if (mailbox && from === "INBOX")
    tree.create(to, { subscribed: false }).takeAll(mailbox); // RFC 9051 6.3.6
  else tree.rename(from, to);
}
