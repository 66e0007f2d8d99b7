/** What kind of trouble a code stands for, in words that tell what to look at. Pure. */
import type { FileState } from "../../journal/journal.js";

/** Codes that mean one thing. */
const BY_CODE: Readonly<Record<string, string>> = {
  EXISTS: "another file has the name",
  ROUTE: "the route fails",
  KEPT: "the source is gone, its copy was kept",
  PARTIAL: "the source is gone, or cannot be seen: what arrived was kept",
  LISTED: "it is listed, and not to be had by that name",
  BROKEN: "the connection broke",
  VERIFY: "what arrived is not what was sent",
  "421": "the server hangs up",
  "425": "no data connection",
  "426": "the transfer was cut",
  "450": "the file is busy",
  "451": "an error of the server",
  "452": "the disk is full",
  "530": "the login is refused",
  "550": "no such file, or no permission",
  "552": "the disk is full",
  "553": "the name is not allowed",
  ENOSPC: "the disk is full",
  EDQUOT: "the disk is full",
  EACCES: "no permission",
  EPERM: "no permission",
  EROFS: "no permission",
  ENOENT: "no such file",
};

/** Others, by their form. */
const BY_FORM: readonly (readonly [RegExp, string])[] = [
  [/^4\d\d$/, "refused for now"],
  [/^5\d\d$/, "refused"],
  [/^E(CONN|HOST|NET|PIPE|TIMEDOUT|AI_)/, "the connection broke"],
  [/^E[A-Z]+$/, "an error of this machine"],
];

/** The class of a failure. */
export function failureClass(state: FileState, code: string | undefined): string {
  if (state === "GONE") return "it vanished from the source";
  if (code === undefined) return "other";
  return BY_CODE[code] ?? BY_FORM.find(([form]) => form.test(code))?.[1] ?? "other";
}
