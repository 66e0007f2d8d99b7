/** What FTP replies say beyond their code: ports, paths, times, features. Text in, values out. No I/O. */
import { ProtocolError } from "../client/errors.js";
import type { Reply } from "../client/session.js";

/**
 * `257 "/a ""b"" c" created`: the path, doubled quotes single again (RFC 959 appendix II). Pure-FTPd and inetutils
 * double nothing: what follows a quote then shows that it was not the last one.
 */
export function parsePath(text: string): string | undefined {
  const start = text.indexOf('"');
  if (start === -1) return undefined;
  let path = "";
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] !== '"') path += text[i];
    else if (text[i + 1] === '"') path += text[++i];
    else if (/[^\s.,;:]/.test(text[i + 1] ?? "")) return text.slice(start + 1, text.lastIndexOf('"'));
    else return path.replaceAll("\udcff\udcff", "\udcff");
  }
  return undefined;
}

/** `229 Entering Extended Passive Mode (|||6446|)`: the port (RFC 2428 §3). Throws ProtocolError. */
export function parseEpsv(reply: Reply): number {
  const port = Number(/\((.)\1\1(\d{1,5})\1\)/.exec(reply.text)?.[2]);
  if (port > 0 && port < 65536) return port;
  throw new ProtocolError(`no port in the answer to EPSV: ${JSON.stringify(reply.text)}`);
}

/** `227 =h1,h2,h3,h4,p1,p2`: host and port (RFC 959 §4.1.2; servers put the numbers anywhere). Throws ProtocolError. */
export function parsePasv(reply: Reply): { host: string; port: number } {
  const numbers = /(?<!\d)(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3}),(\d{1,3})(?!\d)/.exec(reply.text);
  const [h1, h2, h3, h4, p1, p2] = (numbers ?? []).slice(1).map(Number);
  if (p2 !== undefined && [h1, h2, h3, h4, p1, p2].every((n) => (n as number) < 256)) {
    return { host: `${h1}.${h2}.${h3}.${h4}`, port: (p1 as number) * 256 + p2 };
  }
  throw new ProtocolError(`no address in the answer to PASV: ${JSON.stringify(reply.text)}`);
}

/** `213 20260118213145.123`: the time, in UTC (RFC 3659 §2.3). Some servers of 2000 wrote 19100 for the year. */
export function parseTime(text: string): Date | undefined {
  const m = /(?<!\d)(\d{4}|19\d{3})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:\.(\d{1,9}))?/.exec(text.trim());
  if (m === null) return undefined;
  const [, y = "", mo, d, h, mi, s, fraction] = m;
  const year = y.length === 5 ? 1900 + Number(y.slice(2)) : Number(y);
  const ms = fraction === undefined ? 0 : Math.trunc(Number(`0.${fraction}`) * 1000);
  const date = new Date(Date.UTC(year, Number(mo) - 1, Number(d), Number(h), Number(mi), Number(s), ms));
  return Number.isNaN(date.getTime()) || date.getUTCDate() !== Number(d) ? undefined : date;
}

/** A time as MFMT, MDTM and MFF take it: `20260118213145`, in UTC. */
export function formatTime(date: Date): string {
  return date.toISOString().replace(/[-:T]|\.\d+Z$/g, "");
}

/** A size: `213 1234`. */
export function parseSize(text: string): number | undefined {
  const m = /^\s*(\d{1,16})(?!\d)/.exec(text);
  return m === null ? undefined : Number(m[1]);
}

/** The answer to FEAT (RFC 2389 §3.2): word in upper case → its arguments, one string a line. */
export function parseFeatures(reply: Reply): Map<string, string[]> {
  const features = new Map<string, string[]>();
  for (const line of reply.lines.slice(1, -1)) {
    const [, word, rest] = /^\s*(?:\d{3}-)?\s*(\S+)\s*(.*?)\s*$/.exec(line) ?? [];
    if (word === undefined) continue;
    const key = word.toUpperCase();
    features.set(key, [...(features.get(key) ?? []), ...(rest ? [rest] : [])]);
  }
  return features;
}

/** The answer to HASH (`213 SHA-256 0-49 6a0c… name`) and to XCRC, XMD5, XSHA* (`250 6a0c…`): the digest in lower case. */
export function parseDigest(text: string, hexDigits: number): string | undefined {
  const words = text.split(/[\s"()=]+/);
  return words.find((word) => word.length === hexDigits && /^[0-9a-f]+$/i.test(word))?.toLowerCase();
}

/** The name a server gave a file stored by STOU: in the 150 (`FILE: name`, RFC 1123 §4.1.2.9) or the 226. */
export function parseUniqueName(preliminary: Reply | undefined, final: Reply): string | undefined {
  const named = /FILE: ?(.+)$/i.exec(preliminary?.lines[0] ?? "")?.[1] ?? /FILE: ?(.+)$/i.exec(final.text)?.[1];
  const said = named ?? /unique (?:file )?name[: ]+"?([^")]+)"?/i.exec(final.text)?.[1];
  return said?.trim().replace(/\.$/, "") || undefined;
}
