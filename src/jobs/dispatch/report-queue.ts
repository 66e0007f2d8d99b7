/** Reports that come by events, to be taken one after the other. */
import type { Report } from "./dispatcher.js";

export class ReportQueue implements AsyncIterable<Report> {
  readonly #reports: Report[] = [];
  #ended = false;
  #error: unknown;
  #wake = () => {};

  push(report: Report): void {
    this.#reports.push(report);
    this.#wake();
  }

  /** No more will come: what is there is still taken, and then the error is thrown, if there is one. */
  end(error?: unknown): void {
    this.#ended = true;
    this.#error ??= error;
    this.#wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Report, void, undefined> {
    for (;;) {
      const next = this.#reports.shift();
      if (next) yield next;
      else if (this.#ended) break;
      else await new Promise<void>((resolve) => (this.#wake = resolve));
    }
    if (this.#error !== undefined) throw this.#error;
  }
}
