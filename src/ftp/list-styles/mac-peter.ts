/** Rows of Peter Lewis's Macintosh server: two forks and their sum, or the word `folder`. Pure. */
import type { FtpEntry } from "../entry.js";
import type { WallClock } from "../list-date.js";
import { dateFields, isNumber, type ReadText, textStyle, type Word, words } from "./style.js";

/** `-rw-r--r--  326 1391972 1392298 Nov 22  1995 name` and `drwxrwxr-x  folder 2 May 10  1996 name`. */
export const macPeterStyle = textStyle("mac-peter", readMacPeter);

const PERMISSIONS = /^[-dl](?:[-r][-w][-xsStT]){3}$/;

function readMacPeter(clock: WallClock): ReadText {
  return (raw, out) => {
    const row = words(raw, 7);
    if (!PERMISSIONS.test(row[0]?.text ?? "")) return false;
    const isFolder = row[1]?.text === "folder" && isNumber(row[2]?.text);
    const dateAt = isFolder ? 3 : 4;
    if ((!isFolder && !isSum(row)) || row.length < dateAt + 3) return false;
    const date = clock.monthDay(row[dateAt]!.text, row[dateAt + 1]!.text, row[dateAt + 2]!.text);
    const name = raw.slice(row[dateAt + 2]!.end + 1);
    if (date === undefined || name === "") return false;
    const type = isFolder ? "directory" : row[0]!.text.startsWith("l") ? "symlink" : "file";
    const entry: FtpEntry = { name, type, raw, ...dateFields(date) };
    if (!isFolder) entry.size = Number(row[3]!.text);
    out.push(entry);
    return true;
  };
}

/** Without this it could be a Unix row without a group. */
function isSum(row: Word[]): boolean {
  const [resource, data, both] = [row[1]?.text, row[2]?.text, row[3]?.text];
  return isNumber(resource) && isNumber(data) && isNumber(both) && Number(resource) + Number(data) === Number(both);
}
