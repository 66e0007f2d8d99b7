/** Making a connection, again and again where that may help. */
import { pause } from "./pause.js";
import { classify, delay } from "./retry.js";

/** Tries of a connection before it is given up. */
export const CONNECT_TRIES = 8;

/** What is to be opened. */
export interface Opening {
  readonly open: () => Promise<void>;
  /** Whether what failed was connected before. */
  readonly met: () => boolean;
  /** Default: {@link CONNECT_TRIES}. */
  readonly tries?: number | undefined;
}

/** Who waits for it, and is told what comes of it. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Lanes that are connected. */
  connected(): number;
  /** A server takes no more than these lanes. */
  refused(error: Error, lanes: number): void;
  giveUp(error: Error, met: boolean): void;
}

/** False where it came to nothing: that was told. */
export async function connectAgain(
  { open, met, tries = CONNECT_TRIES }: Opening,
  patience: Patience,
): Promise<boolean> {
  const { signal } = patience;
  for (let attempt = 1; !signal.aborted; attempt++) {
    try {
      await open();
      return true;
    } catch (error) {
      if (signal.aborted) break;
      const others = patience.connected();
      const verdict = classify(error as Error, { others });
      const giveUp = verdict === "pause" || verdict === "fail" || attempt >= tries;
      // Where other lanes are at work, they go on without this one.
      if (others > 0 && (verdict === "cap" || (giveUp && verdict === "retry"))) {
        patience.refused(error as Error, others);
        return false;
      }
      if (giveUp) {
        patience.giveUp(error as Error, met());
        return false;
      }
      await pause(delay(attempt), signal);
    }
  }
  return false;
}
