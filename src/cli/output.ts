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
  return write(jsonLine(value));
}

/** Prints many JSON values, a line each. */
export function writeJson(values: readonly unknown[]): Promise<void> {
  return write(values.map(jsonLine).join(""));
}

/** What JSON leaves as it is, and a terminal obeys: written as `\u009b`, which is the same value. */
const OBEYED = /[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

function jsonLine(value: unknown): string {
  const json = JSON.stringify(value).replace(
    OBEYED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
  return `${json}\n`;
}

/** Writes bytes as they are to a file or a pipe; on a terminal, only what may be shown. */
export function writeBytes(bytes: Buffer, asText: (bytes: Buffer) => string): Promise<void> {
  return process.stdout.isTTY ? write(printable(asText(bytes))) : write(bytes);
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
