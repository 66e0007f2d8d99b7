/** The command line of `polywire copy` → the library's options, and the name of its journal. */
import { createHash } from "node:crypto";
import { parseUrl, redactUrl, UsageError } from "../../index.js";
import type { CopyMailOptions } from "../../jobs/index.js";
import { address } from "../address.js";
import { type Context, clientOptions } from "../context.js";
import type { ViewKind } from "../progress.js";

/** The options of `polywire copy` as commander gives them. */
export interface CopyArguments {
  journal?: string;
  progress?: ViewKind;
}

/** A job, and where it remembers what it has done. */
export type CopyJob = CopyMailOptions & { readonly journal: string };

/** The job, less its progress. Throws UsageError; nothing was sent then. */
export function copyJob(context: Context, given: CopyArguments, from: string, to: string): CopyJob {
  return {
    from: side(context, from, "FROM"),
    to: side(context, to, "TO"),
    journal: given.journal ?? defaultJournal(from, to),
    signal: context.signal,
  };
}

/** Neither server is ever offered the other one's password. */
function side(context: Context, text: string, role: "FROM" | "TO"): CopyMailOptions["from"] {
  const url = address(text, context.globals);
  if (parseUrl(url).protocol !== "imap") {
    throw new UsageError(`mail is copied from IMAP to IMAP, not ${role === "FROM" ? "from" : "to"} ${redactUrl(url)}`, {
      advice: "write imaps://user@host/mailbox; polywire mail fetches from POP3",
    });
  }
  const { signal: _, ...options } = clientOptions(context, url, [`POLYWIRE_${role}`]);
  return { url, ...options };
}

/** The journal of a copy that names none: the same copy finds it again in the same folder. */
function defaultJournal(from: string, to: string): string {
  const job = JSON.stringify([redactUrl(from), redactUrl(to)]);
  return `polywire-copy-${createHash("sha256").update(job).digest("hex").slice(0, 10)}.journal`;
}
