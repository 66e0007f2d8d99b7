/** What ndjson-rows.as.ts says, as seen from here: rows of an overview in, lines of NDJSON out. */
import { NDJSON_ROWS } from "./ndjson-rows.js";

/** The pieces of a line between its texts, in their order; the first depends on the group. */
const KEYS = [
  ',"subject":"',
  '","from":"',
  '","date":',
  ',"rawDate":"',
  '","messageId":"',
  ',"references":[',
  ',"bytes":',
  ',"lines":',
  ',"xref":"',
];
/** Octets that the first piece may have. */
const HEAD_LIMIT = 1024;

/** What the module exports; a number that changes is a global. */
interface Exports {
  readonly memory: { readonly buffer: ArrayBuffer };
  readonly INPUT: { readonly value: number };
  readonly OUTPUT: { readonly value: number };
  readonly rows: { readonly value: number };
  readonly written: { readonly value: number };
  readonly refused: { readonly value: number };
  keyAt(key: number): number;
  run(from: number, end: number): number;
}

/** As much of WebAssembly as is used: Node's types leave it to the DOM. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports: object) => { readonly exports: unknown };
}

/** Characters that one load may have. */
export const MOST_INPUT = 64 * 1024;

/** Does the rows that need no decoding, ten times as fast as JavaScript does. */
export class RowMachine {
  readonly #exports: Exports;
  readonly #bytes: Buffer;
  #at = 0;
  #end = 0;

  private constructor(exports: Exports) {
    this.#exports = exports;
    this.#bytes = Buffer.from(exports.memory.buffer);
    for (const [i, key] of KEYS.entries()) this.#key(i + 1, key);
  }

  /** Undefined where this machine has no WebAssembly of the kind (128-bit vectors). */
  static make(): RowMachine | undefined {
    try {
      const { Module, Instance } = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
      const module = new Module(Buffer.from(NDJSON_ROWS, "base64"));
      const abort = () => undefined;
      return new RowMachine(new Instance(module, { env: { abort } }).exports as Exports);
    } catch {
      return undefined;
    }
  }

  /** What each line begins with, up to the number. @returns False where it is too long. */
  begin(head: string): boolean {
    if (Buffer.byteLength(head) > HEAD_LIMIT) return false;
    this.#key(0, head);
    return true;
  }

  /** Takes rows, a character per octet, each with its LF; at most MOST_INPUT characters. */
  load(text: string): void {
    this.#at = this.#exports.INPUT.value;
    this.#end = this.#at + this.#bytes.write(text, this.#at, "latin1");
  }

  /** True while rows are left. */
  get isLeft(): boolean {
    return this.#at < this.#end;
  }

  /** Does rows until it is told to stop. @returns How many. */
  run(): number {
    this.#at = this.#exports.run(this.#at, this.#end);
    return this.#exports.rows.value;
  }

  /** What the last run wrote; valid until the next. */
  get lines(): Buffer {
    const from = this.#exports.OUTPUT.value;
    return this.#bytes.subarray(from, from + this.#exports.written.value);
  }

  /** True where the next row needs more than this. */
  get refused(): boolean {
    return this.#exports.refused.value !== 0;
  }

  /** Steps over a row of so many characters, without its LF. */
  skip(length: number): void {
    this.#at += length + 1;
  }

  #key(key: number, text: string): void {
    const at = this.#exports.keyAt(key);
    this.#bytes.writeInt32LE(this.#bytes.write(text, at + 4, "utf8"), at);
  }
}
