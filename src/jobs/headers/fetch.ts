/** The headers job: groups → ranges → connections → sink, remembered once a second. */
import { AbortedError } from "../../client/errors.js";
import type { NntpClient } from "../../nntp/client.js";
import { Crew } from "./crew.js";
import { type AnySink, GroupWork, type WorkContext } from "./group-work.js";
import { HeadersJournal } from "./journal.js";
import type { Lane } from "./lane.js";
import {
  type FetchArticlesOptions,
  type FetchHeadersOptions,
  isWildmat,
  type ResolvedFetch,
  resolveFetch,
} from "./options.js";
import { HeadersMeter } from "./progress.js";
import { type GroupFailure, Schedule } from "./schedule.js";
import type { KeptId } from "./sink.js";

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

/** Milliseconds between two commits. */
const COMMIT = 1_000;
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
export async function fetchHeaders(options: FetchHeadersOptions): Promise<FetchResult> {
  return run(resolveFetch("headers", options));
}

/** Fetches whole articles, as `fetchHeaders` does headers: into an mbox or a function of yours. */
export async function fetchArticles(options: FetchArticlesOptions): Promise<FetchResult> {
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

class FetchJob {
  readonly #fetch: ResolvedFetch;
  readonly #journal: HeadersJournal;
  readonly #sink: AnySink;
  readonly #meter = new HeadersMeter();
  readonly #abort = new AbortController();
  readonly #context: WorkContext;
  readonly #schedule: Schedule;
  readonly #crew: Crew;
  readonly #warnings = new Set<string>();
  /** Message-ids of rows since the last commit, where they are kept. */
  #delivered: KeptId[] | undefined;
  #commits: Promise<void> = Promise.resolve();
  #stopped: { reason: unknown } | undefined;
  /** True where the sink failed. */
  #lost = false;

  constructor(resolved: ResolvedFetch, journal: HeadersJournal, sink: AnySink) {
    const { signal } = this.#abort;
    this.#fetch = resolved;
    this.#journal = journal;
    this.#sink = sink;
    this.#delivered = resolved.dedupe === "message-id" ? [] : undefined;
    this.#schedule = new Schedule({
      signal,
      ordered: resolved.ordered,
      open: (lane, group) => this.#open(lane, group),
      select: (lane, work) => this.#select(lane, work),
      isGroups: (error, lane) => this.#crew.isGroups(error, lane),
    });
    this.#crew = new Crew({
      fetch: resolved,
      schedule: this.#schedule,
      meter: this.#meter,
      signal,
      warn: (message) => void this.#warnings.add(message),
      stop: (reason) => this.#stop(reason),
    });
    this.#context = this.#share();
  }

  #share(): WorkContext {
    const { what, order, ordered, rangeSize: size } = this.#fetch;
    return {
      sink: this.#sink,
      journal: this.#journal,
      meter: this.#meter,
      ordered,
      keeps: this.#delivered !== undefined,
      deliver: (kept) => this.#delivered?.push(...kept),
      plan: what === "headers" ? { order, size } : { order, size, smallest: 1, largest: 2_000 },
      busy: (until) => this.#schedule.hold(until.catch((error) => this.#sinkFailed(error))),
      failed: (error) => this.#sinkFailed(error),
    };
  }

  async run(): Promise<FetchResult> {
    const { signal, onProgress } = this.#fetch;
    const started = performance.now();
    this.#meter.begin(started);
    const onAbort = () => this.#stop(aborted(signal as AbortSignal));
    signal?.addEventListener("abort", onAbort, { once: true });
    // While the output was opened, perhaps.
    if (signal?.aborted) onAbort();
    const progress = onProgress && setInterval(() => this.#tell("fetching"), 1000);
    const commits = setInterval(() => this.#commit(), COMMIT);
    try {
      await this.#crew.work((client) => this.#begin(client));
    } catch (error) {
      this.#stop(error);
    } finally {
      clearInterval(progress);
      clearInterval(commits);
      signal?.removeEventListener("abort", onAbort);
    }
    await this.#commit();
    if (this.#stopped === undefined) this.#tell("done");
    if (this.#stopped !== undefined) throw (this.#stopped as { reason: unknown }).reason;
    return this.#result(performance.now() - started);
  }

  /** A callback that throws ends the job, not the process. */
  #tell(phase: "fetching" | "done"): void {
    this.#meter.groupsDone = this.#schedule.done;
    try {
      this.#fetch.onProgress?.(this.#meter.take(phase, performance.now()));
    } catch (error) {
      this.#stop(error);
    }
  }

  /** Looks up what wildmats mean. */
  async #begin(client: NntpClient): Promise<void> {
    const names = new Set<string>();
    for (const group of this.#fetch.groups) {
      if (!isWildmat(group)) names.add(group);
      else
        await client.list("ACTIVE", group, { signal: this.#abort.signal }).each((rows) => {
          for (const { name } of rows) names.add(name);
        });
    }
    this.#meter.groups = names.size;
    this.#schedule.add(names);
  }

  /** Selects a group, looks whether its numbers mean the same, and plans what to ask. */
  async #open(lane: Lane, name: string): Promise<GroupWork> {
    const { signal } = this.#abort;
    const { since, wanted } = this.#fetch;
    const marks = await lane.select(name, signal);
    this.#meter.group = name;
    const cursor = this.#journal.cursor(name);
    if ((await lane.numbering(cursor, marks, signal)) === "renumbered") {
      await this.#schedule.quietly(() => this.#learn(name));
      cursor.renumber(marks);
      this.#warnings.add(`${name} has other numbers than before: its rows are compared by message-id`);
    }
    const from = since && { from: await lane.since(marks, since, signal) };
    return new GroupWork(this.#context, cursor, marks, from ?? wanted);
  }

  /**
   * Selects a group that is open already. False where its numbers have changed since: it is to be opened anew, when what
   * was fetched by the former ones is remembered.
   */
  async #select(lane: Lane, { name, cursor }: GroupWork): Promise<boolean> {
    const marks = await lane.select(name, this.#abort.signal);
    if ((await lane.numbering(cursor, marks, this.#abort.signal)) === "same") return true;
    await this.#schedule.quietly(() => this.#commit());
    return false;
  }

  /** Reads back what the output holds of a group, so that it can be told from what is new. */
  async #learn(name: string): Promise<void> {
    await this.#commit();
    if (this.#sink.messageIds) await this.#journal.learn(name, this.#sink.messageIds());
    else if (!this.#delivered) {
      this.#warnings.add(`${name}: what was delivered before cannot be read back: it comes again`);
    }
  }

  /** Flushes the sink and remembers what it holds; one at a time. */
  #commit(): Promise<void> {
    this.#commits = this.#commits.then(() => this.#commitNow()).catch((error) => this.#stop(error));
    return this.#commits;
  }

  async #commitNow(): Promise<void> {
    const changed = this.#schedule.works.filter((work) => work.changed);
    if (changed.length === 0 || this.#lost) return;
    const cursors = changed.map((work) => work.store());
    const delivered = this.#delivered;
    if (delivered) this.#delivered = [];
    // In the same moment as the cursors: what is written later is not in them.
    const flushed = this.#sink.flush();
    const position = await flushed;
    // A write may have failed meanwhile, although the flush did not tell.
    if (this.#lost) return;
    this.#journal.commit({ cursors, delivered, position });
    this.#schedule.forget();
  }

  /** What the sink did not take must not be counted in by a later commit. */
  #sinkFailed(reason: unknown): void {
    this.#lost = true;
    this.#stop(reason);
  }

  #stop(reason: unknown): void {
    this.#stopped ??= { reason };
    this.#abort.abort(reason);
    this.#schedule.change();
  }

  #result(milliseconds: number): FetchResult {
    return {
      rows: this.#meter.rows,
      groups: this.#schedule.done,
      failures: this.#schedule.failures,
      passedOver: this.#schedule.passedOver,
      warnings: [...this.#warnings],
      milliseconds: Math.round(milliseconds),
    };
  }
}
