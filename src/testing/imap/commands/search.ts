/** Which messages: SEARCH (RFC 9051 6.4.4), SORT (RFC 5256, RFC 5267), THREAD (RFC 5256), each also by UID. */
import type { Input } from "../input.js";
import type { Numbered } from "../picked.js";
import { bad, no } from "../reply.js";
import { criteria, type Matches } from "../search-keys.js";
import { returns, tellResult } from "../search-result.js";
import type { Session } from "../session.js";
import { compare, sortKeys } from "../sort.js";
import { ALGORITHMS } from "../thread.js";
import { type CommandTable, command } from "./command.js";

export const SEARCHING: CommandTable = {
  SEARCH: command("selected", (session, input) => search(session, input.blank(), false), undefined, false),
  "UID SEARCH": command("selected", (session, input) => search(session, input.blank(), true)),
  SORT: command("selected", (session, input) => sort(session, input.blank(), false), "sort", false),
  "UID SORT": command("selected", (session, input) => sort(session, input.blank(), true), "sort"),
  THREAD: command("selected", (session, input) => thread(session, input.blank(), false), "thread", false),
  "UID THREAD": command("selected", (session, input) => thread(session, input.blank(), true), "thread"),
};

function search(session: Session, input: Input, byUid: boolean): void {
  const wanted = returns(session, input);
  if (wanted?.names.has("SAVE")) session.selected.saved = []; // also where what follows fails (RFC 5182 2.1)
  if (input.skip("CHARSET ")) {
    charset(input);
    input.blank();
  }
  const { matches, modseq } = criteria(session, input);
  tellResult(session, "SEARCH", found(session, matches), { byUid, wanted, modseq });
}

function sort(session: Session, input: Input, byUid: boolean): void {
  const wanted = returns(session, input);
  const keys = sortKeys(input);
  charset(input.blank());
  const { matches, modseq } = criteria(session, input.blank());
  const ordered = found(session, matches).sort(compare(keys));
  tellResult(session, "SORT", ordered, { byUid, wanted, modseq });
}

function thread(session: Session, input: Input, byUid: boolean): void {
  const name = input.word();
  const algorithm = Object.hasOwn(ALGORITHMS, name) ? ALGORITHMS[name] : undefined;
  if (!algorithm) bad(`No algorithm ${name}`);
  charset(input.blank());
  const { matches } = criteria(session, input.blank());
  const threads = algorithm(found(session, matches), (each) => (byUid ? each.message.uid : each.number));
  session.untagged(threads === "" ? "THREAD" : `THREAD ${threads}`);
}

function charset(input: Input): void {
  const name = input.astring().toUpperCase();
  if (name !== "UTF-8" && name !== "US-ASCII") no(`No charset ${name}`, "BADCHARSET (US-ASCII UTF-8)");
}

function found({ selected }: Session, matches: Matches): Numbered[] {
  return selected.view.map((message, at) => ({ number: at + 1, message })).filter(matches);
}
