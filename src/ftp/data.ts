/** Data connections: EPSV, PASV, EPRT and PORT, each the fallback of the other, TLS on top (RFC 959, 2428, 4217). */
import net, { type Server, type Socket } from "node:net";
import type { TLSSocket } from "node:tls";
import { ConnectionError, PolywireError, ProtocolError, type ReplyError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import { dial } from "../net/dial.js";
import { secure } from "../net/tls.js";
import { parseEpsv, parsePasv } from "./parse-reply.js";
import type { DataCommand, FtpSession } from "./session.js";

/** A data connection in the making: agreed with the server, perhaps not yet connected. */
export interface DataLink {
  /** The TCP connection; TLS comes on top of it once the transfer command is sent. */
  readonly socket: Promise<Socket>;
  /** Gives it up, whatever its state. `reset` tells the server by RST, so that it cannot take the end for the file's. */
  destroy(reset?: boolean): void;
}

/** What is asked for together with a data connection. */
export interface Ask {
  /** Commands that go before it into the same write. */
  readonly before: readonly string[];
  /** Is given their replies; may throw. */
  check(replies: Reply[]): void;
  /** Called when the commands are given to the connection: what it sends goes into the same write. */
  readonly follow?: (() => void) | undefined;
  /** Where what comes is to be read into, where nothing is encrypted: see `NetCall`. */
  readonly room?: (() => Buffer) | undefined;
}

/** The commands to try, in order: what worked before, else what the server announces, else all. */
function ladder(session: FtpSession): readonly DataCommand[] {
  if (session.dataCommand) return [session.dataCommand];
  const six = net.isIPv6(session.line.socket.remoteAddress ?? "") && !isMapped(session.line.socket.remoteAddress);
  if (session.settings.mode === "active")
    return six ? ["EPRT"] : session.has("EPRT") ? ["EPRT", "PORT"] : ["PORT", "EPRT"];
  if (six) return ["EPSV"];
  // A server without EPSV in its features may choke on it: ask it for what RFC 959 has.
  return session.has("EPSV") ? ["EPSV", "PASV"] : ["PASV", "EPSV"];
}

/**
 * Agrees on a data connection. The first time, the connection is awaited, so that the next rung can be tried where it
 * fails.
 */
export async function prepare(session: FtpSession, call: Call, ask: Ask): Promise<DataLink> {
  let failure: unknown;
  let asked = ask;
  for (const command of ladder(session)) {
    try {
      const link = await attempt(session, call, command, asked);
      if (session.dataCommand === undefined && session.settings.mode === "passive") await link.socket;
      session.dataCommand = command;
      return link;
    } catch (error) {
      if (!mayTryNext(error)) throw error;
      asked = { ...ask, before: [] };
      failure ??= error;
    }
  }
  throw failure;
}

/** Refusals of the command, and data connections that do not come about, leave the next rung to try. */
function mayTryNext(error: unknown): boolean {
  if (error instanceof DataRefusal) return true;
  return error instanceof ConnectionError && error.phase === "data";
}

/** A refusal of EPSV, PASV, EPRT or PORT itself. */
class DataRefusal extends PolywireError {
  constructor(readonly refusal: ReplyError) {
    super(refusal.message, { cause: refusal });
  }
}

/** True where EPSV or PASV itself was refused for good, or not understood. */
export function isUnagreed(error: unknown): boolean {
  return error instanceof DataRefusal && isNotSo(error.refusal.code, error.message);
}

/** True for what a server says that does not know a command, wants another one first, or not this one here. */
export function isNotSo(code: string, text: string): boolean {
  return /^(50[0-4]|522)$/.test(code) || (code === "425" && /\b(PORT|PASV|EPSV|EPRT)\b/i.test(text));
}

/** The refusal itself, where the last rung of the ladder ended in one. */
export function unwrap(error: unknown): unknown {
  return error instanceof DataRefusal ? error.refusal : error;
}

async function attempt(session: FtpSession, call: Call, command: DataCommand, ask: Ask): Promise<DataLink> {
  const server = command === "EPRT" || command === "PORT" ? await listen(session) : undefined;
  const line = server ? announce(session, command, server) : command;
  // Before the command is sent: pyftpdlib connects before it answers.
  const active = server && accepted(session, server);
  try {
    const asked = session.pack([...ask.before, line], { timeout: call.timeout });
    ask.follow?.();
    const replies = await asked;
    const last = replies.pop() as Reply;
    ask.check(replies);
    if (!last.ok) throw new DataRefusal(refused(session, last, line));
    return active ?? connected(session, target(session, command, last), ask.room);
  } catch (error) {
    active?.destroy();
    throw error;
  }
}

/** The error for a reply that refused a command. */
export function refused(session: FtpSession, reply: Reply, shown: string): ReplyError {
  try {
    session.accept(reply, shown);
  } catch (error) {
    return error as ReplyError;
  }
  throw new ProtocolError(`the answer ${reply.code} to ${shown} makes no sense`);
}

/** Where to connect to. The host is the control connection's own: a server must not send us elsewhere (RFC 2577 §3). */
export function target(session: FtpSession, command: DataCommand, reply: Reply): { host: string; port: number } {
  // Behind a proxy the socket's peer is the proxy: the name is what counts.
  const host = session.options.proxy
    ? session.options.host
    : (session.line.socket.remoteAddress ?? session.options.host);
  if (command === "EPSV") return { host, port: parseEpsv(reply) };
  const named = parsePasv(reply);
  return session.settings.allowForeignHost ? named : { host, port: named.port };
}

function connected(session: FtpSession, to: { host: string; port: number }, room?: () => Buffer): DataLink {
  // One for all that come about: making one, and aborting it for nothing, cost more than dialling.
  session.dialling ??= new AbortController();
  const abort = session.dialling;
  let socket: Socket | undefined;
  const timeout = session.options.timeouts.connect;
  const brief = !session.protectedData;
  const into = brief ? room : undefined;
  const connecting = dial(session.options, to, { signal: abort.signal, timeout, room: into, brief }).then(
    (made) => {
      socket = made;
      return made;
    },
    (error) => {
      throw dataError(session, `no data connection to port ${to.port}`, error);
    },
  );
  connecting.catch(() => {});
  return {
    socket: connecting,
    destroy(reset) {
      if (socket) return hangUp(socket, reset);
      session.dialling = undefined;
      abort.abort();
      connecting.then(
        (late) => late.destroy(),
        () => {},
      );
    },
  };
}

function accepted(session: FtpSession, server: Server): DataLink {
  let socket: Socket | undefined;
  let stop: ((error: Error) => void) | undefined;
  let timer: NodeJS.Timeout | undefined;
  const timeout = session.options.timeouts.connect;
  const accepting = new Promise<Socket>((resolve, reject) => {
    stop = reject;
    const peer = plain(session.line.socket.remoteAddress);
    const tooLong = () =>
      reject(dataError(session, `the server did not open the data connection within ${timeout} ms`));
    timer = setTimeout(tooLong, timeout);
    server.on("connection", (made) => {
      // Only the server itself may connect: the port is open to anyone meanwhile.
      if (plain(made.remoteAddress) !== peer && !session.settings.allowForeignHost) return void made.destroy();
      clearTimeout(timer);
      socket = made.pause();
      server.close();
      resolve(made);
    });
  });
  accepting.catch(() => server.close());
  return {
    socket: accepting,
    destroy(reset) {
      clearTimeout(timer);
      server.close();
      if (socket) hangUp(socket, reset);
      else stop?.(dataError(session, "the data connection was given up"));
    },
  };
}

/** Listens on the local address of the control connection, in the range of the options. */
async function listen(session: FtpSession): Promise<Server> {
  const { activePorts } = session.settings;
  const [first, last] = activePorts;
  const host = session.line.socket.localAddress as string;
  for (let port = first; ; port++) {
    const server = net.createServer({ pauseOnConnect: true, noDelay: true });
    try {
      await new Promise<void>((resolve, reject) => {
        server.once("error", reject);
        server.listen({ port, host }, resolve);
      });
      return server;
    } catch (error) {
      if (port < last) continue;
      throw dataError(session, `no free port to listen on from ${first} to ${last}`, error);
    }
  }
}

/** `EPRT |1|132.235.1.2|6275|`, or `PORT h1,h2,h3,h4,p1,p2`. */
function announce(session: FtpSession, command: DataCommand, server: Server): string {
  const { port } = server.address() as net.AddressInfo;
  const host = session.settings.externalAddress ?? plain(session.line.socket.localAddress);
  return activeCommand(command, host, port);
}

/** PORT or EPRT with its argument. */
export function activeCommand(command: DataCommand, host: string, port: number): string {
  if (command === "EPRT") return `EPRT |${net.isIPv6(host) ? 2 : 1}|${host}|${port}|`;
  return `PORT ${host.split(".").join(",")},${port >> 8},${port & 255}`;
}

/** The TLS on top of a data connection; undefined during the handshake. */
const covers = new WeakMap<Socket, TLSSocket | undefined>();

/** TLS on a data connection, where it is protected: the control connection's session is resumed. */
export async function protect(session: FtpSession, socket: Socket): Promise<Socket | TLSSocket> {
  if (!session.protectedData) return socket;
  covers.set(socket, undefined);
  // No signal: whoever cancels destroys the socket, and one listener a connection would be too many for a signal.
  const secured = await secure(socket, session.options, {
    timeout: session.options.timeouts.connect,
    session: session.tlsSession,
    onSession: (newer) => {
      session.tlsSession = newer;
    },
  });
  covers.set(socket, secured);
  return secured;
}

/**
 * Closes a data connection, by RST where the other side must not take the end for the file's. Not under TLS: Node 20.20
 * ends in a segmentation fault where a socket is reset under TLS that is being written to. Nor once the end is on its
 * way: libuv takes no reset then.
 */
export function hangUp(socket: Socket, reset?: boolean): void {
  const top = covers.get(socket) ?? socket;
  for (const each of [socket, top]) each.on("error", () => {});
  if (reset && !covers.has(socket) && !socket.writableEnded) socket.resetAndDestroy();
  else top.destroy();
}

/** The error of a data connection that failed while the control connection may be in order. */
export function dataError(session: FtpSession, message: string, cause?: unknown): ConnectionError {
  const { protocol, host, port } = session.options;
  const why = cause instanceof Error ? `: ${cause.message}` : "";
  return new ConnectionError(`${message}${why}`, { phase: "data", protocol, server: `${host}:${port}`, cause });
}

/** An IPv4 address that a dual-stack socket shows as IPv6, as IPv4 again. */
export function plain(address = ""): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}

function isMapped(address = ""): boolean {
  return plain(address) !== address;
}
