/** Files that the two servers of a move send each other (FXP), for as long as that works; else they pass through here. */
import { ConnectionError, ProtocolError, ReplyError } from "../../../client/errors.js";
import { FxpError, FxpPair } from "../../../ftp/fxp-pair.js";
import { bestDigest, Digester, type DigestName } from "../places/digests.js";
import { folderOf } from "../places/folder-place.js";
import { makeOnce } from "../places/folders.js";
import { type Arrived, arrived, failed, hasChanged, refuse } from "./arrived.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import { Notes } from "./notes.js";
import type { Roster } from "./roster.js";
import { VerifyError } from "./verify.js";

/** Failures in a row, or refusals before a file went this way, behind which it is given up. */
const ENOUGH = 3;

/** What the lanes of a job know of the way between its servers. */
class Known {
  readonly pair = new FxpPair();
  /** True while a lane finds out whether it works: one is enough. */
  trying = false;
  givenUp = false;
  failures = 0;
  /** Temporary names of earlier tries whose destination hung up: it may make the file when nobody looks any more. */
  readonly late = new Notes<readonly string[]>();
}

const KNOWN = new WeakMap<Roster, Known>();

function knownOf({ context: { roster } }: Workplace): Known {
  const known = KNOWN.get(roster) ?? new Known();
  KNOWN.set(roster, known);
  return known;
}

/** Whether the servers are to be asked for the next file. */
export function goesByFxp(lane: Workplace): boolean {
  if (!lane.context.move.fxp) return false;
  const { givenUp, trying } = knownOf(lane);
  return !givenUp && !trying;
}

/** Has the servers send a file to its temporary name. `otherwise` is the way through here. */
export async function copyByFxp(
  lane: Workplace,
  ready: Ready,
  otherwise: () => Promise<Arrived | undefined>,
): Promise<Arrived | undefined> {
  const known = knownOf(lane);
  const why = unable(lane);
  if (why !== undefined) return giveUp(lane, why, otherwise);
  const proven = known.pair.passive !== undefined;
  known.trying = !proven;
  lane.context.sent.set(ready.file.id, 0);
  try {
    const done = await send(lane, ready, known.pair);
    known.failures = 0;
    return done;
  } catch (error) {
    const doubtful = isAboutTheWay(error) || (!proven && error instanceof ReplyError);
    const enough = doubtful && ++known.failures >= ENOUGH;
    if (lane.from.usable && lane.to.usable && !lane.context.signal.aborted) {
      if (error instanceof FxpError || enough) return await giveUp(lane, messageOf(error), otherwise, ready);
      // Some servers refuse the file where they refuse the way.
      if (!proven && error instanceof ReplyError) return await passThrough(lane, ready, otherwise);
      if (error instanceof ProtocolError && (await hasChanged(lane, ready))) return undefined;
    } else if (enough) await giveUp(lane, messageOf(error));
    if (!lane.to.usable) known.late.note(ready.file.id, [...(known.late.get(ready.file.id) ?? []), ready.file.temp]);
    return failed(lane, ready, error);
  } finally {
    known.trying = false;
  }
}

/** A way that worked may break for one file; where it breaks again and again, it is no way. */
function isAboutTheWay(error: unknown): boolean {
  return error instanceof ProtocolError || error instanceof VerifyError || isBroken(error);
}

function isBroken(error: unknown): boolean {
  return error instanceof ConnectionError && error.phase === "data";
}

async function send(lane: Workplace, ready: Ready, pair: FxpPair): Promise<Arrived | undefined> {
  const { context, from, to } = lane;
  const { meter, move, sent, signal, folders } = context;
  const { file, source } = ready;
  await makeOnce(to, folders, folderOf(file.target));
  // A worker may have a limit of its own.
  const wait = move.bucket.take(source.size, signal);
  if (wait) await wait;
  const bytes = (await from.send?.(file.name, to, file.temp, pair, signal)) ?? source.size;
  meter.bytes += bytes;
  sent.set(file.id, bytes);
  const compares = move.verify === "hash";
  const digester = compares ? await compared(lane, ready, bytes) : undefined;
  // A server computes none: its source may be gone.
  if (digester instanceof Error) return void (await refuse(lane, file, digester));
  const done = await arrived(lane, ready, bytes, digester);
  return done && { ...done, proved: compares };
}

/** Removes what may be left of earlier tries of files that have arrived. */
export async function dropLate(lane: Workplace, files: readonly Arrived[]): Promise<void> {
  if (!lane.context.move.fxp) return;
  const { late } = knownOf(lane);
  const left = files.flatMap(({ file }) => (late.get(file.id) ?? []).map((temp) => ({ ...file, temp })));
  for (const { file } of files) late.forget(file.id);
  if (left.length > 0) await lane.drop(left);
}

/** Compares what both servers compute. Gives the digest that the journal keeps, where it is that; or why there is none. */
async function compared({ from, to }: Workplace, { file }: Ready, size: number): Promise<Digester | Error | undefined> {
  const name = common(from.digests, to.digests) as DigestName;
  const [ours, theirs] = await Promise.all([
    from.digest([{ name: file.name, size }], name),
    to.digest([{ name: file.temp, size }], name),
  ]);
  const [there, here] = [ours[0] as string | Error, theirs[0] as string | Error];
  if (there instanceof Error) return there;
  if (here instanceof Error) return here;
  if (there !== here) throw new VerifyError(`the ${name} of what arrived is ${here}, of its source ${there}`);
  return name === "sha256" ? Digester.of(name, here) : undefined;
}

function common(ours: readonly DigestName[], theirs: readonly DigestName[]): DigestName | undefined {
  return bestDigest(ours.filter((name) => theirs.includes(name)));
}

/** Why it cannot be asked of these two. */
function unable({ context: { move }, from, to }: Workplace): string | undefined {
  if (from.send === undefined || to.send === undefined) return "one side is no FTP server";
  if (move.verify !== "hash" || common(from.digests, to.digests)) return undefined;
  return 'they have no digest in common, which verify: "hash" needs';
}

/** It does not work, for all lanes. With a file, that passes through here now. */
async function giveUp(
  lane: Workplace,
  why: string,
  otherwise: () => Promise<Arrived | undefined> = async () => undefined,
  ready?: Ready,
): Promise<Arrived | undefined> {
  knownOf(lane).givenUp = true;
  lane.context.warn(`the servers do not send each other files, so all bytes pass through here: ${why}`);
  return ready ? passThrough(lane, ready, otherwise) : otherwise();
}

/** What the servers may have left is of no use. */
async function passThrough(
  lane: Workplace,
  { file }: Ready,
  otherwise: () => Promise<Arrived | undefined>,
): Promise<Arrived | undefined> {
  const { meter, sent } = lane.context;
  meter.bytes -= sent.get(file.id) ?? 0;
  sent.set(file.id, 0);
  await lane.drop([file]);
  return otherwise();
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
