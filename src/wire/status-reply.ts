/** Replies that begin with a word: POP3 (RFC 1939 §3, RFC 2449 §8, RFC 5034). No I/O. */
import type { Reply } from "../client/session.js";
import { type Grammar, notAReply } from "./reply.js";
import { decodeText } from "./text.js";

const TAB = 9;
const SPACE = 32;
const BRACKET = 91;

/** Reads `+OK`, `-ERR [CODE] …` and the `+ ` of a SASL exchange. Whether lines follow depends on the command alone. */
export class StatusGrammar implements Grammar {
  readonly partial = false;

  isFinal(): boolean {
    return true;
  }

  isGoodbye(): boolean {
    return false;
  }

  /** `-ERR Disconnected for inactivity.`: servers say why before they hang up. */
  isFarewell(reply: Reply): boolean {
    return reply.code === "-ERR";
  }

  feed(line: Buffer): Reply {
    const text = decodeText(line);
    const code = text.startsWith("+OK") ? "+OK" : text.startsWith("-ERR") ? "-ERR" : text.startsWith("+") ? "+" : "";
    const behind = code.length < text.length ? text.charCodeAt(code.length) : SPACE;
    if (code === "" || (behind !== SPACE && behind !== TAB)) throw notAReply("POP3", line);
    const rest = text.slice(code.length + 1);
    const reply = { ok: code === "+OK", code, text: rest, lines: [text] };
    const enhanced = rest.charCodeAt(0) === BRACKET ? /^\[([^\s\]]+)\]/.exec(rest)?.[1] : undefined;
    // Response codes are the same in any case (RFC 2449 §8).
    return enhanced === undefined ? reply : { ...reply, enhanced: enhanced.toUpperCase() };
  }
}
