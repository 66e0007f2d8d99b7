/** The process that a test watches: a file into a mailbox, and out into another file; it says how its memory grew. */
import { readFileSync } from "node:fs";
import { ImapClient } from "../../../src/imap/client.js";

const [port, password, small, large, copy] = process.argv.slice(2) as [string, string, string, string, string];
const peak = () => Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))?.[1]) * 1024;

const imap = new ImapClient({
  ...{ host: "127.0.0.1", port: Number(port), security: "plain" },
  credentials: { user: "alice", password },
});
await imap.connect();
await imap.login();
await imap.select("INBOX");
// What a first message of some MiB needs is there before the count begins.
await throughBox(small);
const before = peak();
const bytes = await throughBox(large);
const grown = peak() - before;
await imap.quit();
console.log(JSON.stringify({ bytes, grown }));

async function throughBox(path: string): Promise<number> {
  const { uid } = await imap.append("INBOX", path);
  await imap.noop();
  return (await imap.retrieve(uid as number, { to: copy })).bytes;
}
