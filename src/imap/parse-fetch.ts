/** The answer to FETCH (RFC 9051 §7.5.2): what a response tells about one message. No I/O. */
import { ProtocolError } from "../client/errors.js";
import { decodeText } from "../wire/text.js";
import type { Cursor, Literal } from "./cursor.js";
import { FetchData } from "./fetch-data.js";
import { kindOf } from "./fetch-kind.js";
import { parseFlags } from "./flags.js";
import { decodeMailbox } from "./mailbox-name.js";
import { parseBodyStructure } from "./parse-body-structure.js";
import { parseEnvelope } from "./parse-envelope.js";
import { readOrigin, readSection } from "./parse-section.js";
import type { Response } from "./response.js";

const OPEN = 0x28;
const LEFT_BRACKET = 0x5b;

/** Items of one response that cannot be read before the rest of it is given up: an error costs more than an item. */
const MOST_BROKEN = 100;

type Reader = (cursor: Cursor, data: FetchData, utf8: boolean) => void;

/** How each item is read, behind its name. */
const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ["UID", (cursor, data) => void (data.uid = cursor.number())],
  ["FLAGS", (cursor, data) => void (data.flags = parseFlags(cursor))],
  ["INTERNALDATE", (cursor, data) => void (data.rawInternalDate = cursor.nstring())],
  ["RFC822.SIZE", (cursor, data) => void (data.size = cursor.number())],
  ["MODSEQ", (cursor, data) => void (data.modseq = inList(cursor, () => cursor.bigNumber()))],
  ["ENVELOPE", (cursor, data) => void (data.envelope = parseEnvelope(cursor))],
  ["BODYSTRUCTURE", (cursor, data) => void (data.bodyStructure = parseBodyStructure(cursor))],
  ["BODY", readBody],
  ["BINARY", (cursor, data) => keep(data, "binary", sectionOf(cursor), cursor.bytes())],
  ["BINARY.SIZE", readBinarySize],
  ["RFC822", (cursor, data) => keep(data, "body", "", cursor.bytes())],
  ["RFC822.HEADER", (cursor, data) => keep(data, "body", "HEADER", cursor.bytes())],
  ["RFC822.TEXT", (cursor, data) => keep(data, "body", "TEXT", cursor.bytes())],
  ["PREVIEW", (cursor, data) => void (data.preview = readPreview(cursor))],
  ["SAVEDATE", (cursor, data) => void (data.rawSaveDate = cursor.nstring())],
  ["EMAILID", (cursor, data) => void (data.emailId = inList(cursor, () => cursor.astring()))],
  ["THREADID", (cursor, data) => void (data.threadId = inList(cursor, () => cursor.astring()))],
  ["X-GM-MSGID", (cursor, data) => void (data.gmailMessageId = cursor.atom())],
  ["X-GM-THRID", (cursor, data) => void (data.gmailThreadId = cursor.atom())],
  ["X-GM-LABELS", (cursor, data, utf8) => void (data.gmailLabels = readLabels(cursor, utf8))],
]);

/**
 * Reads a FETCH response. An item that cannot be read is stepped over and named in `broken`; where even its end cannot be
 * found, what stood before it is given.
 *
 * @param utf8 True where the connection's names are UTF-8. Default: false.
 * @throws ProtocolError only where the response is not one to FETCH.
 *
 * @example
 * const data = parseFetch(new Response("* 12 FETCH (UID 345 FLAGS (\\Seen))"));
 * data.uid; // 345
 */
export function parseFetch(response: Response, utf8 = false): FetchData {
  if (response.name !== "FETCH" || response.number === undefined) {
    throw new ProtocolError(`a FETCH response was expected, not ${response.name}`);
  }
  const data = new FetchData(response.number);
  const cursor = response.cursor();
  try {
    let broken = 0;
    if (cursor.open()) while (broken < MOST_BROKEN && !cursor.close()) if (!readItem(cursor, data, utf8)) broken++;
  } catch (error) {
    data.broken ??= reason(error);
  }
  return data;
}

/** False where it could not be read. */
function readItem(cursor: Cursor, data: FetchData, utf8: boolean): boolean {
  const name = cursor.itemName();
  const start = cursor.at;
  const reader = READERS.get(name) ?? READERS.get(name.toUpperCase());
  data.tells(kindOf(name, cursor.text.charCodeAt(start) === LEFT_BRACKET));
  try {
    if (reader !== undefined) reader(cursor, data, utf8);
    else data.other = added(data.other, otherName(cursor, name), cursor.value());
    return true;
  } catch (error) {
    data.broken ??= `${name}: ${reason(error)}`;
    cursor.rewind(start);
    if (cursor.text.charCodeAt(start) === LEFT_BRACKET) sectionOf(cursor);
    cursor.skip();
    return false;
  }
}

/** `BODY[…]` is a section, `BODY (…)` the structure without its extensions. */
function readBody(cursor: Cursor, data: FetchData): void {
  if (cursor.text.charCodeAt(cursor.at) === LEFT_BRACKET) keep(data, "body", sectionOf(cursor), cursor.bytes());
  else data.bodyStructure ??= parseBodyStructure(cursor);
}

function readBinarySize(cursor: Cursor, data: FetchData): void {
  const section = sectionOf(cursor);
  const size = cursor.number();
  data.binarySizes = added(data.binarySizes, section, size);
}

/** Some servers answer in the form of the draft: `(FUZZY "…")`. */
function readPreview(cursor: Cursor): string | undefined {
  const inDraft = cursor.take(OPEN);
  if (inDraft) cursor.atom();
  const raw = cursor.nstring();
  if (inDraft) while (!cursor.close()) cursor.skip();
  return raw === undefined ? undefined : decodeText(Buffer.from(raw, "latin1"));
}

/** Labels are named like mailboxes, but for `\\Inbox` and its like. */
function readLabels(cursor: Cursor, utf8: boolean): string[] {
  return cursor.strings().map((each) => decodeMailbox(each, utf8));
}

function sectionOf(cursor: Cursor): string {
  return readSection(cursor) + readOrigin(cursor);
}

function otherName(cursor: Cursor, name: string): string {
  const section = cursor.text.charCodeAt(cursor.at) === LEFT_BRACKET ? `[${sectionOf(cursor)}]` : "";
  return name.toUpperCase() + section;
}

/** The first thing in a list; undefined for NIL. */
function inList<T>(cursor: Cursor, read: () => T): T | undefined {
  if (!cursor.open()) return undefined;
  const value = read();
  while (!cursor.close()) cursor.skip();
  return value;
}

function keep(data: FetchData, where: "body" | "binary", section: string, bytes: Literal | undefined): void {
  if (bytes === undefined) return;
  if (typeof bytes === "number") data.streamed = added(data.streamed, section, bytes);
  else data[where] = added(data[where], section, bytes);
}

function added<T>(map: ReadonlyMap<string, T>, key: string, value: T): Map<string, T> {
  // An empty one is everybody's.
  return (map.size === 0 ? new Map<string, T>() : (map as Map<string, T>)).set(key, value);
}

function reason(error: unknown): string {
  if (error instanceof ProtocolError) return error.message;
  throw error;
}
