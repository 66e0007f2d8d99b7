/** Addresses of From, To and their like: nodemailer's parser on the raw bytes, names decoded. Pure. */
import addressparser from "nodemailer/lib/addressparser";
import { decodeBare } from "./charset.js";
import { decodeWords } from "./words.js";

/** One mailbox. */
export interface Address {
  /** The decoded name; "" where there is none. */
  readonly name: string;
  /** `user@host`; "" where the text holds no address, as in old `site!user` forms (then it is the name). */
  readonly address: string;
  /** The name of the group it stands in (RFC 5322 section 3.4), where it stands in one. */
  readonly group?: string | undefined;
}

/**
 * The mailboxes of an address header. `user@host (Full Name)` gives the comment as the name; the members of a group carry
 * its name, an empty group (`undisclosed-recipients:;`) gives nothing. Encoded words are decoded in names only: within
 * an address they are forbidden (RFC 2047 section 5) and would forge one.
 *
 * @param raw The header's value with one character per byte (latin1), as {@link Headers.raw} and an overview row have it.
 */
export function parseAddresses(raw: string): Address[] {
  return addressparser(raw).flatMap((entry) => {
    if (entry.group === undefined) return [mailbox(entry)];
    const group = decodeWords(entry.name);
    return entry.group.flatMap((member) => (member.group === undefined ? [{ ...mailbox(member), group }] : []));
  });
}

function mailbox(entry: { name: string; address: string }): Address {
  return { name: decodeWords(entry.name), address: decodeBare(entry.address) };
}
