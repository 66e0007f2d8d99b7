/** An error as callers of nodemailer know it: `code` EENVELOPE, EAUTH …, `responseCode`, `response`. One table maps them. */
import type { NodemailerError } from "nodemailer";
import {
  AbortedError,
  ConnectionError,
  LoginError,
  PolywireError,
  ProtocolError,
  ReplyError,
  SinkError,
  TimeoutError,
  TlsError,
  UsageError,
} from "../client/errors.js";
import { saidBy } from "./refusal.js";
import { type RecipientResult, SendError } from "./result.js";

/** From the class of an error to nodemailer's code; the first that fits. */
const CODES: readonly (readonly [type: abstract new (...args: never[]) => PolywireError, code: string])[] = [
  [AbortedError, "EABORT"],
  [TimeoutError, "ETIMEDOUT"],
  [TlsError, "ETLS"],
  [LoginError, "EAUTH"],
  [SinkError, "ESTREAM"],
  [ProtocolError, "EPROTOCOL"],
];

/** What the transport fails with: nodemailer's fields beside polywire's own. The error itself is the `cause`. */
export class TransportError extends PolywireError implements NodemailerError {
  override readonly name = "TransportError";
  /** As nodemailer has it: EENVELOPE, EMESSAGE, EAUTH, ECONNECTION, ETIMEDOUT, ETLS, EDNS, ESTREAM, EPROTOCOL, EABORT. */
  readonly code: string;
  /** The command that was refused. */
  readonly command?: string;
  /** What the server said. */
  readonly response?: string;
  /** The code of its reply. */
  readonly responseCode?: number;
  /** True where the same message will be refused again. */
  readonly permanent?: boolean;
  /** Recipients that were refused, and what was said to each. */
  readonly rejected?: string[];
  readonly rejectedErrors?: TransportError[];
  /** Whom the refusal is about. */
  readonly recipient?: string;

  constructor(message: string, code: string, cause: unknown, fields: Partial<NodemailerError> = {}) {
    super(message, detailsOf(cause));
    this.code = code;
    Object.assign(this, fields);
  }
}

function detailsOf(cause: unknown) {
  if (!(cause instanceof PolywireError)) return { cause };
  const { retryable, clientUsable, protocol, server } = cause;
  return { cause, retryable, clientUsable, ...(protocol && { protocol }), ...(server && { server }) };
}

/** Any error as one of the transport. */
export function transportError(error: unknown): TransportError {
  if (error instanceof TransportError) return error;
  const message = error instanceof Error ? error.message : String(error);
  if (!(error instanceof ReplyError)) return new TransportError(message, codeOf(error), error);
  const { command, code: said, transient } = error;
  const response = saidBy(error) ?? message;
  const fields = { command: commandOf(command), response, responseCode: Number(said), permanent: !transient };
  if (!(error instanceof SendError)) return new TransportError(message, codeOf(error), error, fields);
  const { rejected } = error.result;
  const list = { rejected: rejected.map(({ recipient }) => recipient), rejectedErrors: rejected.map(rejectedError) };
  return new TransportError(message, codeOf(error), error, { ...fields, ...list });
}

/** The refusal of one recipient, where others were taken. */
export function rejectedError({ recipient, code, text }: RecipientResult): TransportError {
  const response = `${code} ${text}`;
  return new TransportError(`${recipient} was refused: ${response}`, "EENVELOPE", undefined, {
    ...{ command: "RCPT TO", recipient, response, responseCode: Number(code), permanent: !code.startsWith("4") },
  });
}

function codeOf(error: unknown): string {
  const found = CODES.find(([type]) => error instanceof type);
  if (found) return found[1];
  if (error instanceof ConnectionError) return { dns: "EDNS", proxy: "EPROXY" }[error.phase as string] ?? "ECONNECTION";
  if (error instanceof ReplyError) return codeOfCommand(error.command);
  // A bad address or parameter, found before anything was sent.
  return error instanceof UsageError ? "EENVELOPE" : "ESTREAM";
}

/** As nodemailer calls it, without arguments. */
function commandOf(command: string): string {
  if (command === "the message") return "DATA";
  return /^(?:MAIL FROM|RCPT TO|AUTH \S+|\S+)/i.exec(command)?.[0] ?? command;
}

function codeOfCommand(command: string): string {
  if (/^(MAIL|RCPT)\b/i.test(command)) return "EENVELOPE";
  return /^(DATA|BDAT)\b|message/i.test(command) ? "EMESSAGE" : "EPROTOCOL";
}
