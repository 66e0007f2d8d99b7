/** Passwords: where they come from, in which order, and that nobody sees them. */
import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { FtpServer, Pop3Server, SmtpServer } from "../../src/testing/index.js";
import { cleanUp, folder, PASSWORD, polywire, USERS, urlOf } from "./polywire.js";

let server: FtpServer;
beforeAll(async () => {
  server = await FtpServer.start({ ...USERS, files: { "/a": "a" } });
});
afterAll(async () => {
  await server.close();
  await cleanUp();
});

const ls = (url: string, more: string[] = [], options = {}) => polywire(["ls", url, "--plain", ...more], options);

describe.concurrent("passwords", () => {
  test("in the URL: ps does not show it", async () => {
    await using silent = await FtpServer.start({ ...USERS, faults: { hang: "USER" } });
    let seen = "";
    const running = async (pid: number | undefined, kill: () => void) => {
      while (silent.commands.length === 0) await sleep(20);
      const cmdline = readFileSync(`/proc/${pid}/cmdline`, "utf8");
      seen = cmdline + execFileSync("ps", ["-o", "args=", "-p", String(pid)], { encoding: "utf8" });
      kill();
    };
    const ran = await ls(`${silent.url}/`, [], {
      running: (child: import("node:child_process").ChildProcess) =>
        void running(child.pid, () => child.kill("SIGINT")),
    });
    expect(ran.code).toBe(2);
    expect(seen).toContain("polywire ls …");
    expect(seen).not.toContain(PASSWORD);
  });

  test("from the environment, for a user of the URL or of its own", async () => {
    const env = { POLYWIRE_PASSWORD: PASSWORD };
    expect((await ls(urlOf(server), [], { env })).code).toBe(0);
    const anyone = urlOf(server).replace("alice@", "");
    expect((await ls(anyone, [], { env: { ...env, POLYWIRE_USER: "alice" } })).code).toBe(0);
    expect((await ls(anyone, ["--user", "alice"], { env })).code).toBe(0);
  });

  test("from ~/.netrc, which nobody else may read", async () => {
    const home = join(folder, "home");
    mkdirSync(home);
    const file = join(home, ".netrc");
    writeFileSync(file, `machine 127.0.0.1 login alice password ${PASSWORD}\n`, { mode: 0o600 });
    const env = { HOME: home };
    expect((await ls(urlOf(server).replace("alice@", ""), [], { env })).code).toBe(0);
    expect((await ls(urlOf(server), ["--no-netrc"], { env })).code).toBe(77);
    expect((await ls(urlOf(server), [`--netrc=${file}`])).code).toBe(0);
    chmodSync(file, 0o644);
    expect(await ls(urlOf(server), [], { env })).toMatchObject({
      code: 64,
      stderr: expect.stringContaining("chmod 600"),
    });
  });

  test("--netrc that took the URL for its file says so", async () => {
    const { code, stderr } = await polywire(["mkdir", urlOf(server, "/x"), "--netrc", "ftp://h/"]);
    expect(code).toBe(64);
    expect(stderr).toContain("--netrc=FILE");
  });

  test("from stdin", async () => {
    const input = `${PASSWORD}\n`;
    expect((await ls(urlOf(server), ["--password-stdin"], { input })).code).toBe(0);
    expect((await ls(urlOf(server), ["--password-stdin"])).code).toBe(64);
  });

  test("from stdin for both servers of a move, in the order of their URLs", async () => {
    await using other = await FtpServer.start({ users: { bob: "2nd-secret" } });
    const url = `ftp://bob@127.0.0.1:${other.port}/in`;
    const args = ["move", urlOf(server), url, "--copy", "--plain", "--password-stdin"];
    const { code } = await polywire(args, { input: `${PASSWORD}\n2nd-secret\n` });
    expect(code).toBe(0);
    expect(other.tree.read("/in/a").toString()).toBe("a");
  });

  test("one server of a move is never offered the other one's password", async () => {
    await using other = await FtpServer.start({ users: { bob: "2nd-secret" } });
    const args = ["move", urlOf(server), `ftp://bob@127.0.0.1:${other.port}/in`, "--copy", "--plain"];
    await polywire(args, { env: { POLYWIRE_FROM_PASSWORD: PASSWORD, POLYWIRE_PASSWORD: PASSWORD } });
    expect(other.commands.filter((line) => line.startsWith("PASS"))).toEqual([]);
  });

  test("none at all: anonymous, or a sentence that says where to put it", async () => {
    await using open = await FtpServer.start({ anonymous: true });
    expect((await ls(urlOf(open).replace(/\/\/.*@/, "//"))).code).toBe(0);
    expect(await ls(urlOf(server))).toMatchObject({ code: 77, stderr: expect.stringContaining("POLYWIRE_PASSWORD") });
  });

  test("a password without a user is not sent as anonymous's", async () => {
    await using open = await FtpServer.start({ anonymous: true });
    await ls(urlOf(open).replace(/\/\/.*@/, "//"), [], { env: { POLYWIRE_PASSWORD: PASSWORD } });
    expect(open.commands).toContain("PASS anonymous@");
  });

  test("--insecure warns on every run", async () => {
    await using tls = await FtpServer.start({ ...USERS, tls: "explicit" });
    const args = ["ls", "--insecure", urlOf(tls)];
    const { code, stderr } = await polywire(args, { env: { POLYWIRE_PASSWORD: PASSWORD } });
    expect(code).toBe(0);
    expect(stderr).toMatch(/^polywire: warning: --insecure/);
  });
});

