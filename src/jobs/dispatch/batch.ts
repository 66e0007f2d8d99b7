/** A batch as it travels: JSON made small, as thousands of names wait in a Redis. Pure. */
import { UsageError } from "../../client/errors.js";
import type { ClaimedFile, DestBefore } from "../journal/journal.js";
import { tempName } from "../move/names/temp-name.js";
import type { Batch, BatchFile } from "./dispatcher.js";
import { isBelow } from "./parse-payload.js";

/** Id, name, target (0: the name), size, mtime (milliseconds), attempt, tries, destination before (4 more where the servers send it each other), recover. */
type Row = readonly [
  id: number,
  name: string,
  target: string | 0,
  size: number | null,
  mtime: number | null,
  attempt: number,
  tries: number,
  before: number,
  recover: 0 | 1,
];

/** A batch without what the job's header tells. */
export interface PackedBatch {
  readonly key: string;
  readonly files: readonly Row[];
}

const BEFORE: readonly (DestBefore | undefined)[] = [undefined, "absent", "same", "other"];

/** Makes a batch small. */
export function packBatch({ key, files }: Batch): PackedBatch {
  return { key, files: files.map(packFile) };
}

function packFile({ file, recover }: BatchFile): Row {
  const { id, name, target, size, mtime, attempt, tries, destBefore, fxp } = file;
  const before = BEFORE.indexOf(destBefore) + (fxp ? BEFORE.length : 0);
  const to = target === name ? 0 : target;
  return [id, name, to, size ?? null, mtime ?? null, attempt, tries, before, recover ? 1 : 0];
}

/**
 * The batch again, with the temporary names that its claims have.
 *
 * @throws UsageError for what is no batch, or would leave the two folders: it came from elsewhere.
 */
export function unpackBatch({ key, files }: PackedBatch, job: string): Batch {
  if (typeof key !== "string" || !Array.isArray(files)) throw new UsageError("what came is no batch");
  return { key, files: files.map((row) => unpackFile(row, job)) };
}

function unpackFile(row: Row, job: string): BatchFile {
  const [id, name, to, size, mtime, attempt, tries, before, recover] = row;
  const target = to === 0 ? name : to;
  checkName(name);
  checkName(target);
  const file: ClaimedFile = {
    id,
    name,
    target,
    size: size ?? undefined,
    mtime: mtime ?? undefined,
    state: "CLAIMED",
    attempt,
    tries,
    temp: tempName(target, job, attempt),
    destBefore: BEFORE[before % BEFORE.length],
    fxp: before >= BEFORE.length,
    notBefore: undefined,
    code: undefined,
    error: undefined,
    updated: 0,
    digest: undefined,
  };
  return { file, recover: recover === 1 };
}

function checkName(name: unknown): void {
  if (!isBelow(name))
    throw new UsageError(`a batch names a file ${JSON.stringify(name)}, which is not below its folder`);
}
