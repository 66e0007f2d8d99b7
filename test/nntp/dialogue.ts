/** NNTP clients against written dialogues, and against the server in memory. */
import { onTestFinished } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { NntpClient } from "../../src/nntp/client.js";
import type { NntpOptions } from "../../src/nntp/options.js";
import type { NntpServerOptions } from "../../src/testing/nntp/options.js";
import { NntpServer } from "../../src/testing/nntp-server.js";
import { ScriptedServer, type ScriptedServerOptions } from "../../src/testing/scripted-server.js";
import { testTls } from "../../src/testing/tls.js";

export const ALICE = { user: "alice", password: "s3cret" };

/** The greeting, and what a server without capabilities says to CAPABILITIES and MODE READER. */
export const HELLO = "S: 200 ready\nC: CAPABILITIES\nS: 500 what?\nC: MODE READER\nS: 200 reader\n";

/** The greeting of a server that can do these things. */
export const hello = (...capabilities: string[]): string =>
  `S: 200 ready\n${announces("VERSION 2", "READER", ...capabilities)}`;

export const announces = (...capabilities: string[]): string =>
  ["C: CAPABILITIES", "S: 101 list", ...capabilities.map((each) => `S: ${each}`), "S: .", ""].join("\n");

/** Time-outs that make a failing test quick. */
export const QUICK = { connect: 3_000, greeting: 3_000, command: 3_000, idle: 3_000, quit: 500 };

/** A client for a server that plays the script; in the clear and without credentials, unless told otherwise. */
export async function talk(script: string, given: Partial<NntpOptions> = {}, how: ScriptedServerOptions = {}) {
  const server = await ScriptedServer.start(script, how);
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, given) };
}

/** A client that is connected to a server that plays the script behind HELLO. */
export async function connected(script: string, given: Partial<NntpOptions> = {}) {
  const all = await talk(HELLO + script, given);
  await all.nntp.connect();
  return all;
}

/** A client for an NNTP server in memory. */
export async function memory(given: NntpServerOptions = {}, options: Partial<NntpOptions> = {}) {
  const server = await NntpServer.start(given);
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, options) };
}

export function clientOf(server: { host: string; port: number }, given: Partial<NntpOptions> = {}) {
  const transcript = new Transcript();
  const { host, port } = server;
  const tls = { ca: testTls.ca };
  const nntp = new NntpClient({ host, port, security: "plain", timeouts: QUICK, tls, transcript, ...given });
  onTestFinished(() => nntp.close());
  return { nntp, transcript };
}
