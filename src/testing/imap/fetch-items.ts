/** What FETCH can give of a message: a table of its data items (RFC 9051 6.4.5 and 7.5.2). */
import { internalDate } from "./dates.js";
import { textOfPart, textParts } from "./decode.js";
import type { Input } from "./input.js";
import type { Message } from "./message.js";
import type { ImapFeatures } from "./options.js";
import { bad, list, octets, type Piece, string } from "./reply.js";
import { decodedSlice, type Section, type Slice, section, sectionName, sliceOf, span, spanOf } from "./sections.js";
import type { Session } from "./session.js";
import { bodyStructure, envelope } from "./structure.js";

/** One data item, as it was asked for. */
export interface FetchItem {
  readonly name: string;
  /** Reading it makes a message \Seen. */
  readonly sees: boolean;
  /** The item and its value. */
  of(message: Message, session: Session): Iterable<Piece>;
}

type Value = (message: Message, session: Session) => string;

const SIMPLE: Readonly<Record<string, readonly [Value, (keyof ImapFeatures)?]>> = {
  UID: [({ uid }) => `${uid}`],
  FLAGS: [(message, { selected, rev2 }) => list(flagsOf(message, !rev2 && selected.isRecent(message)))],
  INTERNALDATE: [(message) => internalDate(message.internalDate)],
  "RFC822.SIZE": [({ content }, { shared }) => `${Math.max(0, content.size + (shared.faults.wrongSizes ?? 0))}`],
  ENVELOPE: [({ content }, { utf8 }) => envelope(content.part, utf8)],
  BODYSTRUCTURE: [({ content }, { utf8 }) => bodyStructure(content.part, true, utf8)],
  MODSEQ: [({ modseq }) => `(${modseq})`, "condstore"],
  EMAILID: [({ emailId }) => `(${emailId})`, "objectid"],
  THREADID: [() => "NIL", "objectid"],
  SAVEDATE: [({ saveDate }) => internalDate(saveDate), "savedate"],
};

const MACROS: Readonly<Record<string, readonly string[]>> = {
  ALL: ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE"],
  FAST: ["FLAGS", "INTERNALDATE", "RFC822.SIZE"],
  FULL: ["FLAGS", "INTERNALDATE", "RFC822.SIZE", "ENVELOPE", "BODY"],
};

const OLD: Readonly<Record<string, Section["text"]>> = { RFC822: "", "RFC822.HEADER": "HEADER", "RFC822.TEXT": "TEXT" };

function flagsOf(message: Message, recent: boolean): string[] {
  return recent ? [...message.flags, "\\Recent"] : [...message.flags];
}

/** Reads `ALL`, one item, or a list of them. */
export function fetchItems(session: Session, input: Input): FetchItem[] {
  if (input.sees("(")) return input.list(() => fetchItem(session, input), 1);
  const macro = input.take(/(ALL|FAST|FULL)(?![^\s])/iy)?.[0].toUpperCase();
  return macro ? (MACROS[macro] ?? []).map((name) => namedItem(session, name)) : [fetchItem(session, input)];
}

/** An item without anything in brackets. */
export function namedItem(session: Session, name: string): FetchItem {
  const [value, feature] = (Object.hasOwn(SIMPLE, name) && SIMPLE[name]) || [];
  if (value && (feature === undefined || session.shared.options.features[feature])) {
    return { name, sees: false, of: (message) => [`${name} ${value(message, session)}`] };
  }
  if (name === "BODY") {
    const { utf8 } = session;
    return { name, sees: false, of: ({ content }) => [`BODY ${bodyStructure(content.part, false, utf8)}`] };
  }
  const text = Object.hasOwn(OLD, name) ? OLD[name] : undefined;
  if (text === undefined) return bad(`FETCH knows no ${name}`);
  const whole = { path: [], text, fields: [] };
  return {
    name,
    sees: text !== "HEADER",
    of: ({ content }, session) => bytesOf(session, name, sliceOf(content, whole)),
  };
}

const NAME = /[A-Za-z0-9.]+/y;

