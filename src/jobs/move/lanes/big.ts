/** The way of large files: in parts at once where that is to be had, else in one stream that is gone on with where it broke. */
import type { Arrived } from "./arrived.js";
import { above } from "./big-options.js";
import { copyInParts, wantsParts } from "./big-parts.js";
import { Stream } from "./big-stream.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import { publish } from "./publish.js";

/** Whether a file goes this way. */
export function isBig({ context }: Workplace, { source }: Ready): boolean {
  const { resumeAbove, segmentAbove } = context.move.big;
  return source.size > Math.min(above(resumeAbove), above(segmentAbove));
}

/** Passes a large file through to its temporary name, as `copy`. */
export async function copyBig(lane: Workplace, ready: Ready): Promise<Arrived | undefined> {
  lane.context.sent.set(ready.file.id, 0);
  const done = wantsParts(lane, ready) ? await copyInParts(lane, ready) : "not in parts";
  return done !== "not in parts" ? done : new Stream(lane, ready).run();
}

/** Goes on with a file of which so many bytes are under its temporary name, and publishes it. */
export async function goOn(lane: Workplace, ready: Ready, there: number): Promise<void> {
  const arrived = await new Stream(lane, ready).run(there);
  if (arrived) await publish(lane, [arrived]);
}
