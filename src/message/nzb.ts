/** NZB 1.1: an XML list of the articles that hold files. Text ⇄ values. Pure. */
import sax from "sax";
import { UsageError } from "../client/errors.js";
import { decodeBytes } from "./charset.js";

/** An article that holds a part of a file. */
export interface NzbSegment {
  /** The size of the article; 0 where it is not known. */
  bytes: number;
  /** The number of the part, from 1. */
  number: number;
  /** With its angle brackets, as NNTP wants it: `<part1@example.org>`. NZB files leave them out. */
  messageId: string;
}

/** A file, by the articles that hold it. */
export interface NzbFile {
  poster: string;
  /** When it was posted, to the second. */
  date?: Date | undefined;
  subject: string;
  groups: string[];
  /** By number. */
  segments: NzbSegment[];
}

/** A list of files. */
export interface Nzb {
  /** `title`, `password`, `tag`, `category` … ; several of the same name are joined with ", ". */
  meta: Record<string, string>;
  files: NzbFile[];
}

/** How to read. */
export interface NzbOptions {
  /** Bytes, or characters of a text, that are read at most. Default: 64 MiB. */
  limit?: number | undefined;
}

/** A file has four levels of elements: more than this is no NZB, and would only cost memory. */
const DEPTH_LIMIT = 64;
/** Characters given to the parser at once, so that what is wrong is found early. */
const PIECE = 64 * 1024;

/**
 * Reads an NZB file. Tolerated: no declaration, no DOCTYPE, another namespace, a wrong charset, bare `&` and `<`,
 * missing attributes (a segment without number follows the last one), segments in any order. Entities of a DOCTYPE are
 * never expanded and nothing is ever fetched.
 *
 * @param xml The file. Bytes that are UTF-8 are read as such, whatever the file says; else as it says.
 * @throws UsageError where it is no NZB file, ends too early, or is larger than `options.limit`.
 *
 * @example
 * const { files } = parseNzb(await readFile("fox.nzb"));
 * for (const { messageId } of files[0].segments) await nntp.body(messageId);
 */
export function parseNzb(xml: string | Uint8Array, options: NzbOptions = {}): Nzb {
  const limit = options.limit ?? 64 * 2 ** 20;
  if (xml.length > limit) {
    throw new UsageError(`the NZB file has ${xml.length} bytes, at most ${limit} are read`, {
      advice: "raise options.limit",
    });
  }
  const text = typeof xml === "string" ? xml : decodeXml(xml);
  const reader = new NzbReader();
  const parser = sax.parser(true, { position: false });
  parser.onopentag = ({ name, attributes }) => reader.open(name, attributes as Record<string, string>);
  parser.onclosetag = (name) => reader.close(name);
  parser.ontext = parser.oncdata = (piece) => reader.text(piece);
  // Its complaints are about what is tolerated here; whether the file is whole is known without them.
  parser.onerror = () => parser.resume();
  for (let at = 0; at < text.length; at += PIECE) parser.write(text.slice(at, at + PIECE));
  parser.close();
  return reader.result();
}

