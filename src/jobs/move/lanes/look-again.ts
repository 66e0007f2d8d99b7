/** A look at files whose server may say "not now": as long as they are not seen, what arrived of them may be the only copy. */
import type { Place } from "../places/place.js";
import type { Workplace } from "./lane.js";
import { pause } from "./pause.js";
import { classify, delay } from "./retry.js";

/** Looks at a name that its server does not tell of. */
export const LOOKS = 3;

/** Looks at names, again at those of which the server says "not now". */
export async function lookAgain(lane: Workplace, place: Place, names: readonly string[]) {
  const { signal } = lane.context;
  const found = await place.stat(names);
  for (let looks = 1; looks < LOOKS && !signal.aborted; looks++) {
    const again = [...names.keys()].filter((i) => found[i] instanceof Error && classify(found[i]) === "retry");
    if (again.length === 0) break;
    await pause(delay(looks), signal);
    const results = await place.stat(again.map((i) => names[i] as string));
    for (const [k, i] of again.entries()) found[i] = results[k];
  }
  return found;
}
