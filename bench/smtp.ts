/**
 * Messages of 4 KB to smtp-sink on one connection, against nodemailer's pool of one, Python's smtplib and smtp-source -d;
 * and through a proxy that adds a round trip of 20 ms to a server with CHUNKING, against nodemailer.
 *
 *     npx tsx bench/smtp.ts [--rounds 5] [--warm-up 2] [--messages 10000] [--far 2000] [--round-trip 20] [--large 1024]
 *
 * smtp-sink has no CHUNKING: nobody may send a message before it has answered the DATA in front of it, so each message is
 * a round trip, and that bounds all. `limit` is a bare socket that sends the same octets in as few writes (a message, its
 * end, and MAIL, RCPT and DATA of the next one, one Buffer made beforehand) and only counts the line ends of the replies;
 * `ratios.limit-nodemailer` says how far ahead of nodemailer anybody can be. Most of polywire's own work is done while
 * smtp-sink has the next message: on a machine whose processors are busy with other things there is no such time, and it
 * comes on top.
 *
 * Messages are complete beforehand, so that nobody composes. smtp-source, a C program that has a round trip for each
 * command, is what smtp-sink is meant for; it connects within the clock. Far away nodemailer sends a tenth of what
 * polywire sends, and rates are compared. `--large` MiB of one message go to smtp-sink at last: `memory` is by how much
 * this process grew.
 */
import { Readable } from "node:stream";
import { runSource, startSink } from "../test/live/servers/sink.js";
import { delayed } from "./delay.js";
import { built, type Competitor, inTurns, numbers, peakMemory, rate, report } from "./harness.js";
import { rawSend, rawSmtp } from "./raw-smtp.js";
import { chunkingServer, nodemailerPool, smtplib } from "./smtp-peers.js";

const options = numbers({ rounds: 5, "warm-up": 2, messages: 10_000, far: 2_000, "round-trip": 20, large: 1_024 });
const { rounds, messages, far, large, "warm-up": warmUp, "round-trip": roundTrip } = options;
const SIZE = 4_096;
const MiB = 1024 * 1024;

const { SmtpClient } = await built("smtp");

const head = "From: <alice@example.org>\r\nTo: <bob@example.net>\r\nSubject: bench\r\n\r\n";
const line = "The quick brown fox jumps over the lazy dog, again and again.\r\n";
const message = Buffer.from(head + line.repeat((SIZE - head.length) / line.length));
const envelope = { from: "alice@example.org", to: "bob@example.net" };

async function client(place: { host: string; port: number }) {
  const smtp = new SmtpClient({ host: place.host, port: place.port, security: "plain", name: "bench.example.org" });
  await smtp.connect();
  return smtp;
}

function* copies(count: number) {
  for (let i = 0; i < count; i++) yield { envelope, raw: message };
}

async function polywire(smtp: InstanceType<typeof SmtpClient>, count: number): Promise<void> {
  let sent = 0;
  for await (const { state } of smtp.sendAll(copies(count))) if (state === "sent") sent++;
  if (sent !== count) throw new Error(`polywire sent ${sent} of ${count}`);
}

async function overlapping(smtp: InstanceType<typeof SmtpClient>, count: number): Promise<void> {
  await Promise.all(Array.from(copies(count), (each) => smtp.send(each)));
}

/** smtp-sink on this machine. */
async function nearby(sink: { host: string; port: number }) {
  const smtp = await client(sink);
  const pool = nodemailerPool(sink);
  const python = await smtplib(sink, SIZE, messages);
  const raw = await rawSmtp(sink);
  const competitors: Competitor[] = [
    { name: "polywire", run: () => polywire(smtp, messages) },
    { name: "overlapping", run: () => overlapping(smtp, messages) },
    { name: "limit", run: () => rawSend(raw, { ...envelope, message }, messages) },
    { name: "nodemailer", run: () => pool.send(message, messages) },
    { name: "smtplib", run: () => python.go() },
    { name: "smtp-source", run: () => runSource(sink, { count: messages, size: SIZE, to: envelope.to }) },
  ];
  const turns = await inTurns(competitors, rounds, warmUp);
  await smtp.quit();
  pool.close();
  python.stop();
  raw.destroy();
  return turns;
}

/** A server with CHUNKING behind the proxy. */
async function farAway() {
  const server = await chunkingServer();
  const proxy = await delayed(server, roundTrip);
  const smtp = await client(proxy);
  const pool = nodemailerPool(proxy);
  const competitors: Competitor[] = [
    { name: "far", run: () => polywire(smtp, far) },
    { name: "nodemailer-far", run: () => pool.send(message, far / 10) },
  ];
  const turns = await inTurns(competitors, 1, warmUp > 0 ? 1 : 0);
  await smtp.quit();
  pool.close();
  proxy.close();
  server.stop();
  return turns;
}

/** One large message; by how many MiB this process grew at most, and MiB a second. */
async function largeMessage(sink: { host: string; port: number }) {
  const piece = Buffer.from(line.repeat(MiB / line.length));
  const pieces = (large * MiB) / piece.length;
  const smtp = await client(sink);
  const before = peakMemory();
  const started = performance.now();
  await smtp.send({
    envelope,
    raw: Readable.from(
      (function* () {
        for (let i = 0; i < pieces; i++) yield piece;
      })(),
    ),
  });
  const seconds = (performance.now() - started) / 1000;
  await smtp.quit();
  return { grown: (peakMemory() - before) / MiB, speed: large / seconds };
}

const sink = await startSink({ keep: "nothing" });
try {
  const { grown, speed: largeSpeed } = await largeMessage(sink);
  const [near, distant] = [await nearby(sink), await farAway()];
  const speed = (name: string) => rate(near, name, messages);
  const ours = { sendAll: speed("polywire"), overlapping: speed("overlapping") };
  const peers = { nodemailer: speed("nodemailer"), smtplib: speed("smtplib"), "smtp-source": speed("smtp-source") };
  const [distance, nodemailerFar] = [rate(distant, "far", far), rate(distant, "nodemailer-far", far / 10)];
  report({
    bench: "smtp",
    unit: "messages/s",
    ours: { ...ours, [`sendAll-${roundTrip}ms`]: distance, "large-MiB/s": largeSpeed, "large-grown-MiB": grown },
    peers: { ...peers, [`nodemailer-${roundTrip}ms`]: nodemailerFar },
    limit: speed("limit"),
    ratios: {
      limit: ours.sendAll / speed("limit"),
      "limit-nodemailer": speed("limit") / peers.nodemailer,
      ...Object.fromEntries(Object.entries(peers).map(([name, peer]) => [name, ours.sendAll / peer])),
      "overlapping-nodemailer": ours.overlapping / peers.nodemailer,
      [`nodemailer-${roundTrip}ms`]: distance / nodemailerFar,
    },
  });
} finally {
  await sink.stop();
}
