/** Two real servers, files to be moved from one to the other by processes that are killed, and what must always hold. */
import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import {
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect } from "vitest";
import { JournalReader, type MoveOptions, type MoveResult } from "../../../src/jobs/index.js";
import { parseTempName } from "../../../src/jobs/move/names/temp-name.js";
import { dice } from "../mail/lives.js";
import { type Kind, type LiveFtp, start } from "../servers/ftp.js";
import { url } from "./url.js";

/** As it was built when the tests began; another one: KILL_DIST=… */
const DIST = process.env.KILL_DIST ?? fileURLToPath(new URL("../../../dist", import.meta.url));
/** The move; beside it a thread that ends the process: behind what it sees, and in whatever the move is doing then. */
const CHILD = fileURLToPath(new URL("./mortal.mjs", import.meta.url));

/** In front of every fifth name. */
const ODD = [
  ...["two  blanks ", "-dash", "100%25", `it's "quoted"`, "größe", "日本語", "star*[x]?", "{a,b}", "semi;colon", "#~&"],
  "long".repeat(57),
];
/** What share of the files has at most so many bytes. */
const SIZES: readonly (readonly [share: number, bytes: number])[] = [
  [0.05, 0],
  [0.9, 8_000],
  [0.985, 100_000],
  [0.997, 1_000_000],
  [1, 4_000_000],
];

/** When a process dies: some milliseconds behind the n-th time that something is seen of its move. */
export interface Death {
  /** Its own start, a temporary file that comes or goes, bytes in one, a final name, a source that is removed. */
  readonly behind: "start" | "temp" | "data" | "final" | "removed";
  readonly nth: number;
  readonly later: number;
}

export class Yard {
  readonly from: LiveFtp;
  readonly to: LiveFtp;
  readonly scratch = mkdtempSync(join(tmpdir(), "polywire-kill-"));
  readonly options: MoveOptions;
  /** Between 0 and 1, the same for the same seed. */
  readonly dice: () => number;
  readonly #digests = new Map<string, string>();
  /** What was found under final names, and compared. */
  readonly #compared = new Map<string, string>();
  readonly #times = new Map<string, number>();

  private constructor(from: LiveFtp, to: LiveFtp, seed: number, more: Partial<MoveOptions>) {
    this.from = from;
    this.to = to;
    this.dice = dice(seed);
    for (const folder of [this.out, this.in]) mkdirSync(folder);
    for (const server of [from, to]) server.handOver();
    this.options = { from: url(from, "out"), to: url(to, "in"), journal: join(this.scratch, "journal"), ...more };
  }

  static async start([one, other]: readonly [Kind, Kind], seed: number, more: Partial<MoveOptions>): Promise<Yard> {
    const [from, to] = await Promise.all([start(one), start(other)]);
    return new Yard(from, to, seed, more);
  }

  async stop(): Promise<void> {
    await Promise.all([this.from.stop(), this.to.stop()]);
    rmSync(this.scratch, { recursive: true });
  }

  private get out(): string {
    return join(this.from.home, "out");
  }

  /** Where sources are put away. */
  private get archive(): string | undefined {
    const { source, archiveTo } = this.options;
    return source === "archive" ? (archiveTo as string) : undefined;
  }

  private get in(): string {
    return join(this.to.home, "in");
  }

  /** Files there ever were. */
  get files(): number {
    return this.#digests.size;
  }

  /** Files that have no final name yet. */
  get left(): number {
    return this.files - readdirSync(this.in).filter((name) => !isTemp(name)).length;
  }

  /** More files, of all sizes, or of these. */
  plant(count: number, size = () => this.#size()): void {
    const first = this.files;
    const { uid, gid } = lstatSync(this.from.home);
    for (let i = first; i < first + count; i++) {
      const odd = i % 5 === 0 ? ODD[(i / 5) % ODD.length] : "sensor_";
      const name = `${odd}${String(i).padStart(6, "0")}.dat`;
      const content = Buffer.alloc(size(), `${i},`);
      const time = 1_740_000_000 + i * 61;
      // It has its name only once it is whole.
      const making = join(this.from.home, "making");
      writeFileSync(making, content);
      chownSync(making, uid, gid);
      utimesSync(making, time, time);
      this.#digests.set(name, digest(content));
      this.#times.set(name, time);
      renameSync(making, join(this.out, name));
    }
  }

