/** One whole message: to a Buffer, or to a sink. */

import { ReplyError } from "../client/errors.js";
import { wholeNumber } from "../client/options.js";
import type { Sink } from "../client/sink.js";
import type { FetchedMessage, PassedMessage } from "../message/reader.js";
import type { FetchOptions } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";

/** A message. */
export interface RetrievedMessage extends FetchedMessage {
  /** The UID, as all readers call it. */
  readonly id: number;
  readonly uid: number;
}

/** A message that went to a sink. */
export interface StoredMessage extends PassedMessage {
  readonly id: number;
  readonly uid: number;
}

/** Has a message go to a sink; `fetch` asks for it. Throws ReplyError where there is none. */
export async function retrieveTo(
  uid: number,
  sink: Sink,
  fetch: (to: FetchOptions["to"]) => Promise<FetchData[]>,
): Promise<StoredMessage> {
  for (const row of await fetch(() => sink)) {
    const bytes = row.streamed.get("");
    if (bytes !== undefined) return { id: uid, uid, bytes };
  }
  throw noMessage(uid);
}

/** Throws UsageError for what is no UID. */
export function checkUid(uid: number): void {
  wholeNumber("uid", uid, 1, 2 ** 32 - 1);
}

/** The error for a message that is not there. */
export function noMessage(uid: number): ReplyError {
  return new ReplyError(`no message has the UID ${uid}`, {
    command: `UID FETCH ${uid} (BODY.PEEK[])`,
    code: "OK",
    transient: false,
    protocol: "imap",
  });
}
