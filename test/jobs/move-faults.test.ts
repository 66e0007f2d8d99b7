/** Moves between servers that fail at random, again and again: nothing lost, nothing half, nothing twice. */
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { type MoveOptions, type MoveResult, move, type Verify } from "../../src/jobs/index.js";
import { Journal } from "../../src/jobs/journal/journal.js";
import { parseTempName } from "../../src/jobs/move/names/temp-name.js";
import type { Faults } from "../../src/testing/ftp/faults.js";
import { FtpServer } from "../../src/testing/index.js";

// The same rules, but no long waits.
vi.mock(import("../../src/jobs/move/lanes/retry.js"), async (original) => ({
  ...(await original()),
  delay: (attempt: number) => Math.min(100, 5 * 2 ** attempt),
}));

vi.mock(import("../../src/jobs/move/lanes/times.js"), async (original) => {
  const { TIMES } = await original();
  return { TIMES: { ...TIMES, look: 20, cap: 200, halt: 20, haltMost: 100 } };
});

/** More: FAULT_RUNS=2000. One of them again: FAULT_SEED=1234. */
const RUNS = Number(process.env.FAULT_RUNS ?? 50);
const FIRST = Number(process.env.FAULT_SEED ?? 1);
const SIDE_BY_SIDE = 6;
const ARCHIVE = "done";

class Dice {
  #state: number;
  constructor(seed: number) {
    this.#state = seed;
  }
  /** 0 (included) to n. */
  upTo(n: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * n);
  }
  one<T>(of: readonly T[]): T {
    return of[this.upTo(of.length)] as T;
  }
}

const COMMANDS = "USER PASS CWD TYPE EPSV RETR STOR SIZE MDTM RNFR RNTO MFMT DELE MLSD MKD PWD NOOP FEAT".split(" ");
const REFUSALS: [string, string][] = [
  ["RETR", "426 Aborted"],
  ["RETR", "550 Busy"],
  ["STOR", "451 Local error"],
  ["STOR", "553 No"],
  ["SIZE", "450 Busy"],
  ["RNFR", "450 Busy"],
  ["RNTO", "451 Local error"],
  ["MFMT", "501 No"],
  ["DELE", "450 Busy"],
  ["DELE", "550 No"],
  ["EPSV", "425 No port"],
  ["MLSD", "425 No"],
];

/** One that is given the next command before it has said that a transfer is over; the other one is not. */
const GREETINGS = ["(vsFTPd 3.0.3)", "ready"];
const VERIFY: readonly Verify[] = ["size", "size", "mtime", "hash", "readback"];

/** Makes one or two things go wrong. */
function breakSome(dice: Dice, server: FtpServer): void {
  const { faults } = server;
  const times = 1 + dice.upTo(6);
  const kinds: (() => Partial<Faults>)[] = [
    () => ({ loseReply: { command: dice.one(COMMANDS), times } }),
    () => ({ loseReply: { command: dice.one(["RNTO", "DELE", "STOR", "RETR", "MFMT"]), times } }),
    () => ({ closeBeforeCommand: { command: dice.one(COMMANDS), times } }),
    () => ({ closeAfterCommand: { command: dice.one(COMMANDS), times } }),
    () => ({ cutDataAt: dice.upTo(4000), dataFaultsTimes: times, cutDataCleanly: dice.upTo(2) === 0 }),
    () => ({ diskFullAfter: dice.upTo(3000), dataFaultsTimes: times, diskFullCode: dice.one(["452", "552"] as const) }),
    () => ({ idle421: 6 + dice.upTo(60) }),
    () => ({ end226Code: dice.one(["451", "426", "550", "250"]) }),
    () => ({ refuseData: true, dataFaultsTimes: times }),
    () => ({ prematureReplies: true }),
    () => ({ truncateListingAt: 1 + dice.upTo(10), dataFaultsOn: "MLSD" }),
    () => ({ stallDataAt: dice.upTo(2000), dataFaultsTimes: 1 }),
    () => ({ closeAtByte: server.controlBytes + dice.upTo(12_000) }),
    () => ({ greeting421: times }),
    () => ({ splitReplyAt: 1 + dice.upTo(30) }),
    () => {
      const [command, reply] = dice.one(REFUSALS);
      return { reply: { [command]: { reply, times } } };
    },
  ];
  for (let n = 1 + dice.upTo(2); n > 0; n--) Object.assign(faults, dice.one(kinds)());
}

class Scene {
  readonly dice: Dice;
  readonly files = new Map<string, string>();
  readonly keeps: boolean;
  readonly archives: boolean;
  readonly verify: Verify;
  /** Times that a content is repeated: some files are held in memory, others passed through. */
  readonly lengths: readonly number[];
  readonly journal: string;
  /** What went wrong in each run. */
  readonly story: string[] = [];
  from!: FtpServer;
  to!: FtpServer;

  constructor(
    readonly seed: number,
    folder: string,
  ) {
    this.dice = new Dice(seed);
    this.keeps = this.dice.upTo(6) === 0;
    this.archives = !this.keeps && this.dice.upTo(4) === 0;
    this.verify = this.dice.one(VERIFY);
    this.lengths = [0, 1, 20, 200, 3000, ...(this.dice.upTo(3) === 0 ? [20_000, 40_000] : [])];
    this.journal = join(folder, `${seed}`);
  }

