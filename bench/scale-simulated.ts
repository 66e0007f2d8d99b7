/** Part 1 of scale.ts: millions of names listed, planned, claimed and finished; killed in the middle. Transfers are SIMULATED. */
import { stat } from "node:fs/promises";
import { join } from "node:path";
import { Watched } from "./scale-process.js";

/** Milliseconds between two lines that are shown. */
const SHOWN = 10_000;

/** The lines of a scale-job.ts. */
class Job extends Watched {
  /** Milliseconds of the process's own when a line of this kind came first, and how many files it told. */
  readonly first = new Map<string, { at: number; files: number }>();
  /** Bytes of the journal and its log, at most. */
  journal = 0;
  #shown = 0;
  readonly #path: string;
  readonly #label: string;

  constructor(url: string, path: string, label: string) {
    super("scale-job.ts", [url, path]);
    this.#path = path;
    this.#label = label;
  }

  /** Resolves when a line fits. */
  async untilTold(fits: (what: string, files: number) => boolean): Promise<void> {
    await this.until((line) => {
      const [what, files] = this.#note(line);
      return fits(what, files);
    });
  }

  /** Seconds between the first lines of two kinds. */
  between(one: string, other: string): number {
    return (this.first.get(other)!.at - this.first.get(one)!.at) / 1000;
  }

  #note(line: string): [what: string, files: number] {
    const [what = "", files, at] = line.split(" ");
    const told = { at: Number(at), files: Number(files) };
    if (!this.first.has(what)) this.first.set(what, told);
    if (told.at - this.#shown > SHOWN || what === "done") {
      this.#shown = told.at;
      this.look();
      console.log(`${this.#label}: ${line} ms, at most ${(this.peak / 1e6).toFixed(0)} MB`);
    }
    void this.#measure();
    return [what, told.files];
  }

  async #measure(): Promise<void> {
    this.journal = Math.max(this.journal, await sizeOf(this.#path));
  }
}

/** Bytes of a journal and its log. */
export async function sizeOf(journal: string): Promise<number> {
  const parts = await Promise.all(["", "-wal"].map((end) => stat(journal + end).catch(() => ({ size: 0 }))));
  return parts.reduce((sum, part) => sum + part.size, 0);
}

/**
 * Lists and moves so many names, with a SIGKILL when half is done; throws where not each of them is settled.
 *
 * @param settledIn Files that are DONE in a journal.
 */
export async function simulate(
  names: number,
  work: string,
  settledIn: (journal: string) => number,
): Promise<Record<string, number>> {
  const server = new Watched("scale-server.ts", [String(names)]);
  const url = await server.until((line) => line.startsWith("ftp:"));
  const journal = join(work, "names.journal");
  try {
    const first = new Job(url, journal, "names");
    await first.untilTold((what, files) => what === "moving" && files >= names / 2);
    await first.kill();
    const half = settledIn(journal);
    console.log(`${half} of ${names} names were settled when it was killed`);
    const second = new Job(url, journal, "names, started again");
    await second.untilTold((what) => what === "done");
    await second.end();
    const settled = settledIn(journal);
    if (settled !== names) throw new Error(`${settled} of ${names} names are settled`);
    return {
      "listed-names/s": names / first.between("list", "first"),
      "first-file-s": first.first.get("first")!.at / 1000,
      "simulated-files/s": (names - half) / second.between("first", "list"),
      "cpu-us/name": ((first.cpu + second.cpu) * 1000) / names,
      "restart-s": second.first.get("first")!.at / 1000,
      "relist-s": second.between("list", "done"),
      "names-peak-MB": Math.max(first.peak, second.peak) / 1e6,
      "journal-MB": Math.max(first.journal, second.journal) / 1e6,
      "journal-bytes/name": (await sizeOf(journal)) / names,
    };
  } finally {
    await server.kill();
  }
}
