/** BODY and BODYSTRUCTURE (RFC 9051 §7.5.2): the parts of a message, without their contents. No I/O. */

import { decodeBare } from "../message/charset.js";
import { decodeParameters } from "../message/parameters.js";
import { decodeWords } from "../message/words.js";
import type { Cursor } from "./cursor.js";
import { type Envelope, parseEnvelope } from "./parse-envelope.js";

/** How a part wants to be shown. */
export interface Disposition {
  /** In lower case: `attachment`, `inline`. */
  readonly type: string;
  readonly parameters: ReadonlyMap<string, string>;
}

/** A part of a message. What a server left out is undefined, and so is what only BODYSTRUCTURE has where BODY was asked. */
export interface BodyPart {
  /** What it is fetched by, as in `BODY[1.2]`: `1.2`; `TEXT` and `2.TEXT` for a multipart that is a whole message's body. */
  readonly section: string;
  /** In lower case: `text/plain`, `multipart/mixed`. */
  readonly type: string;
  /** Of the Content-Type: names in lower case, values decoded (RFC 2231, and encoded words where they stand). */
  readonly parameters: ReadonlyMap<string, string>;
  /** Content-ID, as it was sent. */
  readonly id?: string | undefined;
  /** Content-Description, decoded. */
  readonly description?: string | undefined;
  /** Content-Transfer-Encoding, in lower case: `base64`. */
  readonly encoding?: string | undefined;
  /** Octets, as they are transferred. */
  readonly size?: number | undefined;
  /** Lines of a text or a message. */
  readonly lines?: number | undefined;
  readonly md5?: string | undefined;
  readonly disposition?: Disposition | undefined;
  /** Content-Language, in lower case: `en`, `de-at`. */
  readonly languages?: readonly string[] | undefined;
  /** Content-Location. */
  readonly location?: string | undefined;
  /** The name of the file it was, by the disposition, else by the type; decoded. It is the sender's: check it before use. */
  readonly filename?: string | undefined;
  /** Of the message in a message/rfc822. */
  readonly envelope?: Envelope | undefined;
  /** The parts of a multipart; the one body of a message/rfc822; none for all others. */
  readonly parts: readonly BodyPart[];
}

/** The fields of a part while they are read. */
type Draft = { -readonly [K in keyof BodyPart]: BodyPart[K] };

/** Parts within parts. */
const DEEPEST = 100;

/** Reads the parts of a message; undefined for NIL. Throws ProtocolError. */
export function parseBodyStructure(cursor: Cursor): BodyPart | undefined {
  return readBody(cursor, "", 0);
}

/** The body of a message: a multipart is the text of it, anything else its part 1. */
function readBody(cursor: Cursor, prefix: string, depth: number): BodyPart | undefined {
  if (!cursor.atList) {
    cursor.nstring();
    return undefined;
  }
  const start = cursor.at;
  cursor.open();
  const isMultipart = cursor.atList;
  cursor.at = start;
  return isMultipart
    ? readPart(cursor, { section: `${prefix}TEXT`, prefix }, depth)
    : readPart(cursor, { section: `${prefix}1`, prefix: `${prefix}1.` }, depth);
}

/** Where a part stands: how it is fetched, and what the numbers of its own parts begin with. */
interface Place {
  readonly section: string;
  readonly prefix: string;
}

function readPart(cursor: Cursor, place: Place, depth: number): BodyPart {
  if (depth === DEEPEST) throw cursor.broken(`parts within parts, more than ${DEEPEST}`);
  const start = cursor.at;
  cursor.open();
  if (cursor.atList) return readMultipart(cursor, place, depth);
  // A multipart without parts: `("mixed" ("boundary" "x") …)`, or NIL in the place of its list.
  if (isSubtypeNext(cursor, cursor.nil())) return readMultipart(cursor, place, depth);
  cursor.at = start;
  cursor.open();
  return readSingle(cursor, place, depth);
}

/** `("mixed" …` where the type would be: a string that no second one follows. */
function isSubtypeNext(cursor: Cursor, behindNil: boolean): boolean {
  if (cursor.atEnd) return false;
  const start = cursor.at;
  const found = cursor.nstring() !== undefined && (cursor.atEnd || cursor.atList || (behindNil && cursor.nil()));
  cursor.rewind(start);
  return found;
}

function readMultipart(cursor: Cursor, place: Place, depth: number): BodyPart {
  const parts: BodyPart[] = [];
  while (cursor.atList) {
    const section = `${place.prefix}${parts.length + 1}`;
    parts.push(readPart(cursor, { section, prefix: `${section}.` }, depth + 1));
  }
  const subtype = (cursor.atEnd ? undefined : cursor.nstring()) ?? "mixed";
  const part = draft(place.section, `multipart/${subtype}`, parts);
  if (!cursor.atEnd) part.parameters = readParameters(cursor);
  readExtensions(cursor, part);
  return part;
}

