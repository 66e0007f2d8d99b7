/** A message handed in as to all writers: in parts, or complete, with its recipients from its headers. */
import { Readable } from "node:stream";
import { UsageError } from "../client/errors.js";
import type { Source } from "../client/sink.js";
import { type Headers, parseHeaders } from "../message/headers.js";
import { isResent, recipientsOf, senderOf } from "../message/participants.js";
import { isDraft, type MailDraft, mailOf } from "../message/writer.js";
import { openSource, type SourceReader } from "../net/stream.js";
import { checkEnvelope } from "./envelope.js";
import type { Envelope, MailInput, RawMessage, SendMailOptions } from "./options.js";

/** What `submit()` takes besides a message. */
export interface SendSubmitOptions extends SendMailOptions {
  /**
   * Whom it is from and to, whatever its headers say. Default: Sender, else the first of From; To, Cc and Bcc, which is taken
   * out of the message. Of one that was sent again by others, the Resent- fields of the last time (RFC 5322 §3.6.6).
   */
  readonly envelope?: Envelope | undefined;
}

/** Octets that a header may have. */
const LONGEST_HEAD = 1024 * 1024;
/** Fields that nobody is to see. */
const SECRET = ["bcc", "resent-bcc"];
const EMPTY_LINE = /\n\r?\n/;

/** A message as `send()` takes it. Throws UsageError, SinkError. */
export async function toSend(message: MailDraft | Source, options: SendSubmitOptions): Promise<MailInput | RawMessage> {
  const { envelope } = options;
  if (isDraft(message)) return envelope === undefined ? mailOf(message) : { ...mailOf(message), envelope };
  return envelope === undefined ? addressed(message, options) : { envelope, raw: message };
}

/** A complete message with the envelope that its header names. */
async function addressed(source: Source, options: SendMailOptions): Promise<RawMessage> {
  const reader = await openSource(source);
  const pieces = reader[Symbol.asyncIterator]();
  try {
    const begun = await beginning(pieces);
    const headers = parseHeaders(begun);
    const envelope = envelopeOf(headers);
    checkEnvelope(envelope, options);
    if (!SECRET.some((name) => headers.has(name)) && isRepeatable(source)) {
      await pieces.return?.();
      await reader.close();
      return { envelope, raw: source };
    }
    const head = headers.without(...SECRET);
    const raw = joined(head, begun.subarray(headers.bodyStart), pieces, reader);
    return { envelope, raw };
  } catch (error) {
    await pieces.return?.();
    await reader.close();
    throw error;
  }
}

/** The first pieces, as far as the end of the header. */
async function beginning(pieces: AsyncIterator<Buffer>): Promise<Buffer> {
  let begun = Buffer.alloc(0);
  for (;;) {
    const { done, value } = await pieces.next();
    if (done) return begun;
    begun = Buffer.concat([begun, value]);
    // A message may begin with an empty line.
    if (EMPTY_LINE.test(`\n${begun.toString("latin1")}`)) return begun;
    if (begun.length > LONGEST_HEAD) {
      throw new UsageError(`the message has a header of more than ${LONGEST_HEAD} octets`, { protocol: "smtp" });
    }
  }
}

function envelopeOf(headers: Headers): Envelope {
  const from = senderOf(headers);
  if (from !== undefined) return { from, to: recipientsOf(headers) };
  const name = isResent(headers) ? "Resent-From, although it was sent again by others" : "From";
  throw new UsageError(`the message has no ${name}`, {
    advice: "the option { envelope: { from, to } } says whom it is from",
    protocol: "smtp",
  });
}

/** The message in pieces again. It is let go of where it is destroyed, too. */
function joined(head: Buffer, rest: Buffer, pieces: AsyncIterator<Buffer>, reader: SourceReader): Readable {
  async function* all() {
    yield head;
    if (rest.length > 0) yield rest;
    yield* { [Symbol.asyncIterator]: () => pieces };
  }
  const raw = Readable.from(all(), { objectMode: false });
  raw.once("close", () => void reader.close());
  return raw;
}

/** True for what can be read twice. */
function isRepeatable(source: Source): boolean {
  const isPath = typeof source === "string" || source instanceof URL;
  return isPath || source instanceof Uint8Array || (typeof source === "object" && "text" in source);
}
