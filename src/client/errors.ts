/**
 * The errors, sorted by what you may do next.
 *
 *   PolywireError           everything thrown on purpose                          the client is then
 *   ├─ UsageError           out of order, unsendable, refused by policy           usable: nothing was sent
 *   ├─ ReplyError           the server said no                                    usable
 *   │  └─ LoginError        … to these credentials                                usable
 *   ├─ SinkError            your file or stream failed, not the server            usable where the reply could be drained
 *   ├─ ProtocolError        the server broke the protocol or a limit              closed
 *   └─ ConnectionError      the link failed: { phase }                            closed
 *      ├─ TimeoutError      … by silence
 *      ├─ TlsError          … in the handshake or the certificate
 *      └─ AbortedError      … because you asked
 *
 * A PolywireError of no other class is a mistake of polywire itself, or of a job: `clientUsable` and `retryable` tell.
 */

/** The protocols polywire speaks. */
export type Protocol = "ftp" | "nntp" | "smtp" | "pop3" | "imap";

/** Where a connection was when it failed. */
export type Phase = "dns" | "connect" | "proxy" | "tls" | "greeting" | "login" | "command" | "data" | "idle" | "abort";

/** What every error carries besides its message. */
export interface ErrorDetails {
  /** The error of Node or of a package that led here. */
  cause?: unknown;
  /** What a person may try next: a sentence, appended to the message. */
  advice?: string | undefined;
  /** True where the same call may succeed later without any change. */
  retryable?: boolean | undefined;
  /** True where the client that threw may go on being used. */
  clientUsable?: boolean | undefined;
  protocol?: Protocol | undefined;
  /** host:port of the server. */
  server?: string | undefined;
}

/** Everything polywire throws on purpose. */
export class PolywireError extends Error {
  override readonly name: string = "PolywireError";
  /** True where the same call may succeed later without any change. */
  readonly retryable: boolean;
  /** True where the client that threw may go on being used; false where it is closed. */
  clientUsable: boolean;
  /** The protocol spoken, where the error came from a connection. */
  protocol: Protocol | undefined;
  /** `host:port` of the server, where the error came from a connection. */
  server: string | undefined;
  /** What to try next, if there is something to try. */
  readonly advice: string | undefined;

  constructor(message: string, details: ErrorDetails = {}, defaults = { retryable: false, clientUsable: true }) {
    super(details.advice ? `${message}: ${details.advice}` : message, { cause: details.cause });
    if (details.cause === undefined) delete (this as { cause?: unknown }).cause;
    this.retryable = details.retryable ?? defaults.retryable;
    this.clientUsable = details.clientUsable ?? defaults.clientUsable;
    this.protocol = details.protocol;
    this.server = details.server;
    this.advice = details.advice;
  }
}

/** The call was out of order, could not be sent, or was refused by a policy of yours. Nothing was sent. */
export class UsageError extends PolywireError {
  override readonly name: string = "UsageError";
}

/** What a ReplyError tells about the refusal. */
export interface ReplyErrorDetails extends ErrorDetails {
  /** The command as it may be shown: secrets are `***`. */
  command: string;
  /** The reply's code: `550`, `-ERR`, `NO`. */
  code: string;
  /** The enhanced status code (RFC 3463), e.g. `5.1.1`, where there was one. */
  enhanced?: string | undefined;
  /** True where the server calls its refusal temporary (4xx). */
  transient: boolean;
}

/** The server said no. The connection is in order and the client usable. */
export class ReplyError extends PolywireError {
  override readonly name: string = "ReplyError";
  readonly command: string;
  readonly code: string;
  readonly enhanced: string | undefined;
  readonly transient: boolean;

  constructor(message: string, details: ReplyErrorDetails) {
    super(message, details, { retryable: details.transient, clientUsable: true });
    this.command = details.command;
    this.code = details.code;
    this.enhanced = details.enhanced;
    this.transient = details.transient;
  }
}

/** The server refused these credentials. The client stays connected: `login()` may be called again. */
export class LoginError extends ReplyError {
  override readonly name = "LoginError";
}

/** Your own file or stream failed, not the server. */
export class SinkError extends PolywireError {
  override readonly name = "SinkError";
}

/** The server broke the protocol, or sent more than a limit allows. The connection was closed. */
export class ProtocolError extends PolywireError {
  override readonly name = "ProtocolError";
  constructor(message: string, details: ErrorDetails = {}) {
    super(message, details, { retryable: false, clientUsable: false });
  }
}

/** What a ConnectionError tells about the place of the failure. */
export interface ConnectionErrorDetails extends ErrorDetails {
  phase: Phase;
}

/** The link failed. The client is closed; a new one may succeed where `retryable`. */
export class ConnectionError extends PolywireError {
  override readonly name: string = "ConnectionError";
  readonly phase: Phase;
  constructor(message: string, details: ConnectionErrorDetails) {
    super(message, details, { retryable: true, clientUsable: false });
    this.phase = details.phase;
  }
}

/** The server stayed silent for longer than the time-out. */
export class TimeoutError extends ConnectionError {
  override readonly name = "TimeoutError";
}

/** The TLS handshake failed or the certificate was refused. */
export class TlsError extends ConnectionError {
  override readonly name = "TlsError";
  constructor(message: string, details: ConnectionErrorDetails) {
    super(message, { ...details, retryable: details.retryable ?? false });
  }
}

/** You asked for the end: an AbortSignal fired, or `close()` was called. */
export class AbortedError extends ConnectionError {
  override readonly name = "AbortedError";
  constructor(message: string, details: Omit<ConnectionErrorDetails, "phase"> & { phase?: Phase | undefined } = {}) {
    super(message, { ...details, retryable: details.retryable ?? false, phase: details.phase ?? "abort" });
  }
}
