/** Rows of DOS `dir`, as IIS and other Windows servers send: `01-18-26  09:31PM       <DIR>          name`. Pure. */
import type { FtpEntry } from "../entry.js";
import type { WallClock } from "../list-date.js";
import { dateFields, type ReadText, textStyle } from "./style.js";

/** Two or four digits of the year, 12 or 24 hours, `<DIR>`, `<JUNCTION>`, `<SYMLINK>` and `<SYMLINKD>`. */
export const dosStyle = textStyle("dos", readDos);

const ROW =
  /^(\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}) +(\d{1,2}:\d{2}(?::\d{2})?(?: ?[AaPp][Mm]?)?) +(?:<([A-Z]+)> |([\d.,]+) )/;

function readDos(clock: WallClock): ReadText {
  return (raw, out) => {
    const row = ROW.exec(raw);
    const date = row === null ? undefined : clock.numeric(row[1]!, row[2]!);
    if (row === null || date === undefined || row[0].length === raw.length) return false;
    const entry: FtpEntry = { name: raw.slice(row[0].length), type: "file", raw, ...dateFields(date) };
    if (row[3] === undefined) entry.size = Number(row[4]!.replace(/[.,]/g, ""));
    else readTagged(entry, row[3], row[0].length - row[3].length - 3, row[1]!.length);
    if (entry.name !== "") out.push(entry);
    return entry.name !== "";
  };
}

function readTagged(entry: FtpEntry, tag: string, tagAt: number, dateLength: number): void {
  entry.name = nameAfterTag(entry.raw, tag, tagAt, dateLength);
  entry.type = tag === "DIR" ? "directory" : tag === "JUNCTION" || tag.startsWith("SYMLINK") ? "symlink" : "other";
  const bracket = entry.name.indexOf(" [");
  if (entry.type !== "symlink" || bracket <= 0 || !entry.name.endsWith("]")) return;
  entry.target = entry.name.slice(bracket + 2, -1);
  entry.name = entry.name.slice(0, bracket);
}

/** IIS pads a tag to 15 columns, so a name keeps its blanks; what others pad is unknown, so it does not. */
function nameAfterTag(raw: string, tag: string, tagAt: number, dateLength: number): string {
  const afterTag = raw.slice(tagAt + tag.length + 2);
  const padding = 13 - tag.length;
  const isPadded = tagAt === dateLength + 16 && /^ *$/.test(afterTag.slice(0, padding)) && afterTag.length > padding;
  return isPadded ? afterTag.slice(padding) : afterTag.trimStart();
}
