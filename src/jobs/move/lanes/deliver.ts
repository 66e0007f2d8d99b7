/** Files from their sources to their final names: looked at some at a time, while others are on their way. */
import { ProtocolError } from "../../../client/errors.js";
import type { ClaimedFile } from "../../journal/journal.js";
import { folderOf } from "../places/folder-place.js";
import { makeOnce } from "../places/folders.js";
import { type Arrived, arrived, count, failed, hasChanged } from "./arrived.js";
import { copyBig, isBig } from "./big.js";
import { copy } from "./copy.js";
import { decide } from "./decide.js";
import { Flow, type Parcel } from "./flow.js";
import { copyByFxp, goesByFxp } from "./fxp.js";
import type { Workplace } from "./lane.js";
import { digesterFor } from "./verify.js";

/** Gives files to go on with. */
export type More = () => readonly ClaimedFile[];

/** Files that are looked at together, while those before them are on their way. */
const LOOK = 16;

/**
 * Decides on files and transfers those that need it. Gives those whose final name another one of them holds: to be
 * looked at again. Ends early where the job does.
 *
 * @param more Gives further files while those before them are on their way; none: these were all.
 */
export async function deliver(lane: Workplace, files: readonly ClaimedFile[], more: More): Promise<ClaimedFile[]> {
  const flow = new Flow(lane, write);
  const waiting: ClaimedFile[] = [];
  try {
    for (let batch = files; batch.length > 0; batch = waiting.length > 0 || !flow.open ? [] : more()) {
      for (let at = 0; at < batch.length && flow.open; at += LOOK) {
        const { ready, held } = await flow.beside(decide(lane, batch.slice(at, at + LOOK)));
        waiting.push(...held);
        await flow.feed(ready);
      }
    }
  } catch (error) {
    flow.stop(error);
  }
  await flow.end();
  return waiting;
}

function write(lane: Workplace, parcel: Parcel): Promise<Arrived | undefined> {
  const { content, ready } = parcel;
  if (content) return store(lane, parcel);
  const pass = () => (isBig(lane, ready) ? copyBig(lane, ready) : copy(lane, ready));
  return goesByFxp(lane) ? copyByFxp(lane, ready, pass) : pass();
}

/** Writes a small file under its temporary name. Undefined where it failed by itself; rejects where a connection did. */
async function store(lane: Workplace, { ready, content }: Parcel): Promise<Arrived | undefined> {
  const { context, to } = lane;
  const { signal } = context;
  const { file } = ready;
  try {
    const bytes = (await content) as Buffer;
    await makeOnce(to, context.folders, folderOf(file.target));
    const wait = context.move.bucket.take(bytes.length, signal);
    if (wait) await wait;
    count(context, file.id, bytes);
    const digester = digesterFor(lane)?.update(bytes);
    return await arrived(lane, ready, await to.store(file.temp, bytes, signal), digester);
  } catch (error) {
    if (error instanceof ProtocolError && (await hasChanged(lane, ready))) return undefined;
    return failed(lane, ready, error);
  }
}
