/** Bytes of a declared, undeclared or wrongly declared charset → text. Never throws. Pure. */
import { isAscii, isUtf8 } from "node:buffer";

/** What windows-1252 has at 0x80 to 0x9f; its five gaps are control characters, as on the web. */
const WINDOWS_1252 = "€\x81‚ƒ„…†‡ˆ‰Š‹Œ\x8dŽ\x8f\x90‘’“”•–—˜™š›œ\x9džŸ";

/** Charsets of old newsreaders that TextDecoder does not know: what they have at 0x80 to 0xff. */
const UPPER_HALF: Readonly<Record<string, string>> = {
  ibm437:
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜ¢£¥₧ƒáíóúñÑªº¿⌐¬½¼¡«»░▒▓│┤╡╢╖╕╣║╗╝╜╛┐└┴┬├─┼╞╟╚╔╩╦╠═╬╧╨╤╥╙╘╒╓╫╪┘┌█▄▌▐▀αßΓπΣσµτΦΘΩδ∞φε∩≡±≥≤⌠⌡÷≈°∙·√ⁿ²■\xa0",
  ibm850:
    "ÇüéâäàåçêëèïîìÄÅÉæÆôöòûùÿÖÜø£Ø×ƒáíóúñÑªº¿®¬½¼¡«»░▒▓│┤ÁÂÀ©╣║╗╝¢¥┐└┴┬├─┼ãÃ╚╔╩╦╠═╬¤ðÐÊËÈıÍÎÏ┘┌█▄¦Ì▀ÓßÔÒõÕµþÞÚÛÙýÝ¯´\xad±‗¾¶§÷¸°¨·¹³²■\xa0",
};

/** Names in the wild that TextDecoder does not know, for names that it, or this file, knows. */
const ALIASES: Readonly<Record<string, string>> = {
  "8bit": "unknown",
  "unknown-8bit": "unknown",
  "us-ascii": "unknown",
  ascii: "unknown",
  utf7: "utf-7",
  "unicode-1-1-utf-7": "utf-7",
  utf_8: "utf-8",
  utf8mb4: "utf-8",
  "utf-8-mac": "utf-8",
  latin: "windows-1252",
  "latin-1": "windows-1252",
  "iso-8859": "windows-1252",
  "iso-latin-1": "windows-1252",
  "iso8859-1-windows-3.1-latin-1": "windows-1252",
  "iso-8859-16": "iso-8859-2", // but for s and t with a comma, which the latter has with a cedilla
  cp437: "ibm437",
  "437": "ibm437",
  cp850: "ibm850",
  "850": "ibm850",
  cp858: "ibm850",
  ibm858: "ibm850",
  cp874: "windows-874",
  cp932: "shift_jis",
  cp936: "gbk",
  cp949: "euc-kr",
  cp950: "big5",
  "cp-1252": "windows-1252",
  euc_jp: "euc-jp",
  eucjp: "euc-jp",
  euc_kr: "euc-kr",
  euckr: "euc-kr",
  ks_c_5601: "euc-kr",
};

/** Charsets whose bytes are ASCII or look like UTF-8 although they are neither: for them alone the declaration wins. */
const NOT_ASCII_BASED = /^(?:cs)?(?:iso-?2022-|utf-?(?:7|16)|unicode|ucs-2)/i;

/** Turns bytes into text, whatever they are. */
type Decoder = (bytes: Buffer) => string;

const decoders = new Map<string, Decoder>([
  ["unknown", decodeUndeclared],
  ["utf-8", decodeUtf8],
  ["utf8", decodeUtf8],
  ["utf-7", decodeUtf7],
  ["ibm437", (bytes) => upperHalf(bytes, UPPER_HALF.ibm437!)],
  ["ibm850", (bytes) => upperHalf(bytes, UPPER_HALF.ibm850!)],
]);

/**
 * The text of bytes whose charset may be declared wrongly or not at all, such as an article's body: UTF-8 where they are
 * valid UTF-8, else the declared charset, else windows-1252. A declared charset that is not a superset of ASCII
 * (ISO-2022-JP, UTF-7, UTF-16) comes first. Never throws; what the charset lacks becomes U+FFFD.
 *
 * @param bytes The bytes.
 * @param charset What the sender says it is, in any spelling. Default: nothing is known.
 */
export function decodeBytes(bytes: Uint8Array, charset = "unknown"): string {
  const buffer = asBuffer(bytes);
  if (NOT_ASCII_BASED.test(charset)) return decodeDeclared(buffer, charset);
  return isUtf8(buffer) ? buffer.toString("utf8") : decodeDeclared(buffer, charset);
}

/** The text of bytes in the charset they are declared to have; one that nobody knows counts as undeclared. */
export function decodeDeclared(bytes: Buffer, charset: string): string {
  return (decoders.get(charset) ?? decoderFor(charset))(bytes);
}

/** The text of a string with one character per byte (latin1) and no declared charset: UTF-8 if valid, else windows-1252. */
export function decodeBare(raw: string): string {
  if (!BEYOND_ASCII.test(raw) || BEYOND_BYTES.test(raw)) return raw;
  const bytes = Buffer.from(raw, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : fromWindows1252(raw);
}

/** Without any the string is what it is in every charset here. */
const BEYOND_ASCII = /[^\x00-\x7f]/;
/** Characters that are no bytes: the string is text already. */
const BEYOND_BYTES = /[^\x00-\xff]/;

function decoderFor(charset: string): Decoder {
  const label = charset.toLowerCase().trim();
  const name = ALIASES[label] ?? label;
  const decoder = decoders.get(name) ?? webDecoder(name);
  // Only known names are kept, or a sender could fill the memory with names.
  if (decoder !== undefined) decoders.set(label, decoder);
  return decoder ?? decodeUndeclared;
}

function webDecoder(name: string): Decoder | undefined {
  try {
    const decoder = new TextDecoder(name, { ignoreBOM: true });
    // Some versions of Node read windows-1252 as ISO 8859-1.
    if (decoder.encoding === "windows-1252") return (bytes) => fromWindows1252(bytes.toString("latin1"));
    return (bytes) => decoder.decode(bytes);
  } catch {
    return undefined;
  }
}

function decodeUndeclared(bytes: Buffer): string {
  return isUtf8(bytes) ? bytes.toString("utf8") : fromWindows1252(bytes.toString("latin1"));
}

/** Bytes said to be UTF-8: a character cut in two leaves U+FFFD, but where none is whole the name is wrong. */
function decodeUtf8(bytes: Buffer): string {
  const text = bytes.toString("utf8");
  return isUtf8(bytes) || /[^\x00-\x7f\ufffd]/.test(text) ? text : fromWindows1252(bytes.toString("latin1"));
}

/** UTF-7 (RFC 2152): Outlook Express wrote it. */
function decodeUtf7(bytes: Buffer): string {
  if (!isAscii(bytes)) return decodeUndeclared(bytes);
  return bytes.toString("latin1").replace(/\+([A-Za-z0-9+/]*)-?/g, (_, base64: string) => {
    if (base64 === "") return "+";
    const units = Buffer.from(base64, "base64");
    return units
      .subarray(0, units.length & ~1)
      .swap16()
      .toString("utf16le");
  });
}

function fromWindows1252(raw: string): string {
  return raw.replace(/[\x80-\x9f]/g, (c) => WINDOWS_1252[c.charCodeAt(0) - 0x80]!);
}

function upperHalf(bytes: Buffer, table: string): string {
  return bytes.toString("latin1").replace(/[\x80-\xff]/g, (c) => table[c.charCodeAt(0) - 0x80]!);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
