/** The bytes of files over a data connection, in both directions: to a Buffer, to a sink, from a source. */
import type { Socket } from "node:net";
import { cancelledUnsent } from "../client/abort.js";
import { ProtocolError, SinkError, UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import type { Sink, Source } from "../client/sink.js";
import { openSink, openSource } from "../net/stream.js";
import type { FtpSession } from "./session.js";
import { type Transferred, type Turn, transfer } from "./transfer.js";

/** What a download takes besides its name. */
export interface ReceiveOptions {
  /** First byte wanted (REST, RFC 3659 §5). Default: 0. */
  offset?: number | undefined;
  /** Bytes wanted; the rest is broken off. Default: all. */
  length?: number | undefined;
  /** `A` for text with local line ends left to the server, `I` for byte by byte (default). */
  type?: "A" | "I" | undefined;
  /** How a path sink is opened: `w` replace (default), `wx` refuse an existing file, `r+` write into it at `offset`. */
  flags?: "w" | "wx" | "r+" | undefined;
  /** Called as bytes arrive, with how many have. */
  onBytes?: ((bytes: number) => void) | undefined;
  /** Bytes that a Buffer may have. Default: `limits.body`. */
  most?: number | undefined;
}

/** What an upload takes besides its name and source. */
export interface SendOptions {
  /** Where in the remote file to begin (REST). The source begins at `start`. Default: 0. */
  offset?: number | undefined;
  /** First byte of the source that is sent. Default: 0. */
  start?: number | undefined;
  type?: "A" | "I" | undefined;
  /** Called as bytes are sent, with how many were. */
  onBytes?: ((bytes: number) => void) | undefined;
}

/** Downloads into memory. Throws ProtocolError where the file is larger than `limits.body`. */
export async function receiveWhole(
  session: FtpSession,
  command: string,
  options: ReceiveOptions,
  call: Call,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const limit = options.most ?? session.options.limits.body;
  let held = 0;
  const take = (chunk: Buffer) => {
    held += chunk.length;
    if (held > limit) {
      throw new ProtocolError(`a file of more than ${limit} bytes does not go into memory`, {
        advice: `give a sink (to: path), or raise ${options.most === undefined ? "limits.body" : "most"}`,
      });
    }
    chunks.push(chunk);
  };
  const { offset = 0, length, onBytes, type = "I" } = options;
  if (length !== undefined || onBytes !== undefined) await receiveFile(session, command, take, options, call);
  else {
    check("offset", offset);
    const run = (socket: Socket, turn: Turn) =>
      drain(socket, { write: take }, Number.POSITIVE_INFINITY, () => {}, turn);
    await transfer(session, { command, type, offset, sends: false, run, whole: { take } }, call);
  }
  return chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks);
}

/** Downloads to a sink. `room`: memory of the sink's own, where it has some. */
export async function receiveFile(
  session: FtpSession,
  command: string,
  sink: Sink,
  options: ReceiveOptions & { room?: (() => Buffer) | undefined },
  call: Call,
): Promise<Transferred> {
  const { offset = 0, length = Number.POSITIVE_INFINITY, type = "I", flags = "w" } = options;
  check("offset", offset);
  if (length !== Number.POSITIVE_INFINITY) check("length", length);
  const opening = openSink(sink, { flags, start: flags === "r+" ? offset : 0 });
  const writer = await unsent(call, opening, (opened) => opened.destroy());
  const room = options.room ?? (writer.room && (() => writer.room!()));
  let left = false;
  try {
    const done = await transfer(
      session,
      {
        command,
        type,
        offset,
        sends: false,
        room,
        leaves: () => left,
        run: (socket, turn) => {
          const leave = () => {
            left = true;
          };
          return drain(socket, writer, length, leave, turn, options.onBytes);
        },
      },
      call,
    );
    await session.line.orClosed(writer.end());
    return done;
  } catch (error) {
    writer.destroy(error as Error);
    throw error;
  }
}

interface Writer {
  write(chunk: Buffer): void | Promise<void>;
}

