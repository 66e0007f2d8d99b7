/** What is to be done with files, by a look at both sides before anything is sent: gone, the same already, in the way. */
import { UsageError } from "../../../client/errors.js";
import type { ClaimedFile, DestBefore } from "../../journal/journal.js";
import { nameKey } from "../names/name-key.js";
import { numbered } from "../names/numbered.js";
import { folderOf } from "../places/folder-place.js";
import { makeRoom } from "../places/folders.js";
import type { FileStat, Place, Wanted } from "../places/place.js";
import type { Arrived } from "./arrived.js";
import { isEqual } from "./equal.js";
import { judgeExisting, skipsSame } from "./exists.js";
import type { Workplace } from "./lane.js";
import { JobStopped } from "./ledger.js";
import { changed, same } from "./recover.js";
import { removeSources } from "./remove.js";
import { isExhausted } from "./retry.js";
import { type Deed, together } from "./suspects.js";
import { hasTwins } from "./twins.js";

/** A file to be transferred. */
export interface Ready {
  readonly file: ClaimedFile;
  /** The source as it was looked at. */
  readonly source: FileStat;
  readonly before: DestBefore;
  /** When, on the clock of `performance.now()`. */
  readonly lookedAt: number;
}

/** Milliseconds until a final name that another lane holds is looked at again. */
const HELD = 200;
/** Names tried at once, and at most, for `onExists: "rename"`. */
const NAMES = 20;
const MOST_NAMES = 1_000;

/** What came of a look. */
export interface Decided {
  readonly ready: Ready[];
  /** Files whose final name another one of this lane holds: to be looked at when that is settled. */
  readonly held: ClaimedFile[];
}

/** Notes what is there, settles what needs no transfer, and gives the rest. */
export async function decide(lane: Workplace, files: readonly ClaimedFile[]): Promise<Decided> {
  const { context, ledger } = lane;
  const able = passOverKept(lane, files);
  // Before the look: a name that is free now may be another lane's a moment later.
  const refused = able.filter((file) => !ledger.reserve(file.target, file.id));
  const held = refused.filter((file) => ledger.holds(file.target));
  for (const file of refused) if (!held.includes(file)) ledger.release(file, { wait: HELD, counts: false });
  const mine = able.filter((file) => !refused.includes(file));
  const [sources, finals] = await look(lane, mine);
  const found: (Ready & { what: What })[] = [];
  const blame: Pick<Deed<unknown>, "suspects" | "giveUp"> = {
    suspects: context.roster.suspects.publish,
    giveUp: (file, error) => ledger.fail(file, error, "BROKEN"),
  };
  for (const [i, file] of mine.entries()) {
    const [source, final] = [sources[i], finals[i]];
    if (source instanceof Error || final instanceof Error)
      await lane.failed(file, source instanceof Error ? source : final);
    else if (source === undefined) ledger.settle({ id: file.id, state: "GONE", error: "the source is gone" });
    else if (context.move.stableFor > 0 && changed(file, source)) waitForMore(lane, file, source);
    else if (final === undefined)
      found.push({ file, source, before: "absent", lookedAt: performance.now(), what: "move" });
    else
      await together(lane, [{ file }], {
        ...blame,
        do: async () => void found.push(await judge(lane, file, source, final)),
      });
  }
  const open = found.filter(({ what }) => what !== "settled");
  await context.desk.probed(
    open.map(({ file, before, source }) => {
      file.size = source.size;
      file.mtime = source.mtime ?? file.mtime;
      file.destBefore = before;
      file.fxp = context.move.fxp;
      return { id: file.id, destBefore: before, fxp: file.fxp, size: file.size, mtime: file.mtime };
    }),
  );
  const already = open.filter(({ what }) => what === "skip");
  await together(lane, already.map(arrivedBefore), {
    ...blame,
    do: (group) => removeSources(lane, group, { state: "SKIPPED_SAME" }),
  });
  const others = open.filter(({ what }) => what !== "skip");
  return { ready: await freeNames(lane, others), held };
}

/** Files whose temporary names are those of what may be the only copy of another one get others. */
function passOverKept({ context, ledger }: Workplace, files: readonly ClaimedFile[]): readonly ClaimedFile[] {
  const { kept } = context;
  if (kept.size === 0) return files;
  const taken = files.filter((file) => kept.has(nameKey(file.temp)));
  for (const file of taken) ledger.release(file, { counts: false });
  return files.filter((file) => !taken.includes(file));
}

/** Somebody still writes it: it was quiet when it was planned. */
function waitForMore({ context, ledger }: Workplace, file: ClaimedFile, now: FileStat): void {
  const { stableFor, tries } = context.move;
  if (!isExhausted("retry", file.tries, tries)) ledger.release(file, { now, wait: stableFor });
  else ledger.fail(file, new Error(`it changed ${file.tries} times since it was planned`), "CHANGING");
}

type Looks = Awaited<ReturnType<Place["stat"]>>;

/**
 * Sources and final names as they are. Sizes that were listed are taken for true, as the bytes that arrive will tell;
 * only where there is a file under the final name both are looked at as a whole.
 */
