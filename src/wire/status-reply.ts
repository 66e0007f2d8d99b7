/** Replies that begin with a word: POP3 (RFC 1939 §3, RFC 2449 §8, RFC 5034). No I/O. */
import type { Reply } from "../client/session.js";
import { type Grammar, notAReply } from "./reply.js";
import { decodeText } from "./text.js";

/** Reads `+OK`, `-ERR [CODE] …` and the `+ ` of a SASL exchange. */
export class StatusGrammar implements Grammar {
  readonly partial = false;

  isFinal(): boolean {
    return true;
  }

  isGoodbye(): boolean {
    return false;
  }

  feed(line: Buffer): Reply {
    const text = decodeText(line);
    const [, code, rest] = /^(\+OK|-ERR|\+)(?:[ \t](.*)|)$/s.exec(text) ?? [];
    if (code === undefined) throw notAReply("POP3", line);
    const enhanced = /^\[([^\]]+)\]/.exec(rest ?? "")?.[1];
    const reply = { ok: code !== "-ERR", code, text: rest ?? "", lines: [text] };
    return enhanced === undefined ? reply : { ...reply, enhanced };
  }
}
