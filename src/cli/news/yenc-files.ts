/** Files in yEnc, put together from the articles of one command line. No I/O. */
import { joinYenc, type YencPart } from "../../message/index.js";

/** A file to save, or a part of one whose other parts are not there. */
export interface FoundFile {
  /** As the poster wrote it: not safe as it is. */
  readonly name: string;
  /** What is put behind the name, once it is safe: `.part0003`, `.broken`. */
  readonly suffix: string;
  readonly data: Buffer;
  /** What is wrong, as sentences. */
  readonly problems: readonly string[];
}

/** Takes parts in any order, and gives each file as soon as it is whole. */
export class YencFiles {
  readonly #open = new Map<string, Map<number, YencPart>>();

  /** The file that this part makes whole; undefined while others are missing. */
  add(part: YencPart): FoundFile | undefined {
    const { name, size, total } = part;
    if (part.part === undefined) return { name, ...stateOf(part), data: part.data };
    const key = JSON.stringify([name, size, total]);
    const parts = this.#open.get(key) ?? new Map<number, YencPart>();
    this.#open.set(key, parts.set(part.part, part));
    const bytes = [...parts.values()].reduce((sum, { data }) => sum + data.length, 0);
    if (size === undefined || bytes < size) return undefined;
    const file = joinYenc([...parts.values()]);
    if (file.missing.length > 0) return undefined;
    this.#open.delete(key);
    return { name, ...stateOf(file), data: file.data };
  }

  /** The parts of files that did not become whole, each alone. */
  rest(): FoundFile[] {
    const parts = [...this.#open.values()].flatMap((parts) => [...parts.values()]);
    return parts.map((part) => {
      const { suffix, problems } = stateOf(part);
      const number = `.part${String(part.part).padStart(4, "0")}`;
      const which = `only part ${part.part} of ${part.total ?? "?"} is here`;
      return { name: part.name, suffix: number + suffix, data: part.data, problems: [which, ...problems] };
    });
  }
}

function stateOf({ crc, problems }: Pick<YencPart, "crc" | "problems">) {
  return { suffix: crc === "wrong" ? ".broken" : "", problems };
}
