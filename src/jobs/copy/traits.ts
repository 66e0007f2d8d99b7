/** By what a message is known where its UID is not: its bytes, or what a server that rewrites messages leaves of them. Pure. */
import { parseHeaders } from "../../message/headers.js";
import { toCrlf } from "../../message/line-ends.js";
import { digestFrom, digesting } from "../mail/renumbered.js";
import type { Traits } from "./journal.js";

/** The traits of a message in memory. */
export function traitsOf(content: Buffer, date: Date | undefined): Traits {
  const bytes = toCrlf(content);
  const digest = digestFrom(digesting().update(bytes));
  return { digest, bytes: bytes.length, messageId: messageIdOf(bytes), date: secondOf(date) };
}

/** Message-ID of a header, as it stands there; "" where there is none. */
export function messageIdOf(header: Buffer): string {
  return (parseHeaders(header).raw("message-id") ?? "").trim().slice(0, 998);
}

/** As INTERNALDATE has it: no finer than seconds. */
export function secondOf(date: Date | undefined): number | null {
  return date === undefined ? null : Math.floor(date.getTime() / 1000) * 1000;
}

/** A message of the target that may be the copy of one of the source. */
export interface Candidate extends Omit<Traits, "digest"> {
  readonly uid: number;
}
