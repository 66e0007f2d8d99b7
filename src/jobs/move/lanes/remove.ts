/** Sources of files that are safe at the destination go, unless they changed meanwhile. */
import type { SettledFile } from "../../journal/journal.js";
import { type Arrived, SETTLING } from "./arrived.js";
import type { Workplace } from "./lane.js";
import { codeOf } from "./ledger.js";
import { removerOf } from "./put-away.js";
import { changed } from "./recover.js";

/** Milliseconds for which a look at a source holds: behind them it is looked at once more before it is removed. */
const SEEN = 250;

/** How sources are removed. */
interface Removal {
  /** What becomes of their files. Default: `DONE`. */
  readonly state?: "DONE" | "SKIPPED_SAME";
  /** When the sources were seen unchanged, on the clock of `performance.now()`. Default: never. */
  readonly checked?: number;
}

/** The files are safe at the destination: their sources go, where the job moves, unless they changed meanwhile. */
export async function removeSources(
  lane: Workplace,
  arrived: readonly Arrived[],
  { state = "DONE", checked = Number.NEGATIVE_INFINITY }: Removal = {},
): Promise<void> {
  if (arrived.length === 0) return;
  const { context, ledger } = lane;
  const settled = ({ file, bytes, digester, untimed }: Arrived): SettledFile => ({
    ...{ id: file.id, state, size: bytes, untimed },
    ...(digester && { digest: `sha256:${digester.hex("sha256")}` }),
  });
  if (!context.move.removes) return ledger.settle(...arrived.map(settled));
  const fresh = performance.now() - checked < SEEN;
  const now = fresh ? [] : await lane.from.stat(arrived.map(({ file }) => file.name));
  const safe = arrived.filter(({ source }, i) => {
    const found = now[i];
    return found === undefined || (!(found instanceof Error) && !changed(source, found));
  });
  const errors = await lane.remove(
    removerOf(lane),
    safe.map(({ file }) => file.name),
  );
  const results = safe.map((each, i): SettledFile => {
    const error = errors[i];
    if (error === undefined) return settled(each);
    const said = `it arrived, but the source stays: ${error.message}`;
    return { id: each.file.id, state: "FAILED", code: codeOf(error), error: said };
  });
  ledger.settle(...results);
  for (const [i, each] of arrived.entries()) {
    const found = now[i];
    if (found instanceof Error) ledger.fail(each.file, new Error(`it arrived, but the source stays: ${found.message}`));
    else if (found && !safe.includes(each)) ledger.release(each.file, { now: found, wait: SETTLING });
  }
}
