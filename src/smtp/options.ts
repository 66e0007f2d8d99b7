/** The options of SMTP alone, and their defaults; what a message and its envelope may be. */
import type { DKIMOptions } from "nodemailer/lib/dkim";
import type { MailComposerOptions } from "nodemailer/lib/mail-composer";
import { UsageError } from "../client/errors.js";
import { type ClientOptions, MOST_MS, type OwnNames, wholeNumber } from "../client/options.js";
import type { CallOptions } from "../client/session.js";
import type { Source } from "../client/sink.js";
import { checkDkim } from "./dkim.js";

/** What an SmtpClient takes. */
export interface SmtpOptions extends ClientOptions {
  /**
   * What the client calls itself in EHLO: a domain, or an address literal (RFC 5321 §4.1.3). Default: the name of this
   * machine where it is a full one (`mx.example.org`), else the address of the connection, `[192.0.2.1]`.
   */
  name?: string | undefined;
  /** True: the server speaks LMTP (RFC 2033), and answers for each recipient. Default: false. */
  lmtp?: boolean | undefined;
  /** False: messages go by DATA, also where the server takes them by BDAT (CHUNKING, RFC 3030). Default: true. */
  chunking?: boolean | undefined;
  /**
   * Messages under way at once, where the server has PIPELINING and CHUNKING. 1: each waits for the answer to the one
   * before. Default: 16.
   */
  window?: number | undefined;
  /**
   * Milliseconds that the server may take to answer a whole message: giving up early means messages that are sent twice
   * (RFC 5321 §4.5.3.2.6). A `timeout` of the call goes first. Default: 600 000.
   */
  acceptTimeout?: number | undefined;
  /** Signs every message that is sent with `send()` and `sendAll()` (RFC 6376). Default: none is signed. */
  dkim?: DkimOptions | undefined;
}

/** The keys and rules of a signature, as nodemailer takes them: `{ domainName, keySelector, privateKey }`, or `keys`. */
export type DkimOptions = DKIMOptions;

/** The options of SMTP alone. */
export const SMTP_NAMES: OwnNames<SmtpOptions> = {
  name: true,
  lmtp: true,
  chunking: true,
  window: true,
  acceptTimeout: true,
  dkim: true,
};

/** SMTP's own options with every default filled in. */
export interface SmtpSettings {
  readonly name: string | undefined;
  readonly lmtp: boolean;
  readonly chunking: boolean;
  readonly window: number;
  readonly acceptTimeout: number;
  readonly dkim: DkimOptions | undefined;
}

/** The parameters of MAIL. Each needs the extension that its RFC defines: without it, a UsageError, and nothing is sent. */
export interface MailParameters {
  /** Octets of the message, as far as they are known (SIZE, RFC 1870). `send()` counts them itself. */
  readonly size?: number | undefined;
  /** What the content is made of (8BITMIME, RFC 6152; BINARYMIME, RFC 3030). `send()` finds out 8bitmime itself. */
  readonly body?: "7bit" | "8bitmime" | "binarymime" | undefined;
  /** Addresses or headers are in UTF-8 (RFC 6531). Set by itself where an address needs it. */
  readonly smtputf8?: boolean | undefined;
  /** On whose behalf, as far as that was proved: an address, or "" for nobody known (AUTH=, RFC 4954 §5). */
  readonly auth?: string | undefined;
  /** How much of the message comes back with a notification (DSN, RFC 3461 §4.3). */
  readonly ret?: "full" | "hdrs" | undefined;
  /** Comes back in notifications (DSN, RFC 3461 §4.4): printable ASCII, 100 characters at most. */
  readonly envid?: string | undefined;
  /** The message may travel under TLS only, with certificates that were checked (RFC 8689). */
  readonly requireTls?: boolean | undefined;
  /** Deliver within so many seconds, or give up (`return`) or tell (`notify`; also 0 or less) (DELIVERBY, RFC 2852). */
  readonly deliverBy?:
    | { readonly seconds: number; readonly mode: "return" | "notify"; readonly trace?: boolean | undefined }
    | undefined;
  /** From -9 to 9; larger is more urgent (MT-PRIORITY, RFC 6710). */
  readonly priority?: number | undefined;
  /** Hold the message back: for so many seconds, or until a moment (FUTURERELEASE, RFC 4865). */
  readonly hold?: number | Date | undefined;
}

/** The parameters of RCPT. */
export interface RcptParameters {
  /** When to notify the sender (DSN, RFC 3461 §4.1). Default: left to the server, which is on failure. */
  readonly notify?: "never" | readonly ("success" | "failure" | "delay")[] | undefined;
  /** The address first written, before it was forwarded (DSN, RFC 3461 §4.2): `user@host`, or `type;address`. */
  readonly orcpt?: string | undefined;
}

/** One recipient, where it has parameters of its own. */
export interface Recipient extends RcptParameters {
  readonly address: string;
}

/** Who a message is from, as far as delivery goes, and to whom: what the headers say does not matter. */
export interface Envelope extends MailParameters, Pick<RcptParameters, "notify"> {
  /** Where notifications go; "" for nobody (a message that must not be answered). */
  readonly from: string;
  /** `user@host`, `Name <user@host>`, several with commas between them, or a list. */
  readonly to: string | Recipient | readonly (string | Recipient)[];
}

/** A message that is complete, headers and all. Line ends may be LF: they become CR LF. A path is a local file's. */
export interface RawMessage {
  readonly envelope: Envelope;
  readonly raw: Source;
}

/**
 * A message in parts, as nodemailer takes it: from, to, cc, bcc, subject, text, html, attachments, headers… Its envelope
 * comes from its addresses, or is given. Attachments may be paths of files; URLs are fetched only where
 * `disableUrlAccess: false` is written out.
 */
export interface MailInput extends Omit<MailComposerOptions, "envelope" | "raw"> {
  readonly envelope?: Partial<Envelope> | undefined;
  /** Signs this message, instead of with the option of the client; false: not at all. */
  readonly dkim?: DkimOptions | false | undefined;
}

/** What `send()` and `sendAll()` take besides messages. */
export interface SendMailOptions extends CallOptions {
  /** Parameters for every message that has none of its own in its envelope. */
  readonly mail?: MailParameters | undefined;
  /** Parameters for every recipient that has none of its own. */
  readonly rcpt?: RcptParameters | undefined;
}

/** Fills in the defaults. Throws UsageError. */
export function resolveSmtp(options: SmtpOptions): SmtpSettings {
  const { name } = options;
  if (name !== undefined && !isName(name)) {
    throw new UsageError(`name is a domain or an address literal, not ${JSON.stringify(name)}`, { protocol: "smtp" });
  }
  return {
    name,
    lmtp: options.lmtp ?? false,
    chunking: options.chunking ?? true,
    window: wholeNumber("window", options.window ?? 16, 1, 1_000),
    acceptTimeout: wholeNumber("acceptTimeout", options.acceptTimeout ?? 600_000, 1, MOST_MS),
    dkim: checkDkim(options.dkim),
  };
}

/** A domain (underscores are seen, if not allowed), or what stands between brackets (RFC 5321 §4.1.2 and §4.1.3). */
export function isName(name: string): boolean {
  return (
    typeof name === "string" && name.length <= 255 && /^(?:[a-z0-9_-]+(?:\.[a-z0-9_-]+)*\.?|\[[!-Z^-~]+\])$/i.test(name)
  );
}
