/** Peers of the IMAP bench, each in a process of its own: imapflow, Python's imaplib, and polywire itself. */
import { join } from "node:path";
import { type Peer, startPeer } from "./peer.js";

/** What a peer works on. */
export interface PeerMailbox {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** All sources of INBOX, all envelopes of INBOX, or `messages` into the mailbox `box`. */
  readonly task: "sources" | "envelopes" | "append";
  readonly box?: string;
  /** A JSON file with an array of messages. */
  readonly messages?: string;
}

/** Tells octets of sources, characters of subjects, or messages appended. */
const IMAPFLOW = `
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { ImapFlow } from "imapflow";
const { host, port, user, password, task, box, messages } = JSON.parse(process.argv[1]);
const client = new ImapFlow({ host, port, secure: false, auth: { user, pass: password }, logger: false });
await client.connect();
const contents = messages ? JSON.parse(readFileSync(messages, "utf8")).map((each) => Buffer.from(each)) : [];
if (task !== "append") await client.mailboxOpen("INBOX");
const TASKS = {
  async sources() {
    let octets = 0;
    for await (const { source } of client.fetch("1:*", { source: true })) octets += source.length;
    return octets;
  },
  async envelopes() {
    let characters = 0;
    for await (const { envelope } of client.fetch("1:*", { envelope: true })) characters += envelope.subject.length;
    return characters;
  },
  async append() {
    for (const each of contents) await client.append(box, each);
    return contents.length;
  },
};
console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) console.log(await TASKS[task]());
process.exit(0);
`;

/** Envelopes are not parsed: it tells the responses as they came. */
const IMAPLIB = `
import imaplib, json, sys
given = json.loads(sys.argv[1])
task = given["task"]
client = imaplib.IMAP4(given["host"], given["port"])
client.login(given["user"], given["password"])
contents = [each.encode() for each in json.load(open(given["messages"]))] if "messages" in given else []
if task != "append":
    client.select("INBOX")
def sources():
    return sum(len(row[1]) for row in client.uid("FETCH", "1:*", "(BODY.PEEK[])")[1] if isinstance(row, tuple))
def envelopes():
    return len(client.uid("FETCH", "1:*", "(ENVELOPE)")[1])
def append():
    for each in contents:
        client.append(given["box"], None, None, each)
    return len(contents)
print("ready", flush=True)
for _ in sys.stdin:
    print({"sources": sources, "envelopes": envelopes, "append": append}[task](), flush=True)
`;

/** Tells octets of sources, or by how many bytes the most memory that it had has grown while message 1 went into a file. */
const POLYWIRE = `
import { readFileSync } from "node:fs";
import { createInterface } from "node:readline";
const { dist, file, ...options } = JSON.parse(process.argv[1]);
const { ImapClient } = await import(dist);
const imap = new ImapClient({ ...options, security: "plain" });
await imap.connect();
await imap.login();
await imap.select("INBOX");
const peak = () => Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync("/proc/self/status", "latin1"))[1]) * 1024;
async function growth() {
  const before = peak();
  await imap.retrieve(1, { to: file });
  return peak() - before;
}
async function sources() {
  let octets = 0;
  for await (const batch of imap.fetch("1:*", "BODY.PEEK[]").batches()) {
    for (const { body } of batch) octets += body.get("").length;
  }
  return octets;
}
console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) console.log(await (file ? growth() : sources()));
process.exit(0);
`;

/** From there the devDependencies are found. */
const ROOT = join(import.meta.dirname, "..");

const nodePeer = (script: string, given: object) =>
  startPeer(process.execPath, ["--input-type=module", "-e", script, JSON.stringify(given)], ROOT);

/** imapflow (MIT), a devDependency. */
export function imapflow(mailbox: PeerMailbox): Promise<Peer> {
  return nodePeer(IMAPFLOW, mailbox);
}

/** Python's imaplib. */
export function imaplib(mailbox: PeerMailbox): Promise<Peer> {
  return startPeer("python3", ["-c", IMAPLIB, JSON.stringify(mailbox)], ROOT);
}

/** polywire, with nothing else in its process: all sources of INBOX, or with a `file` message 1 into that. */
export function polywire(given: {
  host: string;
  port: number;
  credentials: { user: string; password: string };
  file?: string;
}): Promise<Peer> {
  return nodePeer(POLYWIRE, { ...given, dist: join(ROOT, "dist/imap/index.js") });
}
