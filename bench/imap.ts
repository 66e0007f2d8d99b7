/**
 * IMAP from Dovecot, against imapflow and Python's imaplib: the sources of 5,000 small messages, the envelopes of 20,000,
 * 2,000 small messages appended; and one of 100 MB into a file, against curl.
 *
 *     npx tsx bench/imap.ts [--rounds 7] [--warm-up 3] [--sources 5000] [--envelopes 20000] [--appends 2000] [--megabytes 100]
 *
 * The limits are the same commands by a bare socket in one write, nothing parsed: Dovecot gives no more. All connections
 * are open and logged in before the clock starts, but for the large message, where connecting counts for both.
 *
 * `sources-first`: the first ones that a process asks for, as of a job that runs once; each turn is a new process, logged in
 * before the clock starts. `sources-feed`: 20,000 (`--feed`) from a process that has the answer in memory, so that the
 * server is not the limit. `sources-retrieve`: a call for each message, overlapping. `envelopes`: every field is asked
 * for, which decodes it; `envelopes-lazy`: none is, as imaplib does. `memory-growth`: by how many megabytes the most
 * memory of a process has grown that does nothing else while the large message comes. `ratios.…-cpu` is the CPU time of the
 * peer's process / ours, which tells where the server, or others on this machine, are the limit.
 */
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ImapClient, ImapEnvelope } from "../src/imap/index.js";
import { type Competitor, cpuOf, inTurns, numbers, program, rate, report, type Turn } from "./harness.js";
import { type Place, same, startBed, sum, upTo } from "./imap-bed.js";
import { sourceFeed } from "./imap-feed.js";
import { largeMessage, smallMessage } from "./imap-mail.js";
import { imapflow, polywire } from "./imap-peers.js";
import type { Peer } from "./peer.js";

const counts = { sources: 5_000, feed: 20_000, envelopes: 20_000, appends: 2_000, megabytes: 100 };
const options = numbers({ rounds: 7, "warm-up": 3, ...counts });
const { rounds, megabytes, "warm-up": warmUp } = options;
/** Messages of one APPEND of the bare socket: as polywire has it. */
const BATCH = 100;

/** Other ways of polywire to the same end. */
const VARIANTS = new Set(["retrieve", "lazy", "overlapping"]);

type Turns = Map<string, Turn[]>;

/** A part of the bench; `suffix` is what its peers and ratios have behind their names. */
interface Part {
  readonly name: string;
  readonly suffix: string;
  /** Of one turn. */
  readonly work: number;
  readonly turns: Turns;
}

const bed = await startBed();

/** What competes, and nothing of it left open. */
async function compete(competitors: readonly Competitor[], rehearsals = warmUp): Promise<Turns> {
  const turns = await inTurns(competitors, rounds, rehearsals);
  bed.close();
  return turns;
}

// --- sources -------------------------------------------------------------------------------------------------------

const octetsOf = (contents: readonly Buffer[]) => sum(contents.map(({ length }) => length));
const SOURCES = [Buffer.from("raw UID FETCH 1:* (BODY.PEEK[])\r\n")];

async function fetchSources(imap: ImapClient, octets: number): Promise<void> {
  let got = 0;
  for await (const batch of imap.fetch("1:*", "BODY.PEEK[]").batches()) {
    for (const { body } of batch) got += body.get("")!.length;
  }
  same(got, octets, "polywire");
}

async function sources(contents: readonly Buffer[]): Promise<Turns> {
  const octets = octetsOf(contents);
  const imap = await bed.client("sources", "INBOX");
  const retrieve = async () => {
    const all = await Promise.all(contents.map((_, i) => imap.retrieve(i + 1)));
    same(octetsOf(all.map(({ content }) => content)), octets, "retrieve");
  };
  return compete([
    { name: "polywire", run: () => fetchSources(imap, octets) },
    { name: "retrieve", run: retrieve },
    await bed.limit("sources", "INBOX", SOURCES),
    ...(await bed.peers({ task: "sources" }, [octets, octets])),
  ]);
}

