/** The code in brackets that a status may begin with (RFC 9051 §7.1 and many others): text → values. No I/O. */
import { ProtocolError } from "../client/errors.js";
import { decodeText } from "../wire/text.js";
import { Cursor } from "./cursor.js";
import { parseCapabilities } from "./parse-capability.js";
import { parseSet, type SequenceSet } from "./sequence-set.js";

/** A response code: its name, what stood behind it, and that once more as values where the code is known. */
export interface ResponseCode {
  /** In upper case: `UIDVALIDITY`, `TRYCREATE`, `AUTHENTICATIONFAILED`. */
  readonly name: string;
  /** What stands behind the name, as it was sent; "" where nothing does. */
  readonly text: string;
  /** UIDVALIDITY, UIDNEXT, UNSEEN, HIGHESTMODSEQ: its number. */
  readonly number?: number | bigint | undefined;
  /** PERMANENTFLAGS; `\*` among them where new keywords can be made. */
  readonly flags?: readonly string[] | undefined;
  /** CAPABILITY: word → arguments, all in upper case. */
  readonly capabilities?: ReadonlyMap<string, readonly string[]> | undefined;
  /** APPENDUID and COPYUID (RFC 4315): the UIDs of the messages where they are now, in the order of `source`. */
  readonly uids?: SequenceSet | undefined;
  /** COPYUID: the UIDs of the messages where they came from. */
  readonly source?: SequenceSet | undefined;
  /** APPENDUID and COPYUID: UIDVALIDITY of the mailbox where the messages are now. */
  readonly uidValidity?: number | undefined;
  /** MODIFIED (RFC 7162 §3.1.3): messages that were not changed, since somebody else changed them first. */
  readonly modified?: SequenceSet | undefined;
  /** MAILBOXID (RFC 8474). */
  readonly mailboxId?: string | undefined;
  /** BADCHARSET: the charsets that the server has. */
  readonly charsets?: readonly string[] | undefined;
}

/** What a status says. */
export interface StatusText {
  readonly code: ResponseCode | undefined;
  readonly text: string;
}

type Details = Omit<ResponseCode, "name" | "text">;

const number = (cursor: Cursor): Details => ({ number: cursor.bigNumber() });

/** How the codes with arguments are read. The others have their text. */
const DETAILS: Readonly<Record<string, (cursor: Cursor) => Details>> = {
  UIDVALIDITY: number,
  UIDNEXT: number,
  UNSEEN: number,
  HIGHESTMODSEQ: number,
  PERMANENTFLAGS: (cursor) => ({ flags: cursor.strings() }),
  BADCHARSET: (cursor) => ({ charsets: cursor.strings() }),
  MAILBOXID: (cursor) => {
    const [mailboxId] = cursor.strings();
    return mailboxId === undefined ? {} : { mailboxId };
  },
  CAPABILITY: (cursor) => ({ capabilities: parseCapabilities(cursor.text) }),
  APPENDUID: (cursor) => ({ uidValidity: cursor.number(), uids: parseSet(cursor.atom()) }),
  COPYUID: (cursor) => ({
    uidValidity: cursor.number(),
    source: parseSet(cursor.atom()),
    uids: parseSet(cursor.atom()),
  }),
  MODIFIED: (cursor) => ({ modified: parseSet(cursor.atom()) }),
};

/**
 * What a status, or a continuation (`isStatus` false), says. A code that is known but cannot be read is given with its
 * text alone: what it stands beside happened all the same.
 */
export function parseStatusText(raw: string, isStatus: boolean): StatusText {
  const end = isStatus && raw.startsWith("[") ? endOfCode(raw) : -1;
  if (end === -1) return { code: undefined, text: decoded(raw) };
  return { code: parseCode(raw.slice(1, end)), text: decoded(raw.slice(raw[end + 1] === " " ? end + 2 : end + 1)) };
}

/** A code without its brackets. */
function parseCode(raw: string): ResponseCode {
  const blank = raw.indexOf(" ");
  const name = (blank === -1 ? raw : raw.slice(0, blank)).toUpperCase();
  const rest = blank === -1 ? "" : raw.slice(blank + 1);
  const code = { name, text: decoded(rest) };
  if (!Object.hasOwn(DETAILS, name) || rest === "") return code;
  try {
    return { ...code, ...DETAILS[name]?.(new Cursor(rest)) };
  } catch (error) {
    if (error instanceof ProtocolError) return code;
    throw error;
  }
}

/** Where the code's bracket closes: not within quotes. -1 where it does not. */
function endOfCode(raw: string): number {
  let quoted = false;
  for (let at = 1; at < raw.length; at++) {
    const c = raw[at];
    if (c === '"') quoted = !quoted;
    else if (quoted && c === "\\") at++;
    else if (c === "]" && !quoted) return at;
  }
  return quoted ? raw.indexOf("]") : -1;
}

/** A character per byte → text. */
function decoded(raw: string): string {
  return /[\x80-\xff]/.test(raw) ? decodeText(Buffer.from(raw, "latin1")) : raw;
}
