/** Files that arrived get their final names, when both sides were looked at once more; then their sources go. */
import type { Published } from "../places/place.js";
import { type Arrived, discard, giveUp, incomplete, unknown } from "./arrived.js";
import { dropLate } from "./fxp.js";
import type { Workplace } from "./lane.js";
import { LOOKS } from "./look-again.js";
import { pause } from "./pause.js";
import { changed } from "./recover.js";
import { removeSources } from "./remove.js";
import { delay } from "./retry.js";
import { together } from "./suspects.js";
import { proved } from "./verify.js";

/** Milliseconds after which a final name that was free is looked at once more. */
const FRESH = 2_000;

/**
 * Gives what is whole its final name, and removes its source. Where a connection is lost over several files, no try of theirs
 * counts.
 */
export function publish(lane: Workplace, copied: readonly Arrived[]): Promise<void> {
  return together(lane, copied, {
    suspects: lane.context.roster.suspects.publish,
    do: (group) => publishGroup(lane, group),
    excuse: (file) => lane.ledger.excuse(file),
    giveUp: (file, error) => giveUp(lane, file, error),
  });
}

/** Of a file whose source may be gone: a server would not tell of it. */
interface Unseen {
  readonly each: Arrived;
  readonly error: Error;
}

/** @param looks At each of them, this one included. */
async function publishGroup(lane: Workplace, copied: readonly Arrived[], looks = 1): Promise<void> {
  const { context, ledger } = lane;
  const good = context.move.verify === "size" ? copied : await proved(lane, copied);
  const checked = performance.now();
  const { whole, orphans, unseen } = await check(lane, good);
  const results = await lane.to.publish(
    whole.map(({ file, source }) => ({
      temp: file.temp,
      final: file.target,
      mtime: context.move.keepTimes ? source.mtime : undefined,
    })),
  );
  const published: Arrived[] = [];
  for (const [i, each] of whole.entries()) {
    const result = results[i] as Published | Error;
    const { file, source } = each;
    if (!(result instanceof Error)) {
      const untimed = context.move.keepTimes && source.mtime !== undefined && !result.timed;
      published.push(untimed ? { ...each, untimed } : each);
      if (untimed)
        context.warn("the destination does not set the times of files: there they have the time of the move");
    } else if (orphans.has(each)) ledger.keep(file, "FAILED", `its name was refused: ${result.message}`);
    else await lane.failed(file, result);
  }
  await removeSources(lane, published, { checked });
  await dropLate(lane, published);
  if (unseen.length > 0) await publishUnseen(lane, unseen, looks);
}

/** What arrived of them may be the only copy: it is looked at again, and left as it is where that does not help. */
async function publishUnseen(lane: Workplace, unseen: readonly Unseen[], looks: number): Promise<void> {
  const { signal } = lane.context;
  if (looks < LOOKS) await pause(delay(looks), signal);
  if (looks >= LOOKS || signal.aborted) for (const { each, error } of unseen) unknown(lane, each.file, error);
  else {
    const again = unseen.map(({ each }) => ({ ...each, proved: true }));
    await publishGroup(lane, again, looks + 1);
  }
}

/**
 * What may be published: whole at the destination, by its own count, and of a source that is still what was read.
 * `orphans` are those whose source vanished meanwhile: theirs is the only copy; `unseen` may be such.
 */
async function check(lane: Workplace, copied: readonly Arrived[]) {
  const { ledger } = lane;
  const late = copied.filter(({ before, lookedAt }) => before === "absent" && performance.now() - lookedAt > FRESH);
  const [sources, there] = await Promise.all([
    lane.from.stat(copied.map(({ file }) => file.name)),
    lane.to.stat([...copied.map(({ file }) => file.temp), ...late.map(({ file }) => file.target)], { times: false }),
  ]);
  const whole: Arrived[] = [];
  const orphans = new Set<Arrived>();
  const unseen: Unseen[] = [];
  for (const [i, each] of copied.entries()) {
    const { file, source, bytes } = each;
    const [now, temp] = [sources[i], there[i]];
    const taken = late.includes(each) ? there[copied.length + late.indexOf(each)] : undefined;
    if (now instanceof Error) unseen.push({ each, error: now });
    else if (temp instanceof Error && now === undefined) unseen.push({ each, error: temp });
    else if (temp instanceof Error) await lane.failed(file, temp);
    else if (now && changed(source, now)) await discard(lane, each, now);
    else if (now && taken !== undefined) await discard(lane, each, now);
    else if (temp?.size !== bytes) {
      if (now)
        await lane.failed(file, incomplete(`${temp?.size ?? 0} bytes of ${file.name} arrived, ${bytes} were sent`));
      else ledger.keep(file, "FAILED", "what arrived is not whole");
    } else if (taken !== undefined) ledger.keep(file, "CONFLICT", "another file has the final name");
    else whole.push(each);
    if (now === undefined) orphans.add(each);
  }
  return { whole, orphans, unseen };
}