  async play(): Promise<void> {
    const greetings = [this.dice.one(GREETINGS), this.dice.one(GREETINGS)];
    const starting = greetings.map((greeting) => FtpServer.start({ greeting }));
    [this.from, this.to] = (await Promise.all(starting)) as [FtpServer, FtpServer];
    try {
      this.#fill();
      for (let run = 1 + this.dice.upTo(3); run > 0; run--) {
        for (const server of [this.from, this.to]) if (this.dice.upTo(3) > 0) breakSome(this.dice, server);
        // A temporary file that its server will not remove stays; the job warns.
        if (this.to.faults.reply?.DELE) delete this.to.faults.reply;
        // vsftpd answers in order.
        for (const [i, { faults }] of [this.from, this.to].entries())
          if (greetings[i] !== "ready") delete faults.prematureReplies;
        this.story.push(JSON.stringify({ from: this.from.faults, to: this.to.faults }));
        await this.#run().catch((error) => {
          if (error.hangs) throw error;
        });
        this.check();
        for (const server of [this.from, this.to]) server.clearFaults();
      }
      this.#retryFailed();
      this.#checkEnd(await move(this.#options({})));
    } finally {
      await Promise.all([this.from.close(), this.to.close()]);
    }
  }

  #fill(): void {
    this.to.tree.mkdir("/in");
    for (let i = 10 + this.dice.upTo(30); i > 0; i--) {
      const name = `f${i}.dat`;
      const content = `${name},`.repeat(this.dice.one(this.lengths));
      this.files.set(name, content);
      this.from.tree.write(`/out/${name}`, content, { modified: new Date(1_700_000_000_000 + i * 60_000) });
    }
  }

  #options(more: Partial<MoveOptions>): MoveOptions {
    return {
      from: this.from.urlOf("/out"),
      to: this.to.urlOf("/in"),
      match: "*.dat",
      source: this.keeps ? "keep" : this.archives ? "archive" : "delete",
      archiveTo: this.archives ? ARCHIVE : undefined,
      verify: this.verify,
      lanes: 1 + this.dice.upTo(6),
      journal: this.journal,
      ...more,
    };
  }

  #run(): Promise<MoveResult> {
    const timeouts = { command: 500, idle: 500, connect: 500, greeting: 500, quit: 200 };
    const side = (server: FtpServer, path: string) => ({ url: server.urlOf(path), timeouts });
    const abort = new AbortController();
    const aborts = this.dice.upTo(4) === 0;
    if (aborts) setTimeout(() => abort.abort(), this.dice.upTo(400));
    const more = {
      from: side(this.from, "/out"),
      to: side(this.to, "/in"),
      tries: { fail: 3, retry: 4 },
      maxPause: 300,
    };
    return within(25_000, move(this.#options({ ...more, signal: abort.signal })));
  }

  #retryFailed(): void {
    using journal = this.#journalOf();
    if (journal === undefined) return;
    expect(journal.counts()).toMatchObject({ CONFLICT: 0, GONE: 0 });
    journal.retryFailed();
  }

  /** There is none where the job ended before it listed anything. */
  #journalOf(): Journal | undefined {
    return existsSync(this.journal) ? Journal.open(this.journal) : undefined;
  }

  /** What must be true whatever happened. */
  check(): void {
    const arriving = this.to.tree.list("/in");
    for (const name of arriving) {
      const temp = parseTempName(name);
      if (temp === undefined) expect(this.to.tree.read(`/in/${name}`).toString(), name).toBe(this.files.get(name));
    }
    for (const [name, content] of this.files) {
      const here = this.from.tree.exists(`/out/${name}`);
      if (here) expect(this.from.tree.read(`/out/${name}`).toString(), `source ${name}`).toBe(content);
      else {
        expect(arriving.includes(name), `${name} is gone, and its final is there`).toBe(true);
        if (this.archives) expect(this.from.tree.read(`/out/${ARCHIVE}/${name}`).toString(), name).toBe(content);
      }
      if (this.keeps) expect(here, `${name} is kept`).toBe(true);
    }
  }

  #checkEnd(result: MoveResult): void {
    this.check();
    const { size } = this.files;
    expect({ ...result, moved: result.moved + result.skipped }).toMatchObject({
      moved: size,
      conflicts: 0,
      failed: 0,
      gone: 0,
      left: 0,
    });
    expect(this.to.tree.list("/in")).toEqual([...this.files.keys()].sort());
    const sources = this.from.tree.list("/out").filter((name) => name !== ARCHIVE);
    expect(sources).toHaveLength(this.keeps ? size : 0);
    if (this.archives) expect(this.from.tree.count(`/out/${ARCHIVE}`)).toBe(size);
    using journal = Journal.open(this.journal);
    expect(journal.counts()).toMatchObject({
      DONE: result.moved,
      SKIPPED_SAME: result.skipped,
      CLAIMED: 0,
      PLANNED: 0,
    });
  }
}

async function within<T>(milliseconds: number, doing: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(Object.assign(new Error("it hangs"), { hangs: true })), milliseconds);
  });
  try {
    return await Promise.race([doing, late]);
  } finally {
    clearTimeout(timer);
  }
}

describe("a move between servers that fail at random", () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), "polywire-faults-"));
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test(`${RUNS} times, from seed ${FIRST} on`, { timeout: 60_000 + RUNS * 2_000 }, async () => {
    let next = FIRST;
    const failures: string[] = [];
    const player = async () => {
      while (next < FIRST + RUNS && failures.length === 0) {
        const seed = next++;
        const scene = new Scene(seed, folder);
        try {
          await scene.play();
        } catch (error) {
          failures.push(`FAULT_SEED=${seed} FAULT_RUNS=1: ${scene.story.join(" ")} ${(error as Error).stack}`);
        }
      }
    };
    await Promise.all(Array.from({ length: SIDE_BY_SIDE }, player));
    expect(failures).toEqual([]);
  });
});
