/** Message-ids (RFC 5536 section 3.1.3): found, checked, made. */
import { randomUUID } from "node:crypto";
import { domainToASCII } from "node:url";
import { UsageError } from "../client/errors.js";

/** Octets of a message-id, `<` and `>` included. */
const LONGEST = 250;

/** The message-ids within a References, In-Reply-To or Message-ID header, in their order; what stands between is dropped. */
export function messageIds(raw: string): string[] {
  return raw.match(/<[^<>\s]+>/g) ?? [];
}

/** Throws UsageError where a server would refuse it: `<left@right>` without blanks, of 250 octets at most. */
export function checkMessageId(id: string): string {
  if (/^<[!-;=?-~]+@[!-;=?-~]+>$/.test(id) && id.length <= LONGEST) return id;
  throw new UsageError(`not a message-id: ${JSON.stringify(id)}`, {
    advice: "it is <left@right> in ASCII without blanks, 250 characters at most",
  });
}

/** Throws UsageError for what is not `<…>` without blanks. Ids of others are taken as they are, or nobody could answer. */
export function checkReference(id: string): string {
  if (/^<[!-;=?-~]+>$/.test(id) && id.length <= 996) return id;
  throw new UsageError(`not a message-id: ${JSON.stringify(id)}`);
}

/** A message-id that nothing else has, with the domain of an address: `<uuid@example.org>`. */
export function newMessageId(address: string): string {
  const domain = domainToASCII(address.slice(address.lastIndexOf("@") + 1));
  const isName = /^[a-z0-9-]+(?:\.[a-z0-9-]+)*$/.test(domain) && domain.length <= 200;
  return `<${randomUUID()}@${isName ? domain : "unknown.invalid"}>`;
}
