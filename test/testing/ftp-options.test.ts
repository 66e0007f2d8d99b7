/** What the in-memory FTP server can be told at its start: users, limits, features; and what it shows while it runs. */
import { execFile } from "node:child_process";
import { connect } from "node:net";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FtpServer, type FtpServerOptions, utf8Name } from "../../src/testing/index.js";
import { RawClient, readAll } from "./raw-client.js";

let server: FtpServer;
let raw: RawClient;

async function start(options: FtpServerOptions = {}): Promise<void> {
  await server?.close();
  server = await FtpServer.start(options);
  raw = await RawClient.open(server.port).login();
}

beforeEach(() => start({ files: { "/in/a.txt": "hello" } }));
afterEach(async () => {
  raw.close();
  await server.close();
});

describe("coming in", () => {
  test("a login, in order", async () => {
    const other = RawClient.open(server.port);
    expect(await other.reply()).toBe("220 polywire test server ready");
    expect(await other.ask("PWD")).toBe("530 Please login with USER and PASS.");
    expect(await other.ask("PASS test")).toBe("503 Login with USER first.");
    expect(await other.ask("USER test")).toBe("331 Password required for test");
    expect(await other.ask("PASS wrong")).toBe("530 Login incorrect.");
    expect(await other.pack("USER test", "PASS test")).toEqual([
      "331 Password required for test",
      "230 User test logged in",
    ]);
    expect(await other.ask("REIN")).toBe("220 Service ready for new user.");
    expect(await other.ask("PWD")).toMatch(/^530/);
    expect(await other.ask("QUIT")).toBe("221 Goodbye.");
    await other.hungUp();
    expect(server.commands.slice(-3)).toEqual(["REIN", "PWD", "QUIT"]);
    expect(server.commandCount).toBe(server.commands.length);
  });

  test("an account, an anonymous user, a password that is not ASCII, a greeting of two lines", async () => {
    await start({ account: "sales", anonymous: true, users: { zoé: "pässword" }, greeting: "one\ntwo" });
    const other = RawClient.open(server.port);
    expect(await other.reply()).toBe("220-one\r\n220 two");
    expect(await other.pack("USER Anonymous", "PASS me@example.org")).toEqual([
      "331 Please specify your e-mail address.",
      "332 Need account for login.",
    ]);
    expect(await other.pack("ACCT sales", "ACCT sales")).toEqual([
      "230 User Anonymous logged in",
      "202 ACCT command superfluous at this site.",
    ]);
    expect(await other.pack("USER zo\xe9", `PASS ${utf8Name("pässword")}`, "ACCT no")).toEqual([
      "331 Password required for zo\xe9",
      "332 Need account for login.",
      "530 Login incorrect.",
    ]);
    other.close();
    expect(server.url).toMatch(/^ftp:\/\/zo%C3%A9:p%C3%A4ssword@127\.0\.0\.1:\d+$/);
    expect(server.urlOf("/a b\xfc")).toBe(`${server.url}/a%20b%FC?security=plain`);
  });

  test("limits: clients by 421, logins by 530", async () => {
    await start({ limits: { maxClients: 2, maxLogins: 1 } });
    const second = RawClient.open(server.port);
    await second.reply();
    expect(await second.pack("USER test", "PASS test")).toEqual([
      "331 Password required for test",
      "530 Sorry, the maximum number of clients (1) for this user are already connected.",
    ]);
    const third = RawClient.open(server.port);
    expect(await third.reply()).toBe("421 Too many connections, try again later.");
    await third.hungUp();
    expect(server.connections).toBe(2);
    second.close();
  });
});

