/** A parsed message: types. */
import type { Address } from "./address.js";
import type { Headers } from "./headers.js";

/** What is known of an attachment before its bytes. */
export interface AttachmentInfo {
  /** As the sender wrote it, decoded: never a path to write to unchecked. */
  readonly filename: string | undefined;
  /** In lower case, without parameters: `image/png`. */
  readonly contentType: string;
  readonly disposition: "attachment" | "inline" | undefined;
  /** Content-ID without angle brackets, as `cid:` links in the HTML have it. */
  readonly contentId: string | undefined;
  /** True where the part belongs to the HTML (multipart/related). */
  readonly isRelated: boolean;
  /** Bytes, decoded. Where they are streamed: 0 until the stream has ended. */
  readonly size: number;
}

/** An attachment with its bytes. */
export interface Attachment extends AttachmentInfo {
  readonly content: Buffer;
}

/** A parsed message. Lists are empty and single values undefined where the message has no such field. */
export interface Message<A extends AttachmentInfo = Attachment> {
  /** All fields, also those below, decoded and raw. */
  readonly headers: Headers;
  /** `<…>` as sent. */
  readonly messageId: string | undefined;
  readonly subject: string | undefined;
  readonly from: Address[];
  readonly to: Address[];
  readonly cc: Address[];
  readonly replyTo: Address[];
  /** Undefined also where the field names no moment: `headers.raw("date")` has what was sent. */
  readonly date: Date | undefined;
  /** The message-ids of References, the oldest first. */
  readonly references: string[];
  /** The first message-id of In-Reply-To. */
  readonly inReplyTo: string | undefined;
  readonly newsgroups: string[];
  /** The text parts, LF between lines. Undefined where they are empty, or there is HTML only (see `htmlToText`). */
  readonly text: string | undefined;
  /** The HTML parts as sent, scripts and links to elsewhere included: not safe to show as it is. */
  readonly html: string | undefined;
  readonly attachments: A[];
}
