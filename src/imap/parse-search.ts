/** The answers to SEARCH and SORT (RFC 9051 §7.3.4, RFC 4731, RFC 9394): responses → numbers. No I/O. */
import type { Cursor } from "./cursor.js";
import type { Response } from "./response.js";
import { parseSet } from "./sequence-set.js";

/** The messages of `* SEARCH 2 3 6 (MODSEQ 917162500)`, or of a SORT, in the order they were sent in. Throws ProtocolError. */
export function parseSearch(response: Response): number[] {
  const found: number[] = [];
  const cursor = response.cursor();
  while (!cursor.done && !cursor.atList) found.push(cursor.number());
  return found;
}

/** What an ESEARCH tells (RFC 4731). */
export interface SearchCounts {
  readonly min?: number | undefined;
  readonly max?: number | undefined;
  readonly count?: number | undefined;
  readonly all?: number[] | undefined;
  /** The part of them that was asked for (RFC 9394); empty where there is none of it. */
  readonly partial?: number[] | undefined;
  readonly modseq?: number | bigint | undefined;
}

/** Reads an ESEARCH response. Throws ProtocolError. */
export function parseEsearch(response: Response): SearchCounts & { tag?: string | undefined } {
  const cursor = response.cursor();
  const out: { -readonly [K in keyof SearchCounts]: SearchCounts[K] } & { tag?: string } = {};
  if (cursor.atList && cursor.open()) {
    cursor.atom();
    out.tag = cursor.astring();
    while (!cursor.close()) cursor.skip();
  }
  while (!cursor.done) {
    const word = cursor.atom().toUpperCase();
    if (word === "ALL") out.all = parseSet(cursor.astring()).toArray();
    else if (word === "PARTIAL") out.partial = readPartial(cursor);
    else if (word === "COUNT") out.count = cursor.number();
    else if (word === "MIN") out.min = cursor.number();
    else if (word === "MAX") out.max = cursor.number();
    else if (word === "MODSEQ") out.modseq = cursor.bigNumber();
    else if (word !== "UID") cursor.skip();
  }
  return out;
}

/** `(1:100 4,7:9)`: the part, and its messages; NIL where there are none. */
function readPartial(cursor: Cursor): number[] {
  if (!cursor.open()) return [];
  cursor.atom();
  const set = cursor.nstring();
  while (!cursor.close()) cursor.skip();
  return set === undefined ? [] : parseSet(set).toArray();
}
