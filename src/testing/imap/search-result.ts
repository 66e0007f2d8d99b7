/** How a result is given: SEARCH, or ESEARCH with what RETURN asks for (RFC 4731, RFC 5182, RFC 9394). */

import type { Input } from "./input.js";
import { partialOf, partialRange } from "./partial.js";
import type { Numbered } from "./picked.js";
import { bad, string } from "./reply.js";
import { compact } from "./sequence.js";
import type { Session } from "./session.js";

/** What is to be given. */
export interface Returns {
  /** MIN, MAX, ALL, COUNT, SAVE, PARTIAL. */
  readonly names: ReadonlySet<string>;
  readonly partial: readonly [number, number] | undefined;
}

/** Reads ` RETURN (MIN COUNT)`, if it is here. */
export function returns(session: Session, input: Input): Returns | undefined {
  const { features } = session.shared.options;
  if (!(features.esearch || features.imap4rev2) || !input.skip("RETURN ")) return undefined;
  const names = new Set<string>();
  let partial: Returns["partial"];
  input.list(() => {
    const name = input.word();
    names.add(name);
    if (name === "PARTIAL" && features.partial) partial = partialRange(input.blank());
    else if (name === "SAVE" && (features.searchres || features.imap4rev2)) return;
    else if (!["MIN", "MAX", "ALL", "COUNT"].includes(name)) bad(`RETURN knows no ${name}`);
  });
  if (names.has("PARTIAL") && names.has("ALL")) bad("PARTIAL and ALL exclude each other (RFC 9394 3.1)");
  input.blank();
  return { names: names.size === 0 ? new Set(["ALL"]) : names, partial };
}

/** Gives a result. `modseq`: the largest of the messages comes along. */
export function tellResult(
  session: Session,
  verb: "SEARCH" | "SORT",
  found: readonly Numbered[],
  how: { byUid: boolean; wanted: Returns | undefined; modseq: boolean },
): void {
  const { byUid, wanted, modseq } = how;
  const highest = modseq && found.length > 0 ? Math.max(...found.map(({ message }) => message.modseq)) : undefined;
  if (wanted) save(session, found, wanted);
  if (!wanted && (!session.rev2 || verb === "SORT")) {
    const numbers = found.map((each) => ` ${numberOf(each, byUid)}`).join("");
    session.untagged(`${verb}${numbers}${highest === undefined ? "" : ` (MODSEQ ${highest})`}`);
    return;
  }
  const asked = wanted ?? { names: new Set(["ALL"]), partial: undefined };
  if (asked.names.size === 1 && asked.names.has("SAVE")) return; // nothing else was asked for (RFC 5182 2.1)
  const words = wordsOf(found, asked, byUid);
  if (highest !== undefined) words.push(`MODSEQ ${highest}`);
  session.untagged([`ESEARCH (TAG ${string(session.tag)})`, ...(byUid ? ["UID"] : []), ...words].join(" "));
}

function numberOf({ number, message }: Numbered, byUid: boolean): number {
  return byUid ? message.uid : number;
}

function wordsOf(found: readonly Numbered[], { names, partial }: Returns, byUid: boolean): string[] {
  const numbers = found.map((each) => numberOf(each, byUid));
  const words: string[] = [];
  if (numbers.length > 0) {
    if (names.has("MIN")) words.push(`MIN ${numbers[0]}`);
    if (names.has("MAX")) words.push(`MAX ${numbers.at(-1)}`);
    if (names.has("ALL")) words.push(`ALL ${compact(numbers)}`);
  }
  if (names.has("COUNT")) words.push(`COUNT ${numbers.length}`);
  if (partial) words.push(`PARTIAL (${partial.join(":")} ${compact(partialOf(numbers, partial)) || "NIL"})`);
  return words;
}

/** What `$` means from now on (RFC 5182 2.1). */
function save({ selected }: Session, found: readonly Numbered[], { names, partial }: Returns): void {
  if (!names.has("SAVE")) return;
  const all = names.has("ALL") || names.has("COUNT") || !(names.has("MIN") || names.has("MAX") || partial);
  const ends = [...(names.has("MIN") ? found.slice(0, 1) : []), ...(names.has("MAX") ? found.slice(-1) : [])];
  const chosen = all ? found : [...ends, ...(partial ? partialOf(found, partial) : [])];
  const uids = new Set(chosen.map(({ message }) => message.uid));
  selected.saved = [...uids].sort((a, b) => a - b);
}