/** Reads the data connection into the sink, up to `length` bytes; pauses while the sink is busy. */
function drain(
  socket: Socket,
  writer: Writer,
  length: number,
  leave: () => void,
  turn: Turn,
  onBytes?: (bytes: number) => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    let busy: Promise<void> | undefined;
    let whole = false;
    const failed = (error: unknown) => {
      reject(error instanceof ProtocolError || error instanceof SinkError ? error : sinkError(error));
      socket.destroy();
    };
    const finish = () => {
      // The socket is of no matter now; the sink may have its last piece still to write.
      whole = true;
      turn.ours();
      if (busy) busy.then(() => resolve(bytes), failed);
      else resolve(bytes);
    };
    const onData = (chunk: Buffer) => {
      const piece = bytes + chunk.length > length ? chunk.subarray(0, length - bytes) : chunk;
      bytes += piece.length;
      turn.server();
      try {
        onBytes?.(bytes);
        busy = writer.write(piece) ?? undefined;
      } catch (error) {
        failed(error);
        return;
      }
      if (bytes >= length) {
        leave();
        socket.pause();
        finish();
      } else if (busy) {
        socket.pause();
        turn.ours();
        busy.then(resume, failed);
      }
    };
    const lost = (error: Error) => {
      if (!whole) reject(error);
    };
    const resume = () => {
      busy = undefined;
      turn.server();
      socket.resume();
    };
    socket.on("data", onData);
    socket.on("end", () => {
      // ProFTPD says 226 only when our side is closed too.
      socket.destroy();
      finish();
    });
    socket.on("error", lost);
    socket.on("close", () => lost(new Error("the data connection closed before its end")));
    socket.resume();
  });
}

/** Uploads from a source. */
export async function sendFile(
  session: FtpSession,
  command: string,
  source: Source,
  options: SendOptions,
  call: Call,
): Promise<Transferred> {
  const { offset = 0, start = 0, type = "I", onBytes } = options;
  check("offset", offset);
  if (source instanceof Uint8Array && source.length <= PIECE && start === 0 && onBytes === undefined) {
    const run = async (socket: Socket, turn: Turn) => pour(await openSource(source), socket, turn);
    return transfer(session, { command, type, offset, sends: true, run, whole: { bytes: source } }, call);
  }
  const bytes = await unsent(call, openSource(source, { start, reuse: true }), (opened) => opened.close());
  const run = (socket: Socket, turn: Turn) => pour(bytes, socket, turn, onBytes);
  try {
    return await transfer(session, { command, type, offset, sends: true, run }, call);
  } finally {
    await bytes.close();
  }
}

/** Opens our own side, before anything is sent: a signal that fires meanwhile costs the call, and not the connection. */
async function unsent<T>(call: Call, opening: Promise<T>, shut: (opened: T) => void | Promise<void>): Promise<T> {
  call.cancel = () => Promise.resolve(true);
  const opened = await opening;
  if (!call.signal?.aborted) return opened;
  await shut(opened);
  throw cancelledUnsent(call.signal.reason);
}

/** Bytes given to the socket at once: each must leave within `timeouts.idle`, over a slow line too. */
const PIECE = 64 * 1024;

/**
 * Writes a source to the data connection and closes it. A source that fails must not look like the end of the file. A
 * chunk has left before the next one is asked for: its memory may be used for that.
 */
async function pour(
  source: AsyncIterable<Buffer>,
  socket: Socket,
  turn: Turn,
  onBytes?: (bytes: number) => void,
): Promise<number> {
  let bytes = 0;
  let wake: (() => void) | undefined;
  let broken: Error | undefined;
  const closed = new Promise<never>((_, reject) => {
    const fail = (error: Error) => {
      broken ??= error;
      wake?.();
      reject(error);
    };
    socket.on("error", fail);
    socket.on("close", () => fail(new Error("the server closed the data connection")));
  });
  closed.catch(() => {});
  // The server sends nothing here; reading notices its end of the connection.
  socket.resume();
  const write = async (piece: Buffer) => {
    turn.server();
    await new Promise<void>((resolve) => {
      wake = resolve;
      if (broken) resolve();
      else
        socket.write(piece, (error) => {
          broken ??= error ?? undefined;
          resolve();
        });
    });
    if (broken) throw broken;
  };
  turn.ours();
  for await (const chunk of source) {
    for (let at = 0; at < chunk.length; at += PIECE) await write(chunk.subarray(at, at + PIECE));
    bytes += chunk.length;
    turn.ours();
    told(onBytes, bytes);
  }
  turn.server();
  await Promise.race([closed, new Promise<void>((resolve) => socket.end(resolve))]);
  return bytes;
}

/** Tells how far an upload is. */
function told(onBytes: ((bytes: number) => void) | undefined, bytes: number): void {
  try {
    onBytes?.(bytes);
  } catch (error) {
    throw sinkError(error, "onBytes of an upload failed");
  }
}

function sinkError(cause: unknown, what = "the sink of a download failed"): SinkError {
  return new SinkError(`${what}: ${cause instanceof Error ? cause.message : String(cause)}`, {
    cause,
    protocol: "ftp",
  });
}

function check(name: string, value: number): void {
  if (Number.isSafeInteger(value) && value >= 0) return;
  throw new UsageError(`${name} is a number of bytes, not ${value}`, { protocol: "ftp" });
}
