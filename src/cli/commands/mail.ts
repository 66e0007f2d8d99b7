/** `polywire mail`: a mailbox of POP3 or IMAP into a Maildir, an mbox or a folder, and later what is new. */
import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { type Command, Option } from "commander";
import { act, type Context } from "../context.js";
import { EXIT, exitCodeOf } from "../exit-codes.js";
import { oneOf, whole } from "../globals.js";
import { type MailArguments, type MailJob, mailJobs } from "../mail/fetch-job.js";
import { progressView, VIEW_KINDS } from "../progress.js";

const EXAMPLES = `
PLACE is what its name says: a folder with cur, new and tmp in it, or called Maildir, is a Maildir; .mbox (or .mbox.gz) is
one file (mboxrd); another folder, there or ending with /, gets an .eml file for each message. --format says otherwise.

Examples:
  polywire mail pop3s://alice@mail.example.org --to Maildir                 all that is new
  polywire mail imaps://alice@mail.example.org --to Maildir                 the same of INBOX, with flags and dates
  polywire mail imaps://alice@mail.example.org --mailbox Archive --to old/  … of another mailbox
  polywire mail imaps://alice@mail.example.org --all --to Maildir           all mailboxes: INBOX and folders (Maildir++)
  polywire mail imaps://alice@mail.example.org --mailbox 'Lists/*' --to lists/ --format mbox     a file for each
  polywire mail pop3s://alice@mail.example.org --to mail.mbox --limit 100   at most 100 of it, the oldest first
  polywire mail pop3s://alice@mail.example.org --to kept/ --newest 20       of the newest 20 what is new
  polywire mail pop3s://alice@mail.example.org --to Maildir --delete-after  and takes it off the server
  polywire mail --json --progress none …                                    for cron: a result in JSON

The same command again goes on where it stopped, after Ctrl-C or a crash as well: no message is lost, each is there once.
For that the journal is there: keep it beside PLACE. --delete-after deletes what is stored, in this run or an earlier one;
a message is deleted when it is on the disk and the journal knows it, never before. Exit code 1: some messages failed.

IMAP: no message is marked as read. --delete-after removes its messages by UID EXPUNGE; a server without UIDPLUS could only
remove whatever anybody has marked, so there they are marked as deleted, and left to your mail program. Where a mailbox has
got a new UIDVALIDITY, messages that are stored are known again by their bytes, and not stored twice.`;

export function mail(program: Command): void {
  program
    .command("mail <url>")
    .description("fetch the mail of a mailbox (POP3, IMAP), and later what is new")
    .requiredOption("--to <place>", "where it goes: a Maildir, a .mbox, or a folder/ of .eml files")
    .option("--format <kind>", "what PLACE is: maildir, mbox, eml", oneOf("maildir", "mbox", "eml"))
    .option("--mailbox <name>", "IMAP: which mailbox, or a pattern (* %); may be repeated (default: INBOX)", collect)
    .addOption(new Option("--all", "IMAP: all mailboxes").conflicts("mailbox"))
    .option("--delete-after", "delete from the server what is stored")
    .option("--newest <n>", "only the newest so many messages", whole)
    .option("--limit <n>", "fetch at most so many, the oldest first", whole)
    .addOption(new Option("--append", "a new job adds to an mbox that is there").conflicts("replace"))
    .option("--replace", "a new job replaces an mbox that is there")
    .option("--journal <file>", "where the job remembers what it has (default: PLACE.journal)")
    .option("--no-journal", "remember nothing")
    .option("--progress <kind>", "auto (default), bar, lines, json, none", oneOf(...VIEW_KINDS))
    .addHelpText("after", EXAMPLES)
    .action(act<[string], MailArguments>(run));
}

function collect(name: string, before: string[] = []): string[] {
  return [...before, name];
}

async function run(context: Context, given: MailArguments, url: string): Promise<number> {
  const jobs = await mailJobs(context, given, url);
  let worst: number = EXIT.done;
  for (const [one, job] of jobs) {
    const { code, goesOn } = await fetch(context, one, job);
    if (!goesOn) return code;
    worst = Math.max(worst, code);
  }
  return worst;
}

/** Fetches one mailbox. That the server refuses it is no reason to leave out the others. */
async function fetch(context: Context, given: MailArguments, job: MailJob): Promise<{ code: number; goesOn: boolean }> {
  const { fetchMail } = await import("../../jobs/index.js");
  const { mailFigures } = await import("../mail/fetch-figures.js");
  const { MailOutcome } = await import("../mail/fetch-outcome.js");
  // As the folders of PLACE are made, beside which it stands.
  if (given.journal === undefined && job.journal !== undefined) mkdirSync(dirname(job.journal), { recursive: true });
  const outcome = new MailOutcome(context, given, job);
  outcome.announce();
  const view = progressView(given.progress ?? "auto", mailFigures);
  try {
    const result = await fetchMail({ ...job, onProgress: outcome.watch((progress) => view.show(progress)) });
    view.stop();
    return { code: await outcome.tellResult(result), goesOn: true };
  } catch (error) {
    view.stop();
    return { code: await outcome.tellStop(error), goesOn: exitCodeOf(error) === EXIT.refused };
  }
}
