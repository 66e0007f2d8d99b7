/** What a refused certificate says of itself, for messages. No I/O. */
import type { PeerCertificate } from "node:tls";

const MOST_NAMES = 5;

/** `for a.example and b.example`: the names a certificate was made for, the first few of them. */
export function certificateNames(certificate: PeerCertificate | undefined): string {
  const names = (certificate?.subjectaltname ?? "")
    .split(", ")
    .filter((name) => /^(DNS|IP Address):/.test(name))
    .map((name) => printable(name.replace(/^[^:]*:/, "")));
  if (names.length === 0) {
    const common = commonName(certificate?.subject);
    if (common === undefined) return "for another host";
    names.push(printable(common));
  }
  const more = names.length - MOST_NAMES;
  return `for ${names.slice(0, MOST_NAMES).join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

/** `prefix` and the day (UTC) that a certificate begins or ends to be valid; nothing where it is not known. */
export function certificateTime(
  certificate: PeerCertificate | undefined,
  which: "valid_from" | "valid_to",
  prefix: string,
): string {
  const time = certificate === undefined ? Number.NaN : Date.parse(certificate[which]);
  return Number.isNaN(time) ? "" : `${prefix}${new Date(time).toISOString().slice(0, 10)}`;
}

/** The issuer's name in brackets, where there is one. */
export function issuerName(certificate: PeerCertificate | undefined): string {
  const name = commonName(certificate?.issuer);
  return name === undefined ? "" : ` (${printable(name)})`;
}

function commonName(subject: Partial<PeerCertificate["subject"]> | undefined): string | undefined {
  const name: string | string[] | undefined = subject?.CN;
  return Array.isArray(name) ? name[0] : name;
}

/** A server chose these words: one line, bounded. */
function printable(text: string): string {
  return JSON.stringify(text.slice(0, 100)).slice(1, -1);
}
