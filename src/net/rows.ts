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
  readonly line: Pick<LineSession, "fail">;
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
  return givenRows(owner, plan.alone === true, async (session, call, open) => {
    let end: (() => void) | undefined;
    const begin = () => {
      const intake = open();
      const parser = plan.parser(session);
      end = () => intake.end(() => parser.end());
      return (piece: Buffer) => intake.give(intake.left ? [] : parser.push(piece), piece.length);
    };
    try {
      await plan.ask(session, { begin, timeout: call.timeout });
    } catch (error) {
      if (!(error instanceof ReplyError && plan.empty?.includes(error.code))) throw error;
    }
    end?.();
  });
}

/**
 * The same, for answers of any form: `ask` sends the command, and gives the rows as they come to what `open` makes, which
 * it tells the end.
 */
export function givenRows<T, S extends RowsSession>(
  owner: RowsOwner<S>,
  alone: boolean,
  ask: (session: S, call: Call, open: () => Intake<T>) => Promise<void>,
): Rows<T> {
  return new Rows<T>((feed) =>
    owner.run(!feed.eager || alone, async (session, call) => {
      const { readAhead } = session.options.limits;
      call.contended = () => feed.readAhead(readAhead, () => owner.refuse(tooFar(session.options)));
      await ask(session, call, () => new Intake(session, feed));
    }),
  );
}

/** The way of one answer's rows into its feed. */
export class Intake<T> {
  /** True where the consumer has left: rows are not wanted any more. */
  left = false;
  readonly #session: RowsSession;
  readonly #feed: Feed<T>;
  #drained = 0;

  constructor(session: RowsSession, feed: Feed<T>) {
    this.#session = session;
    this.#feed = feed;
    feed.bound(session.options.limits.body);
    feed.resume = () => session.resume(this);
    feed.cancel = () => this.#leave();
  }

  /** Takes rows that came in `bytes` bytes. */
  give(rows: T[], bytes: number): void {
    if (this.left) this.#drain(bytes);
    else if (!this.#feed.push(rows, bytes)) this.#session.pause(this);
  }

  /** The answer is over: what comes now is another one. `last` gives the rows that are left. */
  end(last?: () => T[]): void {
    this.#feed.resume = this.#feed.cancel = undefined;
    // The last piece may have asked for a pause: what follows is another answer.
    this.#session.resume(this);
    if (last && !this.left) this.#feed.push(last(), 0);
  }

  #leave(): void {
    this.left = true;
    this.#session.resume(this);
  }

  /** The consumer left: the rest is read and dropped, as there is no word for "enough"; up to a limit. */
  #drain(bytes: number): void {
    this.#drained += bytes;
    const { limits, protocol } = this.#session.options;
    if (this.#drained <= limits.readAhead) return;
    const message = `a loop over rows was left, and more than ${limits.readAhead} bytes of them came behind it`;
    this.#session.line.fail(
      new AbortedError(message, { advice: "ask for a smaller range, or raise limits.readAhead", protocol }),
    );
  }
}

function tooFar({ limits, protocol }: ResolvedOptions): UsageError {
  const message = `rows are being read on this connection, and more than ${limits.readAhead} bytes of them are unread`;
  return new UsageError(message, {
    advice: "finish their loop first, raise limits.readAhead, or use another connection (Pool)",
    protocol,
  });
}
