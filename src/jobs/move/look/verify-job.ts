/** Looks at moved files again: are they there, as large as they were, with the same bytes? Nothing is moved. */
import { UsageError } from "../../../client/errors.js";
import { type JournalFile, JournalReader } from "../../journal/journal.js";
import { pause } from "../lanes/pause.js";
import { classify, delay } from "../lanes/retry.js";
import { type MoveOptions, type ResolvedMove, resolveMove } from "../options.js";
import { pages } from "../pages.js";
import { Digester, type DigestName } from "../places/digests.js";
import type { FileStat, Place } from "../places/place.js";

/** What is looked at. */
export interface VerifyMoveOptions {
  /** Compare times, too. Default: true where the job gave all its files their times. */
  times?: boolean | undefined;
  /**
   * Compare digests: the server's own where it computes them, else files are read back. With the journal's digest; without
   * one there, with the source's, where the job keeps it. Default: false.
   */
  bytes?: boolean | undefined;
}

/** What was found of one file. */
export interface VerifiedFile {
  readonly name: string;
  readonly target: string;
  /** Undefined where all is as it was; `unreadable` where the server would not tell. */
  readonly problem: "missing" | "size" | "time" | "bytes" | "unreadable" | undefined;
  /** What the journal says: bytes, a time (ISO 8601) or a digest. */
  readonly expected: string | undefined;
  /** What was found, or what the server said. */
  readonly found: string | undefined;
  /** True where its bytes were compared. */
  readonly proven: boolean;
}

/** Files asked about together. */
const PAGE = 500;
/** Pages under way, where the job's lanes are no number. */
const LANES = 8;
/** Tries of a page whose connection fails. */
const TRIES = 5;
/** Milliseconds by which times may differ: FTP has whole seconds, and some file systems two. */
const TOLERANCE = 2_000;

/**
 * Every file that the journal has as moved, or as there already, with what is found of it now; in the order of the
 * journal. It works while the job runs, too. A file that somebody took from its place meanwhile is `missing`.
 *
 * @throws UsageError without a journal; what stops the connections.
 *
 * @example
 * for await (const file of verifyMove(await loadMoveJob("job.json"))) if (file.problem) console.log(file.target, file.problem);
 */
export async function* verifyMove(
  options: MoveOptions,
  look: VerifyMoveOptions = {},
): AsyncGenerator<VerifiedFile, void, undefined> {
  const move = resolveMove(options);
  if (move.journal === undefined) throw new UsageError("to verify a move needs its journal");
  using reader = JournalReader.read(move.journal);
  const times = look.times ?? (move.keepTimes && reader.untimed === 0);
  const lanes = Array.from(
    { length: move.adaptive ? Math.min(LANES, move.lanes) : move.lanes },
    () => new Prober(move, { ...look, times }),
  );
  const under: Promise<VerifiedFile[]>[] = [];
  try {
    let next = 0;
    for (const page of pages(reader.files(["DONE", "SKIPPED_SAME"]), PAGE)) {
      // The lane of the oldest page is free once that page was taken.
      if (under.length === lanes.length) yield* await (under.shift() as Promise<VerifiedFile[]>);
      const checked = lanes[next++ % lanes.length]!.check(page);
      checked.catch(() => {});
      under.push(checked);
    }
    for (const page of under.splice(0)) yield* await page;
  } finally {
    await Promise.allSettled(under);
    await Promise.all(lanes.map((lane) => lane.close()));
  }
}

/** One connection to the destination, made anew where it breaks; and one to the source, where that is read. */
class Prober {
  readonly #move: ResolvedMove;
  readonly #look: VerifyMoveOptions;
  readonly #signal: AbortSignal;
  #from: Place | undefined;
  #to: Place | undefined;

  constructor(move: ResolvedMove, look: VerifyMoveOptions) {
    this.#move = move;
    this.#look = look;
    this.#signal = move.signal ?? new AbortController().signal;
  }

