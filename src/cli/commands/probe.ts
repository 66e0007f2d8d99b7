/** `polywire probe`: what a server is, what it can do, and what is dangerous about it. */
import type { Command } from "commander";
import { act } from "../context.js";
import { EXIT, exitCodeOf } from "../exit-codes.js";
import { counted } from "../format.js";
import { print, printJson } from "../output.js";
import { type Facts, gather } from "../probe/facts.js";
import { PROTOCOL } from "../probe/features.js";
import { type Finding, judge } from "../probe/findings.js";

const EXAMPLES = `
Examples:
  polywire probe ftp://files.example.org           no login
  polywire probe ftps://alice@files.example.org/in logged in: features and a listing, too
  polywire probe ftp://old.example.org --plain     a server without TLS
  polywire probe smtp://mail.example.org           a mail server: STARTTLS, extensions, logins
  polywire probe pop3s://alice@mail.example.org    logged in: how much mail there is, too
  polywire probe imaps://alice@mail.example.org    the same for INBOX; or for another mailbox: …/Archive
  polywire probe --json ftp://files.example.org | jq .tls.daysLeft
Nothing is changed on the server, and no password is sent where the connection is not safe. The exit code is that of
what is wrong first: 76 TLS or certificate, 77 login, 69 no connection.`;

export function probe(program: Command): void {
  program
    .command("probe <url>")
    .description("look at a server: software, TLS, certificate, features, dangers")
    .addHelpText("after", EXAMPLES)
    .action(
      act<[string]>(async (context, _options, url) => {
        const facts = await gather(context, url);
        const findings = judge(facts);
        if (context.json) await printJson({ ...facts, ...messages(facts), findings });
        else await print(page(facts, findings));
        const wrong = facts.unsafe ?? facts.loginRefused;
        return wrong === undefined ? EXIT.done : exitCodeOf(wrong);
      }),
    );
}

/** Errors as their sentences. */
function messages({ unsafe, loginRefused, lookRefused }: Facts) {
  return {
    unsafe: unsafe?.message,
    loginRefused: loginRefused?.message,
    lookRefused: lookRefused?.message,
  };
}

function securityOf({ protocol, security }: Facts): string {
  const { upgrade } = PROTOCOL[protocol];
  return { tls: "TLS from the first byte", starttls: upgrade, plain: "plain text" }[security];
}

function page(facts: Facts, findings: readonly Finding[]): string {
  const rows = table(facts).filter((row): row is [string, string] => row[1] !== undefined && row[1] !== "");
  return [
    `${facts.server}, ${securityOf(facts)}`,
    "",
    ...rows.map(([key, value]) => `  ${key.padEnd(12)} ${value.split("\n").join(`\n${" ".repeat(15)}`)}`),
    "",
    ...findings.map(({ mark, says, advice }) => `  ${mark} ${says}${advice === undefined ? "" : `\n      ${advice}`}`),
  ].join("\n");
}

function table(facts: Facts): [string, string | undefined][] {
  const { greeting, milliseconds, software, system, tls, features, user, folder } = facts;
  const words = Object.entries(features).map(([word, args]) => `${word}${args === "" ? "" : ` ${args}`}`);
  return [
    ["greeting", greeting],
    ["answered in", `${milliseconds} ms`],
    ["software", software && [software.name, software.version].filter(Boolean).join(" ")],
    ["system", system],
    ["TLS", tls && `${tls.version}, ${tls.cipher}`],
    ["certificate", tls && `${tls.subject}; issued by ${tls.issuer}`],
    ["valid", tls && `${tls.validFrom} to ${tls.validUntil}, ${daysLeft(tls.daysLeft)}`],
    ["names", tls?.names.join(", ")],
    ["features", wrap(words)],
    ["user", user],
    ["folder", folder],
  ];
}

function daysLeft(days: number): string {
  return days < 0 ? `ended ${counted(-days, "day")} ago` : `${counted(days, "day")} left`;
}

/** Words in lines of about 90 characters. */
function wrap(words: readonly string[]): string {
  const lines: string[] = [];
  for (const word of words) {
    const line = lines.at(-1);
    if (line !== undefined && line.length + word.length < 90) lines[lines.length - 1] = `${line}, ${word}`;
    else lines.push(word);
  }
  return lines.join("\n");
}
