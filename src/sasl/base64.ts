/** The base64 of challenges: what is none is refused, not guessed at (RFC 4648 §3.3). No I/O. */
import { ProtocolError } from "../client/errors.js";

const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Characters of the longest challenge that is read. A challenge of any mechanism has a few hundred. */
const LONGEST = 64 * 1024;

/** The bytes of a challenge. `=` alone is an empty one, as protocols write it that cannot send nothing (RFC 4643 §2.4). */
export function decodeBase64(text: string, mechanism: string): Buffer {
  if (text.length > LONGEST) throw new ProtocolError(`a challenge of ${text.length} characters to ${mechanism}`);
  if (text === "=") return Buffer.alloc(0);
  if (!BASE64.test(text)) throw new ProtocolError(`the challenge to ${mechanism} is not in base64`);
  return Buffer.from(text, "base64");
}
