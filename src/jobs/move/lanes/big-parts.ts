/** A large file in parts, each over a pair of connections of its own, into one file at the destination. */
import { PolywireError } from "../../../client/errors.js";
import { Digester } from "../places/digests.js";
import { folderOf } from "../places/folder-place.js";
import { makeOnce } from "../places/folders.js";
import { type Arrived, arrived, count, failed, incomplete, refuse } from "./arrived.js";
import { above } from "./big-options.js";
import { chunks, isNotWithin, Piece, readRange, uncount } from "./big-piece.js";
import { begins, HEAD } from "./big-trial.js";
import { reasonOf, Wire } from "./copy.js";
import type { Ready } from "./decide.js";
import { Helpers } from "./helpers.js";
import type { Workplace } from "./lane.js";
import { JobStopped } from "./ledger.js";
import { pause } from "./pause.js";
import { TRIAL } from "./recover.js";
import { classify, delay } from "./retry.js";
import type { Pair } from "./roster.js";
import { digesterFor, proves, VerifyError } from "./verify.js";

/** Bytes of a part at most: what is sent again where its connection is lost. */
const LARGEST = 1024 ** 3;
/** Milliseconds after which a lane that waits for the last parts shows its servers that it is there. */
const KEEP_ALIVE = 30_000;

/** A part of a file, from byte `from` on. */
interface Part {
  readonly from: number;
  readonly length: number;
  tries: number;
  /** Of what was sent, in hexadecimal digits. */
  digest: string | undefined;
}

/** Whether a file is to be sent in parts, as far as is known. */
export function wantsParts({ context, from, to }: Workplace, { source }: Ready): boolean {
  const { segmentAbove, segments } = context.move.big;
  if (segments === 1 || source.size <= Math.max(above(segmentAbove), TRIAL)) return false;
  return to.abilities.takesParts !== false && from.abilities.readsFrom !== false;
}

/**
 * Passes a file through in parts. Undefined where it was settled, or given up; "not in parts" where it is to go in one
 * stream, as nothing of it was sent.
 *
 * Until the last byte, which comes when all parts are confirmed, the temporary file lacks that byte: so nobody takes one
 * with holes for whole, and nobody goes on with it. Its first byte is there from the beginning: to write that, an FTP server
 * makes the file anew, and the parts of others were gone.
 */
export async function copyInParts(lane: Workplace, ready: Ready): Promise<Arrived | undefined | "not in parts"> {
  const { context, to } = lane;
  const { file, source } = ready;
  await using helpers = await Helpers.call(context, context.move.big.segments - 1);
  const [first] = helpers.pairs;
  if (first === undefined) return "not in parts";
  try {
    await makeOnce(to, context.folders, folderOf(file.target));
    if (!(await begins(lane, ready, first.to))) {
      context.warn(`${to.shown} does not take several parts of a file at once: large files go in one stream`);
      return await alone(lane, ready);
    }
    const parts = partsOf(source.size - 1, context.move.big.segments);
    await new Work(lane, ready, parts).run(helpers.pairs);
    return await finish(lane, ready, parts);
  } catch (error) {
    if (error instanceof JobStopped || !lane.from.usable || !lane.to.usable) throw error;
    if (lane.from.abilities.readsFrom !== false) return failed(lane, ready, error);
    context.warn(`${lane.from.shown} takes no REST: large files go in one stream`);
    return alone(lane, ready);
  }
}

async function alone(lane: Workplace, { file }: Ready): Promise<"not in parts"> {
  await lane.drop([file]);
  uncount(lane.context, file.id, lane.context.sent.get(file.id) ?? 0);
  return "not in parts";
}

function partsOf(size: number, most: number): Part[] {
  const parts = Math.max(most, Math.ceil(size / LARGEST));
  const at = (i: number) => Math.floor((size * i) / parts);
  return Array.from({ length: parts }, (_, i) => {
    return { from: at(i), length: at(i + 1) - at(i), tries: 0, digest: undefined };
  });
}

/** The parts of one file, and who works on them. */
class Work {
  readonly #lane: Workplace;
  readonly #ready: Ready;
  readonly #queue: Part[];
  /** Ends all of them where one fails for good. */
  readonly #wire: Wire;
  #failure: unknown;

  constructor(lane: Workplace, ready: Ready, parts: readonly Part[]) {
    this.#lane = lane;
    this.#ready = ready;
    this.#queue = [...parts];
    this.#wire = new Wire(lane.context.signal);
  }

  /** Resolves when all parts are confirmed. */
  async run(helpers: readonly Pair[]): Promise<void> {
    const running = new Set<Promise<void>>();
    for (const pair of helpers) {
      const helping = this.#help(pair).finally(() => running.delete(helping));
      running.add(helping);
    }
    try {
      while (this.#queue.length > 0 || running.size > 0) {
        await this.#serve(this.#lane);
        await this.#waitFor(running);
      }
    } catch (error) {
      this.#fail(error);
    }
    await Promise.all(running);
    this.#wire.release();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #fail(error: unknown): void {
    this.#failure ??= error;
    this.#wire.cut();
  }

