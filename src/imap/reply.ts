/** Responses as the reply that every protocol gives (client/session.ts). No I/O. */
import type { Reply } from "../client/session.js";
import { decodeText } from "../wire/text.js";
import type { ResponseCode } from "./parse-code.js";
import type { Response } from "./response.js";

/** The answer to a command: its tagged response, and all that came untagged while it was in flight. */
export interface ImapReply extends Reply {
  /** `OK`, `NO` or `BAD`; `enhanced` is the name of the response code: `TRYCREATE`. */
  readonly code: string;
  /** The response code with its arguments as values, where there was one. */
  readonly responseCode?: ResponseCode | undefined;
  /** Every response that came untagged, in its order, the literals not in `raw` but in `literals`. */
  readonly responses: readonly Response[];
}

/**
 * A reply of responses. `lines` has each response as one text with its literals in it, the tagged one last; `body` the
 * bytes of all literals, where there are any.
 */
export function replyOf(tagged: Response, responses: readonly Response[] = []): ImapReply {
  const { code } = tagged;
  const literals = responses.flatMap((each) => each.literals.filter((literal) => typeof literal !== "number"));
  return {
    ok: tagged.status === "OK" || tagged.status === "PREAUTH",
    code: tagged.name,
    text: tagged.text,
    lines: [...responses, tagged].map(lineOf),
    responses,
    ...(code === undefined ? {} : { enhanced: code.name, responseCode: code }),
    ...(literals.length === 0 ? {} : { body: literals.length === 1 ? literals[0]! : Buffer.concat(literals) }),
  };
}

/** A response with the bytes of its literals behind their announcements. */
function lineOf({ raw, literals }: Response): string {
  if (literals.length === 0) return decodeText(Buffer.from(raw, "latin1"));
  const parts: Buffer[] = [];
  let from = 0;
  for (const literal of literals) {
    const end = raw.indexOf("}\r\n", from) + 3;
    parts.push(Buffer.from(raw.slice(from, end), "latin1"));
    if (typeof literal !== "number") parts.push(literal);
    from = end;
  }
  return decodeText(Buffer.concat([...parts, Buffer.from(raw.slice(from), "latin1")]));
}
