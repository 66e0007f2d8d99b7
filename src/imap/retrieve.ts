/** One whole message: to a Buffer, or to a sink. */

import { ReplyError } from "../client/errors.js";
import { wholeNumber } from "../client/options.js";
import type { Sink } from "../client/sink.js";
import type { FetchOptions } from "./fetch.js";
import type { FetchData } from "./fetch-data.js";

/** A message. */
export interface RetrievedMessage {
  readonly uid: number;
  /** The bytes, lines ended by CR LF. */
  readonly content: Buffer;
}

/** A message that went to a sink. */
export interface StoredMessage {
  readonly uid: number;
  /** How many bytes went there. */
  readonly bytes: number;
}

/** Asks for a message; `fetch` does it. Throws ReplyError where there is none. */
export async function retrieve(
  uid: number,
  sink: Sink | undefined,
  fetch: (to: FetchOptions["to"]) => Promise<FetchData[]>,
): Promise<RetrievedMessage | StoredMessage> {
  wholeNumber("uid", uid, 1, 2 ** 32 - 1);
  for (const row of await fetch(sink === undefined ? undefined : () => sink)) {
    const content = row.body.get("");
    if (content !== undefined) return { uid, content };
    const bytes = row.streamed.get("");
    if (bytes !== undefined) return { uid, bytes };
  }
  throw new ReplyError(`no message has the UID ${uid}`, {
    command: `UID FETCH ${uid} BODY.PEEK[]`,
    code: "OK",
    transient: false,
    protocol: "imap",
  });
}
