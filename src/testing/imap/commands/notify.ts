/** NOTIFY (RFC 5465): which events a client wants to hear of. */
import { fetchItems } from "../fetch-items.js";
import type { Input } from "../input.js";
import { type NotifyGroup, NotifyPlan } from "../notify.js";
import { bad, no } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command, mailboxName } from "./command.js";

export const NOTIFICATION: CommandTable = {
  NOTIFY: command("authenticated", (session, input) => notify(session, input.blank()), "notify"),
};

const EVENTS = ["MessageNew", "MessageExpunge", "FlagChange", "MailboxName", "SubscriptionChange"];
const KNOWN = new Set(EVENTS.map((name) => name.toUpperCase()));

function notify(session: Session, input: Input): void {
  const groups: NotifyGroup[] = [];
  let status = false;
  if (!input.skip("NONE")) {
    input.expect("SET");
    status = input.skip(" STATUS");
    do groups.push(group(session, input.blank()));
    while (!input.ended);
  }
  input.finish();
  const { state, channel } = session;
  state.notify?.stop();
  state.notify = new NotifyPlan(session, groups);
  const open = groups.find(({ selected }) => selected !== "no");
  channel.whileSilent = groups.length === 0 ? undefined : () => session.push(open?.selected === "at-once");
  if (status) state.notify.tellAll();
}

/** `(SELECTED (MessageNew (UID) MessageExpunge))`, `(SUBTREE (a b) NONE)`. */
function group(session: Session, input: Input): NotifyGroup {
  input.expect("(");
  const selected = input.skip("SELECTED-DELAYED") ? "delayed" : input.skip("SELECTED") ? "at-once" : "no";
  const concerns = selected === "no" ? filter(session, input) : () => false;
  input.blank();
  const events = new Set<string>();
  let items: NotifyGroup["items"] = [];
  if (!input.skip("NONE")) {
    input.list(() => {
      const name = input.word();
      if (!KNOWN.has(name)) no(`No events ${name}`, `BADEVENT (${EVENTS.join(" ")})`);
      events.add(name);
      if (name !== "MESSAGENEW" || !input.sees(" (")) return;
      if (selected === "no") bad("Data items are given of the open mailbox only");
      items = fetchItems(session, input.blank());
    }, 1);
  }
  input.expect(")");
  const both = events.has("MESSAGENEW") && events.has("MESSAGEEXPUNGE");
  if (!both && ["MESSAGENEW", "MESSAGEEXPUNGE", "FLAGCHANGE"].some((name) => events.has(name))) {
    bad("MessageNew and MessageExpunge go together (RFC 5465 5)");
  }
  return { selected, concerns, events, items };
}

function filter(session: Session, input: Input): (name: string) => boolean {
  const { tree } = session;
  const word = input.word();
  if (word === "PERSONAL") return () => true;
  if (word === "INBOXES") return (name) => name === "INBOX";
  if (word === "SUBSCRIBED") return (name) => tree.subscriptions.has(name);
  if (word !== "SUBTREE" && word !== "MAILBOXES") return bad(`No mailboxes are ${word}`);
  input.blank();
  const name = () => mailboxName(session, input);
  const roots = input.sees("(") ? input.list(name, 1) : [name()];
  if (word === "MAILBOXES") return (other) => roots.includes(other);
  return (other) => roots.some((root) => other === root || other.startsWith(root + tree.delimiter));
}
