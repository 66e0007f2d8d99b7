/** The command line of `polywire mail` → the library's options; what would cost mail is refused. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { parseUrl, UsageError } from "../../index.js";
import { type FetchMailOptions, type MailFormat, mailFormatOf } from "../../jobs/index.js";
import { address } from "../address.js";
import { type Context, clientOptions } from "../context.js";
import type { ViewKind } from "../progress.js";

/** The options of `polywire mail` as commander gives them. */
export interface MailArguments {
  to: string;
  format?: MailFormat;
  mailbox?: string;
  deleteAfter?: true;
  newest?: number;
  limit?: number;
  append?: true;
  replace?: true;
  /** False for --no-journal. */
  journal?: string | false;
  progress?: ViewKind;
}

/** A job, and what is to be said of it. */
export type MailJob = FetchMailOptions & { readonly journal: string | undefined; readonly format: MailFormat };

/** The job, less its progress. Throws UsageError; nothing was sent then, and no file touched. */
export async function mailJob(context: Context, given: MailArguments, url: string): Promise<MailJob> {
  const { to, mailbox, deleteAfter, newest, limit } = given;
  const target = address(url, context.globals);
  const { protocol, path } = parseUrl(target);
  if (protocol !== "pop3" && protocol !== "imap") {
    throw new UsageError("mail is fetched by POP3 or IMAP", { advice: "write pop3s://user@host or imaps://user@host" });
  }
  if (mailbox !== undefined && path !== "") throw new UsageError("the URL and --mailbox both name a mailbox");
  const format = given.format ?? (await mailFormatOf(to));
  const { signal, ...options } = clientOptions(context, target);
  const journal = journalOf(given);
  return {
    server: { url: target, ...options },
    ...{ to, format, mailbox, journal, deleteAfter, newest, limit, signal },
    existing: existingOf(given, format, journal),
  };
}

/** The journal of a place stands beside it, unless it is told otherwise. */
function journalOf({ to, journal }: MailArguments): string | undefined {
  if (journal === false) return undefined;
  const bare = to.replace(/[/\\]+$/, "");
  return journal ?? `${/(^|[/\\])\.{0,2}$/.test(bare) ? resolve(to) : bare}.journal`;
}

/** What is to be done with an mbox that is there, by a new job. */
function existingOf(
  given: MailArguments,
  format: MailFormat,
  journal: string | undefined,
): "append" | "replace" | undefined {
  const { to, append, replace, deleteAfter } = given;
  if (format !== "mbox") {
    if (append || replace)
      throw new UsageError("--append and --replace are for an mbox: other places keep what they hold");
    return undefined;
  }
  if (journal === undefined && deleteAfter) {
    throw new UsageError("--delete-after needs a journal where mail goes to an mbox", {
      advice: "leave out --no-journal",
    });
  }
  const goesOn = journal !== undefined && existsSync(journal);
  if (replace && goesOn) {
    throw new UsageError(`${journal} remembers what is in ${to}`, {
      advice: "leave out --replace to go on with it, or remove it to begin anew",
    });
  }
  const holds = (statSync(to, { throwIfNoEntry: false })?.size ?? 0) > 0;
  if (!append && !replace && !goesOn && holds) {
    throw new UsageError(`${to} is there already, and has no journal to go on with`, {
      advice: "say --append or --replace, or name another file",
    });
  }
  return append ? "append" : replace ? "replace" : undefined;
}