/** By processes that have fetched nothing before. */
async function firstSources(octets: number): Promise<Turns> {
  const { user, password } = bed.login("sources");
  const anew = (name: string, start: () => Promise<Peer>): Competitor => {
    let peer: Peer;
    const prepare = async () => void (peer = await start());
    return {
      name,
      prepare,
      run: async () => same(await peer.go(), octets, name),
      check: () => peer.stop(),
      cpu: () => peer.cpu(),
    };
  };
  const ours = () => polywire({ ...bed.dovecot, credentials: { user, password } });
  const theirs = () => imapflow({ ...bed.dovecot, user, password, task: "sources" });
  return compete([anew("polywire", ours), anew("imapflow", theirs)], 0);
}

/** From a server that is not the limit. */
async function fedSources(): Promise<Turns> {
  const contents = upTo(options.feed).map(smallMessage);
  const octets = octetsOf(contents);
  const feed = await sourceFeed(contents, bed.work);
  const imap = await bed.client("sources", "INBOX", feed);
  const turns = await compete([
    { name: "polywire", run: () => fetchSources(imap, octets) },
    await bed.limit("sources", "INBOX", SOURCES, feed),
    ...(await bed.peers({ task: "sources" }, [octets, octets], feed)),
  ]);
  feed.stop();
  return turns;
}

// --- envelopes -----------------------------------------------------------------------------------------------------

/** Asks for every field; gives the characters of the subject. */
function readAll({ date, from, sender, replyTo, to, cc, bcc, inReplyTo, messageId, subject }: ImapEnvelope): number {
  const people = sum([from, sender, replyTo, to, cc, bcc].map(({ length }) => length));
  const lost = date === undefined || people < 4 || inReplyTo.length === 0 || messageId === "";
  if (lost) throw new Error("a field is lost");
  return subject.length;
}

async function envelopes(): Promise<Turns> {
  const count = options.envelopes;
  const words = (n: number) => (n % 5 === 0 ? "Grüße Nr. " : "Re: minutes of meeting ");
  const characters = sum(upTo(count).map((n) => words(n).length + String(n).length));
  await bed.deliver("envelopes", ...upTo(count).map(smallMessage));
  const imap = await bed.client("envelopes", "INBOX");
  const fetch = async (take: (envelope: ImapEnvelope) => number, wanted: number) => {
    let got = 0;
    for await (const batch of imap.fetch("1:*", "ENVELOPE").batches()) {
      for (const { envelope } of batch) got += take(envelope!);
    }
    same(got, wanted, "polywire");
  };
  return compete([
    { name: "polywire", run: () => fetch(readAll, characters) },
    { name: "lazy", run: () => fetch(() => 1, count) },
    await bed.limit("envelopes", "INBOX", [Buffer.from("raw UID FETCH 1:* (ENVELOPE)\r\n")]),
    ...(await bed.peers({ task: "envelopes" }, [characters, count])),
  ]);
}

// --- append --------------------------------------------------------------------------------------------------------

/** APPEND of all messages, `BATCH` in one command. */
function rawAppend(box: string, contents: readonly Buffer[]): Buffer[] {
  return contents.flatMap((content, i) => {
    const tag = i + BATCH < contents.length ? "r" : "raw";
    const begin = i % BATCH === 0 ? `${tag} APPEND ${box}` : "";
    const end = i % BATCH === BATCH - 1 || i === contents.length - 1 ? "\r\n" : "";
    return [Buffer.from(`${begin} {${content.length}+}\r\n`), content, Buffer.from(end)];
  });
}