  async check(files: readonly JournalFile[]): Promise<VerifiedFile[]> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#check(files);
      } catch (error) {
        const again = classify(error as Error) === "retry" && attempt < TRIES && !this.#signal.aborted;
        await this.close();
        if (!again) throw error;
        await pause(delay(attempt), this.#signal);
      }
    }
  }

  async close(): Promise<void> {
    const places = [this.#from, this.#to];
    this.#from = undefined;
    this.#to = undefined;
    await Promise.all(places.map((place) => place?.close()));
  }

  async #check(files: readonly JournalFile[]): Promise<VerifiedFile[]> {
    const to = (this.#to ??= await this.#open(this.#move.to(false)));
    const times = this.#look.times ?? false;
    const targets = files.map(({ target }) => target);
    const found = await to.stat(targets, { times });
    const checked = files.map((file, i) => compare(file, found[i], times));
    if (!this.#look.bytes) return checked;
    for (const [i, file] of files.entries()) {
      const seen = checked[i] as VerifiedFile;
      if (seen.problem !== undefined && seen.problem !== "time") continue;
      const deep = await this.#compareBytes(to, file);
      // Other bytes are worse than another time.
      checked[i] = deep.problem === undefined ? { ...seen, proven: deep.proven } : deep;
    }
    return checked;
  }

  /** The bytes that are there, and those that were moved: by the journal's digest, or by the source's. */
  async #compareBytes(to: Place, file: JournalFile): Promise<VerifiedFile> {
    try {
      const expected = file.digest ?? (this.#move.removes ? undefined : await this.#digestOfSource(file));
      if (expected === undefined) return told(file, undefined);
      const [name] = expected.split(":", 1) as [DigestName];
      const found = await this.#digest(to, file.target, name, file.size);
      return { ...told(file, found === expected ? undefined : "bytes", expected, found), proven: true };
    } catch (error) {
      if (!to.usable || (this.#from !== undefined && !this.#from.usable) || this.#signal.aborted) throw error;
      return told(file, "unreadable", undefined, (error as Error).message);
    }
  }

  /** Undefined where the source is gone or is another one now. */
  async #digestOfSource(file: JournalFile): Promise<string | undefined> {
    const from = (this.#from ??= await this.#open(this.#move.from(false)));
    const [source] = await from.stat([file.name]);
    if (source === undefined || source instanceof Error) return undefined;
    const isAsMoved = source.size === file.size && !differs(source.mtime, file.mtime);
    return isAsMoved ? this.#digest(from, file.name, "sha256", source.size) : undefined;
  }

  /** By the server, where it computes this one; else the bytes are read. */
  async #digest(place: Place, name: string, digest: DigestName, size = 0): Promise<string> {
    const [told] = place.digests.includes(digest) ? await place.digest([{ name, size }], digest) : [];
    if (typeof told === "string") return `${digest}:${told}`;
    if (told !== undefined && !place.usable) throw told;
    const digester = new Digester(digest);
    for await (const chunk of place.read(name, this.#signal)) digester.update(chunk);
    return `${digest}:${digester.hex(digest)}`;
  }

  async #open(place: Place): Promise<Place> {
    await place.open(this.#signal);
    return place;
  }
}

function compare(file: JournalFile, found: FileStat | Error | undefined, times: boolean): VerifiedFile {
  if (found === undefined) return told(file, "missing");
  if (found instanceof Error) return told(file, "unreadable", undefined, found.message);
  if (file.size !== undefined && found.size !== file.size)
    return told(file, "size", String(file.size), String(found.size));
  if (times && differs(file.mtime, found.mtime)) return told(file, "time", iso(file.mtime), iso(found.mtime));
  return told(file, undefined);
}

function differs(a: number | undefined, b: number | undefined): boolean {
  return a !== undefined && b !== undefined && Math.abs(a - b) >= TOLERANCE;
}

function told(file: JournalFile, problem: VerifiedFile["problem"], expected?: string, found?: string): VerifiedFile {
  return { name: file.name, target: file.target, problem, expected, found, proven: false };
}

function iso(time: number | undefined): string | undefined {
  return time === undefined ? undefined : new Date(time).toISOString();
}
