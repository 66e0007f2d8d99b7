/** The headers job: groups → ranges → connections → sink, remembered once a second. */
import { AbortedError, ConnectionError, PolywireError } from "../../client/errors.js";
import type { NntpClient } from "../../nntp/client.js";
import { pause } from "../move/pause.js";
import { delay } from "../move/retry.js";
import { type AnySink, GroupWork, type WorkContext } from "./group-work.js";
import { HeadersJournal } from "./journal.js";
import { DEPTH, Lane } from "./lane.js";
import {
  type FetchArticlesOptions,
  type FetchHeadersOptions,
  isWildmat,
  type ResolvedFetch,
  resolveFetch,
} from "./options.js";
import { HeadersMeter } from "./progress.js";
import type { GroupMarks, Range } from "./ranges.js";
import type { KeptId } from "./sink.js";
import { verdictOf } from "./verdict.js";

/** What came of a headers job. */
export interface FetchResult {
  /** Rows, or articles, written in this run. */
  readonly rows: number;
  /** Groups that are done. */
  readonly groups: number;
  /** Groups that were refused. */
  readonly failures: readonly GroupFailure[];
  /** Rows that were passed over: not asked for, sent twice, or written before the server renumbered its group. */
  readonly passedOver: number;
  /** What a person should know. */
  readonly warnings: readonly string[];
  /** Milliseconds of this run. */
  readonly milliseconds: number;
}

/** A group that could not be fetched, or not to its end. */
export interface GroupFailure {
  readonly group: string;
  readonly code: string | undefined;
  readonly error: string;
}

/** Milliseconds between two commits. */
const COMMIT = 1_000;
/** Tries of a connection before the job is given up; connections lost in a row without a row. */
const TRIES = 8;
/** How often an answer may break off at one number before the group is given up. */
const BREAKS = 8;

/**
 * Fetches the headers of newsgroups: the rows of their overviews, over several connections, into a file, a database or a
 * function of yours. With a `journal` the process may be killed at any moment and started again with the same options:
 * in a file or a database every row is there exactly once; a function sees rows since the last second again. Run again
 * later, the job fetches what is new, and what had no article yet. A group that its server has renumbered is noticed,
 * and read again without doubles.
 *
 * @throws UsageError for options that cannot work, before anything is sent; the error that stopped the job (a refused
 *   login, a full disk, a server that stays away). Groups that are refused are in the result.
 *
 * @example
 * const { rows } = await fetchHeaders({
 *   server: "nntps://alice@news.example.org",
 *   groups: ["comp.lang.python", "comp.lang.c"],
 *   newest: 100_000,
 *   to: "headers.ndjson",
 *   journal: "headers.journal",
 * });
 */
export function fetchHeaders(options: FetchHeadersOptions): Promise<FetchResult> {
  return run(resolveFetch("headers", options));
}

/** Fetches whole articles, as `fetchHeaders` does headers: into an mbox or a function of yours. */
export function fetchArticles(options: FetchArticlesOptions): Promise<FetchResult> {
  return run(resolveFetch("articles", options));
}

async function run(resolved: ResolvedFetch): Promise<FetchResult> {
  if (resolved.signal?.aborted) throw aborted(resolved.signal);
  using journal = HeadersJournal.open(resolved.journal, { settings: resolved.settings, engine: resolved.engine });
  const sink = await resolved.openSink(journal.position);
  let complete = false;
  try {
    // At once: a job that is killed early knows its own file again.
    journal.commit({ cursors: [], position: await sink.flush() });
    const result = await new FetchJob(resolved, journal, sink).run();
    complete = true;
    return result;
  } finally {
    await sink.close({ complete });
  }
}

function aborted(signal: AbortSignal): AbortedError {
  return new AbortedError("the job was cancelled", { cause: signal.reason });
}

/** Why a connection is of no more use; undefined where it came to the end of its work. */
function lossOf(outcomes: readonly PromiseSettledResult<void>[], client: NntpClient): unknown {
  const reasons = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
  // What a sink or a row did wrong may have aborted the other call: it must not look like a lost connection.
  const loss = reasons.find((reason) => !(reason instanceof AbortedError)) ?? reasons[0];
  if (loss !== undefined || client.state !== "closed") return loss;
  return new ConnectionError("the connection was lost while nothing was asked", { phase: "idle" });
}

