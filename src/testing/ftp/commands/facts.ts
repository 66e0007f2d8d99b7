/** What is known of a file, and setting it: SIZE MDTM MFMT MFF MLST (RFC 3659, draft-somers-ftp-mfxx). */
import { rowOf } from "../nodes.js";
import { Refused } from "../reply.js";
import { factsOf } from "../rows.js";
import type { Session } from "../session.js";
import { encodeTime, parseTime } from "../times.js";
import { type CommandTable, command } from "./command.js";
import { existing, existingFile } from "./paths.js";

export const FACT_COMMANDS: CommandTable = {
  SIZE: command((session, path) => {
    if (session.state.type === "A") throw new Refused(550, "SIZE not allowed in ASCII mode");
    return session.reply(213, String(existingFile(session, path).size));
  }, "size"),
  MDTM: command((session, argument) => {
    const set = session.shared.options.features.mdtmSet ? /^(\d{14}) (.+)$/.exec(argument) : null;
    if (!set) return session.reply(213, encodeTime(existingFile(session, argument).modified));
    setTime(session, set[1] ?? "", set[2] ?? "");
    return session.reply(213, "File modification time set.");
  }, "mdtm"),
  MFMT: command((session, argument) => {
    const [time, name] = cut(argument);
    return session.reply(213, `Modify=${encodeTime(setTime(session, time, name))}; ${name}`);
  }, "mfmt"),
  MFF: command((session, argument) => {
    const [facts, name] = cut(argument);
    existing(session, name);
    const set = facts.split(";").filter((fact) => fact !== "");
    for (const fact of set) setFact(session, fact, name);
    return session.reply(213, `${set.map((fact) => `${fact};`).join("")} ${name}`);
  }, "mff"),
  MLST: command((session, path) => {
    const name = path === "" ? session.state.directory : path;
    const facts = factsOf(rowOf(session.resolve(name), existing(session, name)), session.state.facts);
    return session.reply(250, `Start of list for ${name}\n ${facts}\nEnd of list`);
  }, "mlsd"),
};

function setFact(session: Session, fact: string, name: string): void {
  const [key = "", value = ""] = fact.split("=");
  const node = session.shared.tree.own(session.resolve(name));
  if (/^modify$/i.test(key)) setTime(session, value, name);
  else if (/^unix\.mode$/i.test(key) && /^[0-7]{3,4}$/.test(value) && node)
    node.mode = Number.parseInt(value, 8) & 0o777;
  else throw new Refused(504, `${key}: fact not supported`);
}

function setTime(session: Session, text: string, name: string): number {
  const time = parseTime(text);
  if (time === undefined) throw new Refused(501, `${text}: invalid time`);
  existing(session, name);
  const node = session.shared.tree.own(session.resolve(name));
  if (node && !session.shared.faults.ignoreTimes) node.modified = time;
  return time;
}

/** `20260101000000 a name` → both; 501 when there is no blank. */
function cut(argument: string): [string, string] {
  const blank = argument.indexOf(" ");
  if (blank <= 0 || blank === argument.length - 1) throw new Refused(501, "Syntax error in parameters");
  return [argument.slice(0, blank), argument.slice(blank + 1)];
}
