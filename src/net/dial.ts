/** Dialling: a plain TCP connection to a server, directly or through the proxy of the options. */
import type { Socket } from "node:net";
import type { ResolvedOptions } from "../client/options.js";
import { placeOf } from "./explain.js";
import { throughProxy } from "./proxy.js";
import { connectTcp, type NetCall } from "./tcp.js";

/**
 * Connects to `to`, which need not be the host of the options (an FTP data connection). A name is looked up for both
 * IP versions, and whichever answers first is taken.
 *
 * @param call `timeout`: milliseconds for the look-up, the proxy and the connection together.
 * @returns the socket, paused and without a listener: attach yours, then `resume()`.
 * @throws ConnectionError (phases `dns`, `connect`, `proxy`), TimeoutError, AbortedError; UsageError for a proxy URL or a
 *   local address that cannot be used.
 *
 * @example
 * const socket = await dial(options, { host: "127.0.0.1", port: 2121 }, { timeout: 5_000 });
 * socket.on("data", read);
 * socket.resume();
 */
export function dial(
  options: ResolvedOptions,
  to: { readonly host: string; readonly port: number },
  call: NetCall,
): Promise<Socket> {
  if (options.proxy !== undefined) return throughProxy(options, options.proxy, to, { ...call, room: undefined });
  return connectTcp(options, to, placeOf(options, "connect", to), call);
}
