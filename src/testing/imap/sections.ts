/** Pieces of a message as FETCH names them: `BODY[1.2.HEADER.FIELDS (From)]<0.100>` (RFC 9051 6.4.5.1). Pure. */
import { decodeTransfer } from "./decode.js";
import type { Input } from "./input.js";
import { type Content, Kept } from "./message.js";
import type { Part } from "./mime.js";
import { astring, bad, list, no } from "./reply.js";

/** Bytes that can be read from anywhere. */
export type Slice = Pick<Content, "size" | "read">;

/** What is between the brackets. */
export interface Section {
  readonly path: readonly number[];
  readonly text: "" | "HEADER" | "HEADER.FIELDS" | "HEADER.FIELDS.NOT" | "TEXT" | "MIME";
  readonly fields: readonly string[];
}

/** `<from.count>`. */
export interface Span {
  readonly from: number;
  readonly count: number;
}

const SPEC = /((?:\d+(?:\.\d+)*)?)(\.?)((?:HEADER(?:\.FIELDS(?:\.NOT)?)?|TEXT|MIME)?)(?=[\] ])/iy;

/** Reads a section and its bracket: `1.2.HEADER.FIELDS (From)]`. */
export function section(input: Input): Section {
  const [, numbers = "", dot = "", word = ""] = input.take(SPEC) ?? bad("A section was due");
  const path = numbers === "" ? [] : numbers.split(".").map(Number);
  const text = word.toUpperCase() as Section["text"];
  const joined = numbers !== "" && text !== "";
  if ((dot === ".") !== joined || path.includes(0) || (text === "MIME" && path.length === 0)) bad("Not a section");
  const fields = text.startsWith("HEADER.FIELDS") ? input.blank().list(() => input.astring(), 1) : [];
  input.expect("]");
  return { path, text, fields };
}

/** Reads `<from.count>`, if it is here. */
export function span(input: Input): Span | undefined {
  if (!input.skip("<")) return undefined;
  const from = input.number();
  input.expect(".");
  const count = input.number();
  input.expect(">");
  return count === 0 ? bad("A part of no octets") : { from, count };
}

/** A section as an answer names it, with its brackets. */
export function sectionName({ path, text, fields }: Section, part: Span | undefined): string {
  const words = [path.join("."), text].filter((word) => word !== "").join(".");
  const names = fields.length > 0 ? ` ${list(fields.map((name) => astring(name)))}` : "";
  return `[${words}${names}]${part ? `<${part.from}>` : ""}`;
}

/** The bytes of a section; undefined where the message has no such part. */
export function sliceOf(content: Content, { path, text, fields }: Section): Slice | undefined {
  if (path.length === 0 && text === "") return content;
  const whole = content.part;
  const part = path.length === 0 ? whole : locate(whole, path);
  if (!part) return undefined;
  if (text === "") return between(content, part.body, part.end);
  if (text === "MIME") return between(content, part.start, part.body);
  const message = path.length === 0 ? whole : part.message;
  if (!message) return undefined;
  if (text === "HEADER") return between(content, message.start, message.body);
  if (text === "TEXT") return between(content, message.body, message.end);
  return chosenFields(content, message, fields, text === "HEADER.FIELDS");
}

/** What BINARY gives: a part without its transfer encoding (RFC 3516). */
export function decodedSlice(content: Content, path: readonly number[]): Slice | undefined {
  const slice = sliceOf(content, { path, text: "", fields: [] });
  const part = path.length === 0 ? undefined : locate(content.part, path);
  if (!slice || !part) return slice;
  const bytes = decodeTransfer(Buffer.concat([...slice.read(0, slice.size)]), part.encoding);
  return new Kept(bytes ?? no(`Nobody here can decode ${part.encoding}`, "UNKNOWN-CTE"));
}

/** A part of a slice, as a slice. */
export function spanOf(slice: Slice, part: Span | undefined): Slice {
  if (!part) return slice;
  const from = Math.min(part.from, slice.size);
  return between(slice, from, Math.min(from + part.count, slice.size));
}

function between(slice: Slice, start: number, end: number): Slice {
  return { size: end - start, read: (from, to) => slice.read(start + from, start + to) };
}

/** A part by its numbers. The only part of what is not a multipart is its body (RFC 9051 6.4.5.1). */
function locate(message: Part, path: readonly number[]): Part | undefined {
  let part: Part | undefined;
  for (const number of path) {
    const holder = part === undefined ? message : (part.message ?? part);
    if (holder.type === "multipart") part = holder.parts[number - 1];
    else part = number === 1 && holder !== part ? holder : undefined;
    if (!part) return undefined;
  }
  return part;
}

/** The fields of these names, or all others, and the empty line. */
function chosenFields(content: Slice, message: Part, names: readonly string[], these: boolean): Slice {
  const wanted = new Set(names.map((name) => name.toLowerCase()));
  const chosen = message.fields.filter(({ name }) => wanted.has(name.toLowerCase()) === these);
  const pieces = chosen.flatMap(({ start, end }) => [...content.read(start, end)]);
  return new Kept(Buffer.concat([...pieces, Buffer.from("\r\n")]));
}
