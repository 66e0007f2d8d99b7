/** SEARCH as a conversation: the shorter form of the answer, where the server has it (ESEARCH, RFC 4731). */
import { UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import type { Piece } from "./command.js";
import type { MessageOptions } from "./fetch.js";
import { isByNumber } from "./mailbox-argument.js";
import { parseEsearch, parseSearch, type SearchCounts } from "./parse-search.js";
import { type PartialRange, partialArgument, partOf } from "./partial.js";
import type { Response } from "./response.js";
import { needsCharset } from "./search.js";
import type { ImapSession } from "./session.js";

/** What `search()` takes. */
export interface SearchOptions extends MessageOptions {
  /** A part of what is found, counted in the server's order: `[1, 100]`, `[-1, -100]` for the last hundred. Default: all. */
  partial?: PartialRange | undefined;
}

/** What `esearch()` can be asked for; `SAVE`: what was found is `"$"` from then on (RFC 5182). */
export type SearchReturn = keyof typeof RETURNS;

const RETURNS = { MIN: true, MAX: true, COUNT: true, ALL: true, SAVE: true } as const;

/** The messages that a query finds, or a part of them, in the server's order. */
export async function search(
  session: ImapSession,
  query: readonly Piece[],
  { by, partial }: SearchOptions,
  call: Call,
): Promise<number[]> {
  const part = partial && partialArgument(partial);
  if (!session.has("ESEARCH")) {
    const all = await askPlain(session, query, by, call);
    return partial ? partOf(all, partial) : all;
  }
  if (partial && hasPartial(session, partial)) {
    return (await ask(session, `PARTIAL ${part}`, query, by, call)).partial ?? [];
  }
  const { all = [] } = await ask(session, "ALL", query, by, call);
  return partial ? partOf(all, partial) : all;
}

/** What is asked for of the messages that a query finds. */
export async function esearch(
  session: ImapSession,
  returns: readonly SearchReturn[],
  query: readonly Piece[],
  { by }: MessageOptions,
  call: Call,
): Promise<SearchCounts> {
  if (session.has("ESEARCH")) return ask(session, returns.join(" "), query, by, call);
  if (returns.includes("SAVE")) throw new UsageError("the server saves no searches", { protocol: "imap" });
  const all = await askPlain(session, query, by, call);
  // In any order, and too many for the arguments of a call.
  const [min, max] = [all.reduce((a, b) => Math.min(a, b), Infinity), all.reduce((a, b) => Math.max(a, b), 0)];
  return {
    ...(returns.includes("COUNT") && { count: all.length }),
    ...(all.length > 0 && returns.includes("MIN") && { min }),
    ...(all.length > 0 && returns.includes("MAX") && { max }),
    ...(returns.includes("ALL") && { all }),
  };
}

/** Throws UsageError for what cannot be asked for. */
export function checkReturns(returns: readonly SearchReturn[]): void {
  if (returns.length > 0 && returns.every((each) => Object.hasOwn(RETURNS, each))) return;
  const advice = `there are ${Object.keys(RETURNS).join(", ")}`;
  throw new UsageError(`${JSON.stringify(returns)} cannot be asked of a search`, { advice, protocol: "imap" });
}

/** RFC 5267 has no part from the end. */
function hasPartial(session: ImapSession, [from]: PartialRange): boolean {
  return session.has("PARTIAL") || (from > 0 && session.has("CONTEXT", "SEARCH"));
}

async function ask(
  session: ImapSession,
  returns: string,
  query: readonly Piece[],
  by: MessageOptions["by"],
  { timeout }: Call,
): Promise<SearchCounts> {
  let found: SearchCounts | undefined;
  const take = (response: Response, tag: string) => {
    if (response.name !== "ESEARCH") return false;
    const { tag: answered, ...told } = parseEsearch(response);
    if (answered !== undefined && answered !== tag) return false;
    found = told;
    return true;
  };
  const text = [`${verb(by)} RETURN (${returns})${charset(session, query)} `, ...query];
  const tagged = await session.send(text, { timeout, take });
  // A search that is only saved gives nothing (RFC 5182 §2.1).
  if (found === undefined && returns !== "SAVE") throw session.unreadable(`${verb(by)} RETURN (${returns})`, tagged);
  return found ?? {};
}

async function askPlain(
  session: ImapSession,
  query: readonly Piece[],
  by: MessageOptions["by"],
  { timeout }: Call,
): Promise<number[]> {
  // Some servers say nothing where there is nothing.
  const text = [`${verb(by)}${charset(session, query)} `, ...query];
  return (await session.ask(text, ["SEARCH"], { timeout })).flatMap(parseSearch);
}

function verb(by: MessageOptions["by"]): string {
  return isByNumber(by) ? "SEARCH" : "UID SEARCH";
}

/** Where names are UTF-8, so is everything (RFC 6855 §3). */
function charset(session: ImapSession, query: readonly Piece[]): string {
  return !session.utf8 && needsCharset(query) ? " CHARSET UTF-8" : "";
}
