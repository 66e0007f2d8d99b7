/** What comes from a Redis → pieces and batches: whoever reaches it may have put in anything. Pure. */
import { DEST_BEFORE } from "../journal/schema.js";
import type { Handed, Piece } from "./dispatcher.js";
import type { QueuedBatch } from "./redis-connection.js";

type Values = Readonly<Record<string, unknown>>;
type Check = (value: unknown) => boolean;

const isText: Check = (value) => typeof value === "string";
const isFlag: Check = (value) => typeof value === "boolean";
const isNumber: Check = (value) => typeof value === "number" && Number.isFinite(value);
const isCount: Check = (value) => Number.isSafeInteger(value) && (value as number) >= 0;
const isRate: Check = (value) => isNumber(value) && (value as number) > 0;
const isPositive: Check = (value) => isCount(value) && value !== 0;
const isObject = (value: unknown): value is Values =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const maybe =
  (check: Check): Check =>
  (value) =>
    value === undefined || check(value);
const oneOf =
  (...values: readonly unknown[]): Check =>
  (value) =>
    values.includes(value);
const has =
  (fields: Readonly<Record<string, Check>>): Check =>
  (value) =>
    isObject(value) && Object.entries(fields).every(([name, check]) => check(value[name]));
const listOf =
  (check: Check): Check =>
  (value) =>
    Array.isArray(value) && value.every(check);

/** A name that lies below its folder. */
export function isBelow(name: unknown): boolean {
  const parts = typeof name === "string" ? name.split("/") : [""];
  return !parts.some((part) => part === "" || part === "." || part === "..");
}

const CLAIM = { id: isCount, attempt: isCount };
const SAID = { code: maybe(isText), error: maybe(isText), size: maybe(isCount) };

const isPiece = has({
  batch: isText,
  worker: isText,
  bytes: isNumber,
  lanes: isCount,
  paused: maybe(isText),
  probed: listOf(
    has({
      ...CLAIM,
      destBefore: oneOf(...DEST_BEFORE),
      fxp: maybe(isFlag),
      size: maybe(isCount),
      mtime: maybe(isNumber),
    }),
  ),
  settled: listOf(
    has({
      ...{ ...CLAIM, ...SAID },
      state: oneOf("DONE", "SKIPPED_SAME", "CONFLICT", "FAILED", "GONE"),
      digest: maybe(isText),
      untimed: maybe(isFlag),
    }),
  ),
  released: listOf(has({ ...CLAIM, ...SAID, wait: maybe(isNumber), counts: maybe(isFlag), mtime: maybe(isNumber) })),
  retargeted: listOf(has({ ...CLAIM, target: isBelow })),
  warnings: listOf(isText),
  ended: isFlag,
  stopped: maybe(has({ name: isText, message: isText, code: maybe(isText), everywhere: isFlag })),
});

/** A word of a worker; undefined where it is none. */
export function parsePiece(text: string): Piece | undefined {
  try {
    const piece: unknown = JSON.parse(text);
    return isPiece(piece) ? (piece as Piece) : undefined;
  } catch {
    return undefined;
  }
}

/** The claims of a batch in the queue that is this job's; undefined where it is none. */
export function handedOf(data: unknown, job: string): Handed | undefined {
  if (!isObject(data) || !isObject(data.header) || data.header.job !== job || !isObject(data.batch)) return undefined;
  const { key, files } = data.batch;
  if (typeof key !== "string" || !Array.isArray(files)) return undefined;
  const claims = files.flatMap((row: unknown) => {
    const [id, attempt] = Array.isArray(row) ? [row[0], row[5]] : [];
    return isCount(id) && isCount(attempt) ? [{ id: id as number, attempt: attempt as number }] : [];
  });
  return { key, files: claims };
}

const isQueued = has({
  header: has({
    job: (value) => isText(value) && /^[a-z]{8}$/.test(value as string),
    traits: isObject,
    lanes: isPositive,
    lanesEach: maybe(isPositive),
    hangUp: isFlag,
    bytesPerSecond: maybe(isRate),
    lease: isPositive,
  }),
  places: has({ from: isText, to: isText }),
  shown: has({ from: isText, to: isText }),
  batch: has({ key: isText, files: listOf(Array.isArray) }),
});

/** What a worker was handed; undefined for what is no batch of a coordinator of this version. */
export function parseQueued(data: unknown): QueuedBatch | undefined {
  return isQueued(data) ? (data as QueuedBatch) : undefined;
}
