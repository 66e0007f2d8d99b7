/** The in-memory POP3 server as Python's poplib sees it: a client that knows nothing of this package. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { type Pop3Faults, Pop3Server, testTls } from "../../src/testing/index.js";

const SCRIPT = `
import json, poplib, ssl, sys
port, pem = int(sys.argv[1]), sys.argv[2]
p = poplib.POP3("localhost", port)
out = {"before": sorted(p.capa())}
p.stls(ssl.create_default_context(cadata=pem))
out["after"] = sorted(p.capa())
p.apop("alice", "secret")
out["stat"] = p.stat()
out["list"] = [row.decode() for row in p.list()[1]]
out["uidl"] = [row.decode() for row in p.uidl()[1]]
out["one"] = p.uidl(2).decode()
out["retr"] = [line.decode() for line in p.retr(1)[1]]
out["top"] = [line.decode() for line in p.top(1, 1)[1]]
out["big"] = p.retr(3)[2]
try:
    p.retr(9)
except poplib.error_proto as error:
    out["refused"] = str(error)
p.dele(2)
out["noop"] = p.noop().decode()
out["bye"] = p.quit().decode()
print(json.dumps(out))
`;

function whyNot(): string {
  try {
    execFileSync("python3", ["-c", "import poplib"], { stdio: "pipe" });
    return "";
  } catch {
    return "python3 is not here";
  }
}
const missing = whyNot();
if (missing) console.warn(`SKIPPED: the POP3 server against poplib: ${missing}`);

test.skipIf(missing)("Python's poplib logs in over STLS, reads and deletes", async () => {
  const big = `Subject: big\r\n\r\n${".dotted line\r\n".repeat(20_000)}`;
  await using server = await Pop3Server.start({
    tls: "starttls",
    users: { alice: { password: "secret", messages: ["Subject: one\n\na\n.b\n", "two\n", big] } },
  });
  const { stdout } = await promisify(execFile)("python3", ["-c", SCRIPT, `${server.port}`, testTls.ca], {
    timeout: 15_000,
  });
  expect(JSON.parse(stdout)).toMatchObject({
    before: expect.arrayContaining(["STLS", "TOP", "UIDL"]),
    after: expect.not.arrayContaining(["STLS"]),
    stat: [3, 23 + 5 + big.length],
    list: ["1 23", "2 5", `3 ${big.length}`],
    uidl: ["1 uid-1", "2 uid-2", "3 uid-3"],
    one: "+OK 2 uid-2",
    retr: ["Subject: one", "", "a", ".b"],
    top: ["Subject: one", "", "a"],
    refused: "b'-ERR No such message'",
    noop: "+OK Nothing done",
    bye: "+OK Goodbye",
  });
  expect(server.maildrop().uids).toEqual(["uid-1", "uid-3"]);
});

const FAULTY = `
import json, poplib, ssl, sys
port, pem = int(sys.argv[1]), sys.argv[2]
out = []
def say(call):
    try:
        out.append(call())
    except (poplib.error_proto, OSError) as error:
        out.append(type(error).__name__ + " " + str(error))
def begin():
    global p
    p = poplib.POP3("localhost", port)
    if pem:
        p.stls(ssl.create_default_context(cadata=pem))
    p.user("alice")
    return p.pass_("secret").decode()
say(begin)
if out[0].startswith("+OK"):
    for number in (1, 2):
        say(lambda: [line.decode() for line in p.retr(number)[1]])
    say(lambda: [row.decode() for row in p.uidl()[1]])
    say(lambda: p.dele(1).decode())
    say(lambda: p.quit().decode())
print(json.dumps(out))
`;
const IN = "+OK 2 messages";
const ONE = ["Subject: one", "", ".dot"];
const TWO = ["two"];
const UIDS = ["1 uid-1", "2 uid-2"];
const MARKED = "+OK Message 1 is marked";
const BYE = "+OK Goodbye";
const ALL = [IN, ONE, TWO, UIDS, MARKED, BYE];
const EOF = "error_proto -ERR EOF";

describe.skipIf(missing)("faults, as poplib sees them", () => {
  test.each<[name: string, faults: Pop3Faults, said: unknown[], left: number]>([
    ["a late greeting", { greetingDelay: 50 }, ALL, 1],
    ["the end of a body at every byte", { splitTerminator: true }, ALL, 1],
    ["the end of a body in two segments", { splitTerminator: 3 }, ALL, 1],
    ["byte by byte", { byteByByte: true }, ALL, 1],
    ["LF alone", { loneLf: true }, ALL, 1],
    [
      "one command refused",
      { reply: { "RETR 1": "-ERR [SYS/TEMP] no" } },
      [IN, "error_proto b'-ERR [SYS/TEMP] no'", TWO, UIDS, MARKED, BYE],
      1,
    ],
    [
      "too many connections",
      { tooManyConnections: 1 },
      ["error_proto b'-ERR [SYS/TEMP] Too many connections, try again later'"],
      2,
    ],
    ["the final reply lost: the message is gone", { loseReply: { command: "QUIT" } }, [...ALL.slice(0, 5), EOF], 1],
    ["cut before QUIT: nothing is gone", { closeBeforeCommand: { command: "QUIT" } }, [...ALL.slice(0, 5), EOF], 2],
    ["every second unique-id double", { duplicateUids: 2 }, [IN, ONE, TWO, ["1 uid-1", "2 uid-1"], MARKED, BYE], 1],
  ])("%s", async (_, faults, said, left) => {
    await using server = await faulty(faults);
    expect(await withPoplib(server)).toEqual(said);
    expect(server.maildrop().count).toBe(left);
  });

  test("cut in the middle of a body", async () => {
    await using server = await faulty({ cutBody: { command: "RETR 1", at: 16 } });
    const said = await withPoplib(server);
    expect(said.slice(0, 2)).toEqual([IN, EOF]);
    expect(server.maildrop().count).toBe(2);
  });

  test("bytes injected behind STLS", async () => {
    await using server = await faulty({ injectAfterStls: "-ERR injected\r\n" }, "starttls");
    expect(await withPoplib(server, testTls.ca)).toEqual(ALL);
  });
});

function faulty(faults: Pop3Faults, tls: "none" | "starttls" = "none"): Promise<Pop3Server> {
  const messages = ["Subject: one\n\n.dot\n", "two\n"];
  return Pop3Server.start({ tls, faults, users: { alice: { password: "secret", messages } } });
}

async function withPoplib(server: Pop3Server, ca = ""): Promise<unknown[]> {
  const { stdout } = await promisify(execFile)("python3", ["-c", FAULTY, `${server.port}`, ca], { timeout: 15_000 });
  return JSON.parse(stdout);
}
