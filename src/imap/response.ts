/** One response of an IMAP server: its first words are read at once, the rest when it is asked for. No I/O. */
import { ProtocolError } from "../client/errors.js";
import { decodeText, readable } from "../wire/text.js";
import { Cursor, type Literal } from "./cursor.js";
import { parseStatusText, type ResponseCode, type StatusText } from "./parse-code.js";

/** The words that begin a status response (RFC 9051 §7.1). */
export type Status = "OK" | "NO" | "BAD" | "BYE" | "PREAUTH";

const BLANK = 0x20;
const STAR = 0x2a;
const PLUS = 0x2b;
const ZERO = 0x30;
const STATUS = /^(?:OK|NO|BAD|BYE|PREAUTH)$/i;
/** Words that a tag may stand before. */
const FINAL = /^(?:OK|NO|BAD)$/i;

/**
 * One response: data or a status that no single command is answered by (`untagged`), the answer to a command (`tagged`),
 * or the server's wish for more (`continuation`).
 */
export class Response {
  readonly kind: "untagged" | "tagged" | "continuation";
  /** The command's tag; `*` and `+` for the other kinds. */
  readonly tag: string;
  /** The word that says what it is, in upper case: `FETCH`, `LIST`, `OK`; "" for a continuation. */
  readonly name: string;
  /** The number before the name: `12` of `* 12 EXISTS`. */
  readonly number: number | undefined;
  /** Whether the command succeeded, where it is a status. */
  readonly status: Status | undefined;
  /** As it was sent, one character per byte: literals are announced (`{5}` CR LF) but not in it. */
  readonly raw: string;
  /** The bytes of its literals, in their order; only their number where somebody else took them. */
  readonly literals: readonly Literal[];
  /** Where in `raw` what follows the name begins. */
  readonly rest: number;
  #said: StatusText | undefined;

  /** Throws ProtocolError for what begins like no response. */
  constructor(raw: string, literals: readonly Literal[] = []) {
    this.raw = raw;
    this.literals = literals;
    const first = raw.charCodeAt(0);
    const blank = raw.indexOf(" ");
    const isPlus = first === PLUS && (blank === 1 || raw.length === 1);
    if (isPlus || blank < 1) {
      if (!isPlus) throw notAResponse(raw);
      this.kind = "continuation";
      this.tag = "+";
      this.name = "";
      this.number = this.status = undefined;
      this.rest = Math.min(2, raw.length);
      return;
    }
    const isData = first === STAR && blank === 1;
    this.kind = isData ? "untagged" : "tagged";
    this.tag = isData ? "*" : raw.slice(0, blank);
    let at = blank + 1;
    let number = 0;
    const numberAt = at;
    for (let digit = raw.charCodeAt(at) - ZERO; digit >= 0 && digit <= 9; digit = raw.charCodeAt(++at) - ZERO) {
      number = number * 10 + digit;
    }
    const hasNumber = isData && at > numberAt && raw.charCodeAt(at) === BLANK;
    if (hasNumber && number > Number.MAX_SAFE_INTEGER) throw notAResponse(raw);
    this.number = hasNumber ? number : undefined;
    at = hasNumber ? at + 1 : numberAt;
    this.name = raw.startsWith("FETCH ", at) ? "FETCH" : wordAt(raw, at);
    this.status = !hasNumber && (isData ? STATUS : FINAL).test(this.name) ? (this.name as Status) : undefined;
    if (this.name === "" || (!isData && this.status === undefined)) throw notAResponse(raw);
    this.rest = Math.min(at + this.name.length + 1, raw.length);
  }

  /** Reads what follows the name. */
  cursor(): Cursor {
    return new Cursor(this.raw, this.literals, this.rest);
  }

  /** The code in brackets of a status, where there is one: `[UIDVALIDITY 3]`. */
  get code(): ResponseCode | undefined {
    return this.#words.code;
  }

  /** What a status or a continuation says to a person, behind its code; of data, all that follows the name. */
  get text(): string {
    return this.#words.text;
  }

  get #words(): StatusText {
    this.#said ??= parseStatusText(this.raw.slice(this.rest), this.status !== undefined);
    return this.#said;
  }
}

/** The word at `at`, in upper case. */
function wordAt(raw: string, at: number): string {
  let end = at;
  // A line that ends behind its name may go on with a literal: its announcement is no part of the name.
  while (raw.charCodeAt(end) > BLANK && raw.charCodeAt(end) !== 0x28) end++;
  return raw.slice(at, end).toUpperCase();
}

function notAResponse(raw: string): ProtocolError {
  // Who has the secrets takes them out later: they must be whole then.
  const text = decodeText(Buffer.from(raw, "latin1"));
  const said = readable(text.length > 500 ? `${text.slice(0, 500)}…` : text);
  return new ProtocolError(`this is not a response of an IMAP server: ${JSON.stringify(said)}`, {
    advice: "is this the right port?",
  });
}
