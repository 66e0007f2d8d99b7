/** Notes on mailboxes and on the server: GETMETADATA, SETMETADATA (RFC 5464). */
import type { Input } from "../input.js";
import { wireName } from "../mailbox-name.js";
import { astring, bad, list, string } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command, find, mailboxName } from "./command.js";

export const METADATA: CommandTable = {
  GETMETADATA: command("authenticated", (session, input) => get(session, input.blank()), "metadata"),
  SETMETADATA: command("authenticated", (session, input) => set(session, input.blank()), "metadata"),
};

interface Options {
  maxSize: number;
  /** Levels below an entry. */
  depth: number;
}

function get(session: Session, input: Input): string | undefined {
  const options = input.sees("(") ? readOptions(input) : { maxSize: Number.POSITIVE_INFINITY, depth: 0 };
  const name = mailboxName(session, input);
  input.blank();
  const asked = input.sees("(") ? input.list(() => entry(input), 1) : [entry(input)];
  input.finish();
  const entries = entriesOf(session, name);
  const chosen = [...entries].filter(([key]) => asked.some((wanted) => isWithin(key, wanted, options.depth)));
  const found = new Map(chosen.filter(([, value]) => value.length <= options.maxSize));
  const absent = asked.filter((key) => !entries.has(key)).map((key) => `${astring(key)} NIL`);
  const pairs = [...found].map(([key, value]) => `${astring(key)} ${string(value, session.utf8)}`);
  const all = [...pairs, ...absent];
  if (all.length > 0) session.untagged(`METADATA ${astring(wireName(name, session.utf8), session.utf8)} ${list(all)}`);
  const longest = Math.max(...chosen.map(([, value]) => value.length));
  return longest > options.maxSize ? `[METADATA LONGENTRIES ${longest}] Some are longer` : undefined;
}

function set(session: Session, input: Input): void {
  const name = mailboxName(session, input);
  input.blank();
  const pairs = input.list(() => {
    const key = entry(input);
    input.blank();
    return [key, value(input)] as const;
  }, 1);
  input.finish();
  const entries = entriesOf(session, name);
  for (const [key, given] of pairs) {
    if (given === undefined) entries.delete(key);
    else entries.set(key, given);
  }
}

/** A value may have any octets. */
function value(input: Input): string | undefined {
  if (input.skip("NIL")) return undefined;
  return input.literal()?.bytes.toString("latin1") ?? input.string();
}

function readOptions(input: Input): Options {
  const options = { maxSize: Number.POSITIVE_INFINITY, depth: 0 };
  input.list(() => {
    const word = input.word();
    input.blank();
    if (word === "MAXSIZE") options.maxSize = input.number();
    else if (word === "DEPTH") options.depth = depth(input.word());
    else bad(`GETMETADATA takes no ${word}`);
  }, 1);
  input.blank();
  return options;
}

function depth(word: string): number {
  const levels = { "0": 0, "1": 1, INFINITY: Number.POSITIVE_INFINITY }[word];
  return levels ?? bad("DEPTH is 0, 1 or infinity");
}

/** Reads an entry's name. Case does not matter in it. */
function entry(input: Input): string {
  const name = input.astring().toLowerCase();
  const fits = /^\/(?:private|shared)\/[^*%\x00-\x1f\x7f-\xff]+$/.test(name) && !/\/\/|\/$/.test(name);
  return fits ? name : bad("Not the name of an entry");
}

function isWithin(key: string, wanted: string, levels: number): boolean {
  if (key === wanted) return true;
  if (!key.startsWith(`${wanted}/`)) return false;
  return key.slice(wanted.length + 1).split("/").length <= levels;
}

/** The entries of a mailbox, or of the server. */
function entriesOf(session: Session, name: string): Map<string, string> {
  return name === "" ? session.tree.metadata : find(session, name, "r").metadata;
}
