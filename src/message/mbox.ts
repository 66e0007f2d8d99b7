/** A message as mboxrd has it, the mbox whose quoting can be undone; the reader is in mbox-read.ts. Pure. */
import { UsageError } from "../client/errors.js";
import { parseAddresses } from "./address.js";
import { parseDate } from "./date.js";
import { parseHeaders } from "./headers.js";
import { toLf } from "./line-ends.js";

const LF = 0x0a;
const ANGLE = 0x3e;
const FROM = Buffer.from("From ");
const QUOTE = Buffer.from(">");
const NEWLINE = Buffer.from("\n");

/** What `encodeMbox` writes into the line before the message. */
export interface MboxOptions {
  /** The sender's address. Default: that of the message's Return-Path or From, else `MAILER-DAEMON`. */
  from?: string | undefined;
  /** When the message came. Default: the message's Date, else now. */
  date?: Date | undefined;
}

/**
 * A message as an mboxrd file has it: the line `From sender date`, the message with LF line ends and every line that
 * begins with `From `, `>From `, `>>From ` … quoted by one more `>`, an empty line. Append one to the other.
 *
 * @param message Header and body, with CR LF or LF line ends; a line end is added where the last line has none.
 * @throws UsageError where `from` has a line break or `date` is no date of the years 1900 to 9999.
 */
export function encodeMbox(message: Buffer, options: MboxOptions = {}): Buffer {
  const lines = toLf(message);
  const pieces: Buffer[] = [Buffer.from(separatorLine(message, options))];
  let from = 0;
  for (const at of fromLines(lines)) {
    pieces.push(lines.subarray(from, at), QUOTE);
    from = at;
  }
  pieces.push(lines.subarray(from));
  if (lines.length > 0 && lines[lines.length - 1] !== LF) pieces.push(NEWLINE);
  pieces.push(NEWLINE);
  return Buffer.concat(pieces);
}

/** Where the lines begin that are `From ` behind any number of `>`. */
export function* fromLines(bytes: Buffer): Generator<number> {
  for (let at = bytes.indexOf(FROM); at >= 0; at = bytes.indexOf(FROM, at + FROM.length)) {
    let start = at;
    while (start > 0 && bytes[start - 1] === ANGLE) start--;
    if (start === 0 || bytes[start - 1] === LF) yield start;
  }
}

/** The line before a message; what it says is taken from its header where the options do not. Throws UsageError. */
export function separatorLine(message: Buffer, options: MboxOptions): string {
  const headers = parseHeaders(message, { maxFields: Number.POSITIVE_INFINITY });
  const from = options.from ?? senderOf(headers.raw("return-path")) ?? senderOf(headers.raw("from")) ?? "MAILER-DAEMON";
  if (!/^[^\s\0]+$/.test(from)) throw new UsageError(`not a sender for an mbox: ${JSON.stringify(from)}`);
  return `From ${from} ${asctime(options.date ?? parseDate(headers.raw("date") ?? "") ?? new Date())}\n`;
}

function senderOf(raw = ""): string | undefined {
  return parseAddresses(raw).find(({ address }) => /^[^\s\0]+$/.test(address))?.address;
}

/** `Tue Feb  3 10:11:12 2026`, in UTC. */
function asctime(date: Date): string {
  const year = date.getUTCFullYear();
  if (!(year >= 1900 && year <= 9999)) throw new UsageError("an mbox needs a valid date of the years 1900 to 9999");
  const [weekday, day, month, , time] = date.toUTCString().split(/,? /);
  return `${weekday} ${month} ${String(Number(day)).padStart(2)} ${time} ${year}`;
}
