/** What is to be known of an encrypted connection: its version, and the server's certificate. */
import type { TLSSocket } from "node:tls";

const DAY = 86_400_000;

/** The encryption of a connection. */
export interface TlsFacts {
  readonly version: string;
  readonly cipher: string;
  readonly subject: string;
  readonly issuer: string;
  readonly names: readonly string[];
  readonly validFrom: string;
  readonly validUntil: string;
  readonly daysLeft: number;
  readonly selfSigned: boolean;
  /** Why the certificate is not trusted; undefined where it is. */
  readonly untrusted: string | undefined;
}

/** Reads it off the socket. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  const certificate = socket.getPeerCertificate();
  const name = (who: object | undefined) => {
    const { CN, O } = (who ?? {}) as { CN?: string | string[]; O?: string | string[] };
    return [CN, O].flat().filter(Boolean).join(", ");
  };
  const until = new Date(certificate.valid_to);
  return {
    version: socket.getProtocol() ?? "",
    cipher: socket.getCipher().standardName,
    subject: name(certificate.subject),
    issuer: name(certificate.issuer),
    names: (certificate.subjectaltname ?? "").split(", ").map((each) => each.replace(/^[^:]*:/, "")),
    validFrom: new Date(certificate.valid_from).toISOString().slice(0, 10),
    validUntil: until.toISOString().slice(0, 10),
    daysLeft: Math.floor((until.getTime() - Date.now()) / DAY),
    untrusted: socket.authorized ? undefined : String(socket.authorizationError),
    selfSigned: JSON.stringify(certificate.subject) === JSON.stringify(certificate.issuer),
  };
}
