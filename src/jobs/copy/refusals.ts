/** Whom a refusal is about: one message, or all of them. Pure. */
import { type PolywireError, ReplyError, SinkError, UsageError } from "../../client/errors.js";

/** Refusals that are about the target, not about a message: every other one would be refused, too. */
const HOPELESS: ReadonlySet<string> = new Set([
  "OVERQUOTA",
  "TRYCREATE",
  "NOPERM",
  "NONEXISTENT",
  "UNAVAILABLE",
  "INUSE",
]);

/** Messages of a bundle of which each one was refused, from which on that is about the target, too, whatever it says. */
export const MANY = 50;

/** True where the next message may fare better. */
export function isOfMessage(error: unknown): error is PolywireError {
  if (error instanceof ReplyError) return error.clientUsable && !HOPELESS.has(error.enhanced ?? "");
  return (error instanceof UsageError || error instanceof SinkError) && error.clientUsable;
}
