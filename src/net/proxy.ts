/** Connections through a proxy: SOCKS 4, 4a and 5 by the `socks` package, HTTP CONNECT by our own few lines. */
import type { Socket } from "node:net";
import { ConnectionError, type PolywireError, UsageError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import { redactUrl } from "../client/url.js";
import { aborted, explain, type Place, placeOf, serverName, shown, timedOut } from "./explain.js";
import { connectTcp, type NetCall } from "./tcp.js";

/** A proxy as its URL describes it. */
export interface Proxy {
  readonly kind: "socks4" | "socks5" | "http";
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

type Address = { readonly host: string; readonly port: number };

/** The bytes that an HTTP proxy may answer with before it is given up. */
const MOST_HEADER = 16 * 1024;

const SCHEMES: Readonly<Record<string, readonly [Proxy["kind"], number]>> = {
  "socks:": ["socks5", 1080],
  "socks5:": ["socks5", 1080],
  "socks5h:": ["socks5", 1080],
  "socks4:": ["socks4", 1080],
  "socks4a:": ["socks4", 1080],
  "http:": ["http", 80],
};

/**
 * Reads a proxy's URL. The proxy looks names up, not this machine.
 *
 * @throws UsageError, which never shows the password.
 */
export function parseProxy(url: string): Proxy {
  const parsed = URL.canParse(url) ? new URL(url) : undefined;
  const scheme = parsed && SCHEMES[parsed.protocol];
  if (parsed === undefined || scheme === undefined || parsed.hostname === "") {
    throw new UsageError(`${redactUrl(url)} is not the URL of a proxy`, {
      advice: "write socks5://host:1080, socks4://host:1080 or http://host:8080, with user:password@ if need be",
    });
  }
  const [user, password] = [decode(parsed.username), decode(parsed.password)];
  if (/[\0\r\n]/.test(user + password)) throw new UsageError("a proxy's user and password hold no CR, LF or NUL");
  const port = parsed.port === "" ? scheme[1] : Number(parsed.port);
  return { kind: scheme[0], host: parsed.hostname.replace(/^\[(.*)\]$/, "$1"), port, user, password };
}

/** Connects to `to` through the proxy. The socket is paused and has no listeners. */
export async function throughProxy(options: ResolvedOptions, url: string, to: Address, call: NetCall): Promise<Socket> {
  const proxy = parseProxy(url);
  const deadline = Date.now() + call.timeout;
  const place = placeOf(options, "proxy", to);
  const socket = await reach(options, proxy, place, call);
  const talk = proxy.kind === "http" ? connectByHttp : connectBySocks;
  try {
    return await guarded(socket, place, call, deadline, talk(socket, proxy, to, place));
  } catch (error) {
    socket.on("error", () => {}).destroy();
    throw explain(error, place);
  }
}

/** The way to the proxy itself. What fails there is the proxy's fault, and says so. */
async function reach(options: ResolvedOptions, proxy: Proxy, place: Place, call: NetCall): Promise<Socket> {
  try {
    return await connectTcp(options, proxy, placeOf(options, "connect", proxy), call);
  } catch (error) {
    if (!(error instanceof ConnectionError) || error.phase === "abort") throw error;
    throw proxyError(place, proxy, error.message, undefined, error);
  }
}

/** Ends the talk with the proxy when the time is over or the caller's signal fires. */
function guarded(
  socket: Socket,
  place: Place,
  call: NetCall,
  deadline: number,
  talk: Promise<Socket>,
): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const onAbort = () => end(() => reject(aborted(call.signal?.reason, place)), true);
    const timer = setTimeout(
      () => end(() => reject(timedOut(place, call.timeout)), true),
      Math.max(1, deadline - Date.now()),
    );
    const end = (then: () => void, destroy = false) => {
      clearTimeout(timer);
      call.signal?.removeEventListener("abort", onAbort);
      then();
      if (destroy) socket.destroy();
    };
    call.signal?.addEventListener("abort", onAbort);
    if (call.signal?.aborted) onAbort();
    talk.then(
      (done) => end(() => resolve(done)),
      (error) => end(() => reject(error)),
    );
  });
}

