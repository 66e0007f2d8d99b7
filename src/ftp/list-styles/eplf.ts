/** EPLF, D. J. Bernstein's "easily parsed LIST format": `+i8388621.48594,m825718503,r,s280,` TAB name. Pure. */
import type { FtpEntry } from "../entry.js";
import { isNumber, textStyle } from "./style.js";

/** `/` directory, `r` can be retrieved, `s` octets, `m` seconds since 1970, `i` unique, `up` permission bits. */
export const eplfStyle = textStyle("eplf", () => readEplf);

function readEplf(raw: string, out: FtpEntry[]): boolean {
  const tab = raw.indexOf("\t");
  if (!raw.startsWith("+") || tab < 0 || tab === raw.length - 1) return false;
  const entry: FtpEntry = { name: raw.slice(tab + 1), type: "other", raw };
  for (const fact of raw.slice(1, tab).split(",")) readFact(entry, fact);
  out.push(entry);
  return true;
}

function readFact(entry: FtpEntry, fact: string): void {
  const value = fact.slice(1);
  if (fact === "/") entry.type = "directory";
  else if (fact === "r" && entry.type === "other") entry.type = "file";
  else if (fact.startsWith("s") && isNumber(value)) entry.size = Number(value);
  else if (fact.startsWith("i")) entry.unique = value;
  else if (/^up[0-7]{1,5}$/.test(fact)) entry.mode = Number.parseInt(fact.slice(2), 8) & 0o7777;
  else if (/^m\d{1,12}$/.test(fact)) {
    entry.modified = new Date(Number(value) * 1000);
    entry.precision = "second";
  }
}