describe.concurrent("secrets of mail", () => {
  const TOKEN = "t0ken-of-alice";
  const MECHANISMS = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-256", "OAUTHBEARER", "XOAUTH2"];
  /** A secret, also as SASL writes it. */
  const hidden = (said: string) => {
    for (const secret of [PASSWORD, TOKEN]) {
      expect(said).not.toContain(secret);
      for (const line of said.split(/[\s"]+/))
        expect(Buffer.from(line, "base64").toString("latin1")).not.toContain(secret);
    }
  };
  const bare = (url: string) => url.replace(`:${PASSWORD}`, "").replace(/\?.*/, "");

  test.each(MECHANISMS)("%s: a transcript of polywire mail and polywire send holds none", async (mechanism) => {
    const alice = { password: PASSWORD, token: TOKEN };
    await using mailbox = await Pop3Server.start({
      users: { alice },
      mechanisms: [mechanism],
      features: { apop: false },
    });
    await using sender = await SmtpServer.start({ users: { alice }, mechanisms: [mechanism], requireLogin: true });
    const proof = /OAUTH/.test(mechanism) ? { POLYWIRE_TOKEN: TOKEN } : { POLYWIRE_PASSWORD: PASSWORD };
    const sent = ["send", bare(sender.urlOf()), "--from", "a@x.org", "--to", "b@x.org", "--text", "x"];
    const fetched = ["mail", bare(mailbox.urlOf()), "--to", `box-${mechanism}/`, "--json"];
    for (const [n, args] of [sent, fetched].entries()) {
      const file = join(folder, `${mechanism}${n}.txt`);
      const ran = await polywire([...args, "--plain", "--transcript", file], { env: proof });
      expect(ran.code, ran.stderr).toBe(0);
      const said = readFileSync(file, "utf8");
      expect(said).toContain(mechanism);
      hidden(said + ran.stdout + ran.stderr);
    }
  });

  test.each(["mail", "send"])("polywire %s: a refused login tells neither password nor token", async (command) => {
    await using mailbox = await Pop3Server.start({ users: { alice: "another" } });
    await using sender = await SmtpServer.start({ users: { alice: "another" } });
    const args = command === "mail" ? ["--to", "refused/"] : ["--from", "a@x.org", "--to", "b@x.org", "--text", "x"];
    const url = (command === "mail" ? mailbox : sender).urlOf().replace(":another", "").replace(/\?.*/, "");
    const ran = await polywire([command, url, ...args, "--plain"], { env: { POLYWIRE_PASSWORD: PASSWORD } });
    expect(ran.code).toBe(77);
    hidden(ran.stdout + ran.stderr);
  });
});
