/** The program: its subcommands, its help, and what a command line that cannot be read leads to. */
import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { UsageError } from "../index.js";
import { article } from "./commands/article.js";
import { cat } from "./commands/cat.js";
import { cleanTemp } from "./commands/clean-temp.js";
import { copy } from "./commands/copy.js";
import { demo } from "./commands/demo.js";
import { get } from "./commands/get.js";
import { groups } from "./commands/groups.js";
import { headers } from "./commands/headers.js";
import { ls } from "./commands/ls.js";
import { mail } from "./commands/mail.js";
import { mkdir } from "./commands/mkdir.js";
import { move } from "./commands/move.js";
import { post } from "./commands/post.js";
import { probe } from "./commands/probe.js";
import { put } from "./commands/put.js";
import { rename } from "./commands/rename.js";
import { report as reportCommand } from "./commands/report.js";
import { request } from "./commands/request.js";
import { retryFailed } from "./commands/retry-failed.js";
import { rm } from "./commands/rm.js";
import { send } from "./commands/send.js";
import { status } from "./commands/status.js";
import { threads } from "./commands/threads.js";
import { verify } from "./commands/verify.js";
import { watch } from "./commands/watch.js";
import { worker } from "./commands/worker.js";
import { EXIT, exitCodesText } from "./exit-codes.js";
import { addGlobals } from "./globals.js";
import { tolerateBrokenPipes } from "./output.js";
import { report } from "./report.js";

const MOVES = [move, worker, status, retryFailed, verify, cleanTemp, reportCommand];
const FILES = [ls, get, put, rm, mkdir, rename, cat];
const NEWS = [headers, groups, article, post, threads];
const MAIL = [mail, watch, copy, send];
const COMMANDS = [...MOVES, ...FILES, ...NEWS, ...MAIL, request, probe, demo];

const HELP = `
URLs:
  ftps://host/path                 TLS from the first byte (port 990)
  ftp://host/path                  AUTH TLS on port 21; never plain text unless --plain says so
  ftp://alice@host//srv/in         // begins at the root, / at the folder after the login
  nntps://host/misc.test           news: TLS from the first byte (port 563); the path is a newsgroup
  nntp://host/misc.test            STARTTLS on port 119; plain text only where --plain or ?security=plain says so
  pop3s://alice@host               a mailbox: TLS from the first byte (port 995); pop3: is STLS on port 110
  imaps://alice@host/Archive       mailboxes: TLS from the first byte (port 993); imap: is STARTTLS on port 143
  smtps://alice@host               sends mail: TLS from the first byte (port 465); smtp: is STARTTLS on port 587
  In names, write %23 for #, %3F for ?, %25 for %.

Passwords need not stand on the command line. They are looked for in this order:
  the URL · --password-stdin · POLYWIRE_USER and POLYWIRE_PASSWORD · ~/.netrc · a prompt · anonymous
  (two servers of a move or copy: POLYWIRE_FROM_USER, POLYWIRE_FROM_PASSWORD, POLYWIRE_TO_USER, POLYWIRE_TO_PASSWORD)
  POLYWIRE_TOKEN is an OAuth 2 access token, in place of a password, for servers of mail and news (OAUTHBEARER, XOAUTH2)

Examples:
  polywire demo
  polywire probe ftp://files.example.org
  polywire ls -l ftp://alice@files.example.org/in
  polywire move ftp://a@old.example.org/out ftp://b@new.example.org/in --match "*.csv" --dry-run
  polywire move sensors.json
  polywire status sensors.journal
  polywire groups nntps://news.example.org 'comp.lang.*'
  polywire headers nntps://news.example.org/comp.lang.python --newest 1000 --out headers.ndjson
  polywire article nntps://news.example.org/comp.lang.python 3000234
  polywire mail pop3s://alice@mail.example.org --to Maildir
  polywire watch imaps://alice@mail.example.org
  polywire copy imaps://alice@old.example.org/INBOX imaps://alice@new.example.org/Archive
  polywire send smtps://alice@mail.example.org --from a@example.org --to b@example.net --subject hello < text

Exit codes:
${exitCodesText()}`;

/** Runs a command line. @returns the exit code. */
export async function run(argv: readonly string[]): Promise<number> {
  tolerateBrokenPipes();
  try {
    await makeProgram().parseAsync(argv);
    return Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT.done;
    // Without any argument: the help was printed.
    if (error.code === "commander.help") return EXIT.usage;
    const what = error.message.replace(/^error: /, "");
    const how = { json: argv.includes("--json"), debug: argv.includes("--debug") };
    const shell = error.code === "commander.excessArguments";
    const advice = shell ? "did the shell replace a pattern? Put it in quotes" : "see polywire --help";
    return report(new UsageError(what, { advice }), how);
  }
}

/** The program with all its subcommands. */
export function makeProgram(): Command {
  const program = new Command("polywire")
    .description(
      "Moves, lists, fetches and probes files on FTP servers; reads and posts news on NNTP servers; reads mail by IMAP and POP3 and sends it by SMTP.",
    )
    .version(version(), "-V, --version", "print the version")
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .configureHelp({ showGlobalOptions: true })
    .showSuggestionAfterError()
    .addHelpText("after", HELP);
  addGlobals(program);
  for (const add of COMMANDS) add(program);
  return program;
}

function version(): string {
  const file = new URL("../../package.json", import.meta.url);
  return (JSON.parse(readFileSync(file, "utf8")) as { version: string }).version;
}
