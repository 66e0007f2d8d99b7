/** Digests computed while bytes pass by. */
import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";

/** Digests as Node spells them, and the journal; crc32 is that of zlib. */
export type DigestName = "sha256" | "sha512" | "sha1" | "md5" | "crc32";

/**
 * What is asked of a server that computes several. SHA-256 comes before SHA-512: neither is known to be broken, and it is
 * the one that the journal keeps, so that nothing is computed twice.
 */
const BEST: readonly DigestName[] = ["sha256", "sha512", "sha1", "md5", "crc32"];

/** The one to compare by; undefined where there is none. */
export function bestDigest(offered: readonly DigestName[]): DigestName | undefined {
  return BEST.find((name) => offered.includes(name));
}

/** Several digests of the same bytes. */
export class Digester {
  readonly #hashes: ReadonlyMap<DigestName, Hash>;
  readonly #hex = new Map<DigestName, string>();
  #crc: number | undefined;

  constructor(...names: readonly DigestName[]) {
    const others = names.filter((name) => name !== "crc32");
    this.#hashes = new Map(others.map((name) => [name, createHash(name)]));
    if (others.length < names.length) this.#crc = 0;
  }

  /** One that is known already. */
  static of(name: DigestName, hex: string): Digester {
    const known = new Digester();
    known.#hex.set(name, hex);
    return known;
  }

  update(chunk: Buffer): this {
    for (const hash of this.#hashes.values()) hash.update(chunk);
    if (this.#crc !== undefined) this.#crc = crc32(chunk, this.#crc);
    return this;
  }

  /** One of them, lower case. Nothing may be added afterwards. */
  hex(name: DigestName): string {
    const known = this.#hex.get(name);
    if (known !== undefined) return known;
    const hex =
      name === "crc32" ? (this.#crc ?? 0).toString(16).padStart(8, "0") : this.#hashes.get(name)!.digest("hex");
    this.#hex.set(name, hex);
    return hex;
  }
}
