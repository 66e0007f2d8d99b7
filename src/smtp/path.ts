/** Addresses as MAIL and RCPT write them (RFC 5321 §4.1.2, RFC 6531 §3.3): checked, domains in ASCII. No I/O. */
import { domainToASCII } from "node:url";
import addressparser from "nodemailer/lib/addressparser";
import { UsageError } from "../client/errors.js";

/** An address on its way into an envelope. */
export interface Path {
  /** `user@host`: what results call it. */
  readonly address: string;
  /** What stands between `<` and `>`. */
  readonly mailbox: string;
  /** The domain in small letters; "" where there is none. */
  readonly domain: string;
  /** True where it can be said with SMTPUTF8 only. */
  readonly utf8: boolean;
}

/** Nobody: the sender of what must not be answered. */
export const NULL_PATH: Path = { address: "", mailbox: "", domain: "", utf8: false };

/** Letters of a local part that needs no quotes, dots among them: servers have taken odd dots for decades. */
const LOCAL = /^[\w!#$%&'*+/=?^`{|}~.\u0080-\u{10ffff}-]+$/u;
const QUOTED = /^"(?:[ !#-[\]-~\u0080-\u{10ffff}]|\\[ -~])*"$/u;
const DOMAIN = /^[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;
/** What may become a domain in ASCII. The rules of URLs would take it for a host with a path behind it, say, else. */
const WIDE_DOMAIN = /^[\w.\u0080-\u{10ffff}-]+$/u;
const LITERAL = /^\[[!-Z^-~]+\]$/;
/** What nearly all addresses are: ASCII, without quotes. */
const PLAIN =
  /^[\w!#$%&'*+/=?^`{|}~.-]+@[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*\.?$/i;
/** What cannot be told apart from text for a terminal, or stands for no character. */
const UNSEEN = /[^\S ]|[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]/u;

/**
 * One address. Where its domain alone is not ASCII it is written in ASCII (IDNA); where the local part is not, all of it
 * goes as it is, in UTF-8. A domain may be missing (`postmaster`; users of an LMTP server).
 *
 * @throws UsageError for what is no address, and for what would end the command early.
 */
export function parsePath(address: string, what: string): Path {
  return plainPath(address) ?? checkedPath(address, what);
}

/** One that is plain: that is seen at a glance. */
function plainPath(address: string): Path | undefined {
  if (typeof address !== "string" || !PLAIN.test(address)) return undefined;
  return { address, mailbox: address, domain: address.slice(address.indexOf("@") + 1).toLowerCase(), utf8: false };
}

function checkedPath(address: string, what: string): Path {
  const refuse = (why: string): never => {
    throw new UsageError(`${what} ${JSON.stringify(address)} ${why}`, { protocol: "smtp" });
  };
  if (typeof address !== "string") return refuse("is no address");
  if (/[\r\n\0]/.test(address)) refuse("holds CR, LF or NUL");
  if (UNSEEN.test(address)) refuse("holds characters that cannot be seen");
  const at = endOfLocal(address);
  const local = address.slice(0, at);
  const domain = address.slice(at + 1);
  if (!LOCAL.test(local) && !QUOTED.test(local)) refuse("is no address: user@host is wanted");
  if (at === address.length) return { address, mailbox: local, domain: "", utf8: !isAscii(local) };
  const ascii = LITERAL.test(domain) || DOMAIN.test(domain) ? domain : asciiDomain(domain);
  if (!LITERAL.test(ascii) && !DOMAIN.test(ascii)) refuse("has no domain that a server could have");
  const utf8 = !isAscii(local);
  return { address, mailbox: `${local}@${utf8 ? domain : ascii}`, domain: ascii.toLowerCase(), utf8 };
}

/** Nothing where there is no such domain. */
function asciiDomain(domain: string): string {
  return WIDE_DOMAIN.test(domain) ? domainToASCII(domain) : "";
}

/** Addresses in one text: `a@example.org, Bob <b@example.org>`. Throws UsageError. */
export function parsePaths(text: string, what: string): Path[] {
  const plain = plainPath(text);
  return plain === undefined ? listedPaths(text, what) : [plain];
}

function listedPaths(text: string, what: string): Path[] {
  if (typeof text === "string" && !/[<>",;:()\s]/.test(text)) return [parsePath(text, what)];
  if (typeof text !== "string" || /[\r\n\0]/.test(text)) return [parsePath(text, what)];
  if (QUOTED.test(text.slice(0, endOfLocal(text)))) return [parsePath(text, what)];
  const plain = text.replace(/"(?:[^"\\]|\\.)*"|\([^()]*\)/g, (part) => (part.startsWith("(") ? " " : part));
  const found = addressparser(plain, { flatten: true });
  if (found.length === 0 || isDoubtful(plain, found)) return [parsePath(text, what)];
  return found.map(({ address }) => parsePath(address === "" ? text : (address ?? text), what));
}

/** The parser takes any words beside an address for its name: without < and > around it, or behind them, they are not. */
function isDoubtful(text: string, found: readonly { name?: string; address?: string }[]): boolean {
  const unquoted = text.replace(/"(?:[^"\\]|\\.)*"/g, "");
  if (/>\s*[^\s,;]/.test(unquoted)) return true;
  const tight = text.replace(/\s*([<>])\s*/g, "$1");
  return found.some(({ name, address }) => name && !tight.includes(`<${address}>`));
}

/** Where the local part ends: at the last @, or behind the quotes. */
function endOfLocal(address: string): number {
  const quoted = /^"(?:[^"\\]|\\.)*"/.exec(address)?.[0].length;
  if (quoted !== undefined)
    return address[quoted] === "@" || quoted === address.length ? quoted : address.lastIndexOf("@");
  const at = address.lastIndexOf("@");
  return at === -1 ? address.length : at;
}

export function isAscii(text: string): boolean {
  return /^[\x00-\x7f]*$/.test(text);
}
