/** Whether the destination is a folder of the source by another name: an empty file there, looked for in the listing. */
import { PolywireError } from "../../../client/errors.js";
import type { ListingResult } from "../../journal/journal.js";
import type { Crew } from "../lanes/crew.js";
import { tempName } from "../names/temp-name.js";
import type { ResolvedMove } from "../options.js";
import type { SourceFolder } from "../places/sources.js";
import type { Gatherer } from "./gather.js";

/** What it works with. */
export interface BeaconContext {
  readonly move: ResolvedMove;
  readonly job: string;
  readonly crew: Crew;
  readonly gatherer: Pick<Gatherer, "list" | "lookFor">;
  readonly signal: AbortSignal;
  warn(message: string): void;
}

/** No file is tried so often: the name is nobody's else, and the same in every run. */
const ATTEMPT = 999_999_999;

/**
 * The first listing of a run. Where names do not tell whether the destination lies in the source, that is found out: a job
 * would move its own files again and again. Of workers elsewhere, the destination may be out of reach.
 *
 * @throws UsageError where it does lie there, and the job cannot work.
 */
export async function listWithBeacon(context: BeaconContext): Promise<ListingResult> {
  const { move, job, gatherer } = context;
  if (move.foundWithin === undefined || move.dispatch?.kind === "redis") return gatherer.list();
  const name = tempName("polywire", job, ATTEMPT);
  const isLit = await light(context, name);
  let at: string | undefined;
  let listed: ListingResult;
  try {
    if (isLit) gatherer.lookFor(name, (folder) => (at = folder));
    listed = await gatherer.list();
  } finally {
    if (isLit) await putOut(context, name);
  }
  if (at !== undefined) move.foundWithin(insideOf(move.sources, at));
  return listed;
}

/** The connection would stand idle while the source is listed. */
async function light({ move, crew, signal }: BeaconContext, name: string): Promise<boolean> {
  const to = move.to(true);
  try {
    if (!(await crew.connect(() => to.open(signal)))) return false;
    await to.store(name, Buffer.alloc(0), signal);
    return true;
  } catch (error) {
    // What is wrong there, the files will tell.
    if (error instanceof PolywireError || to.usable) return false;
    throw error;
  } finally {
    await to.close();
  }
}

async function putOut({ move, warn }: BeaconContext, name: string): Promise<void> {
  const to = move.to(true);
  try {
    // Also where the job is to end.
    await to.open(new AbortController().signal);
    const [error] = await to.remove([name]);
    if (error) throw error;
  } catch (error) {
    warn(`the empty file ${name} could not be removed: ${(error as Error).message}`);
  } finally {
    await to.close();
  }
}

/** For each source, the path in it; undefined where the folder is outside. */
function insideOf(sources: readonly SourceFolder[], folder: string): (string | undefined)[] {
  return sources.map(({ path }) => {
    if (path === "") return folder;
    if (path === folder) return "";
    return folder.startsWith(`${path}/`) ? folder.slice(path.length + 1) : undefined;
  });
}
