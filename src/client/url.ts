/** URLs of servers: `ftps://user:pw@host/path` → what a client needs. Also hides the password of a URL. No I/O. */
import { isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import { decodeText } from "../wire/text.js";
import type { Protocol } from "./errors.js";
import { UsageError } from "./errors.js";
import { PORTS } from "./options.js";
import type { Credentials, Security } from "./session.js";

/** A server's URL, taken apart and decoded. */
export interface ParsedUrl {
  readonly protocol: Protocol;
  /** From the scheme; with a scheme without s, `?security=` can change it. */
  readonly security: Security;
  /** Name or address; an IPv6 address without brackets, a name in ASCII (IDNA). */
  readonly host: string;
  /** Default: the protocol's own. */
  readonly port: number;
  readonly credentials?: Credentials | undefined;
  /**
   * Decoded, without the slash behind the host. FTP: relative to the folder after login; it begins with `/` where the
   * URL has `//` or `/%2F` (RFC 1738 §3.2.2). IMAP: the mailbox.
   */
  readonly path: string;
  /**
   * What followed `?`, less `security`; and `;type=` of FTP, `;auth=` of POP3 and IMAP, `;uidvalidity=` of IMAP, under these
   * names.
   */
  readonly params: Readonly<Record<string, string>>;
}

/** Scheme → protocol and security. */
const SCHEMES: Readonly<Record<string, readonly [Protocol, Security]>> = {
  ftp: ["ftp", "starttls"],
  ftps: ["ftp", "tls"],
  nntp: ["nntp", "starttls"],
  nntps: ["nntp", "tls"],
  smtp: ["smtp", "starttls"],
  smtps: ["smtp", "tls"],
  pop3: ["pop3", "starttls"],
  pop3s: ["pop3", "tls"],
  imap: ["imap", "starttls"],
  imaps: ["imap", "tls"],
};

/**
 * Takes a server's URL apart. `ftps nntps smtps pop3s imaps` mean TLS from the first byte, the schemes without s an
 * upgrade by STARTTLS; `?security=plain` must be written out. Percent escapes are bytes; those that are not UTF-8
 * become lone surrogates, as in names that a server sends.
 *
 * @throws UsageError for what is no such URL. Its message never shows a password.
 *
 * @example
 * parseUrl("ftps://alice:s%40fe@files.example.org/in/a%20b.csv");
 * // { protocol: "ftp", security: "tls", host: "files.example.org", port: 990,
 * //   credentials: { user: "alice", password: "s@fe" }, path: "in/a b.csv", params: {} }
 */
export function parseUrl(url: string | URL): ParsedUrl {
  const text = typeof url === "string" ? url : url.href;
  const fail: Fail = (why, advice) => {
    throw new UsageError(`${JSON.stringify(redactUrl(text))} ${why}`, advice === undefined ? {} : { advice });
  };
  if (/[\0\r\n]/.test(text)) fail("holds CR, LF or NUL");
  const match = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)([^?#]*)(?:\?([^#]*))?(?:#.*)?$/i.exec(text);
  if (match === null) return fail("is not the URL of a server", `write ${known()}://user@host/path`);
  const [, scheme = "", authority = "", rawPath = "", query = ""] = match;
  const found = Object.hasOwn(SCHEMES, scheme.toLowerCase()) ? SCHEMES[scheme.toLowerCase()] : undefined;
  if (found === undefined) return fail(`has a scheme that polywire does not speak`, `the schemes are ${known()}`);
  const [protocol, usual] = found;
  const at = authority.lastIndexOf("@");
  const [identity, auth] = readIdentity(protocol, at < 0 ? "" : authority.slice(0, at), fail);
  const { path, ...named } = readPath(protocol, rawPath, fail);
  const { security: asked, ...params } = readQuery(query, fail);
  const security = readSecurity(scheme.toLowerCase(), usual, asked, fail);
  const { host, port } = readHost(authority.slice(at + 1), PORTS[protocol][security === "tls" ? 1 : 0], fail);
  const extra = { ...named, ...(auth === undefined ? {} : { auth }) };
  const credentials = identity === undefined ? {} : { credentials: identity };
  return { protocol, security, host, port, ...credentials, path, params: { ...params, ...extra } };
}

/** True for the URL of a server; anything else is a local path, or the `file:` URL of one. */
export function isServerUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(text) && !isFileUrl(text);
}

/** True for a `file:` URL, in whatever case. */
export function isFileUrl(text: string): boolean {
  return /^file:/i.test(text);
}

/**
 * The URL with `***` for its password (and for parameters named like a secret). It also works on what is no URL at
 * all, and hides too much rather than too little there.
 */
export function redactUrl(url: string | URL): string {
  const text = typeof url === "string" ? url : url.href;
  const start = /^[a-z][a-z0-9+.-]*:\/+/i.exec(text)?.[0].length ?? 0;
  const params = (rest: string) => rest.replace(/((?:pass|pw|secret|token|auth|key)[^=&]*=)[^&#]*/gi, "$1***");
  const rest = text.slice(start);
  const authority = /^[^/?#]*/.exec(rest)?.[0] ?? "";
  const inside = authority.lastIndexOf("@");
  // Without an @ in its place, the password itself may hold the / ? or # that came first.
  const at = inside >= 0 ? inside : rest.lastIndexOf("@");
  const colon = rest.indexOf(":");
  if (at >= 0 && colon >= 0 && colon < at) return `${text.slice(0, start + colon)}:***${params(rest.slice(at))}`;
  const badPort = at < 0 && /^[^/?#[]*?:(?!\d*$)/.exec(authority);
  if (badPort) return `${text.slice(0, start)}${badPort[0]}***`;
  return text.slice(0, start) + params(rest);
}

type Fail = (why: string, advice?: string) => never;

function readIdentity(protocol: Protocol, text: string, fail: Fail): [Credentials | undefined, string | undefined] {
  if (text === "") return [undefined, undefined];
  const colon = text.indexOf(":");
  let user = colon < 0 ? text : text.slice(0, colon);
  // RFC 2384 and RFC 5092: user;AUTH=mechanism
  const auth = protocol === "pop3" || protocol === "imap" ? /;auth=([^;]*)$/i.exec(user) : null;
  if (auth) user = user.slice(0, auth.index);
  const credentials = {
    ...(user === "" ? {} : { user: decode(user, "user", fail) }),
    ...(colon < 0 ? {} : { password: decode(text.slice(colon + 1), "password", fail) }),
  };
  return [credentials, auth?.[1] === undefined ? undefined : decode(auth[1], "mechanism", fail)];
}

function readHost(text: string, usual: number, fail: Fail): { host: string; port: number } {
  const match = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(text);
  if (match === null) return fail("has no valid host and port", "special characters of a password are written %XX");
  const [, rawHost = "", rawPort = ""] = match;
  const port = rawPort === "" ? usual : Number(rawPort);
  if (port < 1 || port > 65535) fail("has no valid port", "ports go from 1 to 65535");
  if (rawHost.startsWith("[")) {
    const host = decode(rawHost.slice(1, -1), "host", fail);
    return isIPv6(host) ? { host, port } : fail("has brackets around what is no IPv6 address");
  }
  const name = decode(rawHost, "host", fail);
  // Looked at before: what makes it ASCII takes all behind a slash, or a question mark, for no part of a host.
  if (/[\s/?#@:%<>"\\^`{|}]/.test(name)) fail("has no valid host");
  const host = /^[\x21-\x7e]*$/.test(name) ? name : domainToASCII(name);
  if (host === "") fail("has no valid host");
  return { host, port };
}

/** What may stand behind a path: FTP's type of transfer (RFC 1738 §3.2.2), IMAP's numbering of messages (RFC 5092). */
const BEHIND_PATH: Readonly<Partial<Record<Protocol, RegExp>>> = {
  ftp: /;(type)=([aid])$/i,
  imap: /;(uidvalidity)=([1-9]\d{0,9})$/i,
};

function readPath(protocol: Protocol, text: string, fail: Fail): Readonly<Record<string, string>> & { path: string } {
  const found = BEHIND_PATH[protocol]?.exec(text);
  const raw = (found ? text.slice(0, found.index) : text).replace(/^\//, "");
  if (protocol === "imap" && raw.includes(";")) fail("names more than a mailbox", "a ; in its name is written %3B");
  const [, name, value] = found ?? [];
  const path = decode(raw, "path", fail);
  if (name === undefined || value === undefined) return { path };
  if (protocol === "imap" && path === "") fail("has a UIDVALIDITY, and no mailbox");
  return { path, [name.toLowerCase()]: value.toLowerCase() };
}

function readQuery(text: string, fail: Fail): Record<string, string> {
  const pairs = new Map<string, string>();
  for (const part of text.split("&").filter((part) => part !== "")) {
    const equals = part.indexOf("=");
    const name = decode(equals < 0 ? part : part.slice(0, equals), "parameter", fail);
    if (pairs.has(name)) fail(`has the parameter ${name} twice`);
    pairs.set(name, equals < 0 ? "" : decode(part.slice(equals + 1), "parameter", fail));
  }
  return Object.fromEntries(pairs);
}

function readSecurity(scheme: string, usual: Security, asked: string | undefined, fail: Fail): Security {
  if (asked === undefined || asked === usual) return usual;
  if (usual === "tls") fail(`asks for TLS by its scheme and for something else by security=${asked}`);
  if (asked === "plain" || asked === "tls") return asked;
  return fail(`has security=${asked}`, `with ${scheme}: it is plain, starttls or tls`);
}

/** Percent escapes → bytes → text. A percent sign without two digits stays what it is. */
function decode(text: string, what: string, fail: Fail): string {
  if (!text.includes("%")) return text;
  const out = text.replace(/(?:%[0-9a-f]{2})+/gi, (escapes) =>
    decodeText(Buffer.from(escapes.replaceAll("%", ""), "hex")),
  );
  if (/[\0\r\n]/.test(out)) fail(`holds CR, LF or NUL in its ${what}`);
  return out;
}

function known(): string {
  return Object.keys(SCHEMES).join(", ");
}
