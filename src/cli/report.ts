/** Errors as a person or a program gets them: one sentence on stderr, or one JSON object on stdout; and the exit code. */
import { inspect } from "node:util";
import { PolywireError } from "../index.js";
import { EXIT, exitCodeOf } from "./exit-codes.js";
import { note, printJson, shown } from "./output.js";

/** What the library calls its options → what they are called here. */
const WORDS: readonly (readonly [RegExp, string])[] = [
  [/\btls\.ca\b/g, "--ca"],
  [/\btls\.cert\b/g, "--cert"],
  [/\btls\.key\b/g, "--key"],
  [/try security "tls"/g, 'write the URL with "ftps:", "nntps:", "pop3s:", "imaps:" or "smtps:"'],
  [/try security "starttls"/g, 'write the URL with "ftp:", "nntp:", "pop3:", "imap:" or "smtp:"'],
  [/: force: true does so$/, ": nothing was removed"],
  [/onExists: "overwrite"/g, "--on-exists overwrite"],
  [/\bverify: "(mtime|hash|readback)"/g, "--verify $1"],
  [/\bkeepTimes: false\b/g, "--no-times"],
  [/\bsource: "archive"/g, "--source archive"],
  [/\barchiveTo\b/g, "--archive-to"],
  [/security "plain" \(\?security=plain, --plain\)/g, "--plain"],
  [/the server wants a login: give credentials/, "the server wants a login: say --user, or POLYWIRE_USER"],
  [
    /^(the server wants a password\b[^:]*)$/,
    "$1: put it in POLYWIRE_PASSWORD or ~/.netrc, or pipe it in with --password-stdin",
  ],
];

/** How errors are told. */
export interface Reporting {
  readonly json: boolean;
  readonly debug: boolean;
}

/** An error as JSON has it. Secrets are hidden. */
function errorJson(error: unknown, code: number): Record<string, unknown> {
  const given = error as Record<string, unknown>;
  const fields = ["code", "command", "phase", "server", "protocol", "retryable", "transient", "advice"];
  const known = fields.filter((field) => ["string", "boolean"].includes(typeof given[field]));
  const details = known.map((field) => [field, typeof given[field] === "string" ? words(given[field]) : given[field]]);
  return { name: given.name ?? "Error", message: sentence(error), exitCode: code, ...Object.fromEntries(details) };
}

/** Tells an error. @param more further fields of the JSON object. @returns the exit code. */
export async function report(error: unknown, how: Reporting, code = exitCodeOf(error), more = {}): Promise<number> {
  if (how.json) await printJson({ error: errorJson(error, code), ...more });
  else note(`polywire: ${sentence(error)}`);
  if (how.debug) note(inspect(error, { depth: 4 }));
  return code;
}

/** What an error says, on one line. */
export function sentence(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof PolywireError || exitCodeOf(error) !== EXIT.bug) return words(message.replace(/\s*\n\s*/g, " "));
  return words(`${message} (this is a bug in polywire: please report it, with --debug)`);
}

function words(text: string): string {
  return shown(WORDS.reduce((said, [pattern, here]) => said.replace(pattern, here), text));
}
