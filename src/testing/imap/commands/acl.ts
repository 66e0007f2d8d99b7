/** Who may do what: SETACL, DELETEACL, GETACL, LISTRIGHTS, MYRIGHTS (RFC 4314). */
import type { Input } from "../input.js";
import type { ImapMailbox } from "../mailbox.js";
import { wireName } from "../mailbox-name.js";
import { astring, bad, octets, textOf } from "../reply.js";
import { parseRights, RIGHTS, type Right, rightsOf } from "../rights.js";
import type { Session } from "../session.js";
import { type Command, type CommandTable, command, mailboxOf } from "./command.js";

export const ACLS: CommandTable = {
  SETACL: acl("a", (session, input, mailbox) => {
    const who = identifier(input);
    const [, sign, text = ""] = /^([+-]?)(.*)$/.exec(input.blank().astring()) ?? [];
    input.finish();
    const given = parseRights(text);
    const now = whatHas(session, mailbox, who);
    const kept = [...RIGHTS].filter((right) => {
      if (sign === "+") return now.includes(right) || given.includes(right);
      return sign === "-" ? now.includes(right) && !given.includes(right) : given.includes(right);
    });
    mailbox.acl.set(who, kept.join(""));
  }),
  DELETEACL: acl("a", (_session, input, mailbox) => {
    const who = identifier(input);
    input.finish();
    mailbox.acl.delete(who);
  }),
  GETACL: acl("a", (session, input, mailbox) => {
    input.finish();
    const all = new Map([...mailbox.acl, [session.user, rightsOf(mailbox, session.user)]]);
    const pairs = [...all].map(([who, rights]) => ` ${astring(octets(who), session.utf8)} ${astring(rights)}`);
    session.untagged(`ACL ${nameOf(session, mailbox)}${pairs.join("")}`);
  }),
  LISTRIGHTS: acl("a", (session, input, mailbox) => {
    const who = identifier(input);
    input.finish();
    const always = who === session.user ? "a" : '""';
    const others = [...RIGHTS].filter((right) => right !== always);
    const shown = astring(octets(who), session.utf8);
    session.untagged(`LISTRIGHTS ${nameOf(session, mailbox)} ${shown} ${always} ${others.join(" ")}`);
  }),
  MYRIGHTS: acl("l", (session, input, mailbox) => {
    input.finish();
    session.untagged(`MYRIGHTS ${nameOf(session, mailbox)} ${astring(rightsOf(mailbox, session.user))}`);
  }),
};

function acl(right: Right, run: (session: Session, input: Input, mailbox: ImapMailbox) => void): Command {
  const named = (session: Session, input: Input) => run(session, input, mailboxOf(session, input.blank(), right));
  return command("authenticated", named, "acl");
}

function identifier(input: Input): string {
  const who = textOf(input.blank().astring());
  return who.startsWith("-") ? bad("Nobody here has negative rights") : who;
}

function whatHas(session: Session, mailbox: ImapMailbox, who: string): string {
  return who === session.user ? rightsOf(mailbox, who) : (mailbox.acl.get(who) ?? "");
}

function nameOf(session: Session, mailbox: ImapMailbox): string {
  return astring(wireName(mailbox.name, session.utf8), session.utf8);
}
