/** Replies that begin with three digits: FTP (RFC 959 §4.2), SMTP (RFC 5321 §4.2), NNTP (RFC 3977 §3.2). No I/O. */
import { ProtocolError } from "../client/errors.js";
import type { Reply } from "../client/session.js";
import { excerpt, type Grammar, notAReply } from "./reply.js";
import { decodeText } from "./text.js";

/** What tells the three protocols apart. */
export interface CodeDialect {
  readonly protocol: "FTP" | "SMTP" | "NNTP";
  /**
   * `free`: after `211-`, any line until `211 ` (FTP). `coded`: every line carries the code (SMTP). `none`: one line
   * (NNTP, whose long answers are dotted bodies).
   */
  readonly multiline: "free" | "coded" | "none";
  /** Enhanced status codes (RFC 2034) are looked for. */
  readonly enhanced: boolean;
  /** 1xx announces another reply. */
  readonly preliminary: boolean;
  /** Codes after which the server hangs up. */
  readonly goodbye: readonly string[];
  /** A lone dot is passed over: some servers write one behind a compressed body whose end is known without it. */
  readonly passesDot?: boolean | undefined;
}

export const FTP_REPLIES: CodeDialect = {
  protocol: "FTP",
  multiline: "free",
  enhanced: false,
  preliminary: true,
  goodbye: ["421"],
};
export const SMTP_REPLIES: CodeDialect = {
  protocol: "SMTP",
  multiline: "coded",
  enhanced: true,
  preliminary: false,
  goodbye: ["421"],
};
export const NNTP_REPLIES: CodeDialect = {
  protocol: "NNTP",
  multiline: "none",
  enhanced: false,
  preliminary: false,
  goodbye: ["400"],
  passesDot: true,
};

const DASH = 0x2d;
const DOT = 0x2e;
const SPACE = 0x20;

const ENHANCED = /^[245]\.\d{1,3}\.\d{1,3}(?: |$)/;

/** Reads replies that begin with a code. */
export class CodeGrammar implements Grammar {
  readonly #dialect: CodeDialect;
  readonly #limit: number;
  #code = "";
  #lines: string[] = [];
  #bytes = 0;

  /** `limit`: bytes of one reply, all lines together. Default: 1 MiB. */
  constructor(dialect: CodeDialect, limit = 1024 * 1024) {
    this.#dialect = dialect;
    this.#limit = limit;
  }

  get partial(): boolean {
    return this.#code !== "";
  }

  isFinal(reply: Reply): boolean {
    return !(this.#dialect.preliminary && reply.code.charCodeAt(0) === 0x31);
  }

  isGoodbye(reply: Reply): boolean {
    return this.#dialect.goodbye.includes(reply.code);
  }

  feed(line: Buffer): Reply | undefined {
    return this.#code === "" ? this.#first(line) : this.#further(line);
  }

  #first(line: Buffer): Reply | undefined {
    if (this.#dialect.passesDot && line.length === 1 && line[0] === DOT) return undefined;
    if (!hasCode(line)) throw notAReply(this.#dialect.protocol, line);
    const text = decodeText(line);
    const code = text.slice(0, 3);
    if (line[3] !== DASH || this.#dialect.multiline === "none") return this.#reply(code, [text]);
    this.#code = code;
    this.#lines.push(text);
    this.#bytes = line.length + 2;
    return undefined;
  }

  #further(line: Buffer): Reply | undefined {
    // Line ends count: empty lines without end are a large reply, too.
    this.#bytes += line.length + 2;
    if (this.#bytes > this.#limit) {
      throw new ProtocolError(`a reply of more than ${this.#limit} bytes`, { advice: "limits.reply can be raised" });
    }
    const code = hasCode(line) ? line.toString("latin1", 0, 3) : undefined;
    if (this.#dialect.multiline === "coded" && code !== this.#code) {
      throw new ProtocolError(`line ${excerpt(line)} within a reply of code ${this.#code}`);
    }
    this.#lines.push(decodeText(line));
    if (code !== this.#code || line[3] === DASH) return undefined;
    const lines = this.#lines;
    this.#code = "";
    this.#lines = [];
    return this.#reply(code, lines);
  }

  #reply(code: string, lines: string[]): Reply {
    const ok = code.charCodeAt(0) < 0x34;
    const text = lines.length === 1 ? (lines[0] as string).slice(4) : textOf(code, lines);
    if (!this.#dialect.enhanced) return { ok, code, text, lines };
    const enhanced = text[1] === "." && ENHANCED.test(text) ? wordOf(text) : undefined;
    return enhanced === undefined ? { ok, code, text, lines } : { ok, code, enhanced, text, lines };
  }
}

/** True where a line begins with a code: three digits, then a blank, a dash or nothing. */
function hasCode(line: Buffer): boolean {
  if (line.length < 3 || (line.length > 3 && line[3] !== SPACE && line[3] !== DASH)) return false;
  // Not destructured: that would go through an iterator, byte by byte.
  const a = line[0]!;
  const b = line[1]!;
  const c = line[2]!;
  return a >= 0x31 && a <= 0x35 && b >= 0x30 && b <= 0x39 && c >= 0x30 && c <= 0x39;
}

/** Up to the first blank. */
function wordOf(text: string): string {
  const end = text.indexOf(" ");
  return end === -1 ? text : text.slice(0, end);
}

/** All lines without the codes they carry. */
function textOf(code: string, lines: readonly string[]): string {
  return lines
    .map((line) =>
      line.startsWith(code) && (line[3] === "-" || line[3] === " " || line.length === 3) ? line.slice(4) : line,
    )
    .join("\n");
}
