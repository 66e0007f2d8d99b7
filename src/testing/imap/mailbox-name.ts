/** Names of mailboxes on the wire: modified UTF-7 (RFC 3501 5.1.3), or UTF-8. Pure. */
import { bad, octets, textOf } from "./reply.js";

/** A name in modified UTF-7. */
function encodeName(name: string): string {
  return name.replace(/&|[^\x20-\x7e]+/g, (run) => {
    if (run === "&") return "&-";
    const units = Buffer.from(run, "utf16le").swap16().toString("base64");
    return `&${units.replace(/=+$/, "").replaceAll("/", ",")}-`;
  });
}

/** The name that octets of the wire mean. Refuses what is not in its canonical form. */
export function decodeName(wire: string, utf8: boolean): string {
  if (/[\x00-\x1f\x7f]/.test(wire)) bad("Control characters in the name of a mailbox");
  if (utf8) {
    const name = textOf(wire);
    if (octets(name) !== wire) bad("The name of a mailbox is not UTF-8");
    return inbox(name);
  }
  if (/[\x80-\xff]/.test(wire)) bad("8-bit octets in the name of a mailbox, without UTF8=ACCEPT");
  const name = wire.replace(/&([A-Za-z0-9+,]*)-/g, (_, run: string) => {
    if (run === "") return "&";
    const bytes = Buffer.from(run.replaceAll(",", "/"), "base64");
    if (bytes.length % 2 === 1) bad("The name of a mailbox is not modified UTF-7");
    return bytes.swap16().toString("utf16le");
  });
  if (encodeName(name) !== wire) bad("The name of a mailbox is not modified UTF-7");
  return inbox(name);
}

/** A name as the wire wants it. */
export function wireName(name: string, utf8: boolean): string {
  return utf8 ? octets(name) : encodeName(name);
}

/** INBOX is itself in any case. */
export function inbox(name: string): string {
  return name.toUpperCase() === "INBOX" ? "INBOX" : name;
}
