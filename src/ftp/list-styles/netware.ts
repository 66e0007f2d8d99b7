/** Rows of NetWare: `d [RWCEAFMS] owner  512 Apr 13 16:57 name`. Pure. */
import type { FtpEntry } from "../entry.js";
import type { WallClock } from "../list-date.js";
import { dateFields, isNumber, type ReadText, textStyle, words } from "./style.js";

export const netwareStyle = textStyle("netware", readNetware);

function readNetware(clock: WallClock): ReadText {
  return (raw, out) => {
    const row = words(raw, 14);
    if (!/^[-dDn]$/.test(row[0]?.text ?? "") || !/^\[[-A-Z]{1,10}\]$/.test(row[1]?.text ?? "")) return false;
    // The size is the first number that a date follows: an owner may be a number, or several words.
    for (let at = 3; at + 3 < row.length; at++) {
      const size = row[at]!.text;
      const date = isNumber(size) && clock.monthDay(row[at + 1]!.text, row[at + 2]!.text, row[at + 3]!.text);
      if (!date) continue;
      const name = raw.slice(row[at + 3]!.end).trimStart();
      if (name === "") return false;
      const owner = raw.slice(row[1]!.end, row[at - 1]!.end).trim();
      const type = /^d/i.test(raw) ? "directory" : "file";
      out.push({ name, type, size: Number(size), owner, raw, ...dateFields(date) } satisfies FtpEntry);
      return true;
    }
    return false;
  };
}
