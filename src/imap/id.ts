/** ID (RFC 2971): fields that client and server tell of themselves. No I/O. */
import { UsageError } from "../client/errors.js";
import { decodeText } from "../wire/text.js";
import { type Piece, string } from "./command.js";
import type { Response } from "./response.js";

/** RFC 2971 §3.3: fields at most, and bytes of a name and of a value. */
const MOST = 30;
const LONGEST_NAME = 30;
const LONGEST_VALUE = 1024;

/** The fields as an argument. Throws UsageError for more than RFC 2971 allows. */
export function idParameters(fields: Readonly<Record<string, string>> | undefined): Piece[] {
  const entries = Object.entries(fields ?? {});
  if (entries.length === 0) return ["NIL"];
  const isLong = ([name, value]: [string, string]) => name.length > LONGEST_NAME || value.length > LONGEST_VALUE;
  if (entries.length > MOST || entries.some(isLong)) {
    const message = `an ID has at most ${MOST} fields, of ${LONGEST_NAME} and ${LONGEST_VALUE} characters`;
    throw new UsageError(message, { protocol: "imap" });
  }
  return ["(", ...entries.flatMap(([name, value], i) => [i > 0 ? " " : "", string(name), " ", string(value)]), ")"];
}

/** Reads an ID response; a field without a value is left out. Throws ProtocolError. */
export function parseId(response: Response): Record<string, string> {
  const cursor = response.cursor();
  const fields: [string, string][] = [];
  if (!cursor.open()) return {};
  while (!cursor.close()) {
    const name = cursor.astring().toLowerCase();
    const value = cursor.nstring();
    if (value !== undefined) fields.push([name, decodeText(Buffer.from(value, "latin1"))]);
  }
  return Object.fromEntries(fields);
}
