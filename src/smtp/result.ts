/** What became of a message: for each recipient, and in all. */
import { type PolywireError, ReplyError, type ReplyErrorDetails } from "../client/errors.js";
import type { Reply } from "../client/session.js";

/** What the server said to one recipient. */
export interface RecipientResult {
  /** As it was given, less a name beside it. */
  readonly recipient: string;
  readonly code: string;
  /** The enhanced status code (RFC 3463), e.g. `5.1.1`, where there was one. */
  readonly enhanced?: string | undefined;
  readonly text: string;
}

/** A message that the server took, for some recipients at least. */
export interface SendResult {
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  /** From the headers, where it is known. */
  readonly messageId?: string | undefined;
  /** Those the server is now responsible for. */
  readonly accepted: readonly RecipientResult[];
  readonly rejected: readonly RecipientResult[];
  /** The answer to the message as a whole; undefined where there was none. In LMTP the first one. */
  readonly reply: Reply | undefined;
  /** Octets of the message, as far as it was sent: less stuffed dots and the end. */
  readonly bytes: number;
}

/**
 * What `send()` rejects with where the message may have reached somebody: a ConnectionError (or UsageError) that tells to
 * whom. Of those in neither list nobody knows.
 */
export type PartlySentError = PolywireError & { readonly result: SendResult };

/**
 * What is known of a message: `sent`, the server took it for some recipients; `refused`, for none; `unsent`, it certainly
 * did not go out, and may be sent again; `unknown`, the connection was lost before the answer: it may have been taken.
 */
export type SendState = "sent" | "refused" | "unsent" | "unknown";

/** What became of one message of `sendAll()`. */
export interface SendOutcome extends SendResult {
  /** Its place among the messages, from 0. */
  readonly index: number;
  readonly state: SendState;
  /** Why it was not sent. */
  readonly error?: PolywireError | undefined;
}

/** What a SendError tells. */
export interface SendErrorDetails extends ReplyErrorDetails {
  readonly result: SendResult;
}

/** The server took the message for nobody. */
export class SendError extends ReplyError {
  override readonly name = "SendError";
  /** What it said to each recipient. */
  readonly result: SendResult;

  constructor(message: string, details: SendErrorDetails) {
    super(message, details);
    this.result = details.result;
  }
}

/** A reply as the result of a recipient. */
export function recipientResult(recipient: string, { code, enhanced, text }: Reply): RecipientResult {
  return enhanced === undefined ? { recipient, code, text } : { recipient, code, enhanced, text };
}
