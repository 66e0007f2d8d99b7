/** Answers of many rows as they arrive, with back-pressure on the connection itself. */
import { AbortedError, ReplyError, UsageError } from "../client/errors.js";
import type { ResolvedOptions } from "../client/options.js";
import { type Feed, Rows } from "../client/rows.js";
import type { Call, Reply } from "../client/session.js";
import type { LineRows } from "../wire/line-rows.js";
import type { LineSession, SendOptions } from "./line-session.js";
import type { Tap } from "./outlet.js";

/** What a command with lines behind its reply takes. */
export interface BodyOptions extends SendOptions {
  /** Called with the reply before its lines; gives what takes their bytes, dots single again. */
  begin(reply: Reply): (piece: Buffer) => void;
}

/** The session of a protocol, as far as rows need it. */
export interface RowsSession extends Tap {
  readonly options: ResolvedOptions;
  readonly line: LineSession;
}

/** What a stream of rows needs from its client. */
export interface RowsOwner<S> {
  /** Runs a call: alone on the connection, or with others in flight. */
  run<T>(alone: boolean, body: (session: S, call: Call) => Promise<T>): Promise<T>;
  /** Rejects the calls that wait. */
  refuse(reason: UsageError): void;
}

/** What rows are asked for. */
export interface RowsPlan<T, S> {
  /** Sends the command. */
  ask(session: S, options: BodyOptions): Promise<Reply>;
  /** What reads the rows of one answer. */
  parser(session: S): Pick<LineRows<T>, "push" | "end">;
  /** Codes by which the server says that there are none. */
  readonly empty?: readonly string[] | undefined;
  /** True where no other call may be in flight, however the rows are asked for. */
  readonly alone?: boolean | undefined;
}

/**
 * The rows of an answer. Nothing is sent before the first one is asked for. A loop has the connection alone, so that it
 * may take its time; `each` and `toArray` share it with other calls.
 */
export function rows<T, S extends RowsSession>(owner: RowsOwner<S>, plan: RowsPlan<T, S>): Rows<T> {
  return new Rows<T>((feed) =>
    owner.run(!feed.eager || plan.alone === true, async (session, call) => {
      const { readAhead } = session.options.limits;
      call.contended = () => feed.readAhead(readAhead, () => owner.refuse(tooFar(session.options)));
      let intake: Intake<T> | undefined;
      const begin = () => {
        intake = new Intake(session, plan.parser(session), feed);
        return (piece: Buffer) => intake?.take(piece);
      };
      try {
        await plan.ask(session, { begin, timeout: call.timeout });
      } catch (error) {
        if (!(error instanceof ReplyError && plan.empty?.includes(error.code))) throw error;
      }
      intake?.end();
    }),
  );
}

/** The way of one answer's bytes into its feed. */
class Intake<T> {
  readonly #session: RowsSession;
  readonly #parser: Pick<LineRows<T>, "push" | "end">;
  readonly #feed: Feed<T>;
  #left = false;
  #drained = 0;

  constructor(session: RowsSession, parser: Pick<LineRows<T>, "push" | "end">, feed: Feed<T>) {
    this.#session = session;
    this.#parser = parser;
    this.#feed = feed;
    feed.bound(session.options.limits.body);
    feed.resume = () => session.resume(this);
    feed.cancel = () => this.#leave();
  }

  take(piece: Buffer): void {
    if (this.#left) this.#drain(piece.length);
    else if (!this.#feed.push(this.#parser.push(piece), piece.length)) this.#session.pause(this);
  }

  end(): void {
    this.#feed.resume = this.#feed.cancel = undefined;
    // The last piece may have asked for a pause: what follows is another answer.
    this.#session.resume(this);
    if (!this.#left) this.#feed.push(this.#parser.end(), 0);
  }

  #leave(): void {
    this.#left = true;
    this.#session.resume(this);
  }

  /** The consumer left: the rest is read and dropped, as there is no word for "enough"; up to a limit. */
  #drain(bytes: number): void {
    this.#drained += bytes;
    const { limits, protocol } = this.#session.options;
    if (this.#drained <= limits.readAhead) return;
    const message = `a loop over rows was left, and more than ${limits.readAhead} bytes of them came behind it`;
    this.#session.line.fail(new AbortedError(message, { advice: "ask for a smaller range", protocol }));
  }
}

function tooFar({ limits, protocol }: ResolvedOptions): UsageError {
  const message = `rows are being read on this connection, and more than ${limits.readAhead} bytes of them are unread`;
  return new UsageError(message, {
    advice: "finish their loop first, raise limits.readAhead, or use another connection (Pool)",
    protocol,
  });
}
