/** A move at work: what is said before, while and after it runs. */
import { checkMove, move } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { progressView, type ViewKind } from "../progress.js";
import { moveFigures } from "./figures.js";
import type { FoundJob } from "./job.js";
import { announce, refuseSecond, tellResult, tellStop } from "./outcome.js";
import { greetServers } from "./sides.js";

/** How much is said. */
export interface Saying {
  readonly progress: ViewKind | undefined;
  /** Only what went wrong. */
  readonly quiet: boolean;
}

/** Runs a job and tells what came of it. @returns the exit code. */
export async function runJob(context: Context, { job, named }: FoundJob, { progress, quiet }: Saying): Promise<number> {
  checkMove(job);
  const journal = { path: job.journal, named };
  refuseSecond(journal);
  await greetServers(job, context.signal);
  if (!quiet) announce(journal);
  const view = progressView(progress ?? (quiet ? "none" : "auto"), moveFigures);
  const onProgress: typeof job.onProgress = (each) => {
    job.onProgress?.(each);
    view.show(each);
  };
  try {
    const result = await move({ ...job, onProgress });
    view.stop();
    return await tellResult(context, result, journal, { copy: job.source === "keep", quiet });
  } catch (error) {
    view.stop();
    return tellStop(context, error, journal);
  }
}
