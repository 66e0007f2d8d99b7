/** The ways a file may go between two servers, and what is told of one server to the other (RFC 959 §5.2, 2428, 4217). */
import net from "node:net";
import type { Reply } from "../client/session.js";
import { plain } from "./data.js";
import { parseEpsv, parsePasv } from "./parse-reply.js";
import type { FtpSession } from "./session.js";

/** One of the two servers. */
export type FxpRole = "source" | "target";

/** Who listens, and under TLS who begins the handshake: as a rule both would wait for it. */
export interface FxpWay {
  readonly passive: FxpRole;
  readonly client?: FxpRole | undefined;
}

/** A server as the choice of a way sees it. */
export type Abilities = Pick<FtpSession, "protectedData" | "orderly" | "has"> & { readonly six: boolean };

export function abilitiesOf(session: FtpSession): Abilities {
  const { protectedData, orderly } = session;
  return { protectedData, orderly, six: isSix(session), has: (feature) => session.has(feature) };
}

/** The ways to try, in order; or why there is none. */
export function waysOf(source: Abilities, target: Abilities): readonly FxpWay[] | string {
  const sides = { source, target };
  if (source.protectedData !== target.protectedData)
    return `the data connections of the ${source.protectedData ? "source" : "target"} alone are encrypted`;
  // A server that is not known had better listen: pyftpdlib, where it connects, takes the listener of another client away.
  const roles = target.orderly && !source.orderly ? (["source", "target"] as const) : (["target", "source"] as const);
  if (!source.protectedData) return roles.map((passive) => ({ passive }));
  const ways = roles.flatMap((passive) => {
    // First the one that connects, as is usual in TLS.
    const clients = [passive === "target" ? "source" : "target", passive] as const;
    const able = clients.filter((role) => asClient(sides[role], role === passive) !== undefined);
    return able.map((client) => ({ passive, client }));
  });
  if (ways.length > 0) return ways;
  return "the data connections are encrypted, and neither server announces SSCN or CPSV, by which one begins the handshake";
}

/** How a server is told to begin the handshake. CPSV is PASV with that. */
export function asClient(server: Abilities, passive: boolean): "SSCN" | "CPSV" | undefined {
  if (server.has("SSCN")) return "SSCN";
  return passive && !server.six && server.has("CPSV") ? "CPSV" : undefined;
}

/** True where a server is spoken to over IPv6. */
export function isSix(session: FtpSession): boolean {
  return net.isIPv6(plain(session.line.socket.remoteAddress));
}

/** Where a server listens. */
export interface Listening {
  readonly host: string;
  readonly port: number;
}

/** Ports that no server gives to data connections, but where others listen (RFC 2577 §3). */
const PRIVILEGED = 1024;

/**
 * Where the other server is to connect to, from an answer to EPSV, PASV or CPSV; or why it is not told. It is the address
 * this server is reached at, whatever the answer says: else it could have the other one connect anywhere (the FTP bounce,
 * RFC 2577 §3). `to`: where the other server is reached.
 */
export function handedOver(session: FtpSession, command: string, reply: Reply, to: string): Listening | string {
  let named: { host?: string; port: number };
  try {
    named = command === "EPSV" ? { port: parseEpsv(reply) } : parsePasv(reply);
  } catch (error) {
    return (error as Error).message;
  }
  const { port } = named;
  if (port < PRIVILEGED) return `the server listens on port ${port}, which is not one for data`;
  const host = session.settings.allowForeignHost && named.host !== undefined ? named.host : peerOf(session);
  if (host === undefined) return "the server's address is not known here, behind a proxy: give it as an IP address";
  // A tunnel, say: to the other server this address is itself.
  if (isLoopback(host) && !isLoopback(to)) return `the server is reached at ${host}, which means another one elsewhere`;
  return host.includes("%") ? `the address ${host} means nothing to another server` : { host, port };
}

/** The address that a server is reached at. Behind a proxy only the user's own word tells. */
export function peerOf(session: FtpSession): string | undefined {
  const { host, proxy } = session.options;
  if (proxy === undefined) return plain(session.line.socket.remoteAddress);
  return net.isIP(host) > 0 ? host : undefined;
}

/** Another host than the one the server is reached at, where it named one: it may be behind NAT. */
export function otherHost(session: FtpSession, command: string, reply: Reply): string | undefined {
  if (command === "EPSV" || session.settings.allowForeignHost) return undefined;
  const { host } = parsePasv(reply);
  return host === peerOf(session) ? undefined : host;
}

function isLoopback(host: string): boolean {
  return host === "::1" || host.startsWith("127.");
}
