/** Digests computed by the server: HASH (draft-bryan-ftpext-hash), XCRC, XMD5, XSHA*. */
import { ProtocolError, UsageError } from "../client/errors.js";
import type { Call } from "../client/session.js";
import { parseDigest } from "./parse-reply.js";
import type { FtpSession } from "./session.js";

/** The algorithms, as HASH spells them. */
export type HashAlgorithm = "SHA-512" | "SHA-256" | "SHA-1" | "MD5" | "CRC32";

/** What a server computed. */
export interface Digest {
  readonly algorithm: HashAlgorithm;
  /** Hexadecimal, lower case. */
  readonly digest: string;
}

/** Strongest first: the older command, and how many hexadecimal digits. */
const ALGORITHMS: Readonly<Record<HashAlgorithm, { readonly command: string; readonly digits: number }>> = {
  "SHA-512": { command: "XSHA512", digits: 128 },
  "SHA-256": { command: "XSHA256", digits: 64 },
  "SHA-1": { command: "XSHA1", digits: 40 },
  MD5: { command: "XMD5", digits: 32 },
  CRC32: { command: "XCRC", digits: 8 },
};

/** The algorithms that the server offers, strongest first. */
export function hashAlgorithms(capabilities: ReadonlyMap<string, readonly string[]>): HashAlgorithm[] {
  const offered = offeredByHash(capabilities);
  return names().filter((each) => offered.includes(each) || oldCommand(capabilities, each) !== undefined);
}

/** Asks for a file's digest, by the strongest algorithm that the server has where none is given. */
export async function hash(
  session: FtpSession,
  path: string,
  wanted: HashAlgorithm | undefined,
  call: Call,
): Promise<Digest> {
  const offered = hashAlgorithms(session.capabilities);
  const algorithm = wanted ?? offered[0];
  if (algorithm === undefined || !offered.includes(algorithm)) {
    const has =
      offered.length > 0 ? `it has ${offered.join(", ")}` : "it announces neither HASH nor XSHA256, XMD5, XCRC";
    throw new UsageError(`the server computes no ${wanted ?? "digests"}`, { advice: has, protocol: "ftp" });
  }
  const { timeout } = call;
  let command = `${oldCommand(session.capabilities, algorithm)} ${path}`;
  if (offeredByHash(session.capabilities).includes(algorithm)) {
    await session.send(`OPTS HASH ${algorithm}`, { timeout });
    command = `HASH ${path}`;
  }
  const reply = await session.send(command, { timeout });
  const digest = parseDigest(reply.text, ALGORITHMS[algorithm].digits);
  if (digest !== undefined) return { algorithm, digest };
  throw new ProtocolError(`no ${algorithm} digest in ${JSON.stringify(reply.text)}`, { protocol: "ftp" });
}

function names(): HashAlgorithm[] {
  return Object.keys(ALGORITHMS) as HashAlgorithm[];
}

/** `HASH SHA-256*;SHA-1;MD5` in FEAT; the star marks the one in use. */
function offeredByHash(capabilities: ReadonlyMap<string, readonly string[]>): string[] {
  return (capabilities.get("HASH") ?? [])
    .join(";")
    .toUpperCase()
    .replaceAll("*", "")
    .split(/[;\s]+/);
}

function oldCommand(
  capabilities: ReadonlyMap<string, readonly string[]>,
  algorithm: HashAlgorithm,
): string | undefined {
  const { command } = ALGORITHMS[algorithm];
  const spellings = algorithm === "SHA-1" ? [command, "XSHA"] : [command];
  return spellings.find((each) => capabilities.has(each));
}
