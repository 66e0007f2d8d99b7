/** What came of a file's transfer: it arrived, or is to be tried again, looked at anew, or has failed. */
import { PolywireError } from "../../../client/errors.js";
import { type ClaimedFile, KEPT } from "../../journal/journal.js";
import { nameKey } from "../names/name-key.js";
import type { Digester } from "../places/digests.js";
import { folderOf } from "../places/folder-place.js";
import type { FileStat } from "../places/place.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import type { LaneContext } from "./ledger.js";
import { lookAgain } from "./look-again.js";
import { changed } from "./recover.js";

/** Milliseconds before a file that changed under our hands is tried again. */
export const SETTLING = 1_000;

/** A file that is whole at the destination, under its temporary or its final name. */
export interface Arrived extends Ready {
  readonly bytes: number;
  /** Of what was sent, where that is compared. */
  readonly digester?: Digester | undefined;
  /** True where it was compared already. */
  readonly proved?: boolean | undefined;
  /** True where it was to have the source's time, and has not. */
  readonly untimed?: boolean | undefined;
}

/** So many bytes arrived. Undefined where the file was settled. */
export async function arrived(
  lane: Workplace,
  ready: Ready,
  bytes: number,
  digester: Digester | undefined,
): Promise<Arrived | undefined> {
  const { file, source } = ready;
  if (bytes === source.size) {
    lane.context.roster.files++;
    // Field by field: a spread with more behind it is made anew, slowly, for each file.
    return { file, source, before: ready.before, lookedAt: ready.lookedAt, bytes, digester };
  }
  const [now] = await lookAgain(lane, lane.from, [file.name]);
  if (now instanceof Error) return void unknown(lane, file, now);
  if (now && !changed(source, now)) throw incomplete(`${bytes} bytes of ${file.name} arrived, it has ${source.size}`);
  if (now) await discard(lane, ready, now);
  else lane.ledger.keep(file, "FAILED", `what arrived has ${bytes} bytes where ${source.size} were listed`);
  return undefined;
}

export async function failed(lane: Workplace, { file }: Ready, error: unknown): Promise<undefined> {
  // Somebody may have removed it.
  lane.context.folders.delete(folderOf(file.target));
  await lane.failed(file, error);
}

/** A file that is not small any more is looked at anew later on. False where it is as it was, or cannot be looked at. */
export async function hasChanged(lane: Workplace, ready: Ready): Promise<boolean> {
  if (!lane.from.usable) return false;
  const [now] = await lane.from.stat([ready.file.name]);
  if (now === undefined || now instanceof Error || !changed(ready.source, now)) return false;
  await discard(lane, ready, now);
  return true;
}

/** Looked at anew later on. */
export async function discard(lane: Workplace, { file }: Ready, now: FileStat): Promise<void> {
  await lane.drop([file]);
  lane.ledger.release(file, { now, wait: SETTLING });
}

/** What arrived is wrong, or cannot be told to be right: it is sent again, if its source is there. Else it may be the only copy. */
export async function refuse(lane: Workplace, file: ClaimedFile, problem: Error): Promise<void> {
  const [now] = await lookAgain(lane, lane.from, [file.name]);
  if (now === undefined) lane.ledger.keep(file, "FAILED", problem.message);
  else if (now instanceof Error) unknown(lane, file, now);
  else await lane.failed(file, problem);
}

/** It is not tried again: what arrived goes, if its source is there. Else it may be the only copy. */
export async function giveUp(lane: Workplace, file: ClaimedFile, error: Error): Promise<void> {
  const [now] = await lookAgain(lane, lane.from, [file.name]);
  if (now === undefined) return lane.ledger.keep(file, "FAILED", error.message);
  if (now instanceof Error) return unknown(lane, file, now);
  await lane.drop([file]);
  lane.ledger.fail(file, error, "BROKEN");
}

/** What arrived stays as it is, and a later run looks at it again: it may be the only copy. */
export function unknown({ context, ledger }: Workplace, file: ClaimedFile, { message }: Error): void {
  const error = `what was left of it could not be looked at: ${message}`;
  if (context.signal.aborted) ledger.suspend(file);
  else {
    context.kept.add(nameKey(file.temp));
    ledger.settle({ id: file.id, state: "FAILED", code: KEPT.part, error });
  }
}

/** Bytes of a file are on their way. */
export function count({ meter, sent }: LaneContext, id: number, { length }: Buffer): void {
  meter.bytes += length;
  sent.set(id, (sent.get(id) ?? 0) + length);
}

export function incomplete(message: string): PolywireError {
  return new PolywireError(message, { retryable: true });
}
