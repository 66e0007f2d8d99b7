/** One attachment of mailparser: collected, or handed to its reader as a stream. */
import { PassThrough, type Readable } from "node:stream";
import { finished } from "node:stream/promises";
import type { AttachmentStream, MailParser } from "mailparser";
import { SinkError } from "../client/errors.js";
import type { Attachment, AttachmentInfo } from "./message.js";

/** `size` is known at the end. */
type Growing = { -readonly [K in keyof AttachmentInfo]: AttachmentInfo[K] };
type OnAttachment = (info: AttachmentInfo, content: Readable) => void | Promise<void>;

/** Reads the attachment to its end, then lets the parser go on. */
export async function readAttachment(
  part: AttachmentStream,
  parser: MailParser,
  onAttachment?: OnAttachment,
): Promise<AttachmentInfo | Attachment> {
  const content = part.content as Readable;
  // A message that fails in the middle must not leave its reader waiting.
  const fail = () => content.destroy(new Error("the message ended within an attachment"));
  parser.once("close", fail);
  const info = infoOf(part);
  const result = onAttachment ? await hand(info, content, onAttachment) : await collect(info, content);
  parser.off("close", fail);
  part.release();
  return result;
}

function infoOf(part: AttachmentStream): Growing {
  const disposition = part.contentDisposition;
  return {
    filename: part.filename || undefined,
    contentType: part.contentType || "application/octet-stream",
    disposition: disposition === "attachment" || disposition === "inline" ? disposition : undefined,
    contentId: part.cid || undefined,
    isRelated: part.related ?? false,
    size: 0,
  };
}

async function collect(info: AttachmentInfo, content: Readable): Promise<Attachment> {
  const chunks: Buffer[] = [];
  for await (const chunk of content) chunks.push(chunk);
  const bytes = Buffer.concat(chunks);
  return { ...info, size: bytes.length, content: bytes };
}

/** The reader has a stream of its own: where it is destroyed or left alone, the parser's still runs to its end. */
async function hand(info: Growing, content: Readable, onAttachment: OnAttachment): Promise<AttachmentInfo> {
  const stream = new PassThrough();
  const ended = finished(content);
  ended.catch((error) => stream.destroy(error));
  stream.on("error", () => {});
  stream.once("close", () => content.unpipe(stream).resume());
  content.on("data", (chunk: Buffer) => (info.size += chunk.length));
  content.pipe(stream);
  try {
    await onAttachment(info, stream);
  } catch (cause) {
    stream.destroy();
    throw new SinkError(`an attachment was not taken: ${String((cause as Error)?.message ?? cause)}`, { cause });
  }
  if (stream.readableFlowing === null) stream.destroy();
  await ended;
  return info;
}
