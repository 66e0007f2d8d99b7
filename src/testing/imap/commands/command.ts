/** What a command is: what it does, and when it may be given. */
import type { Input } from "../input.js";
import type { ImapMailbox } from "../mailbox.js";
import { decodeName } from "../mailbox-name.js";
import type { ImapFeatures, ResolvedImapServerOptions } from "../options.js";
import { no } from "../reply.js";
import { demand, type Right } from "../rights.js";
import type { Session } from "../session.js";

/** Does a command; throws Refused to say no. Gives the text of the OK, or nothing for one that only says so. */
export type Run =
  | ((session: Session, input: Input) => Promise<string | undefined> | string | undefined)
  | ((session: Session, input: Input) => Promise<void> | void);

export interface Command {
  readonly run: Run;
  /** When it may be given (RFC 9051 3). */
  readonly state: "any" | "not-authenticated" | "authenticated" | "selected";
  /** Whether message numbers may change before its answer ends. */
  readonly expunges: boolean;
  enabled(options: ResolvedImapServerOptions): boolean;
}

export type CommandTable = Record<string, Command>;

/** A command; one that stands for others in RFC 9051 is known where IMAP4rev2 is, or its own feature. */
export function command(
  state: Command["state"],
  run: Run,
  feature?: keyof ImapFeatures | ((options: ResolvedImapServerOptions) => boolean),
  expunges = true,
): Command {
  const enabled =
    typeof feature === "function"
      ? feature
      : ({ features }: ResolvedImapServerOptions) => feature === undefined || Boolean(features[feature]);
  return { state, run, expunges, enabled };
}

/** Reads the name of a mailbox. */
export function mailboxName(session: Session, input: Input): string {
  return decodeName(input.astring(), session.utf8);
}

/** Reads the name of a mailbox that must be there, and that the user may do this with. */
export function mailboxOf(session: Session, input: Input, right: Right, code = "NONEXISTENT"): ImapMailbox {
  return find(session, mailboxName(session, input), right, code);
}

/** A mailbox that must be there, and that the user may do this with. */
export function find(session: Session, name: string, right: Right, code = "NONEXISTENT"): ImapMailbox {
  const mailbox = session.tree.get(name);
  if (!mailbox) return no("No such mailbox", code);
  demand(mailbox, session.user, right);
  return mailbox;
}
