/** How a move shows that it goes on: a bar on a terminal, a line now and then in a log, or JSON. All on stderr. */
import { SingleBar } from "cli-progress";
import { displayName } from "../index.js";
import type { MoveProgress } from "../jobs/index.js";
import { count, duration, size } from "./format.js";
import { beforeNote, note } from "./output.js";
import { isAsking } from "./prompt.js";

/** Takes progress, once a second. */
export interface View {
  show(progress: MoveProgress): void;
  /** Nothing more comes: a bar is left as it stands. */
  stop(): void;
}

export type ViewKind = "auto" | "bar" | "lines" | "json" | "none";

/** Milliseconds between two lines in a log. */
const EVERY = 10_000;

/** `auto`: a bar where stderr is a terminal, else lines. */
export function progressView(kind: ViewKind): View {
  if (kind === "none") return { show: () => {}, stop: () => {} };
  if (kind === "json") return { show: (progress) => note(JSON.stringify(progress)), stop: () => {} };
  const dumb = process.stderr.isTTY !== true || process.env.TERM === "dumb";
  return kind === "lines" || (kind === "auto" && dumb) ? linesView(note) : barView();
}

/** A line every ten seconds. */
export function linesView(say: (line: string) => void, now: () => number = Date.now): View {
  let last = now();
  const show = (progress: MoveProgress) => {
    if (progress.phase === "done" || now() - last < EVERY) return;
    last = now();
    say(progressLine(progress));
  };
  return { show, stop: () => {} };
}

/** `moving: 1,200 of 2,000 files, 4.1 MiB, 490 files/s, 1.2 MiB/s, 2 s left`. */
export function progressLine(progress: MoveProgress): string {
  const { phase, files, settled, failed } = progress;
  const parts = [`${phase}: ${count(settled)} of ${count(files)}${phase === "listing" ? " or more" : ""} files`];
  if (failed > 0) parts.push(`${count(failed)} failed`);
  return [...parts, ...speed(progress)].join(", ");
}

function speed({ bytes, filesPerSecond, bytesPerSecond, secondsLeft }: MoveProgress): string[] {
  const parts = [size(bytes), `${count(filesPerSecond)} files/s`, `${size(bytesPerSecond)}/s`];
  if (secondsLeft !== undefined) parts.push(`${duration(secondsLeft)} left`);
  return parts;
}

/** A bar. It is ended when something else is to be said, and drawn anew below that. */
function barView(): View {
  const stream = process.stderr;
  const barsize = Math.max(8, Math.min(40, (stream.columns ?? 80) - 84));
  let bar: SingleBar | undefined;
  const stop = () => {
    bar?.stop();
    bar = undefined;
    beforeNote(undefined);
  };
  const show = (progress: MoveProgress) => {
    // Somebody types a password on the same line.
    if (isAsking()) return;
    const { files, settled } = progress;
    const text = barText(progress);
    if (bar === undefined) {
      const look = { format: "{bar} {percentage}%  {text}", barCompleteChar: "█", barIncompleteChar: "░" };
      bar = new SingleBar({ ...look, barsize, stream, hideCursor: null, linewrap: null });
      bar.start(files, settled, { text });
      beforeNote(stop);
    }
    bar.setTotal(files);
    bar.update(settled, { text });
  };
  return { show, stop };
}

function barText(progress: MoveProgress): string {
  const { phase, files, settled, failed } = progress;
  const known = `${count(settled)} of ${count(files)}${phase === "listing" ? "+" : ""} files`;
  return [known, ...(failed > 0 ? [`${count(failed)} failed`] : []), ...speed(progress)].join("  ");
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
