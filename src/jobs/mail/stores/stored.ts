/** The messages a store has taken since its last flush, without their bytes. */
import type { IncomingMail } from "./store.js";

export class Stored {
  #ids: string[] = [];

  add({ id }: Pick<IncomingMail, "id">): void {
    this.#ids.push(id);
  }

  /** Takes them away. */
  take(): string[] {
    return this.#ids.splice(0);
  }
}
