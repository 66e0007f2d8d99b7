/** Batches for processes of this machine. One that dies is started anew, and what it had in hand is told to be lost. */
import { type ChildProcess, fork } from "node:child_process";
import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { PolywireError } from "../../client/errors.js";
import type { Logins } from "../move/lanes/logins.js";
import type { MoveSide } from "../move/options.js";
import { packBatch } from "./batch.js";
import type { Batch, Dispatcher, Handed, JobHeader, Piece, Report } from "./dispatcher.js";
import type { FromProcess, ToProcess } from "./ipc.js";
import { portableSide } from "./portable-side.js";
import { ReportQueue } from "./report-queue.js";
import { LoginDesk } from "./shared-logins.js";

/** What the processes are told, and how many there are. */
export interface ProcessesOptions {
  readonly header: JobHeader;
  readonly from: MoveSide;
  readonly to: MoveSide;
  readonly processes: number;
  /** Batches that each has at a time. */
  readonly batches: number;
  /** Holds the connections of all of them back; undefined where nobody needs to ask. */
  readonly logins: Logins | undefined;
}

/** Deaths in a row, over all processes, without a file that was settled: the job is given up. */
const DEATHS = 5;
const ENTRY = new URL(`./process-worker${extname(import.meta.url)}`, import.meta.url);

interface Worker {
  readonly name: string;
  readonly child: ChildProcess;
  readonly batches: Set<string>;
  readonly desk: LoginDesk | undefined;
  readonly gone: Promise<void>;
}

export class ProcessDispatcher implements Dispatcher {
  readonly #options: ProcessesOptions;
  readonly #reports = new ReportQueue();
  readonly #workers = new Set<Worker>();
  #deaths = 0;
  #started = 0;
  #closing = false;

  private constructor(options: ProcessesOptions) {
    this.#options = options;
  }

  /** Starts the processes. Rejects with UsageError for options that cannot be sent to them. */
  static async open(options: ProcessesOptions): Promise<ProcessDispatcher> {
    const [from, to] = await Promise.all([portableSide(options.from), portableSide(options.to)]);
    const dispatcher = new ProcessDispatcher({ ...options, from, to });
    for (let i = 0; i < options.processes; i++) dispatcher.#start();
    return dispatcher;
  }

  /** They ended with the coordinator that had started them. */
  async recall(): Promise<readonly Handed[]> {
    return [];
  }

  get workers(): number {
    return this.#workers.size;
  }

  get room(): number {
    if (this.#closing) return 0;
    return [...this.#workers].reduce((sum, worker) => sum + this.#roomOf(worker), 0);
  }

  async offer(batch: Batch): Promise<void> {
    const [worker] = [...this.#workers].sort((a, b) => a.batches.size - b.batches.size);
    if (!worker) return this.#lose(batch.key, "there is no process");
    worker.batches.add(batch.key);
    tell(worker, { kind: "batch", batch: packBatch(batch) });
  }

  results(): AsyncIterable<Report> {
    return this.#reports;
  }

  async close(): Promise<void> {
    this.#closing = true;
    for (const worker of this.#workers) tell(worker, { kind: "end" });
    await Promise.all([...this.#workers].map(({ gone }) => gone));
    this.#reports.end();
  }

  #roomOf({ batches }: Worker): number {
    return Math.max(0, this.#options.batches - batches.size);
  }

  #start(): void {
    const { header, from, to, logins } = this.#options;
    const name = `process ${++this.#started}`;
    // No arguments: nobody sees there what is only told.
    const child = fork(fileURLToPath(ENTRY), [], {
      serialization: "advanced",
      stdio: ["ignore", "inherit", "inherit", "ipc"],
    });
    const worker: Worker = {
      name,
      child,
      batches: new Set(),
      desk: logins && new LoginDesk(logins, (id) => tell(worker, { kind: "login", id })),
      gone: ended(child).then((how) => this.#bury(worker, how)),
    };
    this.#workers.add(worker);
    child.on("message", (message: FromProcess) => this.#hear(worker, message));
    tell(worker, { kind: "start", name, header, from, to, asks: logins !== undefined });
  }

  #hear(worker: Worker, message: FromProcess): void {
    if (message.kind === "piece") this.#note(worker, message.piece);
    else worker.desk?.hear(message);
  }

  #note(worker: Worker, piece: Piece): void {
    if (piece.settled.length > 0) this.#deaths = 0;
    if (piece.ended) worker.batches.delete(piece.batch);
    // All of them have the same machine and the same credentials: what stops one, stops all.
    const stopped = piece.stopped && { ...piece.stopped, everywhere: true };
    this.#reports.push({ kind: "piece", piece: { ...piece, ...(stopped && { stopped }) } });
  }

  /** Its channel is closed, and it is gone: there is nothing more to hear, and nobody who still sends files. */
  #bury(worker: Worker, how: string): void {
    this.#workers.delete(worker);
    worker.desk?.close();
    for (const batch of worker.batches) this.#lose(batch, `${worker.name} ${how}`);
    if (this.#closing) return;
    if (++this.#deaths >= DEATHS) {
      const why = `processes that move files ended ${DEATHS} times in a row, the last one ${how}`;
      this.#reports.end(new PolywireError(why));
      return;
    }
    this.#start();
    this.#reports.push({ kind: "room" });
  }

  #lose(batch: string, why: string): void {
    this.#reports.push({ kind: "lost", batch, why });
  }
}

function tell({ child }: Worker, message: ToProcess): void {
  // One that is gone is told of by its end.
  if (child.connected) child.send(message, () => {});
}

/** Resolves when a process is gone and all that it said was heard. */
async function ended(child: ChildProcess): Promise<string> {
  const disconnected = new Promise((resolve) => child.once("disconnect", resolve));
  const how = await new Promise<string>((resolve) => {
    child.once("error", (error) => resolve(`could not be started: ${error.message}`));
    child.once("exit", (code, signal) => resolve(signal ? `was ended by ${signal}` : `ended with code ${code}`));
  });
  if (child.connected) await disconnected;
  return how;
}
