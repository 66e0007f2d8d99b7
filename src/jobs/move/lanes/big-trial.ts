/** Whether a server takes several parts of one file at once: tried with a few bytes of the file that is to come. */
import type { Place } from "../places/place.js";
import { count, incomplete } from "./arrived.js";
import { chunks, readRange } from "./big-piece.js";
import type { Ready } from "./decide.js";
import type { Workplace } from "./lane.js";
import { pause } from "./pause.js";
import { TRIAL } from "./recover.js";
import { classify } from "./retry.js";

/** Bytes that are there before all parts. */
export const HEAD = 1;
/** Milliseconds after which a write that waits for another one is taken to be locked out. */
const PATIENCE = 3_000;

/** Makes the file, but for its last byte, where parts of it may come. */
export async function begins(
  { context, from, to }: Workplace,
  { file, source }: Ready,
  other: Place,
): Promise<boolean> {
  const { abilities } = to;
  const { signal } = context;
  const taken = abilities.takesParts;
  // Where the trial itself costs the connection, it is not made again.
  if (taken === undefined) abilities.takesParts = false;
  abilities.takesParts = taken || (await takesParts(to, other, file.temp, signal));
  if (!abilities.takesParts) return false;
  const head = await readRange(from, file.name, 0, HEAD, signal);
  if (head.length < HEAD) throw incomplete(`${file.name} is empty now`);
  count(context, file.id, head);
  abilities.takesParts = await makes(to, file.temp, head, source.size - 1, signal);
  return abilities.takesParts;
}

/**
 * Makes a file of a few bytes, and writes into its end over two connections at once. True where all came to lie in its
 * place. What servers do instead: ProFTPD and pyftpdlib refuse a place behind the end (554), Pure-FTPd cuts the file off
 * where the second one begins, vsftpd has the second one wait for the first (`lock_upload_files`).
 *
 * What a trial leaves that costs the connection is small: no one takes it for the beginning of the file that is to come.
 */
async function takesParts(one: Place, other: Place, temp: string, signal: AbortSignal): Promise<boolean> {
  const tried = await makes(one, temp, Buffer.alloc(1), TRIAL, signal, () =>
    writeBoth(one, other, temp, TRIAL, signal),
  );
  await one.remove([temp]);
  return tried;
}

/** Makes the file with its first bytes, of so many; true where that came about, and what is to be seen then is so. */
async function makes(
  one: Place,
  temp: string,
  first: Buffer,
  size: number,
  signal: AbortSignal,
  seen: () => Promise<boolean> = async () => true,
): Promise<boolean> {
  try {
    await one.reserve(temp, first, size, signal);
    return (await hasSize(one, temp, size)) && (await seen());
  } catch (error) {
    // A full disk is told; anything else the file meets again in one stream, if it matters.
    if (!one.usable || signal.aborted || classify(error as Error) === "pause") throw error;
    return false;
  }
}

async function hasSize(place: Place, temp: string, size: number): Promise<boolean> {
  const [found] = await place.stat([temp], { times: false });
  return found !== undefined && !(found instanceof Error) && found.size === size;
}

async function writeBoth(one: Place, other: Place, temp: string, size: number, signal: AbortSignal): Promise<boolean> {
  const first = size - TRIAL / 2;
  const gate = new Gate();
  const ours = one.writeFrom(temp, first, gate.chunks(Buffer.from("a")), signal);
  await Promise.race([gate.reached, ours]);
  const theirs = other.writeFrom(temp, first + TRIAL / 4, chunks(Buffer.from("b")), signal);
  const done = theirs.then(
    () => true,
    () => false,
  );
  const over = new AbortController();
  const isInTime = await Promise.race([done, pause(PATIENCE, over.signal).then(() => false)]);
  over.abort();
  gate.open();
  await ours;
  if (!(await done) || !isInTime || !(await hasSize(one, temp, size))) return false;
  const found = await readRange(one, temp, first, size, signal);
  return found.equals(Buffer.from("a\0\0\0b\0\0\0"));
}

/** A source that stays open until it is let go. */
class Gate {
  open = () => {};
  /** Resolves when its bytes are on their way. */
  readonly reached: Promise<void>;
  readonly #opened = new Promise<void>((resolve) => {
    this.open = resolve;
  });
  #reach = () => {};

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#reach = resolve;
    });
  }

  async *chunks(bytes: Buffer): AsyncGenerator<Buffer> {
    yield bytes;
    this.#reach();
    await this.#opened;
  }
}
