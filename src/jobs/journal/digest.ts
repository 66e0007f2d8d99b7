/** Digests of files as the journal keeps them: `sha256:9f86…` ⇄ a byte for the algorithm, and the digest's own. Pure. */
import { UsageError } from "../../client/errors.js";

/** Names and bytes, in the order of their numbers, which must never change. */
const ALGORITHMS: readonly (readonly [name: string, bytes: number])[] = [
  ["crc32", 4],
  ["md5", 16],
  ["sha1", 20],
  ["sha256", 32],
  ["sha512", 64],
];

/**
 * A digest as a column.
 *
 * @param digest The algorithm as Node spells it, a colon, hexadecimal digits: `sha256:9f86…`.
 * @throws UsageError where it is none.
 */
export function encodeDigest(digest: string): Buffer {
  const [name = "", hex = ""] = digest.split(":", 2);
  const number = ALGORITHMS.findIndex(([each]) => each === name);
  const [, bytes] = ALGORITHMS[number] ?? [];
  if (bytes === undefined || !/^[0-9a-f]+$/i.test(hex) || hex.length !== bytes * 2)
    throw new UsageError(`${JSON.stringify(digest)} is no digest: write sha256:9f86…`);
  return Buffer.concat([Buffer.from([number]), Buffer.from(hex, "hex")]);
}

/** The digest in a column; undefined where a later polywire wrote one of an algorithm that is not known here. */
export function decodeDigest(column: Uint8Array): string | undefined {
  const [name] = ALGORITHMS[column[0] ?? -1] ?? [];
  return name && `${name}:${Buffer.from(column.subarray(1)).toString("hex")}`;
}
