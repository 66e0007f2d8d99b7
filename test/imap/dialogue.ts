/** IMAP clients against written dialogues. */
import { onTestFinished } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { ImapClient } from "../../src/imap/client.js";
import type { ImapOptions } from "../../src/imap/options.js";
import { ScriptedServer, type ScriptedServerOptions } from "../../src/testing/scripted-server.js";
import { testTls } from "../../src/testing/tls.js";

export const ALICE = { user: "alice", password: "s3cret" };

/** The greeting of a server that can do these things, besides a login by PLAIN in one round trip. */
export const hello = (...capabilities: string[]): string =>
  `S: * OK [CAPABILITY ${["IMAP4rev1", "SASL-IR", "AUTH=PLAIN", ...capabilities].join(" ")}] ready\n`;

/** A login at such a server, which can do these things then. Its tag is A1. */
export const login = (...capabilities: string[]): string =>
  `C: A1 AUTHENTICATE PLAIN ***\nS: A1 OK [CAPABILITY ${["IMAP4rev1", ...capabilities].join(" ")}] in\n`;

/** INBOX with these many messages, selected under a tag. */
export const selected = (tag: string, exists = 3, command = "SELECT INBOX"): string =>
  [
    `C: ${tag} ${command}`,
    "S: * FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
    "S: * OK [PERMANENTFLAGS (\\Deleted \\Seen \\*)] limited",
    `S: * ${exists} EXISTS`,
    "S: * OK [UIDVALIDITY 7] valid",
    "S: * OK [UIDNEXT 105] next",
    `S: ${tag} OK [READ-WRITE] selected`,
    "",
  ].join("\n");

/** Time-outs that make a failing test quick. */
export const QUICK = { connect: 3_000, greeting: 3_000, command: 3_000, idle: 3_000, quit: 500 };

/** A client for a server that plays the script; in the clear, unless told otherwise. */
export async function talk(script: string, given: Partial<ImapOptions> = {}, how: ScriptedServerOptions = {}) {
  const server = await ScriptedServer.start(script, how);
  onTestFinished(() => server.close());
  const transcript = new Transcript();
  const { host, port } = server;
  const rest = { host, port, security: "plain", timeouts: QUICK, credentials: ALICE, transcript } as const;
  const imap = new ImapClient({ ...rest, ...given, tls: { ca: testTls.ca, ...given.tls } });
  onTestFinished(() => imap.close());
  return { server, imap, transcript };
}

/** A client that is connected to a server that plays the script behind its greeting. */
export async function connected(script: string, given: Partial<ImapOptions> = {}, greeting = hello()) {
  const all = await talk(greeting + script, given);
  await all.imap.connect();
  return all;
}

/** A client that is logged in at a server that can do these things, and plays the script then, from tag A2 on. */
export async function ready(script: string, capabilities: readonly string[] = [], given: Partial<ImapOptions> = {}) {
  const all = await talk(hello() + login(...capabilities) + script, given);
  await all.imap.connect();
  await all.imap.login();
  return all;
}

/** A client that has INBOX selected (A2), and a script from tag A3 on. */
export async function inbox(script: string, capabilities: readonly string[] = [], given: Partial<ImapOptions> = {}) {
  const all = await ready(selected("A2") + script, capabilities, given);
  await all.imap.select("INBOX");
  return all;
}

/** Commands and their tagged answers in the order in which they went: `C A3`, `S A3`. */
export function course(transcript: Transcript, from = "A3"): string[] {
  const tags = transcript.lines.flatMap(({ who, text }) => {
    const tag = /^A\d+(?= )/.exec(text)?.[0];
    return tag === undefined ? [] : [`${who} ${tag}`];
  });
  return tags.slice(tags.indexOf(`C ${from}`));
}
