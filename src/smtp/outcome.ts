/** From transactions to what the caller is told of a message. */
import { AbortedError, ConnectionError, type PolywireError, ProtocolError, UsageError } from "../client/errors.js";
import type { Prepared } from "./prepare.js";
import { refusalDetails, saying } from "./refusal.js";
import { SendError, type SendResult, type SendState } from "./result.js";
import type { PartOutcome } from "./transaction.js";

/** What became of a message. */
export interface Outcome {
  readonly state: SendState;
  readonly result: SendResult;
  /** Why it was not sent, or not wholly. */
  readonly error: PolywireError | undefined;
}

/** Where transactions of one message ended differently, the least certain state is the message's. */
const ORDER: readonly SendState[] = ["unknown", "sent", "unsent", "refused"];

/** Puts the transactions of a message together. `redact` hides what must not be shown. */
export function outcomeOf(message: Prepared, parts: readonly PartOutcome[], redact: (text: string) => string): Outcome {
  const { state, accepted, rejected, reply, bytes } = parts.length === 1 ? (parts[0] as PartOutcome) : inAll(parts);
  const { envelope, messageId } = message;
  const result: SendResult =
    messageId === undefined
      ? { envelope, accepted, rejected, reply, bytes }
      : { envelope, messageId, accepted, rejected, reply, bytes };
  return { state, result, error: errorOf(state, result, parts, redact) };
}

function inAll(parts: readonly PartOutcome[]): PartOutcome {
  return {
    state: ORDER.find((each) => parts.some((part) => part.state === each)) as SendState,
    accepted: parts.flatMap(({ accepted }) => accepted),
    rejected: parts.flatMap(({ rejected }) => rejected),
    reply: parts.findLast(({ reply }) => reply !== undefined)?.reply,
    bytes: Math.max(...parts.map(({ bytes }) => bytes)),
  };
}

/** A message that did not get as far as a transaction. */
export function unsent(error: PolywireError, envelope: SendResult["envelope"] = { from: "", to: [] }): Outcome {
  return { state: "unsent", result: { envelope, accepted: [], rejected: [], reply: undefined, bytes: 0 }, error };
}

function errorOf(
  state: SendState,
  result: SendResult,
  parts: readonly PartOutcome[],
  redact: (text: string) => string,
): PolywireError | undefined {
  const refusal = parts.find((part) => part.refusal !== undefined)?.refusal;
  if (state === "refused" && refusal !== undefined) {
    const { reply, command } = refusal;
    const text = redact(reply.text);
    const { message, ...details } = refusalDetails(reply, command, text);
    return saying(new SendError(message, { ...details, result }), reply, text);
  }
  const error = parts.find((part) => part.error !== undefined)?.error;
  if (state === "sent") return error && Object.assign(partial(error, result), { result });
  const cause = error ?? new ProtocolError("the server did not answer for every recipient", { protocol: "smtp" });
  return state === "unknown" ? Object.assign(uncertain(cause, result.messageId), { result }) : certain(cause);
}

/** Some have it, others do not: the whole message must not be sent again. */
function partial(cause: PolywireError, { accepted, envelope }: SendResult): PolywireError {
  const message = `the message reached ${accepted.length} of ${envelope.to.length} recipients: ${cause.message}`;
  const advice = "send it to the others again";
  if (!(cause instanceof UsageError)) return lost(message, cause, false, advice);
  return new UsageError(message, { cause, advice, protocol: "smtp" });
}

/** Nobody knows whether the message was taken: sent once more, it may be there twice. */
function uncertain(cause: PolywireError, messageId: string | undefined): PolywireError {
  const look = messageId === undefined ? "" : ` (${messageId})`;
  const advice = `it may have been taken${look}, and may come twice if it is sent again`;
  return lost(`the connection was lost before the answer to the message: ${cause.message}`, cause, false, advice);
}

function certain(cause: PolywireError): PolywireError {
  if (!(cause instanceof ConnectionError || cause instanceof ProtocolError)) return cause;
  return lost(`the message was not sent: ${cause.message}`, cause, true);
}

function lost(message: string, cause: PolywireError, retryable: boolean, advice?: string): PolywireError {
  const details = {
    cause,
    protocol: "smtp" as const,
    clientUsable: false,
    ...(advice === undefined ? {} : { advice }),
    ...(cause.server === undefined ? {} : { server: cause.server }),
  };
  if (cause instanceof AbortedError) return new AbortedError(message, details);
  const phase = cause instanceof ConnectionError ? cause.phase : "command";
  return new ConnectionError(message, { ...details, retryable, phase });
}
