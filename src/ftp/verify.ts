/** Is the copy like the original? By size, or by a digest that both sides compute. */
import { createHash, type Hash } from "node:crypto";
import { crc32 } from "node:zlib";
import { ProtocolError, ReplyError, UsageError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import { type HashAlgorithm, hash, hashAlgorithms } from "./hash.js";
import { parseSize } from "./parse-reply.js";
import type { FtpSession } from "./session.js";

/** A digest computed here, by the strongest algorithm that the server has. */
export class LocalDigest {
  readonly algorithm: HashAlgorithm;
  readonly #hash: Hash | undefined;
  #crc = 0;

  /** Throws UsageError where the server computes none. */
  constructor(session: FtpSession) {
    const [algorithm] = hashAlgorithms(session.capabilities);
    if (algorithm === undefined) {
      throw new UsageError('verify: "hash" needs a server that computes digests', {
        advice: "it announces neither HASH nor XSHA256, XMD5, XCRC",
        protocol: "ftp",
      });
    }
    this.algorithm = algorithm;
    if (algorithm !== "CRC32") this.#hash = createHash(algorithm.replace("-", "").toLowerCase());
  }

  update(chunk: Buffer): void {
    if (this.#hash) this.#hash.update(chunk);
    else this.#crc = crc32(chunk, this.#crc);
  }

  /** Asks the server for its file's digest. Throws ProtocolError where it is another one. */
  async compare(session: FtpSession, path: string, call: Call): Promise<void> {
    const [ours, theirs] = await this.#both(session, path, call);
    if (ours === theirs) return;
    throw mismatch(`the ${this.algorithm} of ${JSON.stringify(path)} is ${theirs} on the server, ${ours} here`);
  }

  /** True where the server's file has the same digest. */
  async matches(session: FtpSession, path: string, call: Call): Promise<boolean> {
    const [ours, theirs] = await this.#both(session, path, call);
    return ours === theirs;
  }

  async #both(session: FtpSession, path: string, call: Call): Promise<[ours: string, theirs: string]> {
    const ours = this.#hash?.copy().digest("hex") ?? this.#crc.toString(16).padStart(8, "0");
    return [ours, (await hash(session, path, this.algorithm, call)).digest];
  }
}

/** The server confirmed a transfer, but the copy is not like the original. The client stays usable. */
export function mismatch(what: string): ProtocolError {
  return new ProtocolError(what, {
    advice: "the transfer was confirmed, but is not whole; try it again",
    protocol: "ftp",
    retryable: true,
    clientUsable: true,
  });
}

/** The size in the answer to SIZE. Throws UsageError where the server has no such command, ReplyError where it refuses. */
export function sizeFrom(session: FtpSession, reply: Reply, path: string): number {
  try {
    const size = parseSize(session.accept(reply, `SIZE ${path}`).text);
    if (size !== undefined) return size;
  } catch (error) {
    throw unsized(error);
  }
  throw mismatch(`the answer to SIZE cannot be read: ${JSON.stringify(reply.text)}`);
}

/** The error to throw for a refused SIZE: where the command itself is unknown, what to do about it. */
export function unsized(error: unknown): unknown {
  if (!(error instanceof ReplyError) || !/^50[0-4]$/.test(error.code)) return error;
  return new UsageError("the server does not tell sizes", {
    advice: 'verify: "none" copies without a check',
    cause: error,
    protocol: "ftp",
  });
}
