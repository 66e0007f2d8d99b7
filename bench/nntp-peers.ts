/** Peers of the NNTP bench, each in a process of its own that was started before the clock: Python's nntplib, newsie. */
import { execFileSync, spawn } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** A peer that waits for the word. */
export interface Peer {
  /** Does the work once; resolves to how many rows it got. */
  go(): Promise<number>;
  stop(): void;
}

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
  return start("python3", ["-c", NNTPLIB, ...args], tmpdir());
}

/** newsie, installed into a scratch folder for this run; undefined, and said so, where that fails. */
export function newsie(args: readonly string[]): Promise<Peer> | undefined {
  const folder = mkdtempSync(join(tmpdir(), "polywire-newsie-"));
  try {
    writeFileSync(join(folder, "package.json"), '{ "private": true }');
    execFileSync("npm", ["install", "--no-audit", "--no-fund", "--silent", "newsie"], { cwd: folder, stdio: "ignore" });
  } catch {
    console.log("SKIPPED: newsie could not be installed");
    return undefined;
  }
  writeFileSync(join(folder, "peer.cjs"), NEWSIE);
  return start(process.execPath, ["peer.cjs", ...args], folder);
}

async function start(command: string, args: readonly string[], cwd: string): Promise<Peer> {
  const child = spawn(command, args, { cwd, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error(`${command} ended early`);
    return value as string;
  };
  await next();
  return {
    async go() {
      child.stdin.write("go\n");
      return Number(await next());
    },
    stop: () => void child.kill(),
  };
}
