/**
 * RETR of 5,000 small messages from Dovecot by overlapping calls, and by fetchNew, against Python's poplib and node-pop3;
 * and through a proxy that adds a round trip of 20 ms, against poplib.
 *
 *     npx tsx bench/pop3.ts [--rounds 7] [--warm-up 3] [--messages 5000] [--far 250] [--round-trip 20] [--node-pop3 1]
 *
 * The limit is the same commands by a bare socket in one write, nothing parsed: Dovecot gives no more. All connections
 * are open and logged in before the clock starts, and end without QUIT, which would change the mailbox. Far away poplib
 * fetches `--far` messages, as 5,000 would take it minutes; rates are compared.
 */
import { startMail } from "../test/live/servers/mail.js";
import { delayed } from "./delay.js";
import { built, type Competitor, inTurns, numbers, rate, report } from "./harness.js";
import type { Peer } from "./peer.js";
import { nodePop3, poplib } from "./pop3-peers.js";
import { rawCommand, rawConnect } from "./raw-nntp.js";

const options = numbers({ rounds: 7, "warm-up": 3, messages: 5_000, far: 250, "round-trip": 20, "node-pop3": 1 });
const { rounds, messages, far, "warm-up": warmUp, "round-trip": roundTrip } = options;

const { Pop3Client } = await built("pop3");
const server = await startMail("dovecot", { tls: "none" });
const [user, password] = Object.entries(server.users).find(([name]) => name === "alice")!;
const near = { host: server.host, port: server.ports.pop3 };
const proxy = await delayed(near, roundTrip);
const all = Array.from({ length: messages }, (_, i) => i + 1);

/** Mail as it is: some headers, some lines. 1.2 KB, give or take. */
const content = all.map((n) => {
  const head = `From: Alice <alice@example.org>\r\nTo: bob@example.org\r\nSubject: message ${n}\r\nMessage-ID: <${n}@example.org>`;
  return `${head}\r\nDate: Mon, 1 Jan 2024 00:00:00 +0000\r\n\r\n${`${"The quick brown fox. ".repeat(3)}${n}\r\n`.repeat(10 + (n % 11))}`;
});
const octets = content.reduce((sum, { length }) => sum + length, 0);

async function client({ host, port }: { host: string; port: number }, pipelining?: number) {
  const credentials = { user, password };
  const pop3 = new Pop3Client({ host, port, security: "plain", credentials, pipelining, mechanisms: ["PLAIN"] });
  await pop3.connect();
  await pop3.login();
  return pop3;
}

async function rawClient(place: { host: string; port: number }) {
  const socket = await rawConnect(place);
  for (const command of [`USER ${user}`, `PASS ${password}`]) await rawCommand(socket, `${command}\r\n`, "\r\n");
  return socket;
}

const same = (got: number, who: string) => {
  if (got !== octets) throw new Error(`${who} got ${got} of ${octets} octets`);
};

async function overlapping(pop3: InstanceType<typeof Pop3Client>): Promise<void> {
  const got = await Promise.all(all.map((number) => pop3.retr(number)));
  same(
    got.reduce((sum, { content: { length } }) => sum + length, 0),
    "polywire",
  );
}

async function fetched(pop3: InstanceType<typeof Pop3Client>): Promise<void> {
  let sum = 0;
  for await (const message of pop3.fetchNew(new Set())) sum += message.content.length;
  same(sum, "fetchNew");
}

const oneByOne = async (pop3: InstanceType<typeof Pop3Client>) => {
  for (const number of all) await pop3.retr(number);
};

/** On the same machine. */
async function nearby(peers: Map<string, Peer>) {
  const [ours, serial, raw] = await Promise.all([client(near), client(near, 1), rawClient(near)]);
  const command = all.map((number) => `RETR ${number}\r\n`).join("");
  const competitors: Competitor[] = [
    { name: "polywire", run: () => overlapping(ours) },
    { name: "fetchNew", run: () => fetched(ours) },
    { name: "one-by-one", run: () => oneByOne(serial) },
    { name: "limit", run: () => rawCommand(raw, command, "\r\n.\r\n", messages) },
    ...[...peers].map(([name, peer]) => ({ name, run: () => peer.go() })),
  ];
  const turns = await inTurns(competitors, rounds, warmUp);
  for (const pop3 of [ours, serial]) pop3.close();
  raw.destroy();
  return turns;
}

/** Behind the proxy. */
async function farAway() {
  const ours = await client(proxy);
  const peer = await poplib({ ...proxy, user, password, count: far });
  const competitors: Competitor[] = [
    { name: "far", run: () => overlapping(ours) },
    { name: "poplib-far", run: () => peer.go() },
  ];
  const turns = await inTurns(competitors, 1, warmUp > 0 ? 1 : 0);
  ours.close();
  peer.stop();
  return turns;
}

try {
  await server.deliver(user, ...content);
  const place = { ...near, user, password, count: messages };
  const peers = new Map([["poplib", await poplib(place)]]);
  const other = options["node-pop3"] > 0 ? await nodePop3(place) : undefined;
  if (other) peers.set("node-pop3", other);
  same(await peers.get("poplib")!.go(), "poplib");
  const turns = await nearby(peers);
  for (const peer of peers.values()) peer.stop();
  const distant = await farAway();
  const speed = (name: string) => rate(turns, name, messages);
  const ours = { overlapping: speed("polywire"), fetchNew: speed("fetchNew"), "one-by-one": speed("one-by-one") };
  const [limit, distance, poplibFar] = [
    speed("limit"),
    rate(distant, "far", messages),
    rate(distant, "poplib-far", far),
  ];
  const speeds = Object.fromEntries([...peers.keys()].map((name) => [name, speed(name)])) as Record<string, number>;
  report({
    bench: "pop3",
    unit: "messages/s",
    ours: { ...ours, [`overlapping-${roundTrip}ms`]: distance },
    peers: { ...speeds, [`poplib-${roundTrip}ms`]: poplibFar },
    limit,
    ratios: {
      limit: ours.overlapping / limit,
      "fetchNew-limit": ours.fetchNew / limit,
      ...Object.fromEntries(Object.entries(speeds).map(([name, peer]) => [name, ours.overlapping / peer])),
      [`poplib-${roundTrip}ms`]: distance / poplibFar,
    },
  });
} finally {
  proxy.close();
  await server.stop();
}
