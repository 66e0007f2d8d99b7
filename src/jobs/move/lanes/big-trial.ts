/** Whether a server takes several parts of one file at once: tried with a few bytes of the file that is to come. */
import type { Place } from "../places/place.js";
import { readRange } from "./big-piece.js";
import { pause } from "./pause.js";
import { classify } from "./retry.js";

/** Milliseconds after which a write that waits for another one is taken to be locked out. */
const PATIENCE = 3_000;
/** Bytes at the end of the file that the trial needs. */
export const TRIAL = 8;

/**
 * Makes the file, of so many bytes, and writes into its end over two connections at once. True where all came to lie in its
 * place. What servers do instead: ProFTPD and pyftpdlib refuse a place behind the end (554), Pure-FTPd cuts the file off
 * where the second one begins, vsftpd has the second one wait for the first (`lock_upload_files`).
 */
export async function takesParts(
  one: Place,
  other: Place,
  temp: string,
  size: number,
  isKnown: boolean | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  try {
    await one.reserve(temp, size, signal);
    if (!(await hasSize(one, temp, size))) return false;
    return isKnown || (await writeBoth(one, other, temp, size, signal));
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
  const first = size - TRIAL;
  const gate = new Gate();
  const ours = one.writeFrom(temp, first, gate.chunks(Buffer.from("a")), signal);
  await Promise.race([gate.reached, ours]);
  const theirs = other.writeFrom(temp, first + TRIAL / 2, chunks(Buffer.from("b")), signal);
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

async function* chunks(...all: Buffer[]): AsyncGenerator<Buffer> {
  yield* all;
}
