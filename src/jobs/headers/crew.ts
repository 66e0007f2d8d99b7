/** The connections of a headers job at work: made, lost, made again, as many as the server takes. */
import { AbortedError, ConnectionError } from "../../client/errors.js";
import type { NntpClient } from "../../nntp/client.js";
import { pause } from "../move/lanes/pause.js";
import { delay } from "../move/lanes/retry.js";
import { DEPTH, Lane } from "./lane.js";
import type { ResolvedFetch } from "./options.js";
import type { HeadersMeter } from "./progress.js";
import type { Schedule, Task } from "./schedule.js";
import { verdictOf } from "./verdict.js";

/** What the connections of a job share. */
export interface CrewContext {
  readonly fetch: ResolvedFetch;
  readonly schedule: Schedule;
  readonly meter: HeadersMeter;
  readonly signal: AbortSignal;
  warn(message: string): void;
  /** Ends the whole job. */
  stop(reason: unknown): void;
}

/** Tries of a connection before the job is given up; connections lost in a row without a row. */
const TRIES = 8;
/** How often an answer may break off at one number before the group is given up. */
const BREAKS = 4;

export class Crew {
  readonly #context: CrewContext;
  /** Connections lost in a row without a row that came. */
  #losses = 0;

  constructor(context: CrewContext) {
    this.#context = context;
  }

  /** Runs `begin` on the first connection, made anew where it is lost; then all of them work until nothing is left. */
  async work(begin: (client: NntpClient) => Promise<void>): Promise<void> {
    const { signal, fetch } = this.#context;
    let first: Lane | undefined;
    for (let attempt = 1; !signal.aborted; attempt++) {
      first = await this.#connect(0);
      if (first === undefined) return;
      try {
        await begin(first.client);
        break;
      } catch (error) {
        this.#leave(first);
        if (attempt >= TRIES || verdictOf(error, 0) !== "retry") throw error;
        await pause(delay(attempt), signal);
      }
    }
    const others = Array.from({ length: fetch.connections - 1 }, (_, i) => this.#serve(undefined, i + 1));
    await Promise.all([this.#serve(first, 0), ...others]);
  }

  /** One connection after the other, until there is nothing left to ask. */
  async #serve(first: Lane | undefined, index: number): Promise<void> {
    const { schedule, meter, signal } = this.#context;
    let lane = first;
    for (let losses = 0; ; ) {
      // Later ones are of use only where there is more than the earlier ones have in hand.
      if (lane === undefined && !(index > 0 ? await schedule.anyWork() : schedule.isLeft)) return;
      lane ??= await this.#connect(index);
      if (lane === undefined) return;
      const rows = meter.rows;
      const outcomes = await Promise.allSettled(Array.from({ length: DEPTH }, () => this.#fetchRanges(lane as Lane)));
      const loss = lossOf(outcomes, lane.client);
      if (loss === undefined) {
        meter.connections--;
        await lane.client.quit();
        return;
      }
      this.#leave(lane);
      lane = undefined;
      if (signal.aborted) return;
      losses = meter.rows > rows ? 0 : losses + 1;
      this.#lost(losses, loss);
      if (losses > 0) await pause(delay(losses), signal);
    }
  }

  #leave(lane: Lane): void {
    this.#context.meter.connections--;
    lane.client.close();
  }

  #lost(losses: number, reason: unknown): void {
    const { meter, fetch, stop } = this.#context;
    this.#losses = losses === 0 ? 0 : this.#losses + 1;
    const verdict = verdictOf(reason, meter.connections);
    if (verdict === "stop" || losses >= TRIES || this.#losses >= TRIES + 4 * fetch.connections) stop(reason);
  }

  /** Connects and logs in, again and again where that may help. Undefined where this lane, or the job, is to end. */
  async #connect(index: number): Promise<Lane | undefined> {
    const { fetch, meter, signal, warn, stop } = this.#context;
    for (let attempt = 1; !signal.aborted; attempt++) {
      const client = await fetch.connect();
      try {
        await client.connect({ signal });
        await client.login(undefined, { signal });
        meter.connections++;
        return new Lane(client);
      } catch (error) {
        client.close();
        if (signal.aborted) return undefined;
        const others = meter.connections;
        const verdict = verdictOf(error, others);
        if (others > 0 && (verdict === "cap" || (index > 0 && attempt >= TRIES))) {
          warn(`the job goes on with ${others} connections: ${(error as Error).message}`);
          return undefined;
        }
        if (verdict === "stop" || verdict === "group" || attempt >= TRIES) stop(error);
        else await pause(delay(attempt), signal);
      }
    }
    return undefined;
  }

  /** One of the ranges that a connection has in flight, one after the other. Rejects where the connection is lost. */
  async #fetchRanges(lane: Lane): Promise<void> {
    const { schedule, meter, stop } = this.#context;
    for (let task = await schedule.next(lane); task; task = await schedule.next(lane)) {
      try {
        await this.#fetch(lane, task);
      } catch (error) {
        // Now, not when the other answer on this connection is over, too.
        if (verdictOf(error, meter.connections) === "stop") stop(error);
        if (task.range.breaks < BREAKS && !this.isGroups(error, lane)) throw error;
        schedule.giveUp(task.work, error);
      } finally {
        schedule.ended(lane, task.work);
      }
    }
  }

  #fetch(lane: Lane, { work, range }: Task): Promise<void> {
    const { fetch, signal } = this.#context;
    return fetch.what === "headers" ? lane.headers(work, range, signal) : lane.articles(work, range, signal);
  }

  /** True where an error concerns the group alone. */
  isGroups(error: unknown, lane: Lane): boolean {
    return lane.client.state !== "closed" && verdictOf(error, this.#context.meter.connections) === "group";
  }
}

/** Why a connection is of no more use; undefined where it came to the end of its work. */
function lossOf(outcomes: readonly PromiseSettledResult<void>[], client: NntpClient): unknown {
  const reasons = outcomes.flatMap((each) => (each.status === "rejected" ? [each.reason as unknown] : []));
  // What a sink or a row did wrong may have aborted the other call: it must not look like a lost connection.
  const loss = reasons.find((reason) => !(reason instanceof AbortedError)) ?? reasons[0];
  if (loss !== undefined || client.state !== "closed") return loss;
  return new ConnectionError("the connection was lost while nothing was asked", { phase: "idle" });
}
