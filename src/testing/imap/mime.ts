/** A message's parts (RFC 2045, RFC 2046), as offsets into its bytes. A parser of its own, so that it can judge others. Pure. */
import { fieldOf, type Parameter, parameters, unfolded } from "./fields.js";

/** One field of a header. */
export interface Field {
  readonly name: string;
  /** What is behind the colon, unfolded (octets). */
  readonly value: string;
  readonly start: number;
  readonly end: number;
}

/** A message, or a part of one. */
export interface Part {
  /** Where its header begins; it goes to `body`, with the empty line. */
  readonly start: number;
  readonly body: number;
  readonly end: number;
  readonly fields: readonly Field[];
  /** In lower case. */
  readonly type: string;
  readonly subtype: string;
  readonly parameters: readonly Parameter[];
  /** In lower case. */
  readonly encoding: string;
  /** Line ends in the body. */
  readonly lines: number;
  /** Of a multipart. */
  readonly parts: readonly Part[];
  /** Of a message/rfc822. */
  readonly message: Part | undefined;
}

const LF = 10;
const CR = 13;
/** Parts in parts beyond which nothing is looked at. */
const DEEPEST = 100;

/** Parses what is between two offsets. */
export function parseMime(bytes: Buffer, start = 0, end = bytes.length, fallback = "text/plain", depth = 0): Part {
  const { fields, body } = header(bytes, start, end);
  const given = fieldOf(fields, "content-type");
  const named = /^\s*([^\s;/()]+)\/([^\s;/()]+)/.exec(given ?? "") ?? fallback.split("/");
  const [type = "", subtype = ""] = named.slice(-2).map((word) => word.toLowerCase());
  const words = parameters(given);
  const boundary = type === "multipart" ? words.find(([name]) => name === "boundary")?.[1] : undefined;
  const deeper = depth < DEEPEST;
  const inner = subtype === "digest" ? "message/rfc822" : "text/plain";
  const parts =
    deeper && boundary !== undefined
      ? sections(bytes, body, end, boundary).map(([from, to]) => parseMime(bytes, from, to, inner, depth + 1))
      : [];
  const encoding = (fieldOf(fields, "content-transfer-encoding") ?? "7bit").trim().toLowerCase();
  const holds = deeper && type === "message" && (subtype === "rfc822" || subtype === "global");
  const message = holds ? parseMime(bytes, body, end, "text/plain", depth + 1) : undefined;
  const lines = linesIn(bytes, body, end);
  return { start, body, end, fields, type, subtype, parameters: words, encoding, lines, parts, message };
}

/** How many line ends are between two offsets: what servers count, so that a last line without one does not. */
export function linesIn(bytes: Buffer, start: number, end: number): number {
  let count = 0;
  for (let at = bytes.indexOf(LF, start); at !== -1 && at < end; at = bytes.indexOf(LF, at + 1)) count += 1;
  return count;
}

/** The fields, and where the body begins. */
function header(bytes: Buffer, start: number, end: number): { fields: Field[]; body: number } {
  const fields: Field[] = [];
  let at = start;
  while (at < end) {
    const stop = lineEnd(bytes, at, end);
    if (isEmpty(bytes, at, stop)) return { fields, body: stop };
    let after = stop;
    while (after < end && (bytes[after] === 32 || bytes[after] === 9)) after = lineEnd(bytes, after, end);
    const text = bytes.toString("latin1", at, after);
    const colon = text.indexOf(":");
    if (colon > 0) {
      const name = text.slice(0, colon).trimEnd();
      fields.push({ name, value: unfolded(text.slice(colon + 1)), start: at, end: after });
    }
    at = after;
  }
  return { fields, body: end };
}

/** What is between the delimiters of a multipart. The line end in front of a delimiter belongs to it (RFC 2046 5.1.1). */
function sections(bytes: Buffer, start: number, end: number, boundary: string): [number, number][] {
  const found: [number, number][] = [];
  const delimiter = Buffer.from(`--${boundary}`, "latin1");
  let from: number | undefined;
  for (let at = bytes.indexOf(delimiter, start); at !== -1 && at < end; at = bytes.indexOf(delimiter, at + 1)) {
    if (at > start && bytes[at - 1] !== LF) continue;
    const stop = lineEnd(bytes, at, end);
    const rest = bytes.toString("latin1", at + delimiter.length, stop);
    if (!/^(?:--)?[ \t]*\r?\n?$/.test(rest) && !rest.startsWith("--")) continue; // a longer boundary
    if (from !== undefined) found.push([from, Math.max(from, beforeLineEnd(bytes, at))]);
    from = rest.startsWith("--") ? undefined : stop;
    if (from === undefined) return found;
  }
  if (from !== undefined) found.push([from, end]); // it was never closed
  return found;
}

function lineEnd(bytes: Buffer, at: number, end: number): number {
  const next = bytes.indexOf(LF, at);
  return next === -1 || next >= end ? end : next + 1;
}

function isEmpty(bytes: Buffer, at: number, stop: number): boolean {
  return bytes[at] === LF || (bytes[at] === CR && bytes[at + 1] === LF && stop === at + 2);
}

function beforeLineEnd(bytes: Buffer, at: number): number {
  return at - (bytes[at - 2] === CR ? 2 : 1);
}
