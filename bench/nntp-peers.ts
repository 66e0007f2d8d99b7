/** Peers of the NNTP bench, each in a process of its own that was started before the clock: Python's nntplib, newsie. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installed, type Peer, startPeer } from "./peer.js";

// Lines of 2048 octets are too short for what INN sends.
const NNTPLIB = `
import sys, warnings
warnings.simplefilter("ignore")
import nntplib
nntplib._MAXLINE = 1 << 20
host, port, group, low, high = sys.argv[1:]
news = nntplib.NNTP(host, int(port))
news.group(group)
print("ready", flush=True)
for line in sys.stdin:
    print(len(news.over((int(low), int(high)))[1]), flush=True)
`;

const NEWSIE = `
const { default: Client } = require("newsie");
const [host, port, group, low, high] = process.argv.slice(2);
const news = new Client({ host, port: Number(port), tlsPort: false });
(async () => {
  await news.connect();
  await news.group(group);
  console.log("ready");
  for await (const _ of require("node:readline").createInterface({ input: process.stdin })) {
    const { articles } = await news.over({ start: Number(low), end: Number(high) });
    console.log(articles.length);
  }
  process.exit(0);
})();
`;

/** Python's nntplib; undefined, and said so, where this Python has none (it went with 3.13). */
export function nntplib(args: readonly string[]): Promise<Peer> | undefined {
  try {
    execFileSync("python3", ["-W", "ignore", "-c", "import nntplib"], { stdio: "ignore" });
  } catch {
    console.log("SKIPPED: this machine's python3 has no nntplib");
    return undefined;
  }
  return startPeer("python3", ["-c", NNTPLIB, ...args], tmpdir());
}

/** newsie, installed into a scratch folder for this run; undefined, and said so, where that fails. */
export function newsie(args: readonly string[]): Promise<Peer> | undefined {
  const folder = installed("newsie");
  if (folder === undefined) return undefined;
  writeFileSync(join(folder, "peer.cjs"), NEWSIE);
  return startPeer(process.execPath, ["peer.cjs", ...args], folder);
}
