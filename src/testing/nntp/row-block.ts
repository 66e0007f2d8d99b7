/** A thousand overview rows in one buffer, with holes for what changes from block to block: digits and dates. Pure. */

/** The leading digits of numbers, and three ways of beginning a date. */
export const HOLE_KINDS = ["prefix", "full", "noDay", "shortYear"] as const;

/** Where the holes of each kind begin. */
export type Holes = Readonly<Record<HoleKind, Uint32Array>>;
export type HoleKind = (typeof HOLE_KINDS)[number];

/** A buffer of its own, and what its holes hold now. */
export interface BlockCopy {
  readonly bytes: Buffer;
  readonly filled: Partial<Record<HoleKind, string>>;
}

export class RowBlock {
  /** Where the row of each index begins; one more for the end. A row that is missing is empty. */
  readonly starts: Uint32Array;
  readonly holes: Holes;
  readonly #bytes: Buffer;
  readonly #free: BlockCopy[] = [];

  constructor(bytes: Buffer, starts: Uint32Array, holes: Holes) {
    this.#bytes = bytes;
    this.starts = starts;
    this.holes = holes;
  }

  /** A copy to fill in: several replies may be under way at a time. */
  borrow(): BlockCopy {
    return this.#free.pop() ?? { bytes: Buffer.from(this.#bytes), filled: {} };
  }

  giveBack(copy: BlockCopy): void {
    this.#free.push(copy);
  }
}

/** Where runs of a marker byte begin. */
export function scanHoles(bytes: Buffer, marker: number): Uint32Array {
  const starts: number[] = [];
  for (let at = bytes.indexOf(marker); at !== -1; at = bytes.indexOf(marker, at)) {
    starts.push(at);
    while (bytes[at] === marker) at += 1;
  }
  return Uint32Array.from(starts);
}

/** Writes a text into every hole of a kind; only from the first character on that differs from what they hold. */
export function patch(copy: BlockCopy, holes: Uint32Array, text: string, kind: HoleKind): void {
  const before = copy.filled[kind] ?? "";
  if (before === text) return;
  let same = 0;
  while (same < text.length && before[same] === text[same]) same += 1;
  const { bytes } = copy;
  for (let offset = same; offset < text.length; offset++) {
    const code = text.charCodeAt(offset);
    for (let at = 0; at < holes.length; at++) bytes[(holes[at] as number) + offset] = code;
  }
  copy.filled[kind] = text;
}
