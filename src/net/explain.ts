/** What went wrong, in words: one table from the codes of Node, OpenSSL and c-ares to our errors and advice. No I/O. */
import type { PeerCertificate } from "node:tls";
import {
  AbortedError,
  ConnectionError,
  type ConnectionErrorDetails,
  type Phase,
  PolywireError,
  type Protocol,
  TimeoutError,
  TlsError,
  UsageError,
} from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import type { Security } from "../client/session.js";
import { type Fault, findRow, rowFor, usualTlsPort } from "./faults.js";

/** Where something went wrong. */
export interface Place {
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  readonly phase: Phase;
  readonly security?: Security | undefined;
  /** The server's certificate, where a handshake got far enough to see one. */
  readonly certificate?: PeerCertificate | undefined;
}

/** The beginning of the sentence, by phase. */
const LEADS: Readonly<Record<Phase, (server: string) => string>> = {
  dns: (server) => `the name of ${server} was not found`,
  connect: (server) => `cannot connect to ${server}`,
  proxy: (server) => `the proxy could not connect to ${server}`,
  tls: (server) => `the TLS handshake with ${server} failed`,
  greeting: (server) => `the connection to ${server} failed before its greeting`,
  login: (server) => `the connection to ${server} failed during the login`,
  command: (server) => `the connection to ${server} failed while a reply was awaited`,
  data: (server) => `the data connection to ${server} failed`,
  idle: (server) => `the idle connection to ${server} failed`,
  abort: (server) => `the call to ${server} was ended`,
};

/** `host:port`, an IPv6 address in brackets. */
export function serverName(place: { readonly host: string; readonly port: number }): string {
  return `${place.host.includes(":") ? `[${place.host}]` : place.host}:${place.port}`;
}

/** The place of a failure: the server of the options, or another address (a data connection). */
export function placeOf(options: ResolvedOptions, phase: Phase, to: { host: string; port: number } = options): Place {
  return { protocol: options.protocol, host: to.host, port: to.port, phase, security: options.security };
}

/**
 * Turns any error of a socket, of TLS or of a look-up into one of ours, with a sentence that a person can act on. A
 * PolywireError passes through; protocol and server are filled in where it lacks them.
 */
export function explain(error: unknown, place: Place): PolywireError {
  if (error instanceof PolywireError) {
    error.protocol ??= place.protocol;
    error.server ??= serverName(place);
    return error;
  }
  const fault = asFault(error);
  if (fault.name === "AbortError") return aborted(error, place);
  const row = findRow(fault) ?? { says: shown(fault.message), ...rowFor(fault) };
  const phase = row.phase ?? place.phase;
  const says = typeof row.says === "string" ? row.says : row.says(place, fault);
  const advice = typeof row.advice === "string" ? row.advice : row.advice?.(place, fault);
  const code = fault.code === undefined ? "" : ` (${fault.code})`;
  const details = detailsOf(place, phase, error, advice);
  const message = `${LEADS[phase](serverName(place))}: ${says}${code}`;
  if (row.kind === "usage") return new UsageError(`${says}${code}`, { ...details, clientUsable: false });
  if (row.kind === "timeout") return new TimeoutError(message, details);
  if (row.retryable !== undefined) details.retryable = row.retryable;
  // A connection that breaks in the handshake says nothing of the certificate: trying again may help.
  if (phase === "tls" && row.kind !== "tls") details.retryable ??= true;
  return phase === "tls" ? new TlsError(message, details) : new ConnectionError(message, details);
}

/**
 * What was thrown while a reply was read, as one of ours. What polywire throws on purpose passes through; all else is a
 * mistake of its own: neither the link nor the server failed, and the same reply would be read no better again.
 */
export function defect(error: unknown, place: Place): PolywireError {
  if (error instanceof PolywireError) return explain(error, place);
  const { message } = asFault(error);
  return new PolywireError(`a reply of ${serverName(place)} could not be read: ${shown(message)}`, {
    advice: "this is a mistake in polywire, so the connection was closed; please report it with its cause",
    cause: error,
    retryable: false,
    clientUsable: false,
    protocol: place.protocol,
    server: serverName(place),
  });
}

/** The server stayed silent for `ms` milliseconds. */
export function timedOut(place: Place, ms: number): TimeoutError {
  const { phase } = place;
  const wrongSecurity = phase === "greeting" && place.security !== "tls" && usualTlsPort(place.protocol, place.port);
  const advice = wrongSecurity
    ? `port ${place.port} usually speaks TLS from the first byte: try security "tls"`
    : phase === "connect"
      ? `is the host up, and does a firewall let port ${place.port} through?`
      : undefined;
  return new TimeoutError(
    `${LEADS[phase](serverName(place))}: no answer within ${ms} ms`,
    detailsOf(place, phase, undefined, advice),
  );
}

/** The caller's signal fired. Its reason becomes the cause. */
export function aborted(reason: unknown, place: Place): AbortedError {
  const { phase: _, ...details } = detailsOf(place, "abort", reason);
  return new AbortedError(`${LEADS.abort(serverName(place))} by its AbortSignal`, details);
}

/** Text of a server as it may stand in a message: one line, printable, of bounded length. */
export function shown(text: string, most = 200): string {
  const line = text.replace(/[\p{Cc}\p{Cs}\u2028\u2029]+/gu, " ").trim();
  return line.length > most ? `${line.slice(0, most)}…` : line;
}

function detailsOf(place: Place, phase: Phase, cause?: unknown, advice?: string): ConnectionErrorDetails {
  return {
    phase,
    protocol: place.protocol,
    server: serverName(place),
    ...(cause === undefined ? {} : { cause }),
    ...(advice === undefined ? {} : { advice }),
  };
}

/** The error that tells most: of several addresses tried, not the one that this machine cannot reach at all. */
function asFault(error: unknown): Fault {
  if (error instanceof AggregateError && error.errors.length > 0) {
    const faults = error.errors.map(asFault);
    return (
      faults.find((fault) => !/^(ENETUNREACH|EHOSTUNREACH|EADDRNOTAVAIL|EINVAL)$/.test(fault.code ?? "")) ?? faults[0]!
    );
  }
  if (error instanceof Error) return error as Fault;
  return { name: "Error", message: String(error) };
}
