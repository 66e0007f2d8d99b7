/** What a login can be tied to on a TLS connection, so that nobody in between can pass it on (RFC 5056). */
import { createHash } from "node:crypto";
import type { TLSSocket } from "node:tls";
import type { ChannelBinding } from "../client/session.js";

/** The label of the keying material that is exported (RFC 9266 §2). */
const EXPORTER = "EXPORTER-Channel-Binding";

/** DER of the algorithms' identifiers → the hash: the signature's own, SHA-256 where that is MD5 or SHA-1 (RFC 5929 §4.1). */
const HASHES: Readonly<Record<string, string>> = {
  "2a864886f70d010104": "sha256", // MD5 with RSA
  "2a864886f70d010105": "sha256", // SHA-1 with RSA
  "2a864886f70d01010b": "sha256",
  "2a864886f70d01010c": "sha384",
  "2a864886f70d01010d": "sha512",
  "2a864886f70d01010e": "sha224",
  "2a8648ce380403": "sha256", // SHA-1 with DSA
  "608648016503040302": "sha256", // SHA-256 with DSA
  "2a8648ce3d0401": "sha256", // SHA-1 with ECDSA
  "2a8648ce3d040301": "sha224",
  "2a8648ce3d040302": "sha256",
  "2a8648ce3d040303": "sha384",
  "2a8648ce3d040304": "sha512",
};

/**
 * What ties a login to this connection: `tls-exporter` (RFC 9266) with TLS 1.3; with TLS 1.2 `tls-server-end-point`
 * (RFC 5929), the hash of the server's certificate. Not `tls-unique`, which TLS 1.3 does not have and which is not unique
 * without extended master secrets.
 *
 * @returns undefined where there is nothing to tie to: before the handshake, and where the certificate's signature names
 *   no hash (RSASSA-PSS, Ed25519).
 *
 * @example
 * const binding = line.tls && channelBinding(line.tls);
 * await authenticate(wire, { ...context, binding });
 */
export function channelBinding(tls: TLSSocket): ChannelBinding | undefined {
  const version = tls.getProtocol();
  if (version === "TLSv1.3") {
    return { type: "tls-exporter", data: tls.exportKeyingMaterial(32, EXPORTER, Buffer.alloc(0)) };
  }
  // (Not by getPeerX509Certificate: see net/tls.ts.)
  const certificate = version === null ? undefined : tls.getPeerCertificate()?.raw;
  const data = certificate && endPoint(certificate);
  return data && { type: "tls-server-end-point", data };
}

/**
 * The hash of a certificate in DER as `tls-server-end-point` wants it (RFC 5929 §4.1); undefined where the signature's
 * algorithm is not bound to one hash.
 */
export function endPoint(certificate: Buffer): Buffer | undefined {
  // Certificate ::= SEQUENCE { tbsCertificate, signatureAlgorithm SEQUENCE { OBJECT IDENTIFIER, … }, … } (RFC 5280 §4.1)
  const outer = element(certificate, 0);
  const signed = outer && element(certificate, outer.start);
  const algorithm = signed && element(certificate, signed.end);
  const identifier = algorithm && element(certificate, algorithm.start);
  if (identifier === undefined || certificate[algorithm!.start] !== 6) return undefined;
  const hash = HASHES[certificate.toString("hex", identifier.start, identifier.end)];
  return hash === undefined ? undefined : createHash(hash).update(certificate).digest();
}

/** Where the content of the DER element at `at` starts and ends; undefined where it is not whole. */
function element(der: Buffer, at: number): { start: number; end: number } | undefined {
  const short = der[at + 1];
  if (short === undefined) return undefined;
  const more = short < 0x80 ? 0 : short - 0x80;
  if (more > 4 || at + 2 + more > der.length) return undefined;
  const start = at + 2 + more;
  const end = start + (more === 0 ? short : der.readUIntBE(at + 2, more));
  return end <= der.length ? { start, end } : undefined;
}