test("an old server knows less", async () => {
  await start({
    features: {
      feat: false,
      mlsd: false,
      mfmt: false,
      mff: false,
      hash: false,
      epsv: false,
      utf8: false,
      rest: false,
      size: false,
      mdtm: false,
      site: false,
      active: false,
    },
    disabled: ["syst"],
  });
  const unknown = [
    "FEAT",
    "MLSD",
    "MLST",
    "MFMT 1 a",
    "MFF x a",
    "HASH a",
    "RANG 1 2",
    "XCRC a",
    "EPSV",
    "EPRT |1|127.0.0.1|9|",
  ];
  for (const line of [...unknown, "REST 1", "SIZE a", "MDTM a", "SITE HELP", "PORT 127,0,0,1,9,9", "SYST"]) {
    expect(await raw.ask(line)).toMatch(/^500 /);
  }
  expect(await raw.ask("OPTS UTF8 ON")).toBe("501 Option not understood.");
});

test("the log of commands is bounded", async () => {
  await start({ logLimit: 10 });
  await raw.pack(...Array.from({ length: 25 }, () => "NOOP"));
  expect(server.commandCount).toBe(28);
  expect(server.commands.length).toBeLessThanOrEqual(10);
});

test("onCommand sees each line before it is done, and may set a fault for it", async () => {
  await start({
    files: { "/a": "1", "/b": "2" },
    onCommand: (line) => {
      if (line === "DELE b") server.faults.closeBeforeCommand = { command: "DELE" };
    },
  });
  expect(await raw.pack("DELE a", "DELE b")).toEqual(["250 DELE command successful", ""]);
  expect(server.tree.list()).toEqual(["b"]);
});

test("dropConnections cuts them all, and the server goes on", async () => {
  server.dropConnections();
  await raw.hungUp();
  expect(server.connections).toBe(0);
  raw = await RawClient.open(server.port).login();
  expect(server.connections).toBe(1);
});

test("a home directory, and IPv6", async () => {
  await using other = await FtpServer.start({ host: "::1", home: "/home/test", files: { "/home/test/a": "six" } });
  expect(other.url).toBe(`ftp://test:test@[::1]:${other.port}`);
  const six = await new RawClient(connect({ port: other.port, host: "::1" })).login();
  expect(await six.ask("PWD")).toMatch('"/home/test"');
  expect(await six.ask("PASV")).toMatch(/^425/);
  const port = Number(/\|(\d+)\|/.exec(await six.ask("EPSV 2"))?.[1]);
  const text = readAll(connect({ port, host: "::1" }));
  await six.ask("RETR a");
  expect(await text).toBe("six");
  six.close();
});

test("a process that closed its servers ends by itself", async () => {
  const script = `
    import { FtpServer, NntpServer, Pop3Server, ScriptedServer, SmtpServer } from "./src/testing/index.ts";
    import { connect } from "node:net";
    const ftp = await FtpServer.start({ tls: "implicit" });
    const scripted = await ScriptedServer.start("S: 229 ({epsv})\\nD: x");
    const begin = (port, text = "") => connect(port, "127.0.0.1").on("error", () => {}).resume().write(text);
    for (const { port } of [ftp, scripted]) begin(port);
    // Each of them waits for a minute, had it its way: for a data connection, or to give a reply.
    const waiting = await FtpServer.start({ dataTimeout: 60_000 });
    begin(waiting.port, "USER test\\r\\nPASS test\\r\\nEPSV\\r\\nLIST\\r\\n");
    const pausing = await ScriptedServer.start("WAIT 60000");
    begin(pausing.port);
    const faults = { replyDelay: 60_000 };
    const mute = await Promise.all([FtpServer, NntpServer, Pop3Server, SmtpServer].map((each) => each.start({ faults })));
    for (const { port } of mute) begin(port, "QUIT\\r\\n");
    await new Promise((resolve) => setTimeout(resolve, 200));
    if (!waiting.commands.includes("LIST")) console.log("LIST did not come", waiting.commands);
    await Promise.all([ftp, scripted, ftp, waiting, pausing, ...mute].map((each) => each.close()));
    console.log("closed");
  `;
  const { stdout } = await promisify(execFile)("node", ["--import", "tsx", "--input-type=module", "-e", script], {
    timeout: 15_000,
  });
  expect(stdout).toBe("closed\n");
});
