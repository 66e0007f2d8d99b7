/** A mail of nodemailer's → what SmtpClient sends, and its result → what nodemailer's callers get. Pure. */
import type { Readable } from "node:stream";
import type { SentMessageInfo } from "nodemailer";
import type MailMessage from "nodemailer/lib/mailer/mail-message";
import { UsageError } from "../client/errors.js";
import { checkAddresses } from "../message/check-addresses.js";
import type { Envelope, RawMessage, RcptParameters, Recipient } from "./options.js";
import type { SendResult } from "./result.js";
import { rejectedError, type TransportError } from "./transport-error.js";

/** What a message that was sent leads to. */
export interface TransportInfo extends SentMessageInfo {
  envelope: { from: string | false; to: string[] };
  /** `<left@right>`, from the headers. */
  messageId: string;
  /** Recipients the server took the message for. */
  accepted: string[];
  rejected: string[];
  /** Why each of `rejected` was refused; not there where none was. */
  rejectedErrors?: TransportError[] | undefined;
  /** What the server said to the message: `250 2.0.0 Ok: queued as 12345`. */
  response: string;
  /** Milliseconds that it took, login and waiting not included. */
  messageTime: number;
  /** Octets of the message. */
  messageSize: number;
}

/** Where an envelope comes from that is not given. */
const FIELDS = ["from", "sender", "to", "cc", "bcc"] as const;

/** What nodemailer says about notifications, under either name. */
type Dsn = NonNullable<MailMessage["data"]["dsn"]>;

/**
 * The message with its envelope. Nothing is read yet.
 *
 * @param hasDsn Whether the server takes the parameters of DSN: nodemailer leaves them out where it does not.
 * @throws UsageError for what cannot be done.
 */
export function rawMessage<T>(mail: MailMessage<T>, raw: Readable, hasDsn: boolean): RawMessage {
  const { dsn, requireTLSExtensionEnabled, auth } = mail.data;
  if (auth !== undefined) {
    throw new UsageError("this transport logs in once for all messages: a message cannot bring its own auth");
  }
  // What nodemailer cannot read it leaves out.
  if (mail.data.envelope === undefined) for (const field of FIELDS) checkAddresses(mail.data[field], field);
  const { from, to } = mail.message.getEnvelope();
  const parameters = dsn && hasDsn ? dsnOf(dsn) : {};
  const { notify, orcpt, ...own } = parameters;
  const recipients: (string | Recipient)[] = orcpt
    ? to.map((address) => ({ address, orcpt, ...(notify && { notify }) }))
    : to;
  const requireTls = requireTLSExtensionEnabled ? { requireTls: true } : {};
  const envelope: Envelope = { from: from || "", to: recipients, ...own, ...(notify && { notify }), ...requireTls };
  return { envelope, raw };
}

function dsnOf(dsn: Dsn): Pick<Envelope, "ret" | "envid"> & Pick<RcptParameters, "notify" | "orcpt"> {
  const ret = dsn.ret ?? dsn.return;
  const envid = dsn.envid ?? dsn.id;
  const orcpt = dsn.orcpt ?? dsn.recipient;
  return {
    ...(ret ? { ret: retOf(ret) } : {}),
    ...(envid ? { envid } : {}),
    ...(dsn.notify ? { notify: notifyOf(dsn.notify) } : {}),
    ...(orcpt ? { orcpt: orcpt.replace(/^rfc822;\s*/i, "") } : {}),
  };
}

function retOf(ret: string): "full" | "hdrs" {
  const word = ret.toLowerCase();
  if (word === "full" || word === "body") return "full";
  if (word === "hdrs" || word === "headers") return "hdrs";
  throw new UsageError(`dsn.ret is HDRS or FULL, not ${JSON.stringify(ret)}`);
}

const EVENTS = ["success", "failure", "delay"] as const;

function notifyOf(notify: string | readonly string[]): RcptParameters["notify"] {
  const words = [notify].flat().flatMap((each) =>
    each
      .toLowerCase()
      .split(/[\s,]+/)
      .filter(Boolean),
  );
  if (words.length === 1 && words[0] === "never") return "never";
  const events = EVENTS.filter((event) => words.includes(event));
  if (new Set(words).size === events.length && events.length > 0) return events;
  throw new UsageError(`dsn.notify is NEVER, or of SUCCESS, FAILURE and DELAY, not ${JSON.stringify(notify)}`);
}

/** The result as nodemailer's SMTP transport gives it. */
export function infoOf<T>(mail: MailMessage<T>, result: SendResult, milliseconds: number): TransportInfo {
  const { from, to } = mail.message.getEnvelope();
  const { accepted, rejected, reply, bytes } = result;
  return {
    envelope: { from, to },
    messageId: mail.message.messageId(),
    accepted: accepted.map(({ recipient }) => recipient),
    rejected: rejected.map(({ recipient }) => recipient),
    ...(rejected.length > 0 ? { rejectedErrors: rejected.map(rejectedError) } : {}),
    response: reply === undefined ? "" : reply.lines.join("\n"),
    messageTime: Math.round(milliseconds),
    messageSize: bytes,
  };
}
