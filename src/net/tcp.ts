/** One TCP connection, from the call to the socket: name look-up, both IP versions, deadline, abort. */
import net from "node:net";
import type { ResolvedOptions } from "../client/options.js";
import { aborted, explain, type Place, timedOut } from "./explain.js";

/** What a call on the network takes. */
export interface NetCall {
  readonly signal?: AbortSignal | undefined;
  /** Milliseconds until it is given up. */
  readonly timeout: number;
  /**
   * Gives the memory that the next bytes are read into, so that they need not be copied: each "data" is the beginning
   * of what this gave last. Not used through a proxy. Default: memory of Node's own, new each time.
   */
  readonly room?: (() => Buffer) | undefined;
  /**
   * True for a connection that carries one body in the clear and is watched by somebody: neither keep-alive nor haste
   * with small segments, which are five calls of the system. Default: false.
   */
  readonly brief?: boolean | undefined;
}

/**
 * Milliseconds for one address before the next one is tried. Node gives the first address up for good then, where RFC
 * 8305 would let it go on: 250 ms, Node's default, loses servers at the other end of the world.
 */
const NEXT_ADDRESS = 1_000;

/** Connects to `to`. The socket is paused and has no listeners; a failure is explained as one of `place`. */
export function connectTcp(
  options: ResolvedOptions,
  to: { readonly host: string; readonly port: number },
  place: Place,
  call: NetCall,
): Promise<net.Socket> {
  if (call.signal?.aborted) return Promise.reject(aborted(call.signal.reason, place));
  return new Promise((resolve, reject) => {
    let socket: net.Socket;
    try {
      const read = (bytes: number, memory: Uint8Array) => socket.emit("data", memory.subarray(0, bytes));
      const onread = call.room && { buffer: call.room, callback: read };
      socket = net.connect({ ...socketOptions(options, to, call.brief ?? false), ...(onread && { onread }) });
    } catch (error) {
      reject(explain(error, place));
      return;
    }
    const onConnect = () => settle();
    const onError = (error: Error) => settle(explain(error, place));
    const onAbort = () => settle(aborted(call.signal?.reason, place));
    const timer = setTimeout(() => settle(timedOut(place, call.timeout)), call.timeout);
    function settle(error?: Error): void {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", onAbort);
      socket.removeListener("connect", onConnect);
      // Paused within "connect", the socket does not begin to read: nothing can be lost, nothing can fail unheard.
      if (error === undefined) resolve(socket.removeListener("error", onError).pause());
      else reject(error);
      if (error !== undefined) socket.destroy();
    }
    socket.on("connect", onConnect).on("error", onError);
    call.signal?.addEventListener("abort", onAbort);
  });
}

function socketOptions(
  options: ResolvedOptions,
  to: { host: string; port: number },
  brief: boolean,
): net.NetConnectOpts {
  const { localAddress, keepAlive } = options;
  // The local address decides the IP version: Node would try the other one, too, and fail with EINVAL.
  const family = options.family ?? (localAddress === undefined ? 0 : net.isIP(localAddress));
  return {
    host: to.host,
    port: to.port,
    noDelay: !brief,
    keepAlive: keepAlive > 0 && !brief,
    keepAliveInitialDelay: keepAlive,
    autoSelectFamilyAttemptTimeout: NEXT_ADDRESS,
    ...(localAddress === undefined ? {} : { localAddress }),
    ...(family === 0 ? { autoSelectFamily: true } : { family }),
  };
}
