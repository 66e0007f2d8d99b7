/** Digests computed by the server: HASH (draft-bryan-ftpext-hash), XCRC, XMD5, XSHA*. */
import { ProtocolError, ReplyError, UsageError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
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
  const algorithm = wanted ?? hashAlgorithms(session.capabilities)[0];
  const [digest] = await hashes(session, [path], algorithm, call);
  if (digest instanceof ReplyError) throw digest;
  return digest as Digest;
}

/** Asks for the digests of many files in one write; gives for each its digest, or the refusal. */
export async function hashes(
  session: FtpSession,
  paths: readonly string[],
  algorithm: HashAlgorithm | undefined,
  { timeout }: Call,
): Promise<(Digest | ReplyError)[]> {
  if (algorithm === undefined || !hashAlgorithms(session.capabilities).includes(algorithm))
    throw hasNot(session, algorithm);
  const byHash = offeredByHash(session.capabilities).includes(algorithm);
  const word = byHash ? "HASH" : oldCommand(session.capabilities, algorithm);
  const commands = paths.map((path) => `${word} ${path}`);
  const option = `OPTS HASH ${algorithm}`;
  const replies = await session.pack(byHash ? [option, ...commands] : commands, { timeout });
  if (byHash) session.accept(replies.shift() as Reply, option);
  return replies.map((reply, i) => read(session, reply, commands[i] as string, algorithm));
}

function read(session: FtpSession, reply: Reply, command: string, algorithm: HashAlgorithm): Digest | ReplyError {
  try {
    session.accept(reply, command);
  } catch (error) {
    if (error instanceof ReplyError && reply.code !== "421") return error;
    throw error;
  }
  const digest = parseDigest(reply.text, ALGORITHMS[algorithm].digits);
  if (digest !== undefined) return { algorithm, digest };
  throw new ProtocolError(`no ${algorithm} digest in ${JSON.stringify(reply.text)}`, { protocol: "ftp" });
}

function hasNot(session: FtpSession, algorithm: HashAlgorithm | undefined): UsageError {
  const offered = hashAlgorithms(session.capabilities);
  const has = offered.length > 0 ? `it has ${offered.join(", ")}` : "it announces neither HASH nor XSHA256, XMD5, XCRC";
  return new UsageError(`the server computes no ${algorithm ?? "digests"}`, { advice: has, protocol: "ftp" });
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
