/** SORT and THREAD as conversations (RFC 5256): a search, put in order or together by the server. */
import type { Call } from "../client/session.js";
import type { Piece } from "./command.js";
import type { MessageOptions } from "./fetch.js";
import { isByNumber } from "./mailbox-argument.js";
import { parseSearch } from "./parse-search.js";
import type { ImapSession } from "./session.js";
import {
  parseThreads,
  type SortKey,
  sortCriteria,
  type Thread,
  type ThreadAlgorithm,
  threadAlgorithm,
} from "./sort.js";

/** The messages that a query finds, sorted. */
export async function sorted(
  session: ImapSession,
  keys: readonly SortKey[],
  query: readonly Piece[],
  by: MessageOptions["by"],
  { timeout }: Call,
): Promise<number[]> {
  const command = [`${verb("SORT", by)} ${sortCriteria(keys)} UTF-8 `, ...query];
  // Some servers say nothing where there is nothing.
  return (await session.ask(command, ["SORT"], { timeout })).flatMap(parseSearch);
}

/** The messages that a query finds, as conversations. */
export async function threads(
  session: ImapSession,
  algorithm: ThreadAlgorithm,
  query: readonly Piece[],
  by: MessageOptions["by"],
  { timeout }: Call,
): Promise<Thread[]> {
  const command = [`${verb("THREAD", by)} ${threadAlgorithm(algorithm)} UTF-8 `, ...query];
  return (await session.ask(command, ["THREAD"], { timeout })).flatMap(parseThreads);
}

function verb(name: string, by: MessageOptions["by"]): string {
  return isByNumber(by) ? name : `UID ${name}`;
}
