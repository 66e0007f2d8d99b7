/**
 * Names of mailboxes ⇄ as they travel: modified UTF-7 (RFC 3501 §5.1.3), or UTF-8 where the server was asked for it
 * (RFC 6855, IMAP4rev2). Whatever a server calls a mailbox, its name here leads back to it. No I/O.
 */
import { UsageError } from "../client/errors.js";
import { BYTE_ESCAPE, decodeText, encodeText } from "../wire/text.js";

/** Bytes that stand for no character of a name: control characters, and what is not ASCII where that is all there may be. */
const ODD_BYTES = /[\x00-\x1f\x7f-\xff]/g;
const CONTROLS = /[\x00-\x1f\x7f]/g;
const ODD_OR_SHIFTED = /&([^-&]*)(-?)|[\x00-\x1f\x7f-\xff]/g;
/** What `escaped` made of ASCII. */
const ESCAPED_ASCII = /[\udc01-\udc1f\udc26\udc7f]/gu;
/** … of any byte. `&` is among them where it began no proper base64. */
const ESCAPED = /^[\udc01-\udc1f\udc26\udc7f-\udcff]$/u;
const TO_ENCODE = /&|[\udc01-\udc1f\udc26\udc7f-\udcff]|[^\x20-\x7e\udc01-\udc1f\udc26\udc7f-\udcff]+/gu;
const CONTROL = /[\x00-\x1f\x7f\udc00\udc0a\udc0d]/u;
/** Half a character, and no byte either. */
const HALF_PAIR = /[\udc20-\udc25\udc27-\udc7e\udd00-\udfff\ud800-\udbff]/u;

/**
 * The name of a mailbox. INBOX in any case is `INBOX`. A byte that belongs to no character, and an `&` that begins no
 * proper modified UTF-7, is the lone surrogate U+DC00 plus the byte, so that {@link encodeMailbox} gives it back.
 *
 * @param raw One character per byte (latin1).
 * @param utf8 True where the connection's names are UTF-8. Default: false.
 */
export function decodeMailbox(raw: string, utf8 = false): string {
  if (isInbox(raw)) return "INBOX";
  if (utf8) return decodeText(Buffer.from(raw, "latin1")).replace(CONTROLS, escaped);
  if (!/[&\x00-\x1f\x7f-\xff]/.test(raw)) return raw;
  let behind = -1;
  return raw.replace(ODD_OR_SHIFTED, (all, base64: string | undefined, end: string, at: number) => {
    if (base64 === undefined) return escaped(all);
    if (base64 === "" && end !== "") return "&";
    // Two of them side by side would have been one.
    const text = end === "" || at === behind ? undefined : unshifted(base64);
    if (text === undefined) return escaped("&") + all.slice(1).replace(ODD_BYTES, escaped);
    behind = at + all.length;
    return text;
  });
}

/**
 * A name as it travels, one character per byte. Throws UsageError for half a surrogate pair, and for control
 * characters, which no name should have (RFC 9051 §5.1).
 *
 * @param utf8 True where the connection's names are UTF-8. Default: false.
 */
export function encodeMailbox(name: string, utf8 = false): string {
  if (typeof name !== "string") throw notAName(name, "it is no text");
  if (CONTROL.test(name)) throw notAName(name, "it holds control characters");
  if (HALF_PAIR.test(name)) throw notAName(name, "it holds half a surrogate pair");
  if (isInbox(name)) return "INBOX";
  if (utf8) return encodeText(name.replace(ESCAPED_ASCII, byteOf)).toString("latin1");
  return name.replace(TO_ENCODE, (part) => (part === "&" ? "&-" : ESCAPED.test(part) ? byteOf(part) : shifted(part)));
}

function notAName(name: unknown, why: string): UsageError {
  return new UsageError(`${JSON.stringify(name)} is no name of a mailbox: ${why}`, { protocol: "imap" });
}

function isInbox(name: string): boolean {
  return name.length === 5 && name.toUpperCase() === "INBOX";
}

function escaped(byte: string): string {
  return String.fromCharCode(BYTE_ESCAPE + byte.charCodeAt(0));
}

function byteOf(surrogate: string): string {
  return String.fromCharCode(surrogate.charCodeAt(0) - BYTE_ESCAPE);
}

/** The text between `&` and `-`; undefined where we would not write it so. */
function unshifted(base64: string): string | undefined {
  const bytes = Buffer.from(base64.replaceAll(",", "/"), "base64");
  if (bytes.length < 2 || bytes.length % 2 !== 0) return undefined;
  const text = bytes.swap16().toString("utf16le");
  return !/[\x00-\x7f\p{Surrogate}]/u.test(text) && shifted(text) === `&${base64}-` ? text : undefined;
}

/** Text in modified base64. */
function shifted(text: string): string {
  const base64 = Buffer.from(text, "utf16le").swap16().toString("base64");
  return `&${base64.replace(/=+$/, "").replaceAll("/", ",")}-`;
}
