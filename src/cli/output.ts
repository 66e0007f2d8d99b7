/** Where output goes: results to stdout with back-pressure, everything else to stderr. A reader that left is no error. */
import { once } from "node:events";
import { redactUrl } from "../index.js";
import { EXIT } from "./exit-codes.js";
import { printable } from "./format.js";
import { redactArguments } from "./hide-arguments.js";

/** Ends quietly when stdout's reader has left (`polywire ls … | head`); a stderr without a reader is ignored. */
export function tolerateBrokenPipes(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.done);
    throw error;
  });
  process.stderr.on("error", () => {});
}

/** Writes to stdout as it is, and waits while its reader is slow. */
export async function write(data: string | Uint8Array): Promise<void> {
  if (data.length > 0 && !process.stdout.write(data)) await once(process.stdout, "drain");
}

/** Prints lines of a result: control characters are shown as `\x07`. */
export function print(text: string): Promise<void> {
  return write(`${printable(text)}\n`);
}

/** Prints one JSON value as a line. */
export function printJson(value: unknown): Promise<void> {
  return write(`${JSON.stringify(value)}\n`);
}

let unfinished: (() => void) | undefined;

/** What to do before the next line on stderr: a progress bar has left its line open. */
export function beforeNote(finish: (() => void) | undefined): void {
  unfinished = finish;
}

/** Says something on stderr: not part of the result, and without secrets. */
export function note(text: string): void {
  unfinished?.();
  process.stderr.write(`${shown(text)}\n`);
}

/** A text as it may be shown: no control characters, no password of the arguments. */
export function shown(text: string): string {
  return printable(redactArguments(text, redactUrl));
}
