/** Where mail goes, and what such a place promises. Types, and the name a message has everywhere. */
import { createHash } from "node:crypto";
import type { SinkPosition } from "../../headers/sink.js";

/** A message on its way into a store. */
export interface IncomingMail {
  /** Its number in this session. */
  readonly number: number;
  readonly uid: string;
  /** What the journal calls it. */
  readonly id: string;
  /** The same for the same message, whatever the session: see {@link keyOf}. */
  readonly key: string;
  /** Header and body with CR LF. A stream only where the store takes streams. */
  readonly content: Buffer | AsyncIterable<Buffer>;
  /** IMAP: its flags, and when it came into the mailbox. */
  readonly flags?: readonly string[] | undefined;
  readonly date?: Date | undefined;
}

/** What a flush has brought to the disk. */
export interface Flushed {
  /** The ids of the messages that it covers, each of which was not covered by one before. */
  readonly ids: readonly string[];
  /** Where to cut back to, where the store is a file that grows. */
  readonly position?: SinkPosition | undefined;
}

/** A place for mail. */
export interface MailStore {
  /** True where it takes messages as streams, so that they need not fit into memory. */
  readonly streams: boolean;
  /** True for a message that it holds although the journal does not know: its job died between the two. */
  has(key: string): boolean;
  /** Takes a message; calls may overlap. Rejects with SinkError. */
  put(mail: IncomingMail): Promise<void>;
  /** Resolves when what was put before is on the disk, and says what that is. */
  flush(): Promise<Flushed>;
  /** Safe twice. */
  close(): Promise<void>;
}

/** A name for a message: of the account, too, as two servers may use the same uids. */
export function keyOf(account: string, id: string): string {
  return createHash("sha256")
    .update(`${account}\0${plainUid(id)}`)
    .digest("hex")
    .slice(0, 20);
}

/** A uid as a database can hold it: what is no text (bytes that are not UTF-8, NUL) is escaped, all else is as it was. */
export function plainUid(uid: string): string {
  return /[\p{Surrogate}\p{Cc}\\]/u.test(uid) ? JSON.stringify(uid).slice(1, -1) : uid;
}