  /** A helper whose connections are lost is done: others take what it leaves. */
  async #help(pair: Pair): Promise<void> {
    try {
      await this.#serve(pair);
    } catch (error) {
      if (pair.from.usable && pair.to.usable) this.#fail(error);
    }
  }

  /** Until one of them is done; the lane's own servers are asked something now and then, lest they hang up. */
  async #waitFor(running: ReadonlySet<Promise<void>>): Promise<void> {
    const { from, to } = this.#lane;
    const { file } = this.#ready;
    const over = new AbortController();
    try {
      const long = pause(KEEP_ALIVE, over.signal).then(() => true);
      if (running.size > 0 && (await Promise.race([...running, long])))
        await Promise.all([from.stat([file.name]), to.stat([file.temp])]);
    } finally {
      over.abort();
    }
  }

  async #serve(pair: Pair): Promise<void> {
    const { context } = this.#lane;
    for (let part = this.#queue.shift(); part !== undefined; part = this.#queue.shift()) {
      try {
        this.#wire.signal.throwIfAborted();
        part.tries++;
        await this.#pass(pair, part);
      } catch (error) {
        this.#queue.unshift(part);
        const isLost = !pair.from.usable || !pair.to.usable;
        const isOver = classify(error as Error) !== "retry" || part.tries >= context.move.tries.retry;
        if (isLost || isOver || this.#wire.signal.aborted) throw error;
        await pause(delay(part.tries), this.#wire.signal);
      }
    }
  }

  async #pass({ from, to }: Pair, part: Part): Promise<void> {
    const { context } = this.#lane;
    const { file } = this.#ready;
    const wire = new Wire(this.#wire.signal);
    const digester = digesterFor(this.#lane) && new Digester("sha256");
    const piece = new Piece(context, from, file, { ...part, digester, signal: wire.signal });
    try {
      const head = part.from === 0 ? HEAD : 0;
      await piece.skip(head);
      const bytes = head + (await to.writeFrom(file.temp, part.from + head, piece, wire.signal));
      if (bytes !== part.length) throw incomplete(`${bytes} bytes of a part of ${part.length} arrived`);
      part.digest = digester?.hex("sha256");
    } catch (error) {
      wire.cut();
      uncount(context, file.id, piece.bytes);
      if (part.from > 0 && isNotWithin(piece.failure)) from.abilities.readsFrom = false;
      throw reasonOf(error);
    } finally {
      wire.release();
    }
  }
}

/** All parts are there: the last byte makes it whole. */
async function finish(lane: Workplace, ready: Ready, parts: readonly Part[]): Promise<Arrived | undefined> {
  const { context, from, to } = lane;
  const { file, source } = ready;
  const { signal } = context;
  const end = source.size - 1;
  const [there] = await to.stat([file.temp], { times: false });
  if (there === undefined || there instanceof Error || there.size !== end) {
    // It cut the file off, although it had not in the trial.
    to.abilities.takesParts = false;
    throw incomplete(`the parts of ${file.name} do not make up its size`);
  }
  const last = await readRange(from, file.name, end, source.size, signal);
  const bytes = await to.writeFrom(file.temp, end, chunks(last), signal);
  count(context, file.id, last);
  if (!proves(context.move.verify)) return arrived(lane, ready, end + bytes, undefined);
  const all = [...parts, { from: end, length: 1, digest: digestOf(last) }];
  const digester = await readBack(lane, ready, all).catch((error: Error) => error);
  if (digester instanceof Error && !(from.usable && to.usable)) throw digester;
  // That took its time: its source may be gone by now.
  if (digester instanceof Error) return void (await refuse(lane, file, digester));
  const done = await arrived(lane, ready, end + bytes, digester);
  return done && { ...done, proved: true };
}

function digestOf(chunk: Buffer): string {
  return new Digester("sha256").update(chunk).hex("sha256");
}

/** Compares each part with what was sent of it. Gives the digests of the whole, which nobody has sent in one piece. */
async function readBack(
  { context, to, ...lane }: Workplace,
  { file }: Ready,
  parts: readonly Pick<Part, "from" | "length" | "digest">[],
): Promise<Digester> {
  const whole = digesterFor({ context, to, ...lane }) as Digester;
  const rest = [...parts];
  let part = rest.shift();
  let own = new Digester("sha256");
  let left = part?.length ?? 0;
  for await (const chunk of to.read(file.temp, context.signal)) {
    const wait = context.move.bucket.take(chunk.length, context.signal);
    if (wait) await wait;
    whole.update(chunk);
    for (let at = 0; at < chunk.length; ) {
      const bytes = chunk.subarray(at, at + left);
      own.update(bytes);
      at += bytes.length;
      left -= bytes.length;
      if (left > 0) continue;
      if (own.hex("sha256") !== part?.digest)
        throw new VerifyError(`what arrived of the part at byte ${part?.from} is not what was sent`);
      part = rest.shift();
      own = new Digester("sha256");
      left = part?.length ?? Number.POSITIVE_INFINITY;
    }
  }
  if (part !== undefined) throw new PolywireError("what arrived is not whole", { retryable: true });
  return whole;
}