function readSingle(cursor: Cursor, place: Place, depth: number): BodyPart {
  const type = (cursor.atEnd ? undefined : cursor.nstring()) ?? "application";
  const subtype = (cursor.atEnd ? undefined : cursor.nstring()) ?? "octet-stream";
  const part = draft(place.section, `${type}/${subtype}`, []);
  if (!cursor.atEnd) part.parameters = readParameters(cursor);
  set(part, "id", field(cursor));
  const description = field(cursor);
  set(part, "description", description && decodeWords(description));
  set(part, "encoding", field(cursor)?.toLowerCase());
  set(part, "size", cursor.atEnd ? undefined : cursor.numberOr());
  if (part.type === "message/rfc822" || part.type === "message/global") readMessage(cursor, place, part, depth);
  else if (part.type.startsWith("text/") || isNumberNext(cursor)) set(part, "lines", lines(cursor));
  set(part, "md5", field(cursor));
  readExtensions(cursor, part);
  return part;
}

/** Envelope, body and lines; servers that could not read the message leave them out. */
function readMessage(cursor: Cursor, place: Place, part: Draft, depth: number): void {
  if (!isMessageNext(cursor)) return;
  set(part, "envelope", cursor.atEnd ? undefined : parseEnvelope(cursor));
  const body = cursor.atEnd ? undefined : readBody(cursor, place.prefix, depth + 1);
  if (body !== undefined) part.parts = [body];
  set(part, "lines", lines(cursor));
}

/** An envelope comes next: a list, or the NIL of one with a body behind it. */
function isMessageNext(cursor: Cursor): boolean {
  if (cursor.atList) return true;
  const start = cursor.at;
  const found = cursor.nil() && cursor.atList;
  cursor.at = start;
  return found;
}

function isNumberNext(cursor: Cursor): boolean {
  const c = cursor.peek();
  return c >= 0x30 && c <= 0x39;
}

function lines(cursor: Cursor): number | undefined {
  return cursor.atEnd || cursor.atList ? undefined : cursor.numberOr();
}

/** Disposition, languages and location, as far as they are there; more may follow. */
function readExtensions(cursor: Cursor, part: Draft): void {
  set(part, "disposition", cursor.atEnd ? undefined : readDisposition(cursor));
  if (!cursor.atEnd) {
    const languages = cursor.atList ? cursor.strings() : [cursor.nstring()].filter((each) => each !== undefined);
    // Cyrus writes them in upper case.
    if (languages.length > 0) part.languages = languages.map((each) => each.toLowerCase());
  }
  set(part, "location", field(cursor));
  while (!cursor.close()) cursor.skip();
  set(part, "filename", part.disposition?.parameters.get("filename") ?? part.parameters.get("name"));
}

/** `("attachment" ("filename" "x.pdf"))`; some servers send the word alone. */
function readDisposition(cursor: Cursor): Disposition | undefined {
  if (!cursor.atList) {
    const type = cursor.nstring();
    return type === undefined ? undefined : { type: type.toLowerCase(), parameters: new Map() };
  }
  cursor.open();
  const type = (cursor.atEnd || cursor.atList ? undefined : cursor.nstring()) ?? "attachment";
  const parameters = cursor.atEnd ? new Map<string, string>() : readParameters(cursor);
  while (!cursor.close()) cursor.skip();
  return { type: type.toLowerCase(), parameters };
}

/** `("charset" "utf-8" …)`; NIL, and whatever else is no list, is none. */
function readParameters(cursor: Cursor): Map<string, string> {
  const pairs: [string, string][] = [];
  if (!cursor.atList) {
    cursor.nstring();
    return new Map();
  }
  cursor.open();
  while (!cursor.close()) {
    const name = field(cursor) ?? "";
    if (cursor.atEnd) continue;
    const value = field(cursor) ?? "";
    if (name !== "") pairs.push([name, value]);
  }
  return decodeParameters(pairs);
}

/** A string, where one is left. */
function field(cursor: Cursor): string | undefined {
  if (cursor.atEnd) return undefined;
  if (!cursor.atList) return cursor.nstring();
  cursor.skip();
  return undefined;
}

function draft(section: string, type: string, parts: readonly BodyPart[]): Draft {
  return { section, type: decodeBare(type).toLowerCase(), parameters: new Map(), parts };
}

function set<K extends keyof Draft>(part: Draft, key: K, value: Draft[K] | undefined): void {
  if (value !== undefined) part[key] = value as Draft[K];
}
