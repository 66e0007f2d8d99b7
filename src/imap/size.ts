/** What answers take in memory, and the error where it is too much. No I/O. */
import { ProtocolError } from "../client/errors.js";
import type { Response } from "./response.js";

/** What a response, or a row that was read from one, takes in memory besides its bytes, about. */
const OVERHEAD = 200;

/** Bytes that a response takes in memory, about. */
export function sizeOf({ raw, literals }: Response): number {
  let bytes = raw.length + OVERHEAD;
  for (const literal of literals) if (typeof literal !== "number") bytes += literal.length;
  return bytes;
}

/** The error for an answer that does not go into memory. */
export function tooMuch(limit: number): ProtocolError {
  return new ProtocolError(`an answer of more than ${limit} bytes does not go into memory`, {
    advice: "ask for less, or raise limits.body",
  });
}
