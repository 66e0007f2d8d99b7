/** Every kind of failure: its exit code, one sentence on stderr, or an object on stdout. */

import { writeFileSync } from "node:fs";
import { createServer, type Server } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { makeProgram } from "../../src/cli/program.js";
import { FtpServer } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, PLAIN, polywire, testTls, USERS, urlOf } from "./polywire.js";

let plain: FtpServer;
let expired: FtpServer;
let good: FtpServer;
let ssh: Server;
const ca = join(folder, "ca.pem");

beforeAll(async () => {
  plain = await FtpServer.start(USERS);
  expired = await FtpServer.start({ ...USERS, tls: "explicit", certificate: testTls.expired });
  good = await FtpServer.start({ ...USERS, tls: "explicit" });
  ssh = createServer((socket) => socket.on("error", () => {}).write("SSH-2.0-OpenSSH_9.6\r\n"));
  await new Promise<void>((done) => ssh.listen(0, "127.0.0.1", done));
  writeFileSync(ca, testTls.ca);
});
afterAll(async () => {
  await plain.close();
  await expired.close();
  await good.close();
  ssh.close();
  await cleanUp();
});

const portOf = (server: Server) => (server.address() as { port: number }).port;

/** [what, arguments, exit code, what stderr says] */
const CASES: [string, () => string[], number, RegExp][] = [
  ["no URL at all", () => ["ls", "files.example.org"], 64, /not the URL of a server/],
  ["another scheme", () => ["ls", "http://files.example.org/"], 64, /does not speak/],
  ["an unknown option", () => ["ls", "--colour", "ftp://h/"], 64, /unknown option/],
  ["an unknown command, whose name holds a password", () => [`ftp://a:${PASSWORD}@h/`], 64, /ftp:\/\/a:\*\*\*@h/],
  ["a password that breaks the URL", () => ["ls", `ftp://a:${PASSWORD}/x@h:99999/`], 64, /\*\*\*/],
  ["names that a shell put in for a pattern", () => ["move", "a", "b", "--match", "1.csv", "2.csv"], 64, /quotes/],
  ["--plain against ftps", () => ["ls", "--plain", "ftps://h/"], 64, /security=plain/],
  ["a CA file that is not there", () => ["ls", "--ca", "/no/ca.pem", "ftp://h/"], 64, /--ca could not be read/],
  ["an unknown host", () => ["ls", "ftp://nosuch.invalid/"], 69, /nosuch\.invalid/],
  ["a refused port", () => ["ls", "ftp://127.0.0.1:1/"], 69, /nothing listens on port 1/],
  ["a refused login", () => ["ls", "--plain", `${urlOf(plain).replace("alice", "mallory")}`], 77, /login was refused/],
  ["no such folder", () => ["ls", "--plain", urlOf(plain, "/nosuch")], 1, /550/],
  ["a name with CR LF", () => ["rm", "--plain", urlOf(plain, "/a%0D%0ADELE%20b")], 64, /CR, LF or NUL/],
  ["another protocol", () => ["ls", "--plain", `ftp://127.0.0.1:${portOf(ssh)}/`], 65, /SSH/],
  ["an expired certificate", () => ["ls", "--ca", ca, urlOf(expired)], 76, /expired on 2021-01-01/],
  ["a certificate of nobody we trust", () => ["ls", urlOf(good)], 76, /give its CA with --ca/],
  ["a server without TLS", () => ["ls", urlOf(plain)], 76, /say so: --plain$/m],
  ["a time-out", () => ["ls", "--plain", "--timeout", "0.3", urlOf(plain, "/hang/me")], 69, /300 ms/],
];

describe.concurrent("exit codes", () => {
  test.each(CASES)("%s", async (_, args, code, says) => {
    const given = args();
    if (given.at(-1)?.endsWith("/hang/me")) return hangs(given, code, says);
    const ran = await polywire(given, PLAIN);
    expect(ran.stderr).toMatch(says);
    expect(ran.code).toBe(code);
    expect(ran.stdout).toBe("");
    expect(ran.stderr).toMatch(/^polywire: [^\n]+\n$/);
  });

  async function hangs(given: string[], code: number, says: RegExp): Promise<void> {
    await using silent = await FtpServer.start({ ...USERS, faults: { hang: "MLSD" } });
    const url = urlOf(silent);
    const ran = await polywire([...given.slice(0, -1), url], PLAIN);
    expect(ran).toMatchObject({ code, stderr: expect.stringMatching(says) });
  }

  test("with --json an error is an object on stdout, and stderr is empty", async () => {
    const ran = await polywire(["ls", "--json", "--plain", urlOf(plain, "/nosuch")], PLAIN);
    expect(JSON.parse(ran.stdout)).toMatchObject({
      error: { name: "ReplyError", exitCode: 1, code: "550", command: "MLSD nosuch", retryable: false },
    });
    expect(ran).toMatchObject({ stderr: "", code: 1 });
    const usage = await polywire(["ls", "--json"]);
    expect(JSON.parse(usage.stdout)).toMatchObject({ error: { name: "UsageError", exitCode: 64 } });
  });

  test("--debug shows where an error came from", async () => {
    const { stderr } = await polywire(["ls", "--debug", "--plain", urlOf(plain, "/nosuch")], PLAIN);
    expect(stderr).toMatch(/at .*\.js:\d+/);
    expect((await polywire(["ls", "--debug"])).stderr).toMatch(/at .*\.js:\d+/);
  });

  test("--version and --help", async () => {
    expect(await polywire(["--version"])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
    const { stdout } = await polywire(["--help"]);
    expect(stdout).toMatch(/77 {2}the login was refused/);
    expect(stdout).toMatch(/^ {2}--debug {2,}show where an error came from/m);
  });
});

test("the help of every command teaches by example", () => {
  const program = makeProgram();
  expect(program.commands.map((command) => command.name())).toContain("demo");
  for (const command of program.commands) {
    let text = "";
    command.configureOutput({ writeOut: (words) => void (text += words) }).outputHelp();
    expect(text).toMatch(/^Examples?:\n {2}polywire/m);
  }
});
