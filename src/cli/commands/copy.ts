/** `polywire copy`: the messages of one IMAP mailbox into another one. */
import type { Command } from "commander";
import { act, type Context } from "../context.js";
import { oneOf } from "../globals.js";
import { copyFigures } from "../mail/copy-figures.js";
import { type CopyArguments, copyJob } from "../mail/copy-job.js";
import { progressView, VIEW_KINDS } from "../progress.js";

const EXAMPLES = `
Examples:
  polywire copy imaps://alice@old.example.org/INBOX imaps://alice@new.example.org/Archive
  polywire copy imaps://alice@mail.example.org/INBOX imaps://alice@mail.example.org/Archive/2026
  polywire copy --json --progress none --journal alice.journal FROM TO         for cron: a result in JSON

Messages keep their flags and the time when they came; in the source nothing is changed. TO is made where it is not there.
The same command again goes on where it stopped, after Ctrl-C or a crash as well, and later copies what is new: every message
is in TO exactly once. For that the journal is there: keep it. A copy by another journal knows nothing of this one.

Passwords of two servers: POLYWIRE_FROM_PASSWORD, POLYWIRE_TO_PASSWORD (and …_USER). Exit code 1: some messages failed.`;

export function copy(program: Command): void {
  program
    .command("copy <from> <to>")
    .description("copy a mailbox of IMAP into another one, with flags and dates, and later what is new")
    .option("--journal <file>", "where the job remembers what it has (default: polywire-copy-….journal here)")
    .option("--progress <kind>", "auto (default), bar, lines, json, none", oneOf(...VIEW_KINDS))
    .addHelpText("after", EXAMPLES)
    .action(act<[string, string], CopyArguments>(run));
}

async function run(context: Context, given: CopyArguments, from: string, to: string): Promise<number> {
  const job = copyJob(context, given, from, to);
  const { copyMail } = await import("../../jobs/index.js");
  const { CopyOutcome } = await import("../mail/copy-outcome.js");
  const outcome = new CopyOutcome(context, job.journal);
  outcome.announce();
  const view = progressView(given.progress ?? "auto", copyFigures);
  try {
    const result = await copyMail({ ...job, onProgress: outcome.watch((progress) => view.show(progress)) });
    view.stop();
    return await outcome.tellResult(result);
  } catch (error) {
    view.stop();
    return outcome.tellStop(error);
  }
}
