/** POP3 clients against written dialogues, and against the server in memory. */
import { onTestFinished } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { Pop3Client } from "../../src/pop3/client.js";
import type { Pop3Options } from "../../src/pop3/options.js";
import type { Pop3ServerOptions } from "../../src/testing/pop3/options.js";
import { Pop3Server } from "../../src/testing/pop3-server.js";
import { ScriptedServer, type ScriptedServerOptions } from "../../src/testing/scripted-server.js";
import { testTls } from "../../src/testing/tls.js";

export const ALICE = { user: "alice", password: "s3cret" };

/** What a server says that knows RFC 1939 and nothing more. */
export const NO_CAPA = "C: CAPA\nS: -ERR what?\n";
export const HELLO = `S: +OK ready\n${NO_CAPA}`;
/** A login by USER and PASS. */
export const USER_PASS = "C: USER alice\nS: +OK\nC: PASS ***\nS: +OK in\n";
/** … at a server without CAPA. */
export const LOGIN = USER_PASS + NO_CAPA;

/** What a server announces. */
export const capa = (...capabilities: string[]): string =>
  ["C: CAPA", "S: +OK list", ...capabilities.map((each) => `S: ${each}`), "S: .", ""].join("\n");

/** The greeting of a server that can do these things. */
export const hello = (...capabilities: string[]): string => `S: +OK ready\n${capa(...capabilities)}`;

/** Greeting and login at a server that pipelines. */
export const PIPELINES = `${hello("PIPELINING", "UIDL")}${USER_PASS}C: CAPA\nC: NOOP\nC: NOOP\nS: +OK\nS: PIPELINING\nS: UIDL\nS: .\nS: +OK\nS: +OK\n`;

/** Time-outs that make a failing test quick. */
export const QUICK = { connect: 3_000, greeting: 3_000, command: 3_000, idle: 3_000, quit: 500 };

/** A client for a server that plays the script; in the clear, unless told otherwise. */
export async function talk(script: string, given: Partial<Pop3Options> = {}, how: ScriptedServerOptions = {}) {
  const server = await ScriptedServer.start(script, how);
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, given) };
}

/** A client that is connected to a server that plays the script behind HELLO. */
export async function connected(script: string, given: Partial<Pop3Options> = {}) {
  const all = await talk(HELLO + script, given);
  await all.pop3.connect();
  return all;
}

/** A client that is logged in at a server that plays the script then; it pipelines where `before` says so. */
export async function ready(script: string, given: Partial<Pop3Options> = {}, before = HELLO + LOGIN) {
  const all = await talk(before + script, given);
  await enter(all.pop3);
  return all;
}

/** A client for a POP3 server in memory. */
export async function memory(given: Pop3ServerOptions = {}, options: Partial<Pop3Options> = {}) {
  const server = await Pop3Server.start({ users: { alice: ALICE.password }, ...given });
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, options) };
}

/** A client that is logged in at a POP3 server in memory, as alice, whose mailbox holds these. */
export async function mailbox(
  messages: (Buffer | string | { content: Buffer | string; uid: string })[],
  given: Pop3ServerOptions = {},
  options: Partial<Pop3Options> = {},
) {
  const all = await memory({ users: { alice: { password: ALICE.password, messages } }, ...given }, options);
  await enter(all.pop3);
  return { ...all, drop: all.server.maildrop("alice") };
}

export async function enter(pop3: Pop3Client): Promise<void> {
  await pop3.connect();
  await pop3.login();
}

export function clientOf(server: { host: string; port: number }, given: Partial<Pop3Options> = {}) {
  const transcript = new Transcript();
  const { host, port } = server;
  const tls = { ca: testTls.ca, ...given.tls };
  const rest = { host, port, security: "plain", timeouts: QUICK, credentials: ALICE, transcript } as const;
  const pop3 = new Pop3Client({ ...rest, ...given, tls });
  onTestFinished(() => pop3.close());
  return { pop3, transcript };
}
