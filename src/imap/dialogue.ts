/** A command that goes on line by line: AUTHENTICATE, IDLE. */
import type { CommandText } from "./command.js";
import type { CommandOptions, ImapLine } from "./line.js";
import type { Response } from "./response.js";

/** One such command. It has the connection alone from its first continuation to its tagged response. */
export class Dialogue {
  readonly #line: ImapLine;
  readonly #came: Response[] = [];
  #wake: (() => void) | undefined;
  #failure: { error: unknown } | undefined;
  /** The tagged response. */
  readonly done: Promise<Response>;

  /** Sends the command. */
  constructor(line: ImapLine, command: CommandText, options: CommandOptions) {
    this.#line = line;
    this.done = line.execute(command, { ...options, more: (response) => this.#deliver(response) });
    this.done.then(
      (response) => this.#deliver(response),
      (error) => {
        this.#failure = { error };
        this.#wake?.();
      },
    );
  }

  /** What the server says next: a continuation, or at last the tagged response. */
  async next(): Promise<Response> {
    while (this.#came.length === 0) {
      if (this.#failure) throw this.#failure.error;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    return this.#came.shift() as Response;
  }

  /** Sends one more line. */
  say(text: string, shown = text, timeout?: number): void {
    this.#line.say(text, shown, timeout);
  }

  #deliver(response: Response): void {
    this.#came.push(response);
    this.#wake?.();
  }
}
