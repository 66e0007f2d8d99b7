/** How a move stands, in words: once, again and again, or file by file. */
import { setTimeout as sleep } from "node:timers/promises";
import { type JobPhase, JournalReader, type MoveStatus, readStatus } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { count, counted, csvRow, duration, size, time } from "../format.js";
import { print, printJson, write } from "../output.js";

/** Errors that are told. */
const ERRORS = 5;

/** Prints how it stands now. @returns the exit code. */
export async function printStatus(context: Context, journal: string): Promise<number> {
  using reader = JournalReader.read(journal);
  return show(context, readStatus(reader, ERRORS));
}

/** Prints it every few seconds, until no process works with the journal. @returns the exit code. */
export async function watchStatus(context: Context, journal: string, seconds: number): Promise<number> {
  using reader = JournalReader.read(journal);
  for (;;) {
    const status = readStatus(reader, ERRORS);
    if (!context.json && process.stdout.isTTY) await write("\x1b[H\x1b[J");
    const code = await show(context, status);
    if (!isAtWork(status.phase)) return code;
    if (!context.json && !process.stdout.isTTY) await write("\n");
    await sleep(seconds * 1000, undefined, { signal: context.signal }).catch(() => {});
    // Whoever has seen enough ends it by Ctrl-C: that is no failure.
    if (context.signal.aborted) return code;
  }
}

/** Prints every file that did not go through. */
export async function printFailed(context: Context, journal: string): Promise<number> {
  using reader = JournalReader.read(journal);
  if (!context.json) await write(csvRow(["name", "target", "state", "code", "error"]));
  for (const { name, target, state, code, error } of reader.failed()) {
    if (context.json) await printJson({ name, target, state, code, error });
    else await write(csvRow([name, target, state, code, error]));
  }
  return EXIT.done;
}

async function show(context: Context, status: MoveStatus): Promise<number> {
  if (context.json) await printJson(status);
  else await print(statusLines(status).join("\n"));
  return exitCode(status);
}

function exitCode({ phase, states }: MoveStatus): number {
  if (isAtWork(phase)) return EXIT.done;
  if (phase !== "finished") return EXIT.stopped;
  return states.FAILED + states.CONFLICT > 0 ? EXIT.refused : EXIT.done;
}

function isAtWork(phase: JobPhase): boolean {
  return phase === "listing" || phase === "moving";
}

function statusLines(status: MoveStatus): string[] {
  const { settings, errors, lastRun } = status;
  const rows = Object.entries(settings).map(([name, value]) => [
    name,
    typeof value === "string" ? value : JSON.stringify(value),
  ]);
  const facts = [
    ["state", stateText(status)],
    ...rows,
    ["files", filesText(status)],
    ...(isAtWork(status.phase) ? [["rate", rateText(status)]] : []),
    ...(status.paused === undefined ? [] : [["waits", status.paused]]),
    ...(lastRun?.error === undefined ? [] : [["stopped by", lastRun.error]]),
    ...(lastRun?.warnings ?? []).map((warning) => ["warning", warning]),
  ];
  const width = Math.max(...facts.map(([name = ""]) => name.length));
  const lines = facts.map(([name = "", value = ""]) => `${name.padEnd(width)}  ${value}`);
  return [...lines, ...statesLines(status), ...errors.map(errorLine)];
}

function stateText({ phase, owner, lastRun }: MoveStatus): string {
  if (isAtWork(phase) && owner) {
    const since = (Date.now() - owner.since) / 1000;
    return `${phase}: process ${owner.pid} on ${owner.host}, since ${time(new Date(owner.since))} UTC (${duration(Math.max(0, since))})`;
  }
  if (phase === "killed")
    return `killed: process ${owner?.pid ?? lastRun?.pid} did not end in order; run the job again to go on`;
  const ended = lastRun?.ended === undefined ? "" : ` on ${time(new Date(lastRun.ended))} UTC`;
  return phase === "stopped" ? `stopped${ended}; run the job again to go on` : `${phase}${ended}`;
}

function filesText({ settled, files, phase, bytes }: MoveStatus): string {
  return `${count(settled)} of ${count(files)}${phase === "listing" ? " or more" : ""} settled, ${size(bytes)} arrived`;
}

function rateText({ filesPerSecond, bytesPerSecond, lanes, secondsLeft }: MoveStatus): string {
  const left = secondsLeft === undefined ? [] : [`${duration(secondsLeft)} left`];
  return [`${count(filesPerSecond)} files/s`, `${size(bytesPerSecond)}/s`, counted(lanes, "lane"), ...left].join(", ");
}

function statesLines({ states }: MoveStatus): string[] {
  return ["", ...Object.entries(states).map(([state, files]) => `${state.padEnd(12)} ${count(files).padStart(13)}`)];
}

function errorLine({ state, name, code, error = "", notBefore }: MoveStatus["errors"][number], i: number): string {
  const again = state === "PLANNED" && notBefore !== undefined ? " (will be tried again)" : "";
  // A server's text begins with its code.
  const what = code === undefined || error.startsWith(code) ? error : `${code}: ${error}`;
  return `${i === 0 ? "\n" : ""}✗ ${state} ${name}: ${what}${again}`;
}
