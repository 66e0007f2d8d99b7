/** Listings as they arrive: MLSD, LIST and NLST through one data connection each, in flat memory whatever their size. */
import type { Socket } from "node:net";
import { ProtocolError, ReplyError, UsageError } from "../client/errors.js";
import { type Feed, Rows } from "../client/rows.js";
import type { Call } from "../client/session.js";
import type { ListingParser } from "./listing-parser.js";
import { parsePath } from "./parse-reply.js";
import type { FtpSession } from "./session.js";
import { type Transferred, type Turn, transfer } from "./transfer.js";

/** Runs a call alone on the connection. */
export type RunAlone = <T>(body: (session: FtpSession, call: Call) => Promise<T>) => Promise<T>;

/** What a stream of rows needs from its client. */
export interface RowsOwner {
  run: RunAlone;
  /** Rejects the calls that wait. */
  refuse(reason: UsageError): void;
}

/** What turns bytes into rows: a listing's parser, or nothing at all for the bytes of a file. */
export type RowParser<T> = Pick<ListingParser<T>, "push" | "end">;

/** What rows are asked for. */
export interface RowsPlan<T> {
  command(session: FtpSession): string;
  /** The directory to be in while the command runs. Default: the working directory. */
  directory?: ((session: FtpSession) => string | undefined) | undefined;
  readonly type: "A" | "I";
  readonly offset?: number | undefined;
  /** True where other calls wait for the end, however long that takes. */
  readonly patient?: boolean | undefined;
  parser(session: FtpSession): RowParser<T>;
  /** Called when the transfer has ended in order. */
  done?: ((transferred: Transferred) => void) | undefined;
}

/** The rows of a data connection. Nothing is sent before the first one is asked for. */
export function rows<T>(owner: RowsOwner, plan: RowsPlan<T>): Rows<T> {
  return new Rows<T>((feed) =>
    owner.run(async (session, call) => {
      const { readAhead } = session.options.limits;
      feed.bound(session.options.limits.body);
      if (!plan.patient) call.contended = () => feed.readAhead(readAhead, () => owner.refuse(tooFar(readAhead)));
      let left = false;
      const leave = await enter(session, plan.directory?.(session), call);
      try {
        const transferred = await transfer(
          session,
          {
            command: plan.command(session),
            type: plan.type,
            offset: plan.offset,
            sends: false,
            listing: plan.type === "A",
            leaves: () => left,
            run: (socket, turn) => receive(socket, plan.parser(session), feed, turn, () => (left = true)),
          },
          call,
        );
        if (!left) plan.done?.(transferred);
      } catch (error) {
        if (!saysEmpty(error)) throw error;
      } finally {
        if (!session.line.closed) await leave();
      }
    }),
  );
}

/** Some servers refuse to list an empty directory: inetutils' NLST answers `550 No files found.` */
function saysEmpty(error: unknown): boolean {
  return error instanceof ReplyError && /^[45]50$/.test(error.code) && /\bno files found\b/i.test(error.message);
}

/** Enters a directory; gives the way back. */
async function enter(session: FtpSession, directory: string | undefined, call: Call): Promise<() => Promise<void>> {
  if (directory === undefined) return async () => {};
  const { timeout } = call;
  const before = parsePath((await session.send("PWD", { timeout })).text) ?? "/";
  await session.send(`CWD ${directory}`, { timeout });
  return async () => void (await session.send(`CWD ${before}`, { timeout }));
}

function tooFar(limit: number): UsageError {
  return new UsageError(
    `a listing or download is open on this connection, and more than ${limit} bytes of it are unread`,
    {
      advice: "finish its loop first, raise limits.readAhead, or use another connection (Pool)",
      protocol: "ftp",
    },
  );
}

/** Reads the data connection to its end, or until the consumer leaves. Resolves to the bytes read. */
function receive<T>(
  socket: Socket,
  parser: RowParser<T>,
  feed: Feed<T>,
  turn: Turn,
  onLeave: () => void,
): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    const parse = (read: () => T[], size: number): boolean => {
      try {
        return feed.push(read(), size);
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error);
        reject(new ProtocolError(said, { cause: error, protocol: "ftp" }));
        return true;
      }
    };
    socket.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
      turn.server();
      if (parse(() => parser.push(chunk), chunk.length)) return;
      socket.pause();
      turn.ours();
    });
    socket.on("end", () => {
      parse(() => parser.end(), 0);
      // ProFTPD says 226 only when our side is closed too.
      socket.destroy();
      resolve(bytes);
    });
    socket.on("error", reject);
    socket.on("close", () => reject(new Error("the data connection closed before its end")));
    feed.resume = () => {
      turn.server();
      socket.resume();
    };
    feed.cancel = () => {
      onLeave();
      socket.pause();
      resolve(bytes);
    };
    socket.resume();
  });
}
