/** Rows of OS/400 (IBM i): `OWNER  36864 07/16/11 17:00:23 *DIR  name/`; a member has neither size nor date. Pure. */
import type { EntryType, FtpEntry } from "../entry.js";
import type { WallClock } from "../list-date.js";
import { dateFields, isNumber, type ReadText, textStyle, words } from "./style.js";

export const os400Style = textStyle("os400", readOs400);

/** What can be retrieved, and what can be entered; all other objects are "other". */
const TYPES: Readonly<Record<string, EntryType>> = {
  "*FILE": "file",
  "*MEM": "file",
  "*STMF": "file",
  "*DSTMF": "file",
  "*DOC": "file",
  "*DIR": "directory",
  "*DDIR": "directory",
  "*FLR": "directory",
  "*LIB": "directory",
};

function readOs400(clock: WallClock): ReadText {
  return (raw, out) => {
    const row = words(raw, 6);
    // Owner, size and date may be blank: all are told from the object type, the first word with an asterisk.
    const typeAt = row.findIndex((word) => /^\*[A-Z0-9]{2,10}$/.test(word.text));
    if (typeAt < 0 || typeAt > 4) return false;
    const type = row[typeAt]!;
    const name = raw.slice(type.end).trim();
    const date = typeAt < 2 ? undefined : clock.numeric(row[typeAt - 2]!.text, row[typeAt - 1]!.text);
    const owners = row.slice(0, typeAt - (date === undefined ? 0 : 2)).map((word) => word.text);
    if (name === "" || owners.length > 2 || (date === undefined && type.text !== "*MEM")) return false;
    const entry: FtpEntry = { name, type: TYPES[type.text] ?? "other", raw, ...dateFields(date) };
    const size = owners.at(-1);
    if (isNumber(size) && (owners.length === 2 || raw.startsWith(" "))) entry.size = Number(owners.pop());
    if (owners.length > 0) entry.owner = owners[0]!;
    entry.facts = { object: type.text };
    if (name.endsWith("/")) Object.assign(entry, { name: name.slice(0, -1), type: "directory" });
    out.push(entry);
    return true;
  };
}