class FetchJob {
  readonly #fetch: ResolvedFetch;
  readonly #journal: HeadersJournal;
  readonly #sink: AnySink;
  readonly #meter = new HeadersMeter();
  readonly #abort = new AbortController();
  readonly #context: WorkContext;
  /** Groups that nobody opened yet. */
  readonly #pending: string[] = [];
  /** Groups that have ranges to be asked for, or in flight. */
  readonly #active = new Set<GroupWork>();
  readonly #finished: GroupWork[] = [];
  readonly #failures: GroupFailure[] = [];
  readonly #warnings = new Set<string>();
  /** Groups that are being opened. */
  #opening = 0;
  /** Set while the sink has enough in hand. */
  #busy: Promise<void> | undefined;
  /** Set while a renumbered group is looked into: nothing new is asked meanwhile. */
  #quiet: Promise<void> | undefined;
  #wake: (() => void)[] = [];
  #delivered: KeptId[] | undefined;
  #commits: Promise<void> = Promise.resolve();
  #losses = 0;
  #stopped: { reason: unknown } | undefined;

  constructor(resolved: ResolvedFetch, journal: HeadersJournal, sink: AnySink) {
    this.#fetch = resolved;
    this.#journal = journal;
    this.#sink = sink;
    this.#delivered = resolved.dedupe === "message-id" ? [] : undefined;
    const job = this;
    this.#context = {
      sink,
      journal,
      meter: this.#meter,
      ordered: resolved.ordered,
      get delivered() {
        return job.#delivered;
      },
      plan:
        resolved.what === "headers"
          ? { order: resolved.order, size: resolved.rangeSize }
          : { order: resolved.order, size: resolved.rangeSize, smallest: 1, largest: 2_000 },
      busy: (until) => this.#wait(until),
    };
  }

  async run(): Promise<FetchResult> {
    const { signal, onProgress } = this.#fetch;
    const started = performance.now();
    const onAbort = () => this.#stop(aborted(signal as AbortSignal));
    signal?.addEventListener("abort", onAbort, { once: true });
    const progress = onProgress && setInterval(() => this.#tell("fetching"), 1000);
    const commits = setInterval(() => this.#commit(), COMMIT);
    try {
      await this.#work();
    } catch (error) {
      this.#stop(error);
    } finally {
      clearInterval(progress);
      clearInterval(commits);
      signal?.removeEventListener("abort", onAbort);
    }
    await this.#busy;
    await this.#commit();
    if (this.#stopped === undefined) this.#tell("done");
    if (this.#stopped !== undefined) throw (this.#stopped as { reason: unknown }).reason;
    return this.#result(performance.now() - started);
  }

  /** A callback that throws ends the job, not the process. */
  #tell(phase: "fetching" | "done"): void {
    try {
      this.#fetch.onProgress?.(this.#meter.take(phase, performance.now()));
    } catch (error) {
      this.#stop(error);
    }
  }

  /** The first connection looks up what wildmats mean; then all of them work. */
  async #work(): Promise<void> {
    const { groups, connections } = this.#fetch;
    const first = await this.#connect(0);
    if (first === undefined) return;
    this.#pending.push(...(await this.#lookUp(first, groups)));
    this.#meter.groups = this.#pending.length;
    const others = Array.from({ length: connections - 1 }, (_, i) => this.#serve(undefined, i + 1));
    await Promise.all([this.#serve(first, 0), ...others]);
  }

  async #lookUp(lane: Lane, groups: readonly string[]): Promise<readonly string[]> {
    const names = new Set<string>();
    for (const group of groups) {
      if (!isWildmat(group)) names.add(group);
      else
        await lane.client.list("ACTIVE", group, { signal: this.#abort.signal }).each((rows) => {
          for (const { name } of rows) names.add(name);
        });
    }
    return [...names];
  }

  /** One connection after the other, until there is nothing left to ask. */
  async #serve(first: Lane | undefined, index: number): Promise<void> {
    let lane = first;
    for (let losses = 0; ; ) {
      // Later ones are of use only where there is more than the earlier ones have in hand.
      if (lane === undefined && !(index > 0 ? await this.#anyWork() : this.#isLeft)) return;
      lane ??= await this.#connect(index);
      if (lane === undefined) return;
      const rows = this.#meter.rows;
      const { client } = lane;
      const outcomes = await Promise.allSettled(Array.from({ length: DEPTH }, () => this.#fetchRanges(lane as Lane)));
      this.#meter.connections--;
      const loss = lossOf(outcomes, client);
      if (loss === undefined) {
        await client.quit();
        return;
      }
      client.close();
      lane = undefined;
      if (this.#abort.signal.aborted) return;
      losses = this.#meter.rows > rows ? 0 : losses + 1;
      this.#lost(losses, loss);
      if (losses > 0) await pause(delay(losses), this.#abort.signal);
    }
  }

  /** Counts connections lost without a row that came. */
  #lost(losses: number, reason: unknown): void {
    this.#losses = losses === 0 ? 0 : this.#losses + 1;
    const verdict = verdictOf(reason, this.#meter.connections);
    if (verdict === "stop" || losses >= TRIES || this.#losses >= TRIES + 4 * this.#fetch.connections)
      this.#stop(reason);
  }

  /** Connects and logs in, again and again where that may help. Undefined where this lane, or the job, is to end. */
  async #connect(index: number): Promise<Lane | undefined> {
    const { signal } = this.#abort;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const client = await this.#fetch.connect();
      try {
        await client.connect({ signal });
        await client.login(undefined, { signal });
        this.#meter.connections++;
        return new Lane(client);
      } catch (error) {
        client.close();
        if (signal.aborted) return undefined;
        const others = this.#meter.connections;
        const verdict = verdictOf(error, others);
        if (others > 0 && (verdict === "cap" || (index > 0 && attempt >= TRIES))) {
          this.#warnings.add(`the job goes on with ${others} connections: ${(error as Error).message}`);
          return undefined;
        }
        if (verdict === "stop" || verdict === "group" || attempt >= TRIES) this.#stop(error);
        else await pause(delay(attempt), signal);
      }
    }
    return undefined;
  }

  /** One of the ranges that a connection has in flight, one after the other. Rejects where the connection is lost. */
  async #fetchRanges(lane: Lane): Promise<void> {
    const { signal } = this.#abort;
    for (let task = await this.#next(lane); task; task = await this.#next(lane)) {
      const { work, range } = task;
      try {
        if (this.#fetch.what === "headers") await lane.headers(work, range, signal);
        else await lane.articles(work, range, signal);
      } catch (error) {
        if (range.breaks >= BREAKS) this.#giveUp(work, error);
        else if (!this.#isGroups(error, lane)) throw error;
        else this.#giveUp(work, error);
      } finally {
        lane.flying--;
        this.#look(work);
        this.#change();
      }
    }
  }

  #isGroups(error: unknown, lane: Lane): boolean {
    return lane.client.state !== "closed" && verdictOf(error, this.#meter.connections) === "group";
  }

  /** The next range for a connection; undefined where there is none, now or later. */
  async #next(lane: Lane): Promise<{ work: GroupWork; range: Range } | undefined> {
    while (!this.#abort.signal.aborted && lane.client.state !== "closed") {
      const hold = this.#busy ?? this.#quiet;
      if (hold) {
        await hold;
        continue;
      }
      const task = this.#pick(lane);
      if (task) return task;
      if (lane.flying === 0) {
        const switched = await this.#switch(lane);
        if (switched) continue;
      }
      if (!this.#isLeft) return undefined;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return undefined;
  }

  /** A range of the group that the connection has selected; it counts as in flight from now on. */
  #pick(lane: Lane): { work: GroupWork; range: Range } | undefined {
    for (const work of this.#active) {
      if (work.name !== lane.group || work.heldBack) continue;
      const range = work.next();
      if (range) {
        lane.flying++;
        return { work, range };
      }
      this.#look(work);
    }
    return undefined;
  }

  /** Goes over to another group: one that is open and has something to ask, or a new one. False where there is none. */
  async #switch(lane: Lane): Promise<boolean> {
    const open = [...this.#active].find((work) => work.name !== lane.group && work.hasMore && !work.heldBack);
    if (open) {
      lane.flying++;
      try {
        await lane.select(open.name, this.#abort.signal);
      } finally {
        lane.flying--;
        this.#change();
      }
      return true;
    }
    if (this.#pending.length === 0 || (this.#fetch.ordered && this.#active.size + this.#opening > 0)) return false;
    const name = this.#pending.shift() as string;
    this.#opening++;
    lane.flying++;
    try {
      await this.#open(lane, name);
    } catch (error) {
      if (this.#isGroups(error, lane)) this.#fail(name, error);
      else {
        this.#pending.unshift(name);
        throw error;
      }
    } finally {
      this.#opening--;
      lane.flying--;
      this.#change();
    }
    return true;
  }

  /** Selects a group, looks whether its numbers mean the same, and plans what to ask. */
  async #open(lane: Lane, name: string): Promise<void> {
    const { signal } = this.#abort;
    const { since, wanted } = this.#fetch;
    const marks = await lane.select(name, signal);
    this.#meter.group = name;
    const cursor = this.#journal.cursor(name);
    if ((await lane.numbering(cursor, marks, signal)) === "renumbered") {
      await this.#quietly(() => this.#learn(name));
      cursor.renumber(marks);
      this.#warnings.add(`${name} has other numbers than before: its rows are compared by message-id`);
    }
    const from = since && { from: await lane.since(marks, since, signal) };
    const work = new GroupWork(this.#context, cursor, marks as GroupMarks, from ?? wanted);
    this.#active.add(work);
    this.#look(work);
  }

  /** Reads back what the output holds of a group, so that it can be told from what is new. */
  async #learn(name: string): Promise<void> {
    await this.#commit();
    if (this.#sink.messageIds) await this.#journal.learn(name, this.#sink.messageIds());
    else if (!this.#delivered)
      this.#warnings.add(`${name}: what was delivered before cannot be read back: it comes again`);
  }

  /** Runs something while no row is under way. */
  async #quietly(body: () => Promise<void>): Promise<void> {
    while (this.#quiet) await this.#quiet;
    const done = (async () => {
      while ([...this.#active].some((work) => work.flying > 0)) {
        await new Promise<void>((resolve) => this.#wake.push(resolve));
      }
      await body();
    })();
    this.#quiet = done.catch(() => {});
    try {
      await done;
    } finally {
      this.#quiet = undefined;
    }
  }

  /** Takes a group off where all of it is answered. */
  #look(work: GroupWork): void {
    if (!this.#active.has(work) || work.flying > 0 || work.hasMore) return;
    this.#active.delete(work);
    this.#finished.push(work);
    this.#meter.groupsDone++;
    this.#change();
  }

  #giveUp(work: GroupWork, error: unknown): void {
    if (!this.#active.delete(work)) return;
    this.#finished.push(work);
    this.#fail(work.name, error);
  }

  #fail(group: string, error: unknown): void {
    const code = error instanceof PolywireError && "code" in error ? String(error.code) : undefined;
    this.#failures.push({ group, code, error: (error as Error).message });
    this.#change();
  }

  /** Something is different now: whoever waits looks again. */
  #change(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }

  /** Whether anything is not answered yet. */
  get #isLeft(): boolean {
    return this.#pending.length > 0 || this.#opening > 0 || this.#active.size > 0;
  }

  /** Whether a further connection may be of use: waits until that is known. */
  async #anyWork(): Promise<boolean> {
    while (!this.#abort.signal.aborted) {
      if (this.#pending.length > (this.#fetch.ordered ? this.#pending.length : 0)) return true;
      if ([...this.#active].some((work) => work.hasMore)) return true;
      if (!this.#isLeft) return false;
      await new Promise<void>((resolve) => this.#wake.push(resolve));
    }
    return false;
  }

  #wait(until: Promise<void>): void {
    const busy = until.then(
      () => {},
      (error) => this.#stop(error),
    );
    this.#busy = busy;
    void busy.then(() => {
      if (this.#busy === busy) this.#busy = undefined;
    });
  }

  /** Flushes the sink and remembers what it holds; one at a time. */
  #commit(): Promise<void> {
    this.#commits = this.#commits.then(() => this.#commitNow()).catch((error) => this.#stop(error));
    return this.#commits;
  }

  async #commitNow(): Promise<void> {
    const changed = [...this.#active, ...this.#finished].filter((work) => work.changed);
    if (changed.length === 0) return;
    const cursors = changed.map((work) => work.store());
    const delivered = this.#delivered;
    if (delivered) this.#delivered = [];
    // In the same moment as the cursors: what is written later is not in them.
    const flushed = this.#sink.flush();
    this.#journal.commit({ cursors, delivered, position: await flushed });
  }

  #stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.#abort.abort(reason);
    this.#change();
  }

  #result(milliseconds: number): FetchResult {
    return {
      rows: this.#meter.rows,
      groups: this.#meter.groupsDone,
      failures: this.#failures,
      passedOver: this.#finished.reduce((sum, { passedOver }) => sum + passedOver, 0),
      warnings: [...this.#warnings],
      milliseconds: Math.round(milliseconds),
    };
  }
}
