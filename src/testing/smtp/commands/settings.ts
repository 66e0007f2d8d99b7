/** What is about neither client nor message: NOOP, HELP, VRFY, EXPN, ETRN, QUIT (RFC 5321 4.1.1, RFC 1985). */
import { Refused } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command, nothingBehind, utf8 } from "./command.js";

export const SETTINGS: CommandTable = {
  NOOP: command((session) => session.reply(250, "2.0.0", "Nothing done"), { beforeTls: true }),
  HELP: command((session) => session.reply(214, "2.0.0", "This is a server for tests.\nSee RFC 5321."), {
    enabled: ({ features }) => features.help,
  }),
  VRFY: command((session, rest) => verify(session, utf8(rest.replace(/ SMTPUTF8$/i, "")))),
  EXPN: command((session, rest) => expand(session, utf8(rest)), { enabled: ({ features }) => features.expn }),
  ETRN: command(
    (session, rest) => {
      if (!/^[@#]?[^\s]+$/.test(rest)) throw new Refused(501, "5.5.4", "ETRN takes a node");
      session.reply(250, "2.0.0", `Queuing for node ${rest} started`);
    },
    { enabled: ({ features }) => features.etrn },
  ),
  QUIT: command(
    (session, rest) => {
      nothingBehind(rest);
      session.reply(221, "2.0.0", "Goodbye");
      session.finish();
    },
    { beforeTls: true },
  ),
};

function verify(session: Session, who: string): void {
  const { users, hostname, features } = session.shared.options;
  if (who === "") throw new Refused(501, "5.5.4", "Whom?");
  if (!features.vrfy) {
    session.reply(252, "2.5.0", "Cannot say, but will try");
    return;
  }
  const name = who.replace(/^<|>$/g, "").replace(new RegExp(`@${hostname.replaceAll(".", "\\.")}$`, "i"), "");
  if (!Object.hasOwn(users, name)) throw new Refused(550, "5.1.1", "No such user");
  session.reply(250, "2.1.5", Buffer.from(`<${name}@${hostname}>`).toString("latin1"));
}

function expand(session: Session, list: string): void {
  const { lists } = session.shared.options;
  const members = Object.hasOwn(lists, list) ? lists[list] : undefined;
  if (!members?.length) throw new Refused(550, "5.1.1", "No such list");
  session.reply(250, "2.1.5", Buffer.from(members.map((member) => `<${member}>`).join("\n")).toString("latin1"));
}
