/** ENVELOPE, BODY and BODYSTRUCTURE of a parsed message (RFC 9051 7.5.2). Pure. */
import { type Address, addresses } from "./addresses.js";
import { bare, fieldOf, type Parameter, parameters } from "./fields.js";
import type { Part } from "./mime.js";
import { nstring, string } from "./reply.js";

/** `(date subject from sender reply-to to cc bcc in-reply-to message-id)`. */
export function envelope(message: Part, utf8: boolean): string {
  const field = (name: string) => fieldOf(message.fields, name);
  const from = people(field("from"), utf8);
  const or = (name: string) => (field(name) ? people(field(name), utf8) : from);
  const rest = ["to", "cc", "bcc"].map((name) => people(field(name), utf8));
  const ids = ["in-reply-to", "message-id"].map((name) => nstring(field(name), utf8));
  const first = [nstring(field("date"), utf8), nstring(field("subject"), utf8)];
  return `(${[...first, from, or("sender"), or("reply-to"), ...rest, ...ids].join(" ")})`;
}

function people(value: string | undefined, utf8: boolean): string {
  const all = value === undefined ? [] : addresses(value);
  return all.length === 0 ? "NIL" : `(${all.map((one) => person(one, utf8)).join("")})`;
}

function person({ name, route, mailbox, host }: Address, utf8: boolean): string {
  return `(${[name, route, mailbox, host].map((value) => nstring(value, utf8)).join(" ")})`;
}

/** BODY, or BODYSTRUCTURE where the extension data is asked for. */
export function bodyStructure(part: Part, extended: boolean, utf8: boolean): string {
  const field = (name: string) => fieldOf(part.fields, name);
  const extension = () => ` ${extensionOf(part, utf8)}`;
  if (part.type === "multipart") {
    const parts = part.parts.map((each) => bodyStructure(each, extended, utf8)).join("");
    const words = extended ? ` ${pairs(part.parameters, utf8)}${extension()}` : "";
    // A multipart without parts cannot be said: the one part it must have is an empty text.
    return `(${parts || EMPTY} ${string(part.subtype)}${words})`;
  }
  const size = part.end - part.body;
  const basic = [
    string(part.type),
    string(part.subtype),
    pairs(part.parameters.length > 0 || field("content-type") ? part.parameters : US_ASCII, utf8),
    nstring(field("content-id"), utf8),
    nstring(field("content-description"), utf8),
    string(part.encoding),
    `${size}`,
  ].join(" ");
  const inner = part.message;
  const message = inner
    ? ` ${envelope(inner, utf8)} ${bodyStructure(inner, extended, utf8)} ${part.lines}`
    : part.type === "text"
      ? ` ${part.lines}`
      : "";
  const end = extended ? ` ${nstring(field("content-md5"), utf8)}${extension()}` : "";
  return `(${basic}${message}${end})`;
}

const US_ASCII: Parameter[] = [["charset", "us-ascii"]];
const EMPTY = '("text" "plain" ("charset" "us-ascii") NIL NIL "7bit" 0 0)';

function pairs(words: readonly Parameter[], utf8: boolean): string {
  if (words.length === 0) return "NIL";
  return `(${words.map(([name, value]) => `${string(name)} ${string(value, utf8)}`).join(" ")})`;
}

/** Disposition, language, location. */
function extensionOf(part: Part, utf8: boolean): string {
  const disposition = fieldOf(part.fields, "content-disposition");
  const languages = (fieldOf(part.fields, "content-language") ?? "").split(",").map((tag) => tag.trim());
  const spoken = languages.filter((tag) => tag !== "").map((tag) => string(tag));
  const shown = disposition
    ? `(${string(bare(disposition).toLowerCase(), utf8)} ${pairs(parameters(disposition), utf8)})`
    : "NIL";
  const language = spoken.length === 0 ? "NIL" : `(${spoken.join(" ")})`;
  return `${shown} ${language} ${nstring(fieldOf(part.fields, "content-location"), utf8)}`;
}
