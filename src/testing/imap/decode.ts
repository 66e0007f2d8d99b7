/** Contents without their encodings: transfer encodings (RFC 2045 6), encoded words (RFC 2047), charsets. Pure. */

import { fieldOf } from "./fields.js";
import type { Part } from "./mime.js";
import type { Slice } from "./sections.js";

/** Bytes as they were before their transfer encoding; undefined for one that nobody knows. */
export function decodeTransfer(bytes: Buffer, encoding: string): Buffer | undefined {
  if (["7bit", "8bit", "binary"].includes(encoding)) return bytes;
  if (encoding === "base64") return Buffer.from(bytes.toString("latin1"), "base64");
  return encoding === "quoted-printable" ? quotedPrintable(bytes.toString("latin1")) : undefined;
}

function quotedPrintable(text: string): Buffer {
  const joined = text.replace(/[ \t]+(?=\r?$)/gm, "").replace(/=\r?\n/g, "");
  return Buffer.from(
    joined.replace(/=([0-9A-Fa-f]{2})/g, (_, hex: string) => String.fromCharCode(parseInt(hex, 16))),
    "latin1",
  );
}

/** Bytes as text; UTF-8 where nobody knows the charset. */
function decodeCharset(bytes: Buffer, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return bytes.toString("utf8");
  }
}

const WORD = /=\?([^?*\s]+)(?:\*[^?\s]*)?\?([bq])\?([^?\s]*)\?=(?:\s+(?==\?[^?\s]+\?[bq]\?[^?\s]*\?=))?/gi;

/** A header's value (octets) as text. */
export function decodeHeader(value: string): string {
  const decoded = value.replace(WORD, (_, charset: string, kind: string, payload: string) => {
    const bytes =
      kind.toLowerCase() === "b" ? Buffer.from(payload, "base64") : quotedPrintable(payload.replaceAll("_", " "));
    return Buffer.from(decodeCharset(bytes, charset), "utf8").toString("latin1");
  });
  return Buffer.from(decoded, "latin1").toString("utf8");
}

/** The text of a part, without its encodings. */
export function textOfPart(content: Slice, part: Part): string {
  const bytes = Buffer.concat([...content.read(part.body, part.end)]);
  const charset = part.parameters.find(([name]) => name === "charset")?.[1] ?? "utf-8";
  return decodeCharset(decodeTransfer(bytes, part.encoding) ?? bytes, charset);
}

/** The parts that are text, in order, also those of messages inside. */
export function* textParts(part: Part): Iterable<Part> {
  if (part.type === "text") yield part;
  for (const inner of part.parts) yield* textParts(inner);
  if (part.message) yield* textParts(part.message);
}

/** The value of a field as text. */
export function headerText(part: Part, name: string): string {
  return decodeHeader(fieldOf(part.fields, name) ?? "");
}
