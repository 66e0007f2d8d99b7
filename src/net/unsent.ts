/** What a call does before it sends anything, as reading its source: that may take for ever, and is not waited for then. */
import { cancelledUnsent, onAbort } from "../client/abort.js";
import type { Call } from "../client/session.js";
import type { Link } from "./link.js";
import type { SourceReader } from "./stream.js";

/** Tells whether anybody waits still. */
export class Wait {
  /** True where nobody does. */
  left = false;
  /** Called once when nobody does any more. */
  onLeft: (() => void) | undefined;

  leave(): void {
    this.left = true;
    this.onLeft?.();
  }
}

/**
 * Does what goes before the first command of a call. Rejects where the connection is over first, and where the call's signal
 * fires: with an AbortedError that leaves the client usable, as nothing was sent.
 */
export function unsent<T>(
  line: Pick<Link, "whenClosed">,
  call: Pick<Call, "signal" | "cancel">,
  body: (wait: Wait) => Promise<T>,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const wait = new Wait();
    const fail = (error: Error) => {
      forget();
      reject(error);
      wait.leave();
    };
    const { signal } = call;
    const cancelled = () => cancelledUnsent(signal?.reason);
    call.cancel = () => Promise.resolve(true);
    const unlisten = onAbort(signal, () => fail(cancelled()));
    let unwatch = () => {};
    const forget = () => {
      call.cancel = undefined;
      unlisten();
      unwatch();
    };
    if (signal?.aborted) return fail(cancelled());
    unwatch = line.whenClosed(fail);
    body(wait).then((value) => {
      forget();
      resolve(value);
    }, fail);
  });
}

/** The pieces of a source, as long as somebody waits for them. */
export async function* whileWanted(reader: SourceReader, wait: Wait): AsyncGenerator<Buffer> {
  // One that is silent would not notice. A file is closed behind its next piece.
  if (reader.size === undefined) wait.onLeft = () => void reader.close().catch(() => {});
  for await (const piece of reader) {
    if (wait.left) return;
    yield piece;
  }
}