function fetchItem(session: Session, input: Input): FetchItem {
  const { features } = session.shared.options;
  const name = input.take(NAME)?.[0].toUpperCase() ?? bad("A data item was due");
  const binary = features.binary || features.imap4rev2;
  if (name === "BODY" && !input.sees("[")) return namedItem(session, name);
  if (name === "BODY" || name === "BODY.PEEK") return bodyItem(input, name === "BODY");
  if (binary && (name === "BINARY" || name === "BINARY.PEEK")) return binaryItem(input, name === "BINARY");
  if (binary && name === "BINARY.SIZE") return binarySize(input);
  if (features.preview && name === "PREVIEW") return preview(input);
  return namedItem(session, name);
}

function bodyItem(input: Input, sees: boolean): FetchItem {
  input.expect("[");
  const wanted = section(input);
  const part = span(input);
  const name = `BODY${sectionName(wanted, part)}`;
  const slice = ({ content }: Message) => sliceOf(content, wanted);
  return { name, sees, of: (message, session) => bytesOf(session, name, cutTo(slice(message), part)) };
}

function path(input: Input): readonly number[] {
  input.expect("[");
  const { path, text } = section(input);
  return text === "" ? path : bad("BINARY takes the numbers of a part");
}

function binaryItem(input: Input, sees: boolean): FetchItem {
  const numbers = path(input);
  const part = span(input);
  const name = `BINARY${sectionName({ path: numbers, text: "", fields: [] }, part)}`;
  const slice = ({ content }: Message) => cutTo(decodedSlice(content, numbers), part);
  return { name, sees, of: (message, session) => bytesOf(session, name, slice(message), true) };
}

function binarySize(input: Input): FetchItem {
  const numbers = path(input);
  const name = `BINARY.SIZE${sectionName({ path: numbers, text: "", fields: [] }, undefined)}`;
  return { name, sees: false, of: ({ content }) => [`${name} ${decodedSlice(content, numbers)?.size ?? 0}`] };
}

/** PREVIEW (RFC 8970): the beginning of the first text. */
function preview(input: Input): FetchItem {
  input.skip(" (LAZY)"); // it is always at hand
  const of = ({ content }: Message, { utf8 }: Session) => {
    const [first] = textParts(content.part);
    const text = first ? textOfPart(content, first).replace(/<[^>]*>/g, " ") : "";
    return [`PREVIEW ${string(octets([...text.replace(/\s+/g, " ").trim()].slice(0, 200).join("")), utf8)}`];
  };
  return { name: "PREVIEW", sees: false, of };
}

function cutTo(slice: Slice | undefined, part: ReturnType<typeof span>): Slice | undefined {
  return slice && spanOf(slice, part);
}

/** An item with bytes as they are; literal8 where they have a NUL and the item allows for it. */
function* bytesOf(session: Session, name: string, slice: Slice | undefined, binary = false): Iterable<Piece> {
  if (!slice) {
    yield `${name} NIL`;
    return;
  }
  const quoted = session.shared.faults.quotedSections ? inQuotes(slice) : undefined;
  if (quoted !== undefined) {
    yield `${name} ${quoted}`;
    return;
  }
  const mark = binary && hasNul(slice) ? "~" : "";
  yield `${name} ${mark}{${slice.size}}\r\n`;
  yield* slice.read(0, slice.size);
}

/** Octets that are put in quotes. */
const LONGEST_QUOTED = 4096;

/** Bytes as a quoted string, where they can be one. */
function inQuotes(slice: Slice): string | undefined {
  if (slice.size > LONGEST_QUOTED) return undefined;
  const text = string(Buffer.concat([...slice.read(0, slice.size)]).toString("latin1"));
  return text.startsWith('"') ? text : undefined;
}

function hasNul(slice: Slice): boolean {
  for (const piece of slice.read(0, slice.size)) if (piece.includes(0)) return true;
  return false;
}

/** A FETCH response. What refuses to be given refuses at once, before any of it has left. */
export function fetchResponse(
  session: Session,
  number: number,
  message: Message,
  items: readonly FetchItem[],
): Iterable<Piece> {
  const isUid = ({ name }: FetchItem) => name === "UID";
  const ordered = session.shared.faults.uidLast
    ? [...items.filter((item) => !isUid(item)), ...items.filter(isUid)]
    : items;
  return joined(
    number,
    ordered.map((item) => item.of(message, session)),
  );
}

function* joined(number: number, values: readonly Iterable<Piece>[]): Iterable<Piece> {
  yield `${number} FETCH (`;
  for (const [at, value] of values.entries()) {
    if (at > 0) yield " ";
    yield* value;
  }
  yield ")";
}
