/** The command line of `polywire mail` → the library's options; what would cost mail is refused. */
import { existsSync, statSync } from "node:fs";
import { resolve } from "node:path";
import { clientFor, type ListedMailbox, parseUrl, UsageError } from "../../index.js";
import { type FetchMailOptions, type MailFormat, mailFormatOf, mailPlaces } from "../../jobs/index.js";
import { address } from "../address.js";
import { type Context, clientOptions } from "../context.js";
import type { ViewKind } from "../progress.js";

/** The options of `polywire mail` as commander gives them. */
export interface MailArguments {
  to: string;
  format?: MailFormat;
  /** Names, and patterns of LIST. */
  mailbox?: string[];
  all?: true;
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

/** A mailbox on its way to a place: what was said on the command line, made good for one mailbox. */
export type OneMailbox = MailArguments & { readonly format: MailFormat };

/** The jobs, less their progress: one, or one for each mailbox. Throws UsageError; no file was touched then. */
export async function mailJobs(context: Context, given: MailArguments, url: string): Promise<[OneMailbox, MailJob][]> {
  const { to, mailbox: names = [], all } = given;
  const target = address(url, context.globals);
  const { protocol, path } = parseUrl(target);
  if (protocol !== "pop3" && protocol !== "imap") {
    throw new UsageError("mail is fetched by POP3 or IMAP", { advice: "write pop3s://user@host or imaps://user@host" });
  }
  const patterns = all ? ["*"] : names;
  if (protocol === "pop3" && patterns.length > 0)
    throw new UsageError("POP3 has one mailbox: --mailbox and --all are for IMAP");
  if (patterns.length > 0 && path !== "") throw new UsageError("the URL and --mailbox both name a mailbox");
  const format = given.format ?? (await mailFormatOf(to));
  // Once for all of them: nobody is asked for a password twice.
  const { signal, ...options } = clientOptions(context, target);
  const server = { url: target, ...options };
  if (patterns.length < 2 && !patterns.some((name) => /[*%]/.test(name))) {
    return [mailJob({ ...given, format }, server, patterns[0], signal)];
  }
  if (given.journal)
    throw new UsageError("--journal is for one mailbox: each of several has its own, beside its place");
  const places = mailPlaces(await listed(server, patterns, context), to, format);
  return places.map((place) => mailJob({ ...given, format, to: place.to }, server, place.mailbox, signal));
}

type Server = { readonly url: string } & ReturnType<typeof clientOptions>;

/** The mailboxes that match, each once. */
async function listed(server: Server, patterns: readonly string[], { signal }: Context): Promise<ListedMailbox[]> {
  const { url, ...options } = server;
  const client = await clientFor(url, options, "imap");
  try {
    await client.connect({ signal });
    await client.login(undefined, { signal });
    const found = new Map<string, ListedMailbox>();
    for (const pattern of patterns) {
      const matching = await client.list(pattern, { signal });
      if (matching.length === 0) throw new UsageError(`no mailbox is called ${pattern}`);
      for (const each of matching) found.set(each.name, each);
    }
    return [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    await client.quit();
  }
}

function mailJob(
  given: OneMailbox,
  server: Server,
  mailbox: string | undefined,
  signal: AbortSignal | undefined,
): [OneMailbox, MailJob] {
  const { to, format, deleteAfter, newest, limit } = given;
  const journal = journalOf(given);
  const existing = existingOf(given, format, journal);
  return [given, { server, to, format, mailbox, journal, deleteAfter, newest, limit, signal, existing }];
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
