/** Peers of the POP3 bench: Python's poplib, node-pop3. Each fetches the messages 1 to `count`, and tells their octets. */
import { writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installed, type Peer, startPeer } from "./peer.js";

/** Where a peer fetches from. */
export interface PeerMailbox {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Messages to fetch. */
  readonly count: number;
}

const POPLIB = `
import poplib, sys
host, port, user, password, count = sys.argv[1:]
mailbox = poplib.POP3(host, int(port))
mailbox.user(user)
mailbox.pass_(password)
print("ready", flush=True)
for line in sys.stdin:
    # Lines without their ends, and the two octets of each end.
    print(sum(sum(len(line) + 2 for line in mailbox.retr(n + 1)[1]) for n in range(int(count))), flush=True)
`;

const NODE_POP3 = `
import Pop3Command from "node-pop3";
import { createInterface } from "node:readline";
const [host, port, user, password, count] = process.argv.slice(2);
const mailbox = new Pop3Command({ host, port: Number(port), user, password });
await mailbox.NOOP();
console.log("ready");
for await (const _ of createInterface({ input: process.stdin })) {
  let octets = 0;
  for (let n = 1; n <= Number(count); n++) octets += (await mailbox.RETR(n)).length;
  console.log(octets);
}
process.exit(0);
`;

const args = ({ host, port, user, password, count }: PeerMailbox) => [
  host,
  String(port),
  user,
  password,
  String(count),
];

/** Python's poplib. */
export function poplib(mailbox: PeerMailbox): Promise<Peer> {
  return startPeer("python3", ["-c", POPLIB, ...args(mailbox)], tmpdir());
}

/** node-pop3 (MIT), installed into a scratch folder for this run; undefined, and said so, where that fails. */
export function nodePop3(mailbox: PeerMailbox): Promise<Peer> | undefined {
  const folder = installed("node-pop3");
  if (folder === undefined) return undefined;
  writeFileSync(join(folder, "peer.mjs"), NODE_POP3);
  return startPeer(process.execPath, ["peer.mjs", ...args(mailbox)], folder);
}