async function connectBySocks(socket: Socket, proxy: Proxy, to: Address, place: Place): Promise<Socket> {
  const { SocksClient } = await import("socks");
  const { user, password } = proxy;
  const identity = user === "" && password === "" ? {} : { userId: user, password };
  try {
    const talk = SocksClient.createConnection({
      command: "connect",
      existing_socket: socket,
      destination: { ...to },
      // Longer than our own deadline, which speaks first.
      timeout: 2 ** 31 - 1,
      proxy: { host: proxy.host, port: proxy.port, type: proxy.kind === "socks4" ? 4 : 5, ...identity },
    });
    socket.resume();
    await talk;
  } catch (error) {
    // The package's error holds its options, the password among them: only its words are kept.
    throw proxyError(place, proxy, error instanceof Error ? error.message : "failed", socksAdvice(error));
  }
  return collectEarly(socket);
}

/**
 * The package emits what came behind the proxy's answer as a "data" event, and resumes the socket, in the next round
 * of the loop: the bytes are caught and put back.
 */
async function collectEarly(socket: Socket): Promise<Socket> {
  const early: Buffer[] = [];
  const onData = (chunk: Buffer) => early.push(chunk);
  const onError = () => {};
  socket.on("data", onData).on("error", onError);
  await new Promise((resolve) => setImmediate(resolve));
  socket.pause().removeListener("data", onData).removeListener("error", onError);
  if (early.length > 0) socket.unshift(Buffer.concat(early));
  return socket;
}

function connectByHttp(socket: Socket, proxy: Proxy, to: Address, place: Place): Promise<Socket> {
  const target = serverName(to);
  const identity = Buffer.from(`${proxy.user}:${proxy.password}`).toString("base64");
  const basic = proxy.user === "" && proxy.password === "" ? "" : `Proxy-Authorization: Basic ${identity}\r\n`;
  return new Promise((resolve, reject) => {
    let head: Buffer = Buffer.alloc(0);
    const onData = (chunk: Buffer) => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf("\r\n\r\n");
      if (end < 0 && head.length < MOST_HEADER) return;
      const refused = end < 0 ? "its answer is too long" : refusal(head.toString("latin1", 0, end));
      leave();
      if (refused !== undefined) return reject(proxyError(place, proxy, refused, httpAdvice(refused)));
      if (head.length > end + 4) socket.unshift(head.subarray(end + 4));
      resolve(socket);
    };
    const onError = (error: Error) => reject(explain(error, place));
    const onClose = () => reject(proxyError(place, proxy, "it hung up without an answer"));
    const leave = () =>
      socket
        .pause()
        .removeListener("data", onData)
        .removeListener("error", onError)
        .removeListener("end", onClose)
        .removeListener("close", onClose);
    socket.on("data", onData).on("error", onError).on("end", onClose).on("close", onClose).resume();
    socket.write(`CONNECT ${target} HTTP/1.1\r\nHost: ${target}\r\n${basic}\r\n`);
  });
}

/** What an HTTP proxy's answer says against the connection; undefined where it agrees. RFC 9110 §9.3.6: any 2xx. */
function refusal(head: string): string | undefined {
  const line = head.split("\r\n", 1)[0] as string;
  const status = /^HTTP\/1\.[01] (\d{3})(?: |$)/.exec(line)?.[1];
  if (status === undefined) return `it is not an HTTP proxy (it said ${JSON.stringify(shown(line, 80))})`;
  return status.startsWith("2") ? undefined : `it said ${shown(line.slice(9), 120)}`;
}

function httpAdvice(refused: string): string | undefined {
  if (refused.startsWith("it said 407")) return "give user and password in the proxy's URL";
  if (/^it said (403|405)/.test(refused)) return "many proxies allow CONNECT to port 443 only";
  return undefined;
}

function socksAdvice(error: unknown): string | undefined {
  const words = error instanceof Error ? error.message : "";
  if (/Authentication failed|no accepted authentication/.test(words))
    return "check user and password in the proxy's URL";
  if (/invalid socks version|invalid Socks4 handshake/i.test(words))
    return "does the proxy speak this version of SOCKS?";
  return undefined;
}

function proxyError(place: Place, proxy: Proxy, why: string, advice?: string, cause?: PolywireError): PolywireError {
  const message = `cannot reach ${serverName(place)} through the ${proxy.kind} proxy ${serverName(proxy)}: ${why}`;
  return new ConnectionError(message, {
    phase: "proxy",
    protocol: place.protocol,
    server: serverName(place),
    ...(advice === undefined ? {} : { advice }),
    ...(cause === undefined ? {} : { cause }),
  });
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
