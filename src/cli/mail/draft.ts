/** A message as the options of `polywire send` and stdin have it → its bytes and its envelope. */
import { basename, resolve } from "node:path";
import type { Readable } from "node:stream";
import { UsageError } from "../../index.js";
import {
  composeMail,
  decodeBytes,
  parseAddresses,
  parseDate,
  parseHeaders,
  recipientsOf,
  senderOf,
} from "../../message/index.js";

/** What the options say of the message. */
export interface Draft {
  from?: string;
  to?: string[];
  cc?: string[];
  bcc?: string[];
  replyTo?: string;
  subject?: string;
  text?: string;
  html?: string;
  attach?: string[];
  header?: string[];
  raw?: true;
  readRecipients?: true;
  returnPath?: string;
}

/** A message that is ready. */
export interface DraftedMail {
  readonly raw: Buffer | Readable;
  readonly from: string;
  readonly to: readonly string[];
}

/** Throws UsageError where options are missing, or mean nothing together. Nothing was read then, and nothing sent. */
export function checkDraft(draft: Draft): void {
  const { from, to, cc, bcc, replyTo, subject, text, html, attach, header, returnPath } = draft;
  if (isRaw(draft)) {
    const parts = { cc, replyTo, subject, text, html, attach, header };
    const stray = Object.entries(parts).find(([, value]) => value !== undefined)?.[0];
    if (stray !== undefined) {
      throw new UsageError(`--${dashed(stray)} is a part of a message, but stdin is the whole: leave out one of them`);
    }
    if (to === undefined && bcc === undefined && !draft.readRecipients) {
      throw new UsageError("whom to? --to is missing", { advice: "or take those of the headers: --read-recipients" });
    }
    if (from !== undefined && returnPath !== undefined)
      throw new UsageError("--from and --return-path are one thing here");
    return;
  }
  if (from === undefined) throw new UsageError("--from is missing: who writes?");
  if (to === undefined && cc === undefined && bcc === undefined) throw new UsageError("--to is missing: whom to?");
  header?.forEach(headerField);
}

/** True where stdin is the whole message. */
export function isRaw({ raw, readRecipients }: Draft): boolean {
  return (raw ?? readRecipients) !== undefined;
}

/** True where the message, or its text, comes from stdin. */
export function readsStdin(draft: Draft): boolean {
  return isRaw(draft) || (draft.text === undefined && draft.html === undefined);
}

/** The message. `input`: stdin, where it is read. Throws UsageError for what is no message. */
export async function readDraft(draft: Draft, input: Buffer | undefined): Promise<DraftedMail> {
  if (isRaw(draft)) return rawMail(draft, input ?? Buffer.alloc(0));
  const { from, to, cc, bcc, replyTo, subject, html, attach = [], header = [] } = draft;
  const text = draft.text ?? (input === undefined ? undefined : decodeBytes(input));
  if ((text ?? html ?? "").trim() === "" && attach.length === 0) {
    throw new UsageError("there is no text", { advice: "say --text, or pipe it in: polywire send … < text" });
  }
  const headers = header.map(headerField).map(([key, value]) => ({ key, value }));
  const attachments = attach.map((path) => ({ path: resolve(path), filename: basename(path) }));
  const parts = { from, to, cc, bcc, replyTo, subject, text, html };
  const given = Object.fromEntries(Object.entries(parts).filter(([, value]) => value !== undefined));
  const mail = await composeMail({ ...given, headers, attachments });
  return { raw: mail.raw, from: draft.returnPath ?? mail.from, to: [...new Set(mail.to)] };
}

/** A whole message: its sender and recipients come from the options, or from its headers. Bcc does not go out. */
function rawMail(draft: Draft, given: Buffer): DraftedMail {
  // As it will be sent: a CR that stands alone ends a line, too, and perhaps one with a Bcc behind it.
  const input = Buffer.from(given.toString("latin1").replace(/\r\n|\r|\n/g, "\r\n"), "latin1");
  const headers = parseHeaders(input, { maxFields: Number.POSITIVE_INFINITY });
  if (headers.broken.length > 0) {
    throw new UsageError(`stdin is no message: ${JSON.stringify(headers.broken[0])} is no header`);
  }
  const from = draft.returnPath ?? draft.from ?? senderOf(headers);
  if (from === undefined) throw new UsageError("the message has no From, and --from is missing");
  const named = [...(draft.to ?? []), ...(draft.bcc ?? [])].flatMap(bare);
  const to = [...named, ...(draft.readRecipients ? recipientsOf(headers) : [])];
  if (to.length === 0) throw new UsageError("the message has no recipients in To, Cc and Bcc, and --to is missing");
  return { raw: withoutBcc(input), from, to: [...new Set(to)] };
}

/** The addresses of a text, without their names, so that each counts once. What is written in an odd way, or is none, is left as it is. */
function bare(text: string): string[] {
  const addresses = parseAddresses(Buffer.from(text).toString("latin1")).map(({ address }) => address);
  const isOdd = addresses.length === 0 || addresses.includes("") || /"\s*@|\\/.test(text);
  return isOdd ? [text] : addresses;
}

/** The message without its Bcc, which says to all who reads it in secret. Pure. */
export function withoutBcc(message: Buffer): Buffer {
  const kept: Buffer[] = [];
  let skipping = false;
  for (let at = 0; at < message.length; ) {
    const lf = message.indexOf(0x0a, at);
    const next = lf < 0 ? message.length : lf + 1;
    const line = message.toString("latin1", at, Math.min(next, at + 32));
    if (/^\r?\n?$/.test(line)) return Buffer.concat([...kept, message.subarray(at)]);
    // A line that begins with a blank belongs to the field above.
    if (!/^[ \t]/.test(line)) skipping = /^(resent-)?bcc[ \t]*:/i.test(line);
    if (!skipping) kept.push(message.subarray(at, next));
    at = next;
  }
  return Buffer.concat(kept);
}

/** Headers that have an option of their own: a second one would say something else, or nothing. */
const OF_OPTIONS = /^(?:from|to|cc|bcc|reply-to|subject)$/i;
/** Headers that the message gets from what it is made of. */
const OF_CONTENT = /^(?:content-.*|mime-version)$/i;

function headerField(text: string): [name: string, value: string] {
  const [, name, value] = /^([!-9;-~]+):[ \t]*(.*)$/.exec(text) ?? [];
  if (name === undefined || value === undefined) {
    throw new UsageError(`${JSON.stringify(text)} is no header`, { advice: "write --header 'Name: value'" });
  }
  if (OF_OPTIONS.test(name)) throw new UsageError(`the header ${name} is set by --${name.toLowerCase()}`);
  if (OF_CONTENT.test(name)) throw new UsageError(`the header ${name} is made of the text and the files`);
  if (/^date$/i.test(name) && parseDate(value) === undefined)
    throw new UsageError(`${JSON.stringify(value)} is no date`);
  return [name, value];
}

function dashed(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}
