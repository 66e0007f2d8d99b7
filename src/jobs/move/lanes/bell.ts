/** A bell: somebody waits for it, others ring. What was rung before somebody waits is not lost. */
import { onAbort } from "../../../client/abort.js";

export class Bell {
  #rung = false;
  #wake = () => {};

  ring(): void {
    this.#rung = true;
    this.#wake();
  }

  /** What was rung so far is known. */
  hush(): void {
    this.#rung = false;
  }

  /** Resolves when it rings or has rung, when the signal fires, or after so many milliseconds. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#rung || signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const over = () => {
        clearTimeout(timer);
        forget();
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(over, milliseconds);
      const forget = onAbort(signal, over);
      this.#wake = over;
    });
  }
}
