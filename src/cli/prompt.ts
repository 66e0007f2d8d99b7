/** Passwords asked for on the terminal, without echo, one at a time; or read from stdin, a line for each server. */
import { createInterface } from "node:readline";
import { Writable } from "node:stream";
import { AbortedError, UsageError } from "../index.js";
import { printable } from "./format.js";

let asking: Promise<unknown> | undefined;
let open = 0;

/** True while somebody types: nothing else should write to the terminal. */
export function isAsking(): boolean {
  return open > 0;
}

/** True where there is someone to ask. */
export function canAsk(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true;
}

/** Asks for a password. Two servers of a move may ask at once: they take turns. */
export async function askPassword(question: string, signal: AbortSignal): Promise<string> {
  open++;
  const turn = (asking ?? Promise.resolve()).catch(() => {}).then(() => ask(question, signal));
  asking = turn;
  try {
    return await turn;
  } finally {
    open--;
  }
}

function ask(question: string, signal: AbortSignal): Promise<string> {
  const mute = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: mute, terminal: true });
  process.stderr.write(printable(question));
  return new Promise<string>((resolve, reject) => {
    const abort = () => reject(new AbortedError("no password was given"));
    lines.once("line", resolve).once("SIGINT", abort).once("close", abort);
    signal.addEventListener("abort", abort, { once: true });
  }).finally(() => {
    process.stderr.write("\n");
    lines.close();
    process.stdin.pause();
  });
}

/** The lines of stdin, read when the first is wanted. */
export class StdinPasswords {
  #lines: AsyncIterator<string> | undefined;

  /** The next line. Throws UsageError where there is none. */
  async next(): Promise<string> {
    this.#lines ??= createInterface({ input: process.stdin })[Symbol.asyncIterator]();
    const { value, done } = await this.#lines.next();
    if (done) throw new UsageError("--password-stdin: a line with a password is missing on stdin");
    return value;
  }
}
