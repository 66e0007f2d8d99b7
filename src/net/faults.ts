/** The table: what each code of Node, OpenSSL and the resolver means, and what to try next. No I/O. */
import type { Phase, Protocol } from "../client/errors.js";
import { PORTS } from "../client/options.js";
import { certificateNames, certificateTime, issuerName } from "./certificate.js";
import type { Place } from "./explain.js";

/** An error of Node as we read it. */
export interface Fault {
  readonly name: string;
  readonly message: string;
  readonly code?: string | undefined;
  readonly syscall?: string | undefined;
  /** Of ERR_TLS_CERT_ALTNAME_INVALID: the name that was looked for. */
  readonly host?: string | undefined;
}

type Words = string | ((place: Place, fault: Fault) => string);

/** One row: what is said, what is advised, and which error it becomes. */
export interface FaultRow {
  readonly says: Words;
  readonly advice?: string | ((place: Place, fault: Fault) => string | undefined) | undefined;
  /** Default: a ConnectionError. `usage`: an option of the caller is wrong. */
  readonly kind?: "tls" | "timeout" | "usage" | undefined;
  /** Default: the phase of the place. */
  readonly phase?: Phase | undefined;
  readonly retryable?: boolean | undefined;
}

const tls = { kind: "tls", phase: "tls" } as const;
const rightPort = (place: Place) =>
  place.phase === "data"
    ? "a firewall or a NAT in front of the server may block its passive ports"
    : `is ${place.port} the right port?`;

const unknownHost: FaultRow = {
  phase: "dns",
  says: "no such host",
  advice: (place) => `check the name ${JSON.stringify(place.host)}`,
  retryable: false,
};
const noResolver: FaultRow = { phase: "dns", says: "the name server did not answer", advice: "is the network up?" };
const unreachable: FaultRow = { says: "no route leads there", advice: "is the network up, and the address right?" };
const gone: FaultRow = {
  says: (place) => (place.phase === "tls" ? "the server hung up" : "the server broke the connection"),
  advice: (place) => (place.phase === "tls" && !usualTlsPort(place.protocol, place.port) ? tlsPort(place) : undefined),
};
const localAddress: FaultRow = {
  says: "no local address or port could be used",
  advice: "localAddress must be one of this machine's; many short connections can also use up the local ports",
};
const tooManyFiles: FaultRow = {
  says: "this process has too many files and sockets open",
  advice: "raise the limit (ulimit -n) or open fewer connections",
};
const refusedByHost: FaultRow = { says: "this machine forbids it", advice: "is there a firewall or a sandbox?" };
const plainText: FaultRow = {
  ...tls,
  says: (place) => `the server answered in plain text on port ${place.port}`,
  advice: (place) => (place.security === "tls" ? tlsPort(place) : "is something between you and the server?"),
};
const tooOld: FaultRow = {
  ...tls,
  says: "the server and the client have no TLS version in common",
  advice: 'an old server may need tls.minVersion set to "TLSv1" or "TLSv1.1" (and tls.ciphers to "DEFAULT@SECLEVEL=0")',
};
const noCommonCipher: FaultRow = {
  ...tls,
  says: "the server refused the handshake: no common cipher, or it wants a client certificate",
  advice: "see tls.ciphers, tls.cert and tls.key",
};
const wantsCertificate: FaultRow = {
  ...tls,
  says: "the server refused the client's certificate, or the lack of one",
  advice: "give one with tls.cert and tls.key",
};
const unknownCa: FaultRow = {
  ...tls,
  says: (place) => `the certificate is signed by an authority that is not trusted here${issuerName(place.certificate)}`,
  advice: "give its CA with tls.ca",
};
const selfSigned: FaultRow = {
  ...tls,
  says: "the certificate is self-signed",
  advice: "if it is the right one, give its CA (or itself) with tls.ca",
};
const badTlsOptions: FaultRow = {
  kind: "usage",
  says: "an option of tls cannot be used",
  advice: "cert, key and ca are PEM text, the key must belong to the certificate, and the passphrase must open it",
};

