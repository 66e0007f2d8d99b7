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
import { checkRequireTls, type Extensions, mailCommand } from "./parameters.js";
import type { TransactionLimits } from "./parse-ehlo.js";
import { failWith, keepErrors, streamsOf } from "./streams.js";

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
  /** True where TLS has shown that this is the server that was meant. */
  readonly verified: boolean;
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
  const streams = streamsOf(message);
  keepErrors(streams);
  const { raw, from, to: recipients, messageId } = await composeMail(mail);
  if (!Buffer.isBuffer(raw)) for (const stream of streams) failWith(raw, stream);
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
  const body = { [Symbol.asyncIterator]: () => pieces[Symbol.asyncIterator](), close: () => reader.close() };
  return streamed(body, reader.size, envelope, to);
}

/** What is sent in several transactions is read once, into memory. */
async function streamed(
  reader: Pick<SourceReader, "close" | typeof Symbol.asyncIterator>,
  size: number | undefined,
  envelope: CheckedEnvelope,
  to: Preparation,
): Promise<Prepared> {
  const traits: Traits = { messageId: undefined, is8bit: true, utf8Header: false };
  const prepared = assemble({ pieces: reader, close: () => reader.close() }, size, traits, envelope, to);
  return prepared.parts.length === 1 ? prepared : fromBytes(await gather(reader), envelope, to);
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
  { extensions, limits, verified }: Preparation,
): Prepared {
  const { from, recipients, parameters } = envelope;
  checkRequireTls(parameters, verified);
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
  // A copy: the memory of a piece may be its source's to use again.
  for await (const piece of source) pieces.push(Buffer.from(piece));
  return Buffer.concat(pieces);
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
