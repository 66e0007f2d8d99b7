/** How a job shows that it goes on: a bar on a terminal, a line now and then in a log, or JSON. All on stderr. */
import { SingleBar } from "cli-progress";
import { displayName } from "../index.js";
import { size } from "./format.js";
import { beforeNote, note } from "./output.js";
import { isAsking } from "./prompt.js";

/** A job's progress as it is shown. */
export interface Figures {
  /** How much of `total` is done: for the bar. */
  readonly done: number;
  readonly total: number;
  /** What is being done, at the beginning of a line in a log. */
  readonly doing: string;
  /** How far it is, how fast, how long it will take: `1,200 of 2,000 files`. */
  readonly parts: readonly string[];
}

/** Takes progress, once a second. */
export interface View<Progress> {
  show(progress: Progress): void;
  /** Nothing more comes: a bar is left as it stands. */
  stop(): void;
}

/** What there is to choose from. */
export const VIEW_KINDS = ["auto", "bar", "lines", "json", "none"] as const;
export type ViewKind = (typeof VIEW_KINDS)[number];

/** What every job says of itself. */
interface Phased {
  readonly phase: string;
}

/** Milliseconds between two lines in a log. */
const EVERY = 10_000;

/** `auto`: a bar where stderr is a terminal, else lines. */
export function progressView<P extends Phased>(kind: ViewKind, figures: (progress: P) => Figures): View<P> {
  if (kind === "none") return { show: () => {}, stop: () => {} };
  if (kind === "json") return { show: (progress) => note(JSON.stringify(progress)), stop: () => {} };
  const dumb = process.stderr.isTTY !== true || process.env.TERM === "dumb";
  return kind === "lines" || (kind === "auto" && dumb) ? linesView(figures, note) : barView(figures);
}

/** A line every ten seconds. */
export function linesView<P extends Phased>(
  figures: (progress: P) => Figures,
  say: (line: string) => void,
  now: () => number = Date.now,
): View<P> {
  let last = now();
  const show = (progress: P) => {
    if (progress.phase === "done" || now() - last < EVERY) return;
    last = now();
    say(progressLine(figures(progress)));
  };
  return { show, stop: () => {} };
}

/** `moving: 1,200 of 2,000 files, 4.1 MiB, 490 files/s, 1.2 MiB/s, 2 s left`. */
export function progressLine({ doing, parts }: Figures): string {
  return `${doing}: ${parts.join(", ")}`;
}

/** A bar. It is ended when something else is to be said, and drawn anew below that. */
function barView<P>(figures: (progress: P) => Figures): View<P> {
  const stream = process.stderr;
  const barsize = Math.max(8, Math.min(40, (stream.columns ?? 80) - 84));
  let bar: SingleBar | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
    beforeNote(undefined);
  };
  const show = (progress: P) => {
    // Somebody types a password on the same line.
    if (isAsking()) return;
    const { done, total, parts } = figures(progress);
    const text = parts.join("  ");
    if (bar === undefined) {
      const look = { format: "{bar} {percentage}%  {text}", barCompleteChar: "█", barIncompleteChar: "░" };
      bar = new SingleBar({ ...look, barsize, stream, hideCursor: null, linewrap: null });
      bar.start(total, done, { text });
      beforeNote(stop);
    }
    bar.setTotal(total);
    bar.update(done, { text });
  };
  return { show, stop };
}

/** A line that shows the bytes of `get` and `put`, on a terminal only. */
export function transferView(): { show(bytes: number, path: string): void; stop(): void } {
  if (process.stderr.isTTY !== true || process.env.TERM === "dumb") return { show: () => {}, stop: () => {} };
  const files = new Map<string, number>();
  const started = performance.now();
  let total = 0;
  const line = new SingleBar({ format: "{text}", stream: process.stderr, hideCursor: null, clearOnComplete: true });
  line.start(1, 0, { text: "" });
  beforeNote(() => line.stop());
  const show = (bytes: number, path: string) => {
    total += bytes - (files.get(path) ?? 0);
    files.set(path, bytes);
    const rate = size((total * 1000) / Math.max(1, performance.now() - started));
    line.update(0, { text: `${size(total)}  ${rate}/s  ${displayName(path).slice(0, 50)}` });
  };
  const stop = () => {
    line.stop();
    beforeNote(undefined);
  };
  return { show, stop };
}
