/** yEnc (draft 1.3): binary files in articles. What a part is, and whole bodies → parts. Pure. */
import { YencDecoder } from "./yenc-decoder.js";

export { YencDecoder } from "./yenc-decoder.js";
export { encodeYenc, type YencInput } from "./yenc-encode.js";
export { joinYenc, type YencFile, type YencJoinOptions } from "./yenc-join.js";

/** What the lines `=ybegin` and `=ypart` say. Undefined where they do not. */
export interface YencHead {
  /**
   * The file's name as the poster wrote it; UTF-8, else windows-1252. It may hold `/`, `..` or anything: never use it as
   * a path unchecked (`isPlainName` tells whether it is a plain file name).
   */
  readonly name: string;
  /** Bytes of the whole file. */
  readonly size: number | undefined;
  /** Characters per line, as the poster's program says. */
  readonly line: number | undefined;
  /** The number of this part, from 1; undefined where the file is in one piece. */
  readonly part: number | undefined;
  /** How many parts there are. */
  readonly total: number | undefined;
  /** The position of the part's first byte in the file, from 1. */
  readonly begin: number | undefined;
  /** The position of the part's last byte, from 1: included. */
  readonly end: number | undefined;
}

/** `ok` and `wrong` where a checksum was sent and compared, `absent` where there is none for these bytes. */
export type YencCrc = "ok" | "wrong" | "absent";

/** What is known at the end of a part. */
export interface YencEnd extends YencHead {
  readonly crc: YencCrc;
  /** The CRC-32 of the bytes that came. */
  readonly crc32: number;
  /** The CRC-32 of the whole file, where the poster sent it. */
  readonly fileCrc32: number | undefined;
  /** What is wrong with the part, as sentences; empty where all is well. */
  readonly problems: readonly string[];
}

/** A decoded part. */
export interface YencPart extends YencEnd {
  readonly data: Buffer;
}

/** How to read a body. */
export interface YencOptions {
  /** True where dots that begin a line are still doubled, as on the wire. Default: false. */
  dotStuffed?: boolean | undefined;
}

/** What a decoder gives. */
export type YencEvent =
  /** A part begins. */
  | { readonly type: "begin"; readonly head: YencHead }
  /** Bytes of the file, in order. */
  | { readonly type: "data"; readonly data: Buffer }
  /** The part is over: what it was, and whether it is whole. */
  | { readonly type: "end"; readonly part: YencEnd };

/**
 * Decodes the first yEnc part of an article's body. Text before and after it is passed over. A damaged part is given as
 * far as it goes: `crc` and `problems` tell.
 *
 * @param body The body, its dots already single again (as from `NntpClient.body`); else see `options.dotStuffed`.
 * @returns The part; undefined where the body has none. Never throws.
 *
 * @example
 * const { content } = await nntp.body("<part1of1@example.org>");
 * const part = decodeYenc(content);
 * if (part?.crc === "ok") await writeFile("out.bin", part.data);
 */
export function decodeYenc(body: Buffer, options: YencOptions = {}): YencPart | undefined {
  for (const part of yencParts(body, options)) return part;
  return undefined;
}

/** Decodes every yEnc part of a body, one after the other. */
export function* yencParts(body: Buffer, options: YencOptions = {}): Generator<YencPart> {
  const decoder = new YencDecoder(options);
  let pieces: Buffer[] = [];
  for (const event of [...decoder.push(body), ...decoder.end()]) {
    if (event.type === "begin") pieces = [];
    else if (event.type === "data") pieces.push(event.data);
    else yield { ...event.part, data: pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces) };
  }
}