async function look({ from, to }: Workplace, files: readonly ClaimedFile[]): Promise<[Looks, Looks]> {
  const ask = (which: readonly ClaimedFile[], sources: Wanted, finals: Wanted) =>
    Promise.all([
      from.stat(
        which.map(({ name }) => name),
        sources,
      ),
      to.stat(
        which.map(({ target }) => target),
        finals,
      ),
    ]);
  const sizes = files.flatMap(({ size }) => size ?? []);
  const [sources, finals] = await ask(files, sizes.length === files.length ? { sizes } : {}, { times: false });
  const taken = [...finals.keys()].filter((i) => finals[i] !== undefined);
  if (taken.length > 0) {
    const whole = await ask(
      taken.map((i) => files[i] as ClaimedFile),
      {},
      {},
    );
    for (const [k, i] of taken.entries()) [sources[i], finals[i]] = [whole[0][k], whole[1][k]];
  }
  return [sources, finals];
}

type What = "move" | "skip" | "rename" | "settled";

async function judge(lane: Workplace, file: ClaimedFile, source: FileStat, final: FileStat) {
  const as = (before: DestBefore, what: What) => ({ file, source, before, lookedAt: performance.now(), what });
  const { onExists, removes } = lane.context.move;
  try {
    const before = (await isSame(lane, file, source, final)) ? "same" : "other";
    const verdict = judgeExisting(onExists, before === "same", source, final);
    let reason = typeof verdict === "object" ? verdict.conflict : undefined;
    if (typeof verdict === "string" && removes && (verdict !== "rename" || file.target === file.name))
      reason = await danger(lane, file, verdict === "skip");
    if (typeof verdict === "string" && reason === undefined)
      return as(before, verdict === "overwrite" ? "move" : verdict);
    lane.ledger.conflict(file, reason as string);
  } catch (error) {
    if (error instanceof JobStopped) throw error;
    await lane.failed(file, error);
  }
  return as("other", "settled");
}

/** By size and time; a file that was tried before may be there from then, on a server that sets no times. */
async function isSame(lane: Workplace, file: ClaimedFile, source: FileStat, final: FileStat): Promise<boolean> {
  if (same(source, final)) return true;
  const mayBeOurs = skipsSame(lane.context.move.onExists) && file.attempt > 1 && source.size === final.size;
  return mayBeOurs && isEqual(lane, file);
}

/** Why a source must not go although its final name would have the file. */
async function danger(lane: Workplace, file: ClaimedFile, skips: boolean): Promise<string | undefined> {
  const { sameNames, oneToOne, verify } = lane.context.move;
  if (await isOwnFolder(lane, file)) {
    const error = "from and to are the same folder: what has the final name may be the source itself";
    if (sameNames) throw new JobStopped(new UsageError(error));
    return error;
  }
  if (!skips) return undefined;
  // Two files of the job may have the same final name, size and time: only their bytes tell.
  const isEnough = oneToOne && (verify === "size" || verify === "mtime") && !(await hasTwins(lane, file));
  if (isEnough || (await isEqual(lane, file))) return undefined;
  return "a file of that name, size and time is there, but its bytes differ";
}

/**
 * Whether the sources lie in the folder this file goes to: two URLs may mean one folder. A new file there is looked
 * for among the sources.
 */
async function isOwnFolder(lane: Workplace, file: ClaimedFile): Promise<boolean> {
  const { ownFolders, signal } = lane.context;
  const [folder, own] = [folderOf(file.target), folderOf(file.name)];
  const both = `${folder}\n${own}`;
  const known = ownFolders.get(both);
  if (known !== undefined) return known;
  await lane.to.write(file.temp, nothing(), signal);
  const name = file.temp.slice(folder === "" ? 0 : folder.length + 1);
  const [seen] = await lane.from.stat([own === "" ? name : `${own}/${name}`]);
  await lane.to.remove([file.temp]);
  if (seen instanceof Error) throw seen;
  makeRoom(ownFolders);
  ownFolders.set(both, seen !== undefined);
  return seen !== undefined;
}

async function* nothing(): AsyncIterable<Buffer> {}

function arrivedBefore(ready: Ready): Arrived {
  return { ...ready, bytes: ready.source.size };
}

/** For `onExists: "rename"`: the first free name of `name-1.ext`, `name-2.ext` … */
async function freeNames(lane: Workplace, files: readonly (Ready & { what: What })[]): Promise<Ready[]> {
  const named: Ready[] = [];
  for (const each of files) {
    if (each.what === "move") named.push(each);
    else {
      const target = await freeName(lane, each.file);
      if (target === undefined) lane.ledger.conflict(each.file, `${MOST_NAMES} files of that name are there`);
      else {
        const file = lane.ledger.retarget(each.file, target);
        if (file) named.push({ ...each, file, before: "absent" });
      }
    }
  }
  return named;
}

async function freeName({ ledger, to }: Workplace, { id, target }: ClaimedFile): Promise<string | undefined> {
  for (let first = 1; first <= MOST_NAMES; first += NAMES) {
    const names = Array.from({ length: NAMES }, (_, i) => numbered(target, first + i));
    const mine = names.filter((name) => ledger.reserve(name, id));
    let free: string | undefined;
    try {
      const taken = await to.stat(mine);
      free = mine.find((_, i) => taken[i] === undefined);
    } finally {
      for (const name of mine) if (name !== free) ledger.free(name, id);
    }
    if (free !== undefined) return free;
  }
  return undefined;
}
