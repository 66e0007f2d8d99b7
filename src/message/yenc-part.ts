/** One part of a yEnc file while it is read: what was said of it, what came, and whether the two agree. Pure. */
import { crc32 } from "node:zlib";
import type { YencCrc, YencEnd, YencHead } from "./yenc.js";
import { readCrc, readNumber, type YencLine } from "./yenc-line.js";

/** A part whose end has not come. */
export class OpenPart {
  head: YencHead;
  /** True where the first line of data was seen: no `=ypart` can follow. */
  begun = false;
  #length = 0;
  #crc = 0;
  readonly #problems: string[] = [];

  /** `line` is `=ybegin`. */
  constructor({ name, values }: YencLine) {
    this.head = {
      name,
      size: readNumber(values.get("size")),
      line: readNumber(values.get("line")),
      part: readNumber(values.get("part")),
      total: readNumber(values.get("total")),
      begin: undefined,
      end: undefined,
    };
    if (name === "") this.note("the name is missing");
    if (this.head.size === undefined) this.note("the size is missing");
  }

  /** `line` is `=ypart`. */
  setRange({ values }: YencLine): void {
    const begin = readNumber(values.get("begin"));
    const end = readNumber(values.get("end"));
    if (begin === undefined || end === undefined || begin < 1 || end < begin - 1) this.note("=ypart has no range");
    else this.head = { ...this.head, begin, end };
  }

  begin(): void {
    this.begun = true;
    if (this.head.part !== undefined && this.head.begin === undefined) this.note("the =ypart line is missing");
  }

  add(data: Buffer): void {
    this.#length += data.length;
    this.#crc = crc32(data, this.#crc);
  }

  /** A damaged part has the same problem in thousands of lines: it is told once. */
  note(problem: string): void {
    if (!this.#problems.includes(problem)) this.#problems.push(problem);
  }

  /** Compares what came with what was said; `line` is `=yend`, where there is one. */
  end(line: YencLine | undefined): YencEnd {
    const { begin, end, size } = this.head;
    const own = readCrc(line?.values.get("pcrc32"));
    const whole = readCrc(line?.values.get("crc32"));
    if (line === undefined) this.note("the =yend line is missing");
    this.#compareSizes(readNumber(line?.values.get("size")));
    if (end !== undefined && size !== undefined && end > size) this.note("the part ends behind the file");
    const crc = compareCrc(this.#crc, own, whole, !this.#isPart || (begin === 1 && end === size));
    if (crc === "wrong") this.note("the checksum is wrong");
    return { ...this.head, crc, crc32: this.#crc, fileCrc32: whole, problems: this.#problems };
  }

  get #isPart(): boolean {
    return this.head.part !== undefined || this.head.begin !== undefined;
  }

  #compareSizes(said: number | undefined): void {
    const { begin, end, size } = this.head;
    const expected = begin === undefined ? (this.#isPart ? undefined : size) : end! - begin + 1;
    if (said !== undefined && said !== this.#length) this.note(`${this.#length} bytes came, =yend says ${said}`);
    if (expected !== undefined && expected !== this.#length) {
      this.note(`${this.#length} bytes came, the part has ${expected}`);
    }
  }
}

/**
 * `crc32` of a part is that of the whole file, but some programs put the part's own there: where it agrees it is
 * believed, where it does not it says nothing, unless the part is the whole file.
 */
function compareCrc(crc: number, own: number | undefined, whole: number | undefined, isWhole: boolean): YencCrc {
  if (own !== undefined) return own === crc ? "ok" : "wrong";
  if (whole === undefined) return "absent";
  if (whole === crc) return "ok";
  return isWhole ? "wrong" : "absent";
}
