/** The envelope of a message: addresses checked, parameters put together, recipients shared out to transactions. Pure. */
import { UsageError } from "../client/errors.js";
import type { Envelope, MailParameters, RcptParameters, Recipient, SendMailOptions } from "./options.js";
import { type Extensions, rcptCommand } from "./parameters.js";
import type { TransactionLimits } from "./parse-ehlo.js";
import { NULL_PATH, type Path, parsePath, parsePaths } from "./path.js";

/** An envelope whose addresses were checked. */
export interface CheckedEnvelope {
  readonly from: Path;
  readonly recipients: readonly { readonly path: Path; readonly parameters: RcptParameters }[];
  readonly parameters: MailParameters;
}

const NO_PARAMETERS: RcptParameters = {};

/** Checks an envelope. What it says itself goes before what `options` say for all. Throws UsageError. */
export function checkEnvelope(envelope: Envelope, options: SendMailOptions): CheckedEnvelope {
  const { from, to, notify, ...own } = envelope;
  const everyone = notify === undefined ? (options.rcpt ?? NO_PARAMETERS) : { ...options.rcpt, notify };
  const recipients = [to].flat().flatMap((each) => checkRecipient(each, everyone));
  if (recipients.length === 0) throw new UsageError("the message has no recipients", { protocol: "smtp" });
  return { from: checkSender(from), recipients, parameters: options.mail ? { ...options.mail, ...own } : own };
}

/** The sender: one address, or "" for nobody. */
export function checkSender(from: string): Path {
  if (from === "" || from === "<>") return NULL_PATH;
  const [path, ...more] = parsePaths(from, "the sender");
  if (more.length === 0) return path as Path;
  throw new UsageError(`the sender ${JSON.stringify(from)} is more than one address`, { protocol: "smtp" });
}

function checkRecipient(given: string | Recipient, everyone: RcptParameters) {
  if (typeof given === "string") {
    return parsePaths(given, "the recipient").map((path) => ({ path, parameters: everyone }));
  }
  if (typeof given !== "object" || given === null)
    return [{ path: parsePath(given, "the recipient"), parameters: everyone }];
  const { address, ...own } = given;
  return [{ path: parsePath(address, "the recipient"), parameters: { ...everyone, ...own } }];
}

/** What one transaction says to its recipients, and what they are called. */
export interface Part {
  readonly commands: readonly string[];
  readonly recipients: readonly string[];
}

/** Shares the recipients out to as few transactions as the limits allow, in their order. */
export function shareOut(envelope: CheckedEnvelope, limits: TransactionLimits, extensions: Extensions): Part[] {
  const { recipients } = envelope;
  if (recipients.length > Math.min(limits.recipients, limits.domains)) return divided(envelope, limits, extensions);
  return [
    {
      commands: recipients.map(({ path, parameters }) => rcptCommand(path, parameters, extensions)),
      recipients: recipients.map(({ path }) => path.address),
    },
  ];
}

function divided(envelope: CheckedEnvelope, limits: TransactionLimits, extensions: Extensions): Part[] {
  const parts: { commands: string[]; recipients: string[]; domains: Set<string> }[] = [];
  for (const { path, parameters } of envelope.recipients) {
    let part = parts.at(-1);
    const isFull = (each: NonNullable<typeof part>) =>
      each.recipients.length >= limits.recipients ||
      (each.domains.size >= limits.domains && !each.domains.has(path.domain));
    if (part === undefined || isFull(part)) parts.push((part = { commands: [], recipients: [], domains: new Set() }));
    part.commands.push(rcptCommand(path, parameters, extensions));
    part.recipients.push(path.address);
    part.domains.add(path.domain);
  }
  return parts;
}
