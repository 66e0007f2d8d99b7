/** The streams that a message is made of: their failures are noticed whenever they come, and end no process. */
import { finished, Readable } from "node:stream";
import type { MailInput, RawMessage } from "./options.js";

/** Streams of the caller's in a message: its bytes, or parts of it. */
export function streamsOf(message: MailInput | RawMessage): Readable[] {
  if (typeof message !== "object" || message === null) return [];
  if ("raw" in message) return message.raw instanceof Readable ? [message.raw] : [];
  const { text, html, watchHtml, amp, icalEvent, attachments, alternatives } = message;
  const parts: unknown[] = [text, html, watchHtml, amp, icalEvent, attachments, alternatives].flat();
  return parts.flatMap((part) => {
    if (part instanceof Readable) return [part];
    const content = typeof part === "object" && part !== null && "content" in part ? part.content : undefined;
    return content instanceof Readable ? [content] : [];
  });
}

/** Lets go of the streams of a message that nobody will send. */
export function discard(message: MailInput | RawMessage): void {
  for (const stream of streamsOf(message)) stream.destroy();
}

/** An error that comes before the stream is read must wait until it is: who reads it gets it. */
export function keepErrors(streams: readonly Readable[]): void {
  for (const stream of streams) stream.on("error", () => {});
}

/** `out` fails where `source`, which it is made of, fails or is closed before its end, also where that was before; and the other way round. */
export function failWith(out: Readable, source: Readable): void {
  keepErrors([out]);
  finished(source, { writable: false }, (error) => error && out.destroy(error));
  finished(out, { writable: false }, (error) => error && source.destroy());
}
