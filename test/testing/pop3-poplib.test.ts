/** The in-memory POP3 server as Python's poplib sees it: a client that knows nothing of this package. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { Pop3Server, testTls } from "../../src/testing/index.js";

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
