/** Two servers in memory and a journal on the disk, copied at any moment of a move: what a process leaves that is killed. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type MoveOptions, type MoveResult, move } from "../../../src/jobs/index.js";
import { type JournalFile, JournalReader } from "../../../src/jobs/journal/journal.js";
import { parseTempName } from "../../../src/jobs/move/names/temp-name.js";
import { FtpServer } from "../../../src/testing/index.js";

/** The files of a folder: their bytes and times, by name. */
export type Files = ReadonlyMap<string, { readonly bytes: Buffer; readonly modified: Date }>;

/** Everything that outlives a process. */
export interface Moment {
  readonly out: Files;
  readonly in: Files;
  /** The journal's file and its log; undefined where there was none yet. */
  readonly journal: Readonly<Record<string, Buffer | undefined>>;
  /** The last command: which server had it, and whether it was done; undefined between commands. */
  readonly command: { readonly server: "from" | "to"; readonly verb: string; readonly isDone: boolean } | undefined;
}

/** What SQLite needs after a crash: the index beside the log is made anew. */
const JOURNAL = ["j", "j-wal"];

export class Bench implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), "polywire-bench-"));
  from!: FtpServer;
  to!: FtpServer;
  #onMoment: ((command: Moment["command"]) => void) | undefined;

  static async start(): Promise<Bench> {
    const bench = new Bench();
    bench.from = await FtpServer.start({ onCommand: (line) => bench.#onCommand("from", line) });
    bench.to = await FtpServer.start({ onCommand: (line) => bench.#onCommand("to", line) });
    for (const path of ["/out", "/in"]) for (const server of [bench.from, bench.to]) server.tree.mkdir(path);
    return bench;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.from.close(), this.to.close()]);
    rmSync(this.folder, { recursive: true });
  }

  get journal(): string {
    return join(this.folder, "j");
  }

  options(more: Partial<MoveOptions> = {}): MoveOptions {
    return { from: this.from.urlOf("/out"), to: this.to.urlOf("/in"), journal: this.journal, ...more };
  }

  run(more: Partial<MoveOptions> = {}): Promise<MoveResult> {
    return move(this.options(more));
  }

  /** What the journal says of its files, by name. */
  rows(): Map<string, JournalFile> {
    using reader = JournalReader.read(this.journal);
    const states = ["PLANNED", "CLAIMED", "DONE", "SKIPPED_SAME", "CONFLICT", "FAILED", "GONE"] as const;
    return new Map([...reader.files(states)].map((file) => [file.name, file]));
  }

  /** How all is now. */
  now(command?: Moment["command"]): Moment {
    const journal = JOURNAL.map((name) => {
      const path = join(this.folder, name);
      return [name, existsSync(path) ? readFileSync(path) : undefined] as const;
    });
    const [out, arrived] = [filesOf(this.from, "/out"), filesOf(this.to, "/in")];
    return { out, in: arrived, journal: Object.fromEntries(journal), command };
  }

  /** Makes all as it was then, for a new process. */
  restore(moment: Moment): void {
    for (const [server, path, files] of [
      [this.from, "/out", moment.out],
      [this.to, "/in", moment.in],
    ] as const) {
      server.dropConnections();
      server.tree.remove(path);
      server.tree.mkdir(path);
      for (const [name, { bytes, modified }] of files) server.tree.write(`${path}/${name}`, bytes, { modified });
    }
    for (const name of [...JOURNAL, "j-shm"]) rmSync(join(this.folder, name), { force: true });
    for (const name of JOURNAL) {
      const bytes = moment.journal[name];
      if (bytes) writeFileSync(join(this.folder, name), bytes);
    }
  }

  /**
   * Runs a move to its end, and gives every moment of it that differs: before and behind each command, and whenever a
   * folder has changed. A process killed then would have left just that: the journal's writes are synchronous, and
   * both servers are in this process.
   */
  async record(more: Partial<MoveOptions> = {}): Promise<{ result: MoveResult; moments: Moment[] }> {
    const moments: Moment[] = [];
    let last = "";
    const note = (command: Moment["command"]) => {
      const found = this.now(command);
      const shape = JSON.stringify([shapeOf(found.out), shapeOf(found.in), JOURNAL.map((name) => crc(found, name))]);
      if (shape !== last || command) moments.push(found);
      last = shape;
    };
    let shape = "";
    let ticking: NodeJS.Immediate | undefined;
    const tick = () => {
      const seen = `${foldersOf(this.from, "/out")}|${foldersOf(this.to, "/in")}`;
      if (seen !== shape) note(undefined);
      shape = seen;
      ticking = setImmediate(tick);
    };
    this.#onMoment = note;
    tick();
    try {
      return { result: await this.run(more), moments };
    } finally {
      this.#onMoment = undefined;
      clearImmediate(ticking);
    }
  }

  #onCommand(server: "from" | "to", line: string): void {
    const verb = line.split(" ", 1)[0] as string;
    this.#onMoment?.({ server, verb, isDone: false });
    // It is done by then, and its reply has not reached the client.
    queueMicrotask(() => this.#onMoment?.({ server, verb, isDone: true }));
  }
}

/** Names under which no temporary file is. */
export function finals(files: Files): string[] {
  return [...files.keys()].filter((name) => parseTempName(name) === undefined).sort();
}

function filesOf(server: FtpServer, path: string): Files {
  const { tree } = server;
  return new Map(
    tree.list(path).map((name) => {
      const at = `${path}/${name}`;
      return [name, { bytes: Buffer.from(tree.read(at)), modified: tree.stat(at)!.modified }];
    }),
  );
}

/** Cheap: names and sizes. */
function foldersOf({ tree }: FtpServer, path: string): string {
  return tree
    .list(path)
    .map((name) => `${name}=${tree.stat(`${path}/${name}`)!.size}`)
    .join();
}

function shapeOf(files: Files): string[] {
  return [...files].map(([name, { bytes, modified }]) => `${name}=${bytes.length}@${modified.getTime()}`);
}

function crc({ journal }: Moment, name: string): string {
  const bytes = journal[name];
  return bytes === undefined ? "" : `${bytes.length}:${bytes.subarray(-4096).toString("base64")}`;
}
