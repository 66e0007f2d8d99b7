/** The name a file has while it arrives: `<name>.<job><attempt>.part`, beside the final one. Pure. */
import { createHash, randomInt } from "node:crypto";
import { UsageError } from "../../../client/errors.js";
import { encodeName } from "../../../ftp/name.js";

// A journal does not store temporary names: recovery derives them again, after an update of polywire too. The form
// below must never change without a new user_version of the journal.

/** What every file system in use takes per name. */
const MAX_BYTES = 255;
/** `~` and 16 hex digits. */
const HASH_BYTES = 17;
/** A cut between characters may leave up to 3 bytes unused. */
const MIN_CUT_BYTES = MAX_BYTES - 3;
const HASHED = /~([0-9a-f]{16})$/;
const JOB_ID = /^[a-z]{8}$/;
const TEMP = /^([\s\S]+)\.([a-z]{8})([1-9]\d{0,8})\.part$/;

/** A temporary name taken apart. */
export interface TempName {
  /** The final name, folder included; undefined where it was, or may have been, too long to keep: then compare with {@link tempName}. */
  name: string | undefined;
  jobId: string;
  attempt: number;
}

/** A new job's id: 8 letters a to z, so that an attempt's number can follow at once. */
export function newJobId(): string {
  return Array.from({ length: 8 }, () => String.fromCharCode(97 + randomInt(26))).join("");
}

/**
 * The temporary name of one attempt at one file, in the folder of the final name: a rename is atomic only within a
 * file system. A suffix, because vsftpd hides and Pure-FTPd may forbid names that begin with a dot. Over 255 bytes the
 * name is cut between characters and continued by `~` and 64 bits of its SHA-256.
 *
 * @param finalName The final path or name.
 * @param jobId 8 letters a to z: {@link newJobId}.
 * @param attempt 1, 2 …: never twice the same for one file.
 */
export function tempName(finalName: string, jobId: string, attempt: number): string {
  if (!JOB_ID.test(jobId)) throw new UsageError(`a job id is 8 letters a to z, not ${JSON.stringify(jobId)}`);
  if (!Number.isInteger(attempt) || attempt < 1 || attempt > 999_999_999) {
    throw new UsageError(`an attempt is numbered 1 to 999 999 999, not ${attempt}`);
  }
  const folder = finalName.slice(0, finalName.lastIndexOf("/") + 1);
  const base = finalName.slice(folder.length);
  if (base === "") throw new UsageError(`${JSON.stringify(finalName)} is no name of a file`);
  const suffix = `.${jobId}${attempt}.part`;
  // Most names are short, and a UTF-16 unit is at most three bytes: no need to encode them.
  if (base.length * 3 + suffix.length <= MAX_BYTES) return finalName + suffix;
  const bytes = encodeName(base);
  if (bytes.length + suffix.length <= MAX_BYTES) return finalName + suffix;
  const hash = createHash("sha256")
    .update(bytes)
    .digest("hex")
    .slice(0, HASH_BYTES - 1);
  return `${folder}${cut(base, MAX_BYTES - HASH_BYTES - suffix.length)}~${hash}${suffix}`;
}

/** Takes a temporary name apart; undefined where it is none. */
export function parseTempName(temp: string): TempName | undefined {
  const parts = TEMP.exec(temp);
  if (parts === null || parts[1]!.endsWith("/")) return undefined;
  const name = parts[1]!;
  const base = temp.slice(temp.lastIndexOf("/") + 1);
  const mayBeCut = HASHED.test(name) && encodeName(base).length >= MIN_CUT_BYTES;
  return { name: mayBeCut ? undefined : name, jobId: parts[2]!, attempt: Number(parts[3]) };
}

/** The longest beginning of whole characters that takes at most `maxBytes` bytes. */
function cut(name: string, maxBytes: number): string {
  let bytes = 0;
  let end = 0;
  for (const character of name) {
    bytes += encodeName(character).length;
    if (bytes > maxBytes) break;
    end += character.length;
  }
  return name.slice(0, end);
}
