/** A limit on connections made in a second to one server, shared by all who connect. */
import { Bucket } from "./bucket.js";

export class Logins {
  readonly #perSecond: number | undefined;
  readonly #servers = new Map<string, Bucket>();

  /** @param perSecond Undefined: no limit. */
  constructor(perSecond?: number) {
    this.#perSecond = perSecond;
  }

  /** Undefined where one may connect at once; else a promise that resolves when it may, and rejects with the signal's reason. */
  take(server: string, signal: AbortSignal): Promise<void> | undefined {
    if (this.#perSecond === undefined) return undefined;
    let bucket = this.#servers.get(server);
    if (bucket === undefined) {
      bucket = new Bucket({ bytesPerSecond: this.#perSecond, burst: 1 });
      this.#servers.set(server, bucket);
    }
    return bucket.take(1, signal);
  }
}