  #size(): number {
    const share = this.dice();
    return Math.round(this.dice() * (SIZES.find(([below]) => share < below) ?? [1, 0])[1]);
  }

  /** A process of its own with this move. */
  run(death?: Death): Life {
    const { out, in: arrived, options } = this;
    return new Life({ main: join(DIST, "jobs/move/move.js"), out, in: arrived, options, death });
  }

  /**
   * At any moment: every file is on one side at least, and what has a final name is whole; what was put away is there
   * and there. Gives the temporary files.
   */
  check(): { readonly temps: number } {
    // The sources first: one that goes meanwhile has its final name before.
    const away = this.archive === undefined ? [] : list(join(this.out, this.archive));
    const here = new Set([...away, ...readdirSync(this.out)]);
    const arrived = readdirSync(this.in);
    const there = new Set(arrived.filter((name) => !isTemp(name)));
    for (const name of this.#digests.keys())
      expect(here.has(name) || there.has(name), `${name} is on one side at least`).toBe(true);
    for (const name of away) expect(there.has(name), `${name} arrived before it was put away`).toBe(true);
    for (const name of there) this.#compare(name);
    return { temps: arrived.length - there.size };
  }

  #compare(name: string): void {
    const path = join(this.in, name);
    const { ino, size, mtimeMs } = lstatSync(path);
    const found = `${ino} ${size} ${mtimeMs}`;
    if (this.#compared.get(name) === found) return;
    expect(digest(readFileSync(path)), `${name} is whole`).toBe(this.#digests.get(name));
    this.#compared.set(name, found);
  }

  #checkArchive(folder: string, names: readonly string[]): void {
    expect(readdirSync(folder).sort()).toEqual(names);
    for (const name of names)
      expect(digest(readFileSync(join(folder, name))), `${name} is whole where it was put away`).toBe(
        this.#digests.get(name),
      );
  }

  /** In the end: every file arrived, byte for byte and with its time; no temporary file is left, nor a source to be removed. */
  checkEnd(result: MoveResult): void {
    const expected = { skipped: 0, failed: 0, conflicts: 0, gone: 0, left: 0 };
    expect(result).toMatchObject({ ...expected, moved: this.files, failures: [] });
    const names = [...this.#digests.keys()].sort();
    expect(readdirSync(this.in).sort()).toEqual(names);
    expect(readdirSync(this.out).sort()).toEqual(
      this.options.source === "keep" ? names : [this.archive].filter((each) => each !== undefined),
    );
    if (this.archive !== undefined) this.#checkArchive(join(this.out, this.archive), names);
    for (const name of names) {
      const path = join(this.in, name);
      expect(digest(readFileSync(path)), name).toBe(this.#digests.get(name));
      expect(Math.trunc(lstatSync(path).mtimeMs / 1000), name).toBe(this.#times.get(name));
    }
    using reader = JournalReader.read(this.options.journal as string);
    const none = { PLANNED: 0, CLAIMED: 0, SKIPPED_SAME: 0, CONFLICT: 0, FAILED: 0, GONE: 0 };
    expect(reader.counts()).toEqual({ ...none, DONE: this.files });
    expect([...reader.files(["DONE"])].map(({ name }) => name).sort()).toEqual(names);
  }
}

/** The names in a folder; none where it was not made yet. */
function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : [];
}

function isTemp(name: string): boolean {
  return parseTempName(name) !== undefined;
}

function digest(bytes: Buffer): string {
  return createHash("sha256").update(bytes).digest("hex");
}

/** One process. */
export class Life {
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  #out = "";
  #errors = "";

  constructor(task: object) {
    this.#child = spawn(process.execPath, ["--no-warnings", CHILD, JSON.stringify(task)], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.#child.stdout?.on("data", (chunk) => (this.#out += chunk));
    this.#child.stderr?.on("data", (chunk) => (this.#errors += chunk));
    this.#ended = new Promise((resolve) => this.#child.once("close", () => resolve()));
  }

  get runs(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Whether it died of a signal; false where it came to its end before. */
  async wasKilled(): Promise<boolean> {
    await this.#ended;
    if (this.#child.signalCode === "SIGKILL") return true;
    expect(this.#child.exitCode, this.#errors).toBe(0);
    return false;
  }

  async result(): Promise<MoveResult> {
    expect(await this.wasKilled()).toBe(false);
    return JSON.parse(this.#out);
  }
}
