/** FTP clients against written dialogues. */
import { onTestFinished } from "vitest";
import { Transcript } from "../../src/client/transcript.js";
import { FtpClient } from "../../src/ftp/client.js";
import type { FtpOptions } from "../../src/ftp/options.js";
import type { FtpServerOptions } from "../../src/testing/ftp/options.js";
import { FtpServer } from "../../src/testing/ftp-server.js";
import { ScriptedServer, type ScriptedServerOptions } from "../../src/testing/scripted-server.js";
import { testTls } from "../../src/testing/tls.js";

export const ALICE = { user: "alice", password: "s3cret" };

/** The greeting, and what a server without features says to FEAT. */
export const HELLO = "S: 220 ready\nC: FEAT\nS: 500 FEAT?\n";
/** A login of alice, and the pack behind it. */
export const LOGIN = `C: USER alice
S: 331 password
C: PASS ***
S: 230 in
C: TYPE I
C: NOOP
C: PWD
S: 200 binary
S: 200 noop
S: 257 "/home"
`;

/** The first transfer is agreed on step by step: whether the server bears PASV is not known before. */
export const FIRST = `C: PASV
S: 227 ok ({pasv})
C: RETR a
S: 150 here it is
D: one
D CLOSE
S: 226 done
`;
/** The second one is one write. */
export const SECOND = `C: PASV
C: RETR b
S: 227 ok ({pasv})
S: 150 here it is
D: two
D CLOSE
S: 226 done
`;

/** Time-outs that make a failing test quick. */
export const QUICK = { connect: 3_000, greeting: 3_000, command: 3_000, idle: 3_000, quit: 500 };

export interface Talk {
  server: ScriptedServer;
  ftp: FtpClient;
  transcript: Transcript;
}

/** A client for a server that plays the script; in the clear, unless told otherwise. */
export async function talk(
  script: string,
  given: Partial<FtpOptions> = {},
  how: ScriptedServerOptions = {},
): Promise<Talk> {
  const server = await ScriptedServer.start(script, how);
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, given) };
}

/** A client for an FTP server in memory. */
export async function memory(given: FtpServerOptions = {}, options: Partial<FtpOptions> = {}) {
  const server = await FtpServer.start({ users: { alice: "s3cret" }, ...given });
  onTestFinished(() => server.close());
  return { server, ...clientOf(server, options) };
}

export function clientOf(server: { host: string; port: number }, given: Partial<FtpOptions> = {}) {
  const transcript = new Transcript();
  const { host, port } = server;
  const tls = { ca: testTls.ca };
  const options = { host, port, security: "plain", credentials: ALICE, timeouts: QUICK, tls, transcript } as const;
  const ftp = new FtpClient({ ...options, ...given });
  onTestFinished(() => ftp.close());
  return { ftp, transcript };
}

/** Connects and logs in. */
export async function enter(ftp: FtpClient): Promise<FtpClient> {
  await ftp.connect();
  await ftp.login();
  return ftp;
}

/** A client behind its first transfer, and the server with what is said from then on. */
export async function afterFirst(script: string, given: Partial<FtpOptions> = {}, hello = HELLO): Promise<Talk> {
  const both = await talk(`${hello}${LOGIN}${FIRST}${script}`, given);
  await enter(both.ftp);
  await both.ftp.retr("a");
  return both;
}
