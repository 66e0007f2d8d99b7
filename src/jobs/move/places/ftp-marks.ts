/** What a server sets and tells of files besides their bytes: times and digests, in packs. */
import { ReplyError, UsageError } from "../../../client/errors.js";
import type { FtpClient } from "../../../ftp/client.js";
import type { HashAlgorithm } from "../../../ftp/hash.js";
import type { DigestName } from "./digests.js";

/** Files whose commands go into one write. */
const PACK = 32;
/** Bytes of a file over which a server may compute for longer than it may be silent otherwise, and what it does in a millisecond. */
const LARGE = 64 * 1024 * 1024;
const BYTES_PER_MS = 10_000;
/** Milliseconds that such a file has besides. */
const PATIENCE = 600_000;

/** Connections on which a way to set times has worked. */
const PROVEN = new WeakSet<FtpClient>();

interface Touched {
  readonly name: string;
  readonly mtime: number;
}

/** False where the server turned out to have no way to set a time. Which way works is found out with the first file. */
export async function setsTimes(ftp: FtpClient, [first]: readonly Touched[]): Promise<boolean> {
  if (first === undefined || PROVEN.has(ftp)) return true;
  const error = await setTime(ftp, first);
  return !(error instanceof UsageError);
}

async function setTime(ftp: FtpClient, { name, mtime }: Touched): Promise<Error | undefined> {
  try {
    await ftp.setModified(name, new Date(mtime));
    PROVEN.add(ftp);
    return undefined;
  } catch (error) {
    if (ftp.state !== "ready") throw error;
    return error as Error;
  }
}

/** Gives files their times; for each what went wrong, if something did. */
export async function touch(ftp: FtpClient, files: readonly Touched[]): Promise<(Error | undefined)[]> {
  const errors: (Error | undefined)[] = [];
  while (errors.length < files.length) {
    if (!PROVEN.has(ftp)) {
      errors.push(await setTime(ftp, files[errors.length] as Touched));
      continue;
    }
    const part = files.slice(errors.length, errors.length + PACK);
    const commands = part.map(({ name, mtime }) => ftp.modifiedCommand(name, new Date(mtime)) as string);
    const replies = await ftp.pack(commands);
    errors.push(...replies.map((reply, i) => (reply.ok ? undefined : ftp.refusal(reply, commands[i] as string))));
  }
  return errors;
}

/** The digests that the server computes. */
export function digestsOf(ftp: FtpClient): DigestName[] {
  return ftp.hashAlgorithms.map((algorithm) => algorithm.replace("-", "").toLowerCase() as DigestName);
}

/** Has the server compute a digest of files. */
export async function digest(
  ftp: FtpClient,
  files: readonly { readonly name: string; readonly size: number }[],
  name: DigestName,
): Promise<(string | Error)[]> {
  const algorithm = ftp.hashAlgorithms[digestsOf(ftp).indexOf(name)] as HashAlgorithm;
  const digests: (string | Error)[] = [];
  for (let at = 0; at < files.length; at += PACK) {
    const part = files.slice(at, at + PACK);
    const largest = Math.max(...part.map(({ size }) => size));
    const timeout = largest < LARGE ? undefined : PATIENCE + largest / BYTES_PER_MS;
    const names = part.map((file) => file.name);
    const answers = await ftp.hashes(names, algorithm, { timeout });
    digests.push(...answers.map((answer) => (answer instanceof ReplyError ? answer : answer.digest)));
  }
  return digests;
}
