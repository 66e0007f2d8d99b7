/**
 * 500 HEADs from INN through a proxy that adds a round trip of 20 ms: overlapping calls against one by one.
 *
 *     npx tsx bench/nntp-latency.ts [--rounds 3] [--warm-up 1] [--articles 500] [--round-trip 20]
 *
 * The limit is the same commands by a bare socket in one write, nothing parsed. INN's own delay of 44 ms for each answer
 * to a client that asks one by one is cured here (the socket is handed over with TCP_NODELAY), so that the round trip
 * alone is measured.
 */
import { startNews } from "../test/live/servers/news.js";
import { delayed } from "./delay.js";
import { built, type Competitor, inTurns, numbers, rate, report } from "./harness.js";
import { rawCommand, rawConnect } from "./raw-nntp.js";

const options = numbers({ rounds: 3, "warm-up": 1, articles: 500, "round-trip": 20 });
const { rounds, articles, "warm-up": warmUp, "round-trip": roundTrip } = options;
const FIRST = 1_000;

const { NntpClient } = await built("nntp");
const server = await startNews("inn", { seed: true, nodelay: true });
const proxy = await delayed(server, roundTrip);
const numbersAsked = Array.from({ length: articles }, (_, i) => FIRST + i);

async function heads(pipelining: number): Promise<void> {
  const { host, port } = proxy;
  const nntp = new NntpClient({ host, port, security: "plain", compress: false, pipelining });
  await nntp.connect();
  await nntp.group("polywire.big");
  const all = await Promise.all(numbersAsked.map((number) => nntp.head(number)));
  if (all.some(({ number }, i) => number !== numbersAsked[i])) throw new Error("not the articles asked for");
  await nntp.quit();
}

async function raw(): Promise<void> {
  const socket = await rawConnect(proxy);
  await rawCommand(socket, "GROUP polywire.big\r\n", "\r\n");
  await rawCommand(socket, numbersAsked.map((number) => `HEAD ${number}\r\n`).join(""), "\r\n.\r\n", articles);
  socket.destroy();
}

try {
  const competitors: Competitor[] = [
    { name: "overlapping", run: () => heads(256) },
    { name: "serial", run: () => heads(1) },
    { name: "limit", run: raw },
  ];
  const turns = await inTurns(competitors, rounds, warmUp);
  const speed = (name: string) => rate(turns, name, articles);
  const [ours, serial, limit] = [speed("overlapping"), speed("serial"), speed("limit")];
  report({
    bench: "nntp-latency",
    unit: "articles/s",
    ours,
    peers: { serial },
    limit,
    ratios: { serial: ours / serial, limit: ours / limit },
  });
} finally {
  proxy.close();
  await server.stop();
}
