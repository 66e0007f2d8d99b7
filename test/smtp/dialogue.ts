/** SMTP clients against written dialogues. */
import { onTestFinished } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { SmtpClient } from "../../src/smtp/client.js";
import type { SmtpOptions } from "../../src/smtp/options.js";
import { ScriptedServer, type ScriptedServerOptions } from "../../src/testing/scripted-server.js";
import type { SmtpServerOptions } from "../../src/testing/smtp/options.js";
import { SmtpServer } from "../../src/testing/smtp-server.js";
import { testTls } from "../../src/testing/tls.js";

export const ALICE = { user: "alice", password: "s3cret" };

/** Time-outs that make a failing test quick. */
export const QUICK = { connect: 3_000, greeting: 3_000, command: 3_000, idle: 3_000, quit: 500 };

/** The greeting of a server that can do these things. */
export const hello = (...extensions: string[]): string => `S: 220 mail.example.org ESMTP\n${ehlo(...extensions)}`;

/** EHLO and its answer. */
export function ehlo(...extensions: string[]): string {
  const lines = ["mail.example.org at your service", ...extensions];
  return [
    "C: EHLO client.example.org",
    ...lines.map((line, i) => `S: 250${i === lines.length - 1 ? " " : "-"}${line}`),
    "",
  ].join("\n");
}

/** A client for a server that plays the script; in the clear and without credentials, unless told otherwise. */
export async function talk(script: string, given: Partial<SmtpOptions> = {}, how: ScriptedServerOptions = {}) {
  const server = await ScriptedServer.start(script, how);
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, given) };
}

/** A client that is connected to a server with these extensions, which plays the script behind its EHLO. */
export async function connected(extensions: readonly string[], script: string, given: Partial<SmtpOptions> = {}) {
  const all = await talk(hello(...extensions) + script, given);
  await all.smtp.connect();
  return all;
}

export function clientOf(server: { host: string; port: number }, given: Partial<SmtpOptions> = {}) {
  const transcript = new Transcript();
  const { host, port } = server;
  const smtp = new SmtpClient({
    host,
    port,
    name: "client.example.org",
    security: "plain",
    timeouts: QUICK,
    tls: { ca: testTls.ca },
    transcript,
    ...given,
  });
  onTestFinished(() => smtp.close());
  return { smtp, transcript };
}

/** A message of one line. */
export const raw = (text = "hello", to: string | string[] = "bob@example.net") => ({
  envelope: { from: "alice@example.org", to },
  raw: Buffer.from(`Subject: ${text}\r\n\r\n${text}\r\n`),
});

/** A client for an SMTP server in memory. At the end of the test it must have nothing to complain about. */
export async function memory(given: SmtpServerOptions = {}, options: Partial<SmtpOptions> = {}) {
  const server = await SmtpServer.start(given);
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, options) };
}

/** The same, connected. */
export async function inMemory(given: SmtpServerOptions = {}, options: Partial<SmtpOptions> = {}) {
  const all = await memory(given, options);
  await all.smtp.connect();
  return all;
}
