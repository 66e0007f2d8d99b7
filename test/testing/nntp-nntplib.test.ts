/** The in-memory NNTP server as Python's nntplib sees it: a client that knows nothing of this package. */
import { execFile, execFileSync } from "node:child_process";
import { promisify } from "node:util";
import { expect, test } from "vitest";
import { NntpServer, testTls } from "../../src/testing/index.js";

const SCRIPT = `
import json, nntplib, ssl, sys
port, pem = int(sys.argv[1]), sys.argv[2]
n = nntplib.NNTP("127.0.0.1", port, readermode=True, usenetrc=False)
out = {"caps": sorted(n.getcapabilities()), "welcome": n.getwelcome()}
n.starttls(ssl.create_default_context(cadata=pem))
n.login("alice", "secret", usenetrc=False)
out["group"] = n.group("comp.test")[1:]
_, rows = n.over((1, None))
out["subjects"] = [nntplib.decode_header(row["subject"]) for _, row in rows]
out["overview"] = [sorted(row) for _, row in rows][0]
_, info = n.article(2)
out["article"] = [line.decode("utf-8") for line in info.lines][-3:]
out["head"] = n.head("<1@news.example>")[1].number
out["stat"] = [n.stat(1)[1], n.next()[1], n.last()[1]]
out["xhdr"] = n.xhdr("subject", "2-2")[1]
out["list"] = [tuple(group) for group in n.list("comp.*")[1]]
out["descriptions"] = n.descriptions("comp.*")[1]
n.post([b"From: a@b.example", b"Newsgroups: comp.test", b"Subject: posted", b"Message-ID: <p@b.example>", b"", b".dot"])
out["posted"] = [line.decode() for line in n.body("<p@b.example>")[1].lines]
n.group("alt.big")
out["big"] = [(number, row["message-id"]) for number, row in n.over((998, 1002))[1]]
try:
    n.group("no.such")
except nntplib.NNTPTemporaryError as error:
    out["refused"] = error.response[:3]
out["bye"] = n.quit()[:3]
print(json.dumps(out))
`;

function whyNot(): string {
  try {
    execFileSync("python3", ["-W", "ignore", "-c", "import nntplib"], { stdio: "pipe" });
    return "";
  } catch {
    return "python3 with nntplib (which ended with 3.12) is not here";
  }
}
const missing = whyNot();
if (missing) console.warn(`SKIPPED: the NNTP server against nntplib: ${missing}`);

test.skipIf(missing)("Python's nntplib reads, logs in over STARTTLS, and posts", async () => {
  await using server = await NntpServer.start({
    tls: "starttls",
    users: { alice: "secret" },
    groups: {
      "comp.test": {
        description: "Tests",
        articles: [{ subject: "größer" }, { subject: "=?UTF-8?Q?w=C3=B6rd?=", body: "a\n.b\n" }],
      },
      "alt.big": { generate: 10_000_000 },
    },
  });
  const run = promisify(execFile);
  const { stdout } = await run("python3", ["-W", "ignore", "-c", SCRIPT, `${server.port}`, testTls.ca], {
    timeout: 15_000,
  });
  expect(JSON.parse(stdout)).toMatchObject({
    welcome: "200 polywire test server ready",
    caps: expect.arrayContaining(["AUTHINFO", "OVER", "READER", "STARTTLS"]),
    group: [2, 1, 2, "comp.test"],
    subjects: ["größer", "wörd"],
    overview: [":bytes", ":lines", "date", "from", "message-id", "references", "subject", "xref"],
    article: ["", "a", ".b"],
    head: 0,
    stat: [1, 2, 1],
    xhdr: [["2", "=?UTF-8?Q?w=C3=B6rd?="]],
    list: [["comp.test", "2", "1", "y"]],
    descriptions: { "comp.test": "Tests" },
    posted: [".dot"],
    big: [998, 999, 1000, 1001, 1002].map((number) => [number, `<${number}.1@alt.big.example>`]),
    refused: "411",
    bye: "205",
  });
});
