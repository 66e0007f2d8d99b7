/** What a running move writes down of itself: that it began, how far it is every two seconds, how it ended. */
import type { Journal } from "../../journal/journal.js";
import type { JobSettings, Json } from "../../journal/settings.js";
import type { MoveOptions } from "../options.js";
import type { ProgressMeter } from "../progress.js";

/** Milliseconds between two samples. */
const EVERY = 2_000;

/** What a sampler looks at. */
export interface Sampled {
  readonly journal: Journal;
  readonly meter: ProgressMeter;
  /** How the run goes about it. */
  readonly options: JobSettings;
  readonly warnings: readonly string[];
}

/** Takes samples from its making to {@link end}. A journal that cannot be written ends the job by `fail`. */
export class Sampler {
  readonly #of: Sampled;
  readonly #fail: (error: unknown) => void;
  readonly #timer: NodeJS.Timeout;
  /** Warnings that are written down. */
  #warnings = 0;
  #paused: string | undefined;

  constructor(of: Sampled, fail: (error: unknown) => void) {
    this.#of = of;
    this.#fail = fail;
    this.#write(() => of.journal.beginRun(of.options));
    this.#take(true);
    this.#timer = setInterval(() => this.#take(false), EVERY);
  }

  /** The run is over. `stopped`: what ended it before its time. */
  end(stopped: unknown): void {
    clearInterval(this.#timer);
    this.#take(true);
    const error = stopped === undefined ? undefined : String((stopped as Error)?.message ?? stopped);
    this.#write(() => this.#of.journal.endRun(error));
  }

  #take(edge: boolean): void {
    const { journal, meter, warnings } = this.#of;
    this.#write(() => {
      const { DONE, SKIPPED_SAME, CONFLICT, FAILED, GONE } = journal.counts();
      const failed = CONFLICT + FAILED + GONE;
      const told = { settled: DONE + SKIPPED_SAME + failed, moved: DONE, failed };
      journal.sample({ at: Date.now(), ...told, bytes: Math.max(0, meter.bytes), lanes: meter.lanes }, edge);
      if (warnings.length > this.#warnings) journal.noteWarnings(warnings);
      this.#warnings = warnings.length;
      if (meter.paused !== this.#paused) journal.notePaused(meter.paused);
      this.#paused = meter.paused;
    });
  }

  #write(body: () => void): void {
    try {
      body();
    } catch (error) {
      this.#fail(error);
    }
  }
}

/** What is a setting of the job, is one of this process, or may hold a secret. */
const NOT_NOTED = new Set<string>([
  "from",
  "to",
  "match",
  "route",
  "source",
  "archiveTo",
  "journal",
  "list",
  "retryFailed",
  "dispatch",
]);

/** The options of a run that tell how it goes about it: on duplicates, with how many lanes. No secrets, no functions. */
export function notedOptions(options: MoveOptions): JobSettings {
  const noted = Object.entries(options).flatMap(([name, value]): [string, Json][] =>
    !NOT_NOTED.has(name) && isJson(value) ? [[name, value]] : [],
  );
  return Object.fromEntries(noted);
}

function isJson(value: unknown): value is Json {
  if (value === null || ["boolean", "number", "string"].includes(typeof value)) return true;
  if (typeof value !== "object" || !(Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype))
    return false;
  return Object.values(value).every((each) => each === undefined || isJson(each));
}
