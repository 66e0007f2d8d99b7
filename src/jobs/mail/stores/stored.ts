/** The messages a store has taken since its last flush, without their bytes. */
import type { Flushed, IncomingMail } from "./store.js";

export class Stored {
  #mails: Flushed["mails"][number][] = [];

  add({ number, uid }: IncomingMail): void {
    this.#mails.push({ number, uid });
  }

  /** Takes them away. */
  take(): Flushed["mails"] {
    return this.#mails.splice(0);
  }
}
