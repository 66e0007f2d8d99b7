/** From a body's reader into a sink: one piece after the other, the connection paused while the sink is busy. */
import { PolywireError, SinkError } from "../client/errors.js";
import type { Link } from "./link.js";
import type { SinkWriter } from "./stream.js";

/** What lets bytes in: a line session, or a session that has more to hold back. */
export interface Tap {
  pause(holder: object): void;
  resume(holder: object): void;
}

/** The connection that a body comes by. */
export type BodyLine = Pick<Link, "orClosed">;

/** Lets go of a sink where its body was refused, or never asked for. */
export async function orLetGo<T>(opening: Promise<SinkWriter>, stored: Promise<T>): Promise<T> {
  // A sink that does not open is the call's failure, when its turn has come.
  opening.catch(() => {});
  try {
    return await stored;
  } catch (error) {
    await opening.then(
      (writer) => writer.destroy(error as Error),
      () => {},
    );
    throw error;
  }
}

/** Gives bytes to a sink, one piece after the other; the connection pauses while the sink is busy. */
export class Outlet {
  bytes = 0;
  readonly #tap: Tap;
  readonly #line: BodyLine;
  #writer: SinkWriter | undefined;
  readonly #waiting: Buffer[] = [];
  #busy: Promise<void> | undefined;
  #failure: PolywireError | undefined;

  constructor(tap: Tap, line: BodyLine, opening: Promise<SinkWriter>) {
    this.#tap = tap;
    this.#line = line;
    this.#busy = opening.then(
      (writer) => this.#begin(writer),
      (error) => this.#fail(error),
    );
  }

  take(piece: Buffer): void {
    this.bytes += piece.length;
    if (this.#failure) return;
    if (this.#busy) this.#waiting.push(piece);
    else this.#busy = this.#write(piece);
    if (this.#busy) this.#tap.pause(this);
  }

  /** Resolves when the sink has all; rejects with what it failed by, and where the connection is over first. */
  end(): Promise<void> {
    return this.#line.orClosed(this.#finish());
  }

  async #finish(): Promise<void> {
    while (this.#busy) await this.#busy;
    if (this.#failure) throw this.#failure;
    await this.#writer?.end();
  }

  #begin(writer: SinkWriter): void {
    this.#writer = writer;
    this.#next();
  }

  #write(piece: Buffer): Promise<void> | undefined {
    const busy = this.#writer?.write(piece);
    return busy?.then(
      () => this.#next(),
      (error) => this.#fail(error),
    );
  }

  #next(): void {
    this.#busy = undefined;
    for (let piece = this.#waiting.shift(); piece !== undefined && !this.#busy; piece = this.#waiting.shift()) {
      this.#busy = this.#write(piece);
      if (this.#busy) return;
    }
    if (!this.#busy) this.#tap.resume(this);
  }

  /** The rest of the body is read and dropped: what follows it is in order. */
  #fail(error: unknown): void {
    this.#failure =
      error instanceof PolywireError ? error : new SinkError(`the sink failed: ${String(error)}`, { cause: error });
    this.#busy = undefined;
    this.#waiting.length = 0;
    this.#tap.resume(this);
  }
}
