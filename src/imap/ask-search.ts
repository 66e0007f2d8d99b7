/** SEARCH as a conversation: the shorter form of the answer, where the server has it (ESEARCH, RFC 4731). */
import type { Call } from "../client/session.js";
import type { Piece } from "./command.js";
import type { MessageOptions } from "./fetch.js";
import type { Response } from "./response.js";
import { needsCharset, parseEsearch, parseSearch } from "./search.js";
import type { ImapSession } from "./session.js";

/** The messages that a query finds, in the server's order. */
export async function search(
  session: ImapSession,
  query: readonly Piece[],
  by: MessageOptions["by"],
  { timeout }: Call,
): Promise<number[]> {
  const verb = by === "number" ? "SEARCH" : "UID SEARCH";
  // Where names are UTF-8, so is everything (RFC 6855 §3).
  const charset = !session.utf8 && needsCharset(query) ? " CHARSET UTF-8" : "";
  if (session.has("ESEARCH") || session.has("IMAP4REV2")) {
    const isMine = (response: Response, tag: string) => {
      if (response.name !== "ESEARCH") return false;
      const told = parseEsearch(response).tag;
      return told === undefined || told === tag;
    };
    const response = await session.askOne([`${verb} RETURN (ALL)${charset} `, ...query], isMine, { timeout });
    return parseEsearch(response).all ?? [];
  }
  // Some servers say nothing where there is nothing.
  const responses = await session.ask([`${verb}${charset} `, ...query], ["SEARCH"], { timeout });
  return responses.flatMap(parseSearch);
}
