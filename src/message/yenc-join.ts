/** The parts of a file, in any order → the file, and what is missing of it. Pure. */
import { crc32 } from "node:zlib";
import { UsageError } from "../client/errors.js";
import type { YencCrc, YencPart } from "./yenc.js";

/** How to join. */
export interface YencJoinOptions {
  /** Bytes that a file may have at most: its size is what a poster says. Default: 1 GiB. */
  limit?: number | undefined;
}

/** A file put together. */
export interface YencFile {
  /** As the poster wrote it: check it before it becomes a path. */
  readonly name: string;
  /** The whole file; what is missing is zeros, so that everything else is where it belongs. */
  readonly data: Buffer;
  /** First and last position of each gap, from 1, in order; empty where nothing is missing. */
  readonly missing: readonly (readonly [begin: number, end: number])[];
  /**
   * `ok` where the file's own checksum agrees or, where none was sent, all parts' checksums do and nothing is missing;
   * `wrong` where a checksum does not agree; `absent` where none says anything.
   */
  readonly crc: YencCrc;
  /** What is wrong, as sentences: with the parts, and with how they fit. */
  readonly problems: readonly string[];
}

/** Bytes and where they belong: `at` counts from 0. */
interface Placed {
  readonly at: number;
  readonly data: Buffer;
  readonly part: YencPart;
}

/** Where two parts have the same bytes, those with the better checksum win: they are written last. */
const WORST_FIRST: Readonly<Record<YencCrc, number>> = { wrong: 0, absent: 1, ok: 2 };

/**
 * Puts the parts of one file together, in whatever order they come. Parts that overlap, are there twice, or lie outside
 * of the file are told in `problems`.
 *
 * @throws UsageError without parts, or where the file is larger than `options.limit`.
 *
 * @example
 * const parts = bodies.map((body) => decodeYenc(body)).filter((part) => part !== undefined);
 * const { name, data, missing } = joinYenc(parts);
 */
export function joinYenc(parts: readonly YencPart[], options: YencJoinOptions = {}): YencFile {
  if (parts.length === 0) throw new UsageError("there are no yEnc parts to join");
  const problems = new Set<string>();
  const size = fileSize(parts, problems);
  const limit = options.limit ?? 2 ** 30;
  if (size > limit) {
    throw new UsageError(`the file has ${size} bytes, at most ${limit} are allowed`, { advice: "raise options.limit" });
  }
  const data = Buffer.alloc(size);
  const placed = place(parts, size, problems);
  for (const { at, data: bytes } of placed.toSorted((a, b) => WORST_FIRST[a.part.crc] - WORST_FIRST[b.part.crc])) {
    bytes.copy(data, at);
  }
  const missing = gaps(placed, size, problems);
  return {
    name: agreed(parts, "name", problems)!,
    data,
    missing,
    crc: judge(parts, data, missing),
    problems: [...problems],
  };
}

/** What most parts say; a problem where they do not agree. */
function agreed<Field extends "name" | "size">(
  parts: readonly YencPart[],
  field: Field,
  problems: Set<string>,
): YencPart[Field] | undefined {
  const votes = new Map<YencPart[Field], number>();
  for (const { [field]: value } of parts) {
    if (value !== undefined) votes.set(value, (votes.get(value) ?? 0) + 1);
  }
  if (votes.size > 1) problems.add(`the parts do not agree about the ${field}`);
  return [...votes].sort((a, b) => b[1] - a[1])[0]?.[0];
}

/** What the parts say, else where the last one ends. */
function fileSize(parts: readonly YencPart[], problems: Set<string>): number {
  const said = agreed(parts, "size", problems);
  return said ?? parts.reduce((size, part) => Math.max(size, (part.begin ?? 1) - 1 + part.data.length), 0);
}

/** Where each part belongs, cut to its own range and to the file; sorted. */
function place(parts: readonly YencPart[], size: number, problems: Set<string>): Placed[] {
  const placed: Placed[] = [];
  for (const part of parts) {
    const label = part.part === undefined ? "the file" : `part ${part.part}`;
    for (const problem of part.problems) problems.add(`${label}: ${problem}`);
    const begin = part.begin ?? (part.part === undefined || part.part === 1 ? 1 : undefined);
    if (begin === undefined) {
      problems.add(`${label}: nothing says where it belongs`);
      continue;
    }
    const length = Math.min(part.data.length, size - begin + 1, part.end === undefined ? size : part.end - begin + 1);
    if (length > 0) placed.push({ at: begin - 1, data: part.data.subarray(0, length), part });
    else if (part.data.length > 0) problems.add(`${label}: it lies behind the file's end`);
  }
  return placed.sort((a, b) => a.at - b.at);
}

/** The ranges that no part has. */
function gaps(placed: readonly Placed[], size: number, problems: Set<string>): [number, number][] {
  const missing: [number, number][] = [];
  let covered = 0;
  for (const { at, data } of placed) {
    if (at > covered) missing.push([covered + 1, at]);
    if (at < covered) problems.add("parts overlap");
    covered = Math.max(covered, at + data.length);
  }
  if (covered < size) missing.push([covered + 1, size]);
  return missing;
}

function judge(parts: readonly YencPart[], data: Buffer, missing: readonly unknown[]): YencCrc {
  const sent = new Set(parts.flatMap((part) => part.fileCrc32 ?? []));
  if (sent.size > 0 && sent.has(crc32(data))) return "ok";
  // In parts, `crc32` without `pcrc32` may be the part's own: it says nothing of the file then.
  const ofFile = parts.some((part) => part.fileCrc32 !== undefined && part.fileCrc32 !== part.crc32);
  if (ofFile || parts.some((part) => part.crc === "wrong")) return "wrong";
  return missing.length === 0 && parts.every((part) => part.crc === "ok") ? "ok" : "absent";
}
