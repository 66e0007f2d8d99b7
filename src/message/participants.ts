/** Who sends a message now, and who is to get it, by its headers: of one that was passed on, by those of the last resending. Pure. */
import { parseAddresses } from "./address.js";
import { checkAddresses } from "./check-addresses.js";
import type { HeaderField, Headers } from "./headers.js";

const RESENT = "resent-";
/** What stands above the fields of each resending: who handed the message on (RFC 5322 section 3.6.7). */
const TRACE: ReadonlySet<string> = new Set(["received", "return-path"]);

/**
 * The address in Sender, else the first in From: of a message that was passed on, in Resent-Sender and Resent-From
 * (RFC 5322 section 3.6.6). Undefined where there is none.
 *
 * @throws UsageError for what is no address.
 */
export function senderOf(headers: Headers): string | undefined {
  return addressesIn(headers, "sender")[0] ?? addressesIn(headers, "from")[0];
}

/**
 * The addresses in To, Cc and Bcc. Of a message that was passed on, those in the Resent-To, Resent-Cc and Resent-Bcc of the
 * last resending (RFC 5322 section 3.6.6): they alone are to get it now.
 *
 * @throws UsageError for what is no address.
 */
export function recipientsOf(headers: Headers): string[] {
  return ["to", "cc", "bcc"].flatMap((name) => addressesIn(headers, name));
}

/** True for a message that was passed on. */
export function isResent(headers: Headers): boolean {
  return lastResending(headers).length > 0;
}

function addressesIn(headers: Headers, name: string): string[] {
  const resent = lastResending(headers);
  const [fields, wanted] = resent.length > 0 ? [resent, `${RESENT}${name}`] : [[...headers], name];
  const found = fields.filter((field) => field.name.toLowerCase() === wanted);
  for (const { raw, name } of found) checkAddresses(raw, name);
  return found.flatMap(({ raw }) => parseAddresses(raw).map(({ address }) => address));
}

/**
 * The fields of the last resending. Each time a message is passed on, a new block goes above those before it, with one
 * field of each name at most: a second one, or a trace field, is where the block of an earlier time begins.
 */
function lastResending(headers: Headers): HeaderField[] {
  const block = new Map<string, HeaderField>();
  for (const field of headers) {
    const name = field.name.toLowerCase();
    if (block.size > 0 && (TRACE.has(name) || block.has(name))) break;
    if (name.startsWith(RESENT)) block.set(name, field);
  }
  return [...block.values()];
}
