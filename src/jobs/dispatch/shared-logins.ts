/**
 * A limit on connections made in a second that processes of this machine share: one counts, the others ask it. With a part of
 * the limit for each, all of them might connect at once: in the beginning, and behind every pause.
 */
import { onAbort } from "../../client/abort.js";
import type { Logins } from "../move/lanes/logins.js";

/** What a process asks: that it may connect to a server, or no longer needs to. */
export type LoginQuestion =
  | { readonly kind: "login"; readonly id: number; readonly server: string }
  | { readonly kind: "no login"; readonly id: number };

/** In a process that asks. */
export class AskedLogins implements Pick<Logins, "take"> {
  readonly #ask: (question: LoginQuestion) => void;
  readonly #waiting = new Map<number, () => void>();
  #asked = 0;

  constructor(ask: (question: LoginQuestion) => void) {
    this.#ask = ask;
  }

  /** As {@link Logins.take}; it is always waited for. */
  take(server: string, signal: AbortSignal): Promise<void> {
    const id = ++this.#asked;
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason);
      const forget = onAbort(signal, () => {
        this.#waiting.delete(id);
        this.#ask({ kind: "no login", id });
        reject(signal.reason);
      });
      this.#waiting.set(id, () => {
        forget();
        resolve();
      });
      this.#ask({ kind: "login", id, server });
    });
  }

  /** The answer came. */
  granted(id: number): void {
    this.#waiting.get(id)?.();
    this.#waiting.delete(id);
  }
}

/** The questions of one process, where they are answered. */
export class LoginDesk {
  readonly #logins: Pick<Logins, "take">;
  readonly #grant: (id: number) => void;
  readonly #waiting = new Map<number, AbortController>();

  constructor(logins: Pick<Logins, "take">, grant: (id: number) => void) {
    this.#logins = logins;
    this.#grant = grant;
  }

  hear(question: LoginQuestion): void {
    const { id } = question;
    if (question.kind === "login") return void this.#answer(id, question.server);
    this.#waiting.get(id)?.abort();
  }

  /** The process is gone: others may have its turns. */
  close(): void {
    for (const abort of this.#waiting.values()) abort.abort();
  }

  async #answer(id: number, server: string): Promise<void> {
    const abort = new AbortController();
    this.#waiting.set(id, abort);
    try {
      await this.#logins.take(server, abort.signal);
      this.#grant(id);
    } catch {
      // It no longer wants to.
    } finally {
      this.#waiting.delete(id);
    }
  }
}
