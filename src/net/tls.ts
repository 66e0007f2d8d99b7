/** TLS over a connection that exists: the handshake, the server's identity, and taking TLS off again. */
import net from "node:net";
import tls from "node:tls";
import { ConnectionError, PolywireError, ProtocolError, TlsError } from "../client/errors.js";
import type { ResolvedOptions, TlsOptions } from "../client/options.js";
import { readable } from "../wire/text.js";
import { aborted, explain, type Place, placeOf, serverName, timedOut } from "./explain.js";
import { Plug, plugOf } from "./plug.js";
import type { NetCall } from "./tcp.js";

/** What a handshake takes. */
export interface TlsCall extends NetCall {
  /** The session to resume: FTP servers may require that a data connection has the control connection's. */
  readonly session?: Buffer | undefined;
  /** Called with each session that the server offers for resumption. */
  readonly onSession?: ((session: Buffer) => void) | undefined;
  /** True where TLS may be taken off again by `detach` (FTP's CCC). It costs some speed. */
  readonly detachable?: boolean | undefined;
  /** The name that the certificate must carry. Default: `tls.servername`, then the host of the options. */
  readonly host?: string | undefined;
}

const contexts = new WeakMap<Readonly<TlsOptions>, tls.SecureContext>();

/**
 * The certificates and limits of the options as OpenSSL takes them; made once for each options object. Call it before
 * dialling where an unreadable certificate should be found early.
 *
 * @throws UsageError where an option of `tls` cannot be used.
 */
export function secureContext(options: ResolvedOptions): tls.SecureContext {
  let context = contexts.get(options.tls);
  if (context === undefined) {
    const { servername: _, rejectUnauthorized: __, ca, ...given } = options.tls;
    try {
      context = tls.createSecureContext({
        ...given,
        ...(ca === undefined ? {} : { ca: [ca].flat() }),
      } as tls.SecureContextOptions);
    } catch (error) {
      throw explain(error, placeOf(options, "tls"));
    }
    contexts.set(options.tls, context);
  }
  return context;
}

/**
 * Starts TLS as the client. The server must prove that it is `host` (a name or an IP address), by a certificate that
 * is valid and trusted.
 *
 * @param call `timeout`: milliseconds for the handshake.
 * @returns the encrypted socket, paused and without listeners that could be missed: attach yours, then `resume()`.
 * @throws TlsError, ConnectionError, TimeoutError, AbortedError; the socket is destroyed then. UsageError for options
 *   that OpenSSL refuses.
 */
export async function secure(socket: net.Socket, options: ResolvedOptions, call: TlsCall): Promise<tls.TLSSocket> {
  const host = call.host ?? options.tls.servername ?? options.host;
  const place: Place = { ...placeOf(options, "tls"), host: call.host ?? options.host };
  try {
    if (call.signal?.aborted) throw aborted(call.signal.reason, place);
    const secureOptions = connectOptions(options, call, host);
    const plug = call.detachable ? new Plug(socket) : undefined;
    const secured = tls.connect({ ...secureOptions, socket: plug ?? socket });
    plug?.carry(secured);
    return await handshake(secured, place, call);
  } catch (error) {
    socket.destroy();
    throw explain(error, place);
  }
}

/**
 * `secure` after a STARTTLS or AUTH TLS, which makes sure that nothing came before the handshake.
 *
 * @param leftover bytes received behind the reply that agreed to TLS.
 */
export async function startTls(
  socket: net.Socket,
  leftover: number,
  options: ResolvedOptions,
  call: TlsCall,
): Promise<tls.TLSSocket> {
  rejectEarlyBytes(socket, leftover, options);
  return secure(socket, options, call);
}

/**
 * Refuses bytes that came in the clear behind the reply to STARTTLS: taken as the server's, they would count as if
 * they had been encrypted (CVE-2011-0411 and its kin).
 *
 * @throws ProtocolError; the socket is destroyed then.
 */
export function rejectEarlyBytes(socket: net.Socket, leftover: number, options: ResolvedOptions): void {
  const early = leftover + socket.readableLength;
  if (early === 0) return;
  socket.destroy();
  throw new ProtocolError(`${early} bytes before the TLS handshake with ${serverName(options)}`, {
    advice: "someone may have injected them",
    protocol: options.protocol,
    server: serverName(options),
  });
}

/** The error for a server that does not begin TLS where the caller wants it: nothing goes on in the clear. */
export function refusedTls(command: string, reply: { readonly code: string; readonly text: string }): TlsError {
  return new TlsError(`the server refused ${command}: ${reply.code} ${readable(reply.text)}`, {
    phase: "tls",
    advice:
      'if everything, the password too, may travel in the clear, say so: security "plain" (?security=plain, --plain)',
  });
}

/**
 * Takes TLS off a connection that was secured with `detachable: true`: says close_notify, waits for the server's, and
 * gives back the socket underneath, with whatever came behind it.
 *
 * @param timeout milliseconds to wait for the server's close_notify. Default: 5 000.
 * @returns the plain socket, paused and without listeners.
 * @throws ConnectionError where the server hangs up instead, TimeoutError where it does not answer.
 */
export async function detach(socket: tls.TLSSocket, timeout = 5_000): Promise<net.Socket> {
  const plug = plugOf(socket);
  if (plug === undefined)
    throw new ConnectionError("this connection was not secured to be detachable", { phase: "tls" });
  try {
    return await plug.pull(socket, timeout);
  } catch (cause) {
    if (cause instanceof PolywireError) throw cause;
    throw new TlsError("TLS could not be ended", { phase: "tls", cause });
  }
}

function connectOptions(options: ResolvedOptions, call: TlsCall, host: string): tls.ConnectionOptions {
  const { rejectUnauthorized } = options.tls;
  return {
    secureContext: secureContext(options),
    // The certificate is checked against `host`. SNI carries names only (RFC 6066 §3).
    host,
    ...(net.isIP(host) === 0 ? { servername: host } : {}),
    ...(rejectUnauthorized === undefined ? {} : { rejectUnauthorized }),
    ...(call.session === undefined ? {} : { session: call.session }),
  };
}

function handshake(socket: tls.TLSSocket, place: Place, call: TlsCall): Promise<tls.TLSSocket> {
  return new Promise((resolve, reject) => {
    let certificate: tls.PeerCertificate | undefined;
    // Node drops the certificate when it refuses it: look at it first, for the message. (Not by
    // getPeerX509Certificate: Node 20 takes the certificate off the connection then, and the check of the name fails.)
    const onSecure = () => void (certificate = socket.isSessionReused() ? undefined : socket.getPeerCertificate());
    const onDone = () => settle();
    const onError = (error: Error) => settle(explain(error, { ...place, certificate }));
    const onClose = () => settle(explain(Object.assign(new Error("closed"), { code: "ECONNRESET" }), place));
    const onAbort = () => settle(aborted(call.signal?.reason, place));
    const timer = setTimeout(() => settle(timedOut(place, call.timeout)), call.timeout);
    function settle(error?: Error): void {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", onAbort);
      socket
        .removeListener("secure", onSecure)
        .removeListener("secureConnect", onDone)
        .removeListener("close", onClose);
      if (error === undefined) resolve(socket.removeListener("error", onError).pause());
      else reject(error);
      if (error !== undefined) socket.destroy();
    }
    socket.prependListener("secure", onSecure).on("secureConnect", onDone).on("error", onError).on("close", onClose);
    if (call.onSession) socket.on("session", call.onSession);
    call.signal?.addEventListener("abort", onAbort);
  });
}
