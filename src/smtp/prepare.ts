/** A message as it was given → what goes over the wire: commands, and a body whose lines end with CR LF. */
import { Readable } from "node:stream";
import { UsageError } from "../client/errors.js";
import type { Source } from "../client/sink.js";
import { composeMail } from "../message/compose-mail.js";
import { openSource, type SourceReader } from "../net/stream.js";
import { encodeLine } from "../wire/text.js";
import { repaired, repairedPieces, type Traits, traitsOf } from "./content.js";
import { checkDkim, signed } from "./dkim.js";
import { type CheckedEnvelope, checkEnvelope, type Part, shareOut } from "./envelope.js";
import type { DkimOptions, Envelope, MailInput, MailParameters, RawMessage, SendMailOptions } from "./options.js";
import { type Extensions, mailCommand } from "./parameters.js";
import type { TransactionLimits } from "./parse-ehlo.js";

/** A message that can be sent. */
export interface Prepared {
  readonly envelope: { readonly from: string; readonly to: readonly string[] };
  readonly messageId: string | undefined;
  readonly mail: string;
  /** Transactions: one, unless the server limits their recipients. */
  readonly parts: readonly Part[];
  readonly body: Body;
  /** True where bytes go as they are, in BDAT alone (BINARYMIME). */
  readonly binary: boolean;
}

/** Bytes that are at hand, or that come in pieces, once. */
export type Body = Buffer | StreamedBody;

/** The bytes of a message that is not held in memory. A piece is good until the next one is asked for. */
export interface StreamedBody {
  readonly pieces: AsyncIterable<Buffer>;
  /** Lets go of what was not read. */
  close(): Promise<void>;
}

/** What a message is prepared for. */
export interface Preparation {
  readonly extensions: Extensions;
  readonly limits: TransactionLimits;
  readonly dkim: DkimOptions | undefined;
}

/** Octets up to which a file is read into memory at once. */
const SMALL_FILE = 256 * 1024;

/** Checks a message and gets it ready; nothing is sent. Bytes that are at hand take no turn of the event loop. */
export function prepare(
  message: MailInput | RawMessage,
  options: SendMailOptions,
  to: Preparation,
): Prepared | Promise<Prepared> {
  if (!isRaw(message)) return prepareMail(message, options, to);
  const envelope = checkEnvelope(message.envelope, options);
  const { raw } = message;
  if (raw instanceof Uint8Array && to.dkim === undefined) return fromBytes(asBuffer(raw), envelope, to);
  return fromSource(raw, envelope, to, to.dkim);
}

function isRaw(message: MailInput | RawMessage): message is RawMessage {
  if (typeof message !== "object" || message === null)
    throw new UsageError("a message is an object", { protocol: "smtp" });
  if (!("raw" in message)) return false;
  if (typeof message.envelope === "object" && message.envelope !== null) return true;
  throw new UsageError("a raw message needs an envelope: { from, to }", { protocol: "smtp" });
}

async function prepareMail(message: MailInput, options: SendMailOptions, to: Preparation): Promise<Prepared> {
  const { envelope: own = {}, dkim = to.dkim, ...mail } = message;
  const { raw, from, to: recipients, messageId } = await composeMail(mail);
  const envelope: Envelope = { ...own, from: own.from ?? from, to: own.to ?? recipients };
  if (envelope.from === "" && own.from === undefined) {
    throw new UsageError("the message has no sender: from, or envelope.from", { protocol: "smtp" });
  }
  const checked = checkEnvelope(envelope, options);
  const signing = dkim === false ? undefined : checkDkim(dkim);
  const prepared = await fromSource(raw, checked, to, signing);
  return { ...prepared, messageId: prepared.messageId ?? messageId };
}

async function fromSource(
  raw: Source,
  envelope: CheckedEnvelope,
  to: Preparation,
  dkim: DkimOptions | undefined,
): Promise<Prepared> {
  const reader = await openSource(raw, { reuse: dkim === undefined });
  const { size } = reader;
  if (raw instanceof Uint8Array || (size !== undefined && size <= SMALL_FILE)) {
    const bytes = raw instanceof Uint8Array ? asBuffer(raw) : await gather(reader);
    return fromBytes(dkim ? await gather(await signed(repaired(bytes), dkim)) : bytes, envelope, to);
  }
  try {
    return await fromReader(reader, envelope, to, dkim);
  } catch (error) {
    await reader.close();
    throw error;
  }
}

async function fromReader(
  reader: SourceReader,
  envelope: CheckedEnvelope,
  to: Preparation,
  dkim: DkimOptions | undefined,
): Promise<Prepared> {
  const binary = envelope.parameters.body === "binarymime";
  if (dkim) {
    // The signer reads to the end before the first byte is out: its memory is what the message has.
    const reading = await openSource(await signed(Readable.from(repairedPieces(reader)), dkim));
    return streamed(reading, undefined, envelope, to);
  }
  const pieces = binary ? reader : repairedPieces(reader);
  return streamed(
    { [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator](), close: () => reader.close() },
    reader.size,
    envelope,
    to,
  );
}

function streamed(
  reader: Pick<SourceReader, "close" | typeof Symbol.asyncIterator>,
  size: number | undefined,
  envelope: CheckedEnvelope,
  to: Preparation,
): Prepared {
  const traits: Traits = { messageId: undefined, is8bit: true, utf8Header: false };
  const prepared = assemble({ pieces: reader, close: () => reader.close() }, size, traits, envelope, to);
  if (prepared.parts.length === 1) return prepared;
  const message = "the server limits the recipients of one message, and a stream can be sent only once";
  throw new UsageError(message, { advice: "give the message as bytes, or send it to fewer at once", protocol: "smtp" });
}

function fromBytes(message: Buffer, envelope: CheckedEnvelope, to: Preparation): Prepared {
  const binary = envelope.parameters.body === "binarymime";
  const body = binary ? message : repaired(message);
  return assemble(body, body.length, traitsOf(body), envelope, to);
}

function assemble(
  body: Body,
  size: number | undefined,
  traits: Traits,
  envelope: CheckedEnvelope,
  { extensions, limits }: Preparation,
): Prepared {
  const { from, recipients, parameters } = envelope;
  const given: MailParameters = {
    ...parameters,
    size: size ?? parameters.size,
    body: parameters.body ?? (traits.is8bit && extensions.has("8BITMIME") ? "8bitmime" : undefined),
    // Declared where it can be: a header in UTF-8 that is sent without it is at the mercy of the next server.
    smtputf8:
      parameters.smtputf8 ||
      recipients.some(({ path }) => path.utf8) ||
      (traits.utf8Header && extensions.has("SMTPUTF8")),
  };
  const parts = shareOut(envelope, limits, extensions);
  const mail = mailCommand(from, given, extensions);
  // Whatever cannot be sent is found out here, where nothing was sent.
  for (const command of [mail, ...parts.flatMap((part) => part.commands)]) encodeLine(command);
  return {
    envelope: { from: from.address, to: recipients.map(({ path }) => path.address) },
    messageId: traits.messageId,
    mail,
    parts,
    body,
    binary: parameters.body === "binarymime",
  };
}

async function gather(source: AsyncIterable<Buffer | Uint8Array>): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of source) pieces.push(piece);
  return Buffer.concat(pieces);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
