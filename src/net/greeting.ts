/** What a peer's first bytes betray: TLS, HTTP or SSH where a mail, news or file server was expected. No I/O. */
import type { Protocol } from "../client/errors.js";
import { PORTS } from "../client/options.js";

/** True where the bytes begin with a TLS record: we speak in the clear to a TLS port. */
export function looksLikeTls(bytes: Buffer): boolean {
  // RFC 8446 §5.1: an alert (21) or a handshake (22), then version 3.x.
  return (bytes[0] === 0x15 || bytes[0] === 0x16) && bytes[1] === 0x03;
}

/**
 * Advice where a greeting belongs to another protocol, else undefined. Bytes of a greeting that could not be parsed,
 * or its first line, are enough.
 *
 * @example
 * foreignGreeting(Buffer.from("SSH-2.0-OpenSSH_9.2\r\n"), 22); // "an SSH server listens on port 22: …"
 */
export function foreignGreeting(bytes: Buffer, port: number): string | undefined {
  if (looksLikeTls(bytes)) return `the server speaks TLS on port ${port}: try security "tls"`;
  const text = bytes.toString("latin1", 0, 16);
  if (text.startsWith("HTTP/")) return `a web server listens on port ${port}: is it the right port?`;
  if (text.startsWith("SSH-")) return `an SSH server listens on port ${port}: SFTP is another protocol than FTP`;
  return undefined;
}

/** True where the port is the one that the protocol uses with TLS from the first byte. */
export function usualTlsPort(protocol: Protocol, port: number): boolean {
  return PORTS[protocol][1] === port;
}