async function append(): Promise<Turns> {
  const count = options.appends;
  const contents = upTo(count).map(smallMessage);
  const messages = join(bed.work, "messages.json");
  await writeFile(messages, JSON.stringify(contents.map(String)));
  const [admin, imap] = await Promise.all([bed.client("append"), bed.client("append")]);
  const empty = {
    async prepare() {
      const listed = await admin.list("box");
      if (listed.length > 0) await admin.delete("box");
      await admin.create("box");
    },
    check: async () => same((await admin.status("box", ["MESSAGES"])).messages ?? 0, count, "the mailbox"),
  };
  const everything = contents.map((content) => ({ content }));
  const competitors = [
    { name: "polywire", run: () => imap.appendAll("box", everything).toArray() },
    { name: "overlapping", run: () => Promise.all(contents.map((content) => imap.append("box", content))) },
    await bed.limit("append", undefined, rawAppend("box", contents)),
    ...(await bed.peers({ task: "append", box: "box", messages }, [count, count])),
  ];
  return compete(competitors.map((each) => ({ ...each, ...empty })));
}

// --- one large message ---------------------------------------------------------------------------------------------

/** Into a file; gives the turns, and the megabytes by which the most memory has grown. */
async function large(content: Buffer): Promise<{ turns: Turns; growth: number }> {
  const [source, local] = [join(bed.work, "source.eml"), join(bed.work, "local.eml")];
  await writeFile(source, content);
  await bed.deliver("large", content);
  const { user, password } = bed.login("large");
  const memory = await polywire({ ...bed.dovecot, credentials: { user, password }, file: local });
  const growth = (await memory.go()) / 1e6;
  memory.stop();
  const run = async () => {
    const imap = await bed.client("large", "INBOX");
    await imap.retrieve(1, { to: local });
    await imap.quit();
  };
  const { host, port }: Place = bed.dovecot;
  const curl = ["--silent", "--show-error", "--disable", "-u", `${user}:${password}`, "-o", local];
  const files = { prepare: () => rm(local, { force: true }), check: () => program("cmp", [local, source]) };
  const competitors = [
    { name: "polywire", run },
    { name: "curl", run: () => program("curl", [...curl, `imap://${host}:${port}/INBOX/;UID=1`]) },
  ];
  const turns = await compete(
    competitors.map((each) => ({ ...each, ...files })),
    Math.min(warmUp, 1),
  );
  return { turns, growth };
}

// -------------------------------------------------------------------------------------------------------------------

const figures = (): Record<string, number> => ({});

try {
  const contents = upTo(options.sources).map(smallMessage);
  await bed.deliver("sources", ...contents);
  const big = largeMessage(megabytes);
  const { turns: ofLarge, growth } = await large(big);
  const count = contents.length;
  const parts: readonly Part[] = [
    { name: "sources", suffix: "", work: count, turns: await sources(contents) },
    { name: "sources-first", suffix: "-first", work: count, turns: await firstSources(octetsOf(contents)) },
    { name: "sources-feed", suffix: "-feed", work: options.feed, turns: await fedSources() },
    { name: "envelopes", suffix: "-envelopes", work: options.envelopes, turns: await envelopes() },
    { name: "append", suffix: "-append", work: options.appends, turns: await append() },
    { name: `${megabytes}MB`, suffix: `-${megabytes}MB`, work: big.length / 1e6, turns: ofLarge },
  ];
  const [ours, peers, limit, ratios] = [figures(), figures(), figures(), figures()];
  for (const { name, suffix, work, turns } of parts) {
    const speed = (who: string) => rate(turns, who, work);
    for (const who of turns.keys()) {
      if (who === "polywire") ours[name] = speed(who);
      else if (VARIANTS.has(who)) ours[`${name}-${who}`] = speed(who);
      else (who === "limit" ? limit : peers)[who + suffix] = speed(who);
      if (who !== "polywire" && !VARIANTS.has(who)) ratios[who + suffix] = speed("polywire") / speed(who);
      if (who === "imapflow") ratios[`${who + suffix}-cpu`] = cpuOf(turns, who) / cpuOf(turns, "polywire");
    }
  }
  ours["memory-growth"] = growth;
  report({ bench: "imap", unit: `messages/s; ${megabytes}MB: MB/s; memory-growth: MB`, ours, peers, limit, ratios });
} finally {
  bed.close();
  await bed.stop();
}