/** UTF-16 has a mark at its start; for the rest the declaration is read. */
function decodeXml(bytes: Uint8Array): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return decodeBytes(bytes.subarray(2), "utf-16le");
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return decodeBytes(bytes.subarray(2), "utf-16be");
  const start = Buffer.from(bytes.subarray(0, 200)).toString("latin1");
  return decodeBytes(bytes, /^[^>]*\sencoding=["']([\w.:-]+)["']/.exec(start)?.[1]);
}

/** Puts together what the parser finds. */
class NzbReader {
  readonly #meta = new Map<string, string>();
  readonly #files: NzbFile[] = [];
  #depth = 0;
  #begun = false;
  #ended = false;
  #text = "";
  /** The attributes of the innermost element that has text. */
  #attributes: Record<string, string> = {};

  open(name: string, attributes: Record<string, string>): void {
    const tag = localName(name);
    if (++this.#depth > DEPTH_LIMIT) throw new UsageError(`not an NZB file: elements are ${DEPTH_LIMIT} deep`);
    if (this.#depth === 1 && tag !== "nzb")
      throw new UsageError(`not an NZB file: it begins with <${name.slice(0, 40)}>`);
    this.#begun = true;
    this.#text = "";
    this.#attributes = attributes;
    if (tag === "file") this.#files.push(newFile(attributes));
  }

  text(piece: string): void {
    this.#text += piece;
  }

  close(name: string): void {
    const text = this.#text.trim();
    this.#text = "";
    this.#elements.get(localName(name))?.(text, this.#attributes);
    if (--this.#depth === 0) this.#ended = true;
  }

  /** What is done with the text of an element. */
  readonly #elements = new Map<string, (text: string, attributes: Record<string, string>) => void>([
    ["meta", (text, { type = "" }) => this.#addMeta(type, text)],
    ["group", (text) => text !== "" && this.#files.at(-1)?.groups.push(text)],
    ["segment", (text, attributes) => this.#addSegment(text.replace(/^<|>$/g, ""), attributes)],
  ]);

  #addMeta(type: string, text: string): void {
    const known = this.#meta.get(type);
    if (type !== "" && text !== "") this.#meta.set(type, known === undefined ? text : `${known}, ${text}`);
  }

  #addSegment(id: string, attributes: Record<string, string>): void {
    const segments = this.#files.at(-1)?.segments;
    if (id === "" || segments === undefined) return;
    const number = wholeNumber(attributes.number) ?? (segments.at(-1)?.number ?? 0) + 1;
    segments.push({ bytes: wholeNumber(attributes.bytes) ?? 0, number, messageId: `<${id}>` });
  }

  result(): Nzb {
    if (!this.#begun) throw new UsageError("not an NZB file: it has no XML elements");
    if (!this.#ended) throw new UsageError("the NZB file is cut short: its last element is not closed");
    for (const file of this.#files) file.segments.sort((a, b) => a.number - b.number);
    return { meta: Object.fromEntries(this.#meta), files: this.#files };
  }
}

function newFile({ poster = "", subject = "", date }: Record<string, string>): NzbFile {
  const seconds = wholeNumber(date);
  const known = seconds !== undefined && seconds > 0 && seconds <= 8.64e12 ? { date: new Date(seconds * 1000) } : {};
  return { poster, ...known, subject, groups: [], segments: [] };
}

function localName(name: string): string {
  return name.slice(name.indexOf(":") + 1).toLowerCase();
}

function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\s*\d{1,15}\s*$/.test(text) ? Number(text) : undefined;
}

const PROLOGUE = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE nzb PUBLIC "-//newzBin//DTD NZB 1.1//EN" "http://www.newzbin.com/DTD/nzb/nzb-1.1.dtd">
<nzb xmlns="http://www.newzbin.com/DTD/2003/nzb">
`;

/**
 * Writes an NZB file (1.1, UTF-8). Characters that XML cannot hold become U+FFFD.
 *
 * @example
 * await writeFile("fox.nzb", formatNzb({ meta: { title: "Fox" }, files }));
 */
export function formatNzb(nzb: Nzb): string {
  const meta = Object.entries(nzb.meta).map(
    ([type, text]) => `    <meta type="${escapeXml(type)}">${escapeXml(text)}</meta>\n`,
  );
  const head = meta.length === 0 ? "" : `  <head>\n${meta.join("")}  </head>\n`;
  return `${PROLOGUE}${head}${nzb.files.map(formatFile).join("")}</nzb>\n`;
}

function formatFile({ poster, date, subject, groups, segments }: NzbFile): string {
  const seconds = date === undefined ? "" : ` date="${Math.floor(date.getTime() / 1000)}"`;
  return [
    `  <file poster="${escapeXml(poster)}"${seconds} subject="${escapeXml(subject)}">`,
    "    <groups>",
    ...groups.map((group) => `      <group>${escapeXml(group)}</group>`),
    "    </groups>",
    "    <segments>",
    ...segments.map(formatSegment),
    "    </segments>",
    "  </file>\n",
  ].join("\n");
}

function formatSegment({ bytes, number, messageId }: NzbSegment): string {
  const id = escapeXml(messageId.replace(/^<|>$/g, ""));
  return `      <segment bytes="${bytes}" number="${number}">${id}</segment>`;
}

const REFERENCES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };
/** What XML 1.0 has no way to write (section 2.2). */
const IMPOSSIBLE = /[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/g;

/** For attributes and text alike; line ends and tabs would become blanks in an attribute. */
function escapeXml(text: string): string {
  const possible = text.toWellFormed().replace(IMPOSSIBLE, "\ufffd");
  return possible.replace(/[&<>"\t\r\n]/g, (c) => REFERENCES[c] ?? `&#${c.charCodeAt(0)};`);
}