/** Every code with a row of its own. */
export const FAULTS: Readonly<Record<string, FaultRow>> = {
  ENOTFOUND: unknownHost,
  ENODATA: unknownHost,
  EAI_NONAME: unknownHost,
  EAI_NODATA: unknownHost,
  EAI_AGAIN: noResolver,
  EAI_FAIL: noResolver,
  ECONNREFUSED: { says: (place) => `nothing listens on port ${place.port}`, advice: rightPort },
  ETIMEDOUT: {
    kind: "timeout",
    says: "no answer",
    advice: "is the host up, and does a firewall let the port through?",
  },
  ERR_SOCKET_CONNECTION_TIMEOUT: { kind: "timeout", says: "no answer", advice: "is the host up?" },
  EHOSTUNREACH: unreachable,
  EHOSTDOWN: unreachable,
  ENETUNREACH: unreachable,
  ENETDOWN: unreachable,
  ECONNRESET: gone,
  ECONNABORTED: gone,
  EPIPE: gone,
  ENOTCONN: gone,
  ERR_STREAM_PREMATURE_CLOSE: gone,
  ERR_STREAM_DESTROYED: { says: "the connection is closed already" },
  ERR_STREAM_WRITE_AFTER_END: { says: "the connection is closed already" },
  ERR_SOCKET_CLOSED: { says: "the connection is closed already" },
  EADDRNOTAVAIL: localAddress,
  EADDRINUSE: localAddress,
  EINVAL: { says: "the address cannot be used", advice: "localAddress and host must be of the same IP version" },
  EAFNOSUPPORT: {
    says: "this machine does not have that IP version",
    advice: "see the option family",
    retryable: false,
  },
  EMFILE: tooManyFiles,
  ENFILE: tooManyFiles,
  ENOBUFS: tooManyFiles,
  EACCES: refusedByHost,
  EPERM: refusedByHost,
  ERR_INVALID_IP_ADDRESS: { kind: "usage", says: "localAddress is not an IP address" },

  ERR_SSL_WRONG_VERSION_NUMBER: plainText,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plainText,
  ERR_SSL_RECORD_LAYER_FAILURE: plainText,
  ERR_SSL_HTTP_REQUEST: plainText,
  ERR_SSL_UNKNOWN_PROTOCOL: plainText,
  ERR_SSL_UNSUPPORTED_PROTOCOL: tooOld,
  ERR_SSL_NO_PROTOCOLS_AVAILABLE: tooOld,
  ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION: tooOld,
  ERR_SSL_VERSION_TOO_LOW: tooOld,
  ERR_SSL_SSLV3_ALERT_HANDSHAKE_FAILURE: noCommonCipher,
  "ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE": noCommonCipher,
  ERR_SSL_TLSV1_ALERT_INSUFFICIENT_SECURITY: noCommonCipher,
  ERR_SSL_DH_KEY_TOO_SMALL: {
    ...tls,
    says: "the server's Diffie-Hellman key is too short to be safe",
    advice: 'only if you must: tls.ciphers "DEFAULT@SECLEVEL=1"',
  },
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED: wantsCertificate,
  ERR_SSL_SSLV3_ALERT_BAD_CERTIFICATE: wantsCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_UNKNOWN: wantsCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_EXPIRED: wantsCertificate,
  ERR_SSL_SSLV3_ALERT_CERTIFICATE_REVOKED: wantsCertificate,
  ERR_SSL_TLSV1_ALERT_UNKNOWN_CA: wantsCertificate,
  ERR_SSL_TLSV1_ALERT_ACCESS_DENIED: wantsCertificate,
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: {
    ...tls,
    says: (place) => `the server does not know the name ${JSON.stringify(place.host)}`,
    advice: "see tls.servername",
  },
  ERR_SSL_NO_CIPHER_MATCH: { kind: "usage", says: "tls.ciphers names no cipher that OpenSSL knows" },
  ERR_TLS_INVALID_PROTOCOL_VERSION: { kind: "usage", says: "tls.minVersion or tls.maxVersion is not a TLS version" },
  ERR_TLS_PROTOCOL_VERSION_CONFLICT: { kind: "usage", says: "tls.minVersion and tls.maxVersion contradict each other" },

  CERT_HAS_EXPIRED: {
    ...tls,
    says: (place) => `the certificate has expired${certificateTime(place.certificate, "valid_to", " on ")}`,
    advice: "the server's operator must renew it (is this machine's clock right?)",
  },
  CERT_NOT_YET_VALID: {
    ...tls,
    says: (place) =>
      `the certificate is not valid yet${certificateTime(place.certificate, "valid_from", ": only from ")}`,
    advice: "is this machine's clock right?",
  },
  CERT_REVOKED: { ...tls, says: "the certificate was revoked" },
  ERR_TLS_CERT_ALTNAME_INVALID: {
    ...tls,
    says: (place, fault) =>
      `the certificate is ${certificateNames(place.certificate)}, not for ${JSON.stringify(fault.host ?? place.host)}`,
    advice: "is the host right? tls.servername names another one",
  },
  DEPTH_ZERO_SELF_SIGNED_CERT: selfSigned,
  SELF_SIGNED_CERT_IN_CHAIN: unknownCa,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT: unknownCa,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: unknownCa,
  CERT_UNTRUSTED: unknownCa,
};

/** The row of an error, where it has one. EPROTO hides OpenSSL's reason in its text. */
export function findRow(fault: Fault): FaultRow | undefined {
  const { code } = fault;
  if (code === undefined) return undefined;
  if (Object.hasOwn(FAULTS, code)) return FAULTS[code];
  if (code !== "EPROTO") return undefined;
  const reason = /SSL routines:[^:]*:([^:]+)/.exec(fault.message)?.[1];
  return FAULTS[
    `ERR_SSL_${reason
      ?.trim()
      .toUpperCase()
      .replace(/[^A-Z0-9]+/g, "_")}`
  ];
}

/** What can be said of a code without a row, by its family. */
export function rowFor(fault: Fault): Partial<FaultRow> {
  const code = fault.code ?? "";
  if (code.startsWith("ERR_OSSL_") || /X509_|KEY_VALUES_MISMATCH/.test(code)) return badTlsOptions;
  if (/^ERR_SSL_.*ALERT_|^ERR_SSL_|^ERR_TLS_|^EPROTO$/.test(code)) {
    const reason = /SSL routines:[^:]*:([^:]+)/.exec(fault.message)?.[1];
    return { ...tls, ...(reason === undefined ? {} : { says: `OpenSSL says "${reason.trim()}"` }) };
  }
  if (/CERT|SIGNATURE|CRL|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|INVALID_CA/.test(code)) {
    return { ...tls, says: `the certificate was refused: ${fault.message}` };
  }
  return {};
}

/** True where the port is the one that the protocol uses with TLS from the first byte. */
export function usualTlsPort(protocol: Protocol, port: number): boolean {
  return PORTS[protocol][1] === port;
}

/** TLS to a port that speaks in the clear at first: `starttls` is what it may want. */
function tlsPort(place: Place): string {
  const clear = PORTS[place.protocol][0] === place.port;
  return clear ? `port ${place.port} usually begins in the clear: try security "starttls"` : "is this a TLS port?";
}
