/** What every reply grammar shares: lines in, replies out. Bytes in, values out; no I/O. */
import { ProtocolError } from "../client/errors.js";
import type { Reply } from "../client/session.js";

/** Reads one protocol's replies line by line. It holds at most one unfinished reply. */
export interface Grammar {
  /** Takes one line without its line end; gives the reply that it completes. Throws ProtocolError. */
  feed(line: Buffer): Reply | undefined;
  /** True while a multi-line reply is unfinished. */
  readonly partial: boolean;
  /** False for a reply that announces another one to the same command (FTP's 1xx). */
  isFinal(reply: Reply): boolean;
  /** True for a reply after which the server hangs up (421 in FTP and SMTP, 400 in NNTP). */
  isGoodbye(reply: Reply): boolean;
  /** True for a reply that no command asked for where it says why the server hangs up. Default: none is. */
  isFarewell?(reply: Reply): boolean;
}

/** Takes the bytes that follow a reply: a dot-terminated body, a literal. */
export interface BodyReader {
  /** Takes bytes from `from` on; gives how many it used. Fewer than offered means that the body is over. */
  push(chunk: Buffer, from: number): number;
  readonly done: boolean;
}

/** Longest piece of a server's words that goes into an error's message. */
const EXCERPT = 120;

/** The beginning of a line, safe to show: control characters and anything not ASCII escaped, cut to length. */
export function excerpt(line: Buffer): string {
  const text = line
    .toString("latin1", 0, EXCERPT)
    .replace(/[^\x20-\x7e]/g, (c) => `\\x${c.charCodeAt(0).toString(16)}`);
  return JSON.stringify(text + (line.length > EXCERPT ? "…" : ""));
}

/** The error for a line that cannot begin a reply; it names other protocols by what they say first. */
export function notAReply(protocol: string, line: Buffer): ProtocolError {
  const start = line.toString("latin1", 0, 8);
  const other = KNOWN.find(([prefix]) => start.startsWith(prefix))?.[1];
  return new ProtocolError(`the server sent ${excerpt(line)} where ${protocol} wants a reply`, {
    advice: other ? `this looks like ${other}` : "is this the right port?",
  });
}

const KNOWN: readonly (readonly [string, string])[] = [
  ["SSH-", "an SSH server (SFTP is another protocol than FTP)"],
  ["HTTP/", "a web server"],
  ["\x15\x03", "TLS: this port wants TLS from the first byte (ftps://, or security: tls)"],
  ["\x16\x03", "TLS: this port wants TLS from the first byte (ftps://, or security: tls)"],
  ["+OK", "a POP3 server"],
  ["* OK", "an IMAP server"],
  ["* PREAUT", "an IMAP server"],
  ["220 ", "an FTP or SMTP server"],
  ["220-", "an FTP or SMTP server"],
  ["200 ", "an NNTP server"],
  ["201 ", "an NNTP server"],
  ["RFB ", "a VNC server"],
  ["-ERR", "a Redis or POP3 server"],
];
