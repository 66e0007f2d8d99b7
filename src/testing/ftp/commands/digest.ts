/** Checksums: HASH, OPTS HASH and RANG (draft-bryan-ftp-hash, draft-bryan-ftp-range), XCRC XMD5 XSHA1 XSHA256 XSHA512. */
import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";
import { type CommandTable, command } from "./command.js";
import { existingFile } from "./paths.js";

/** The digests by the names HASH uses; each gives lower-case hexadecimal. */
export const DIGESTS: Record<string, (data: Buffer) => string> = {
  "SHA-256": (data) => createHash("sha256").update(data).digest("hex"),
  "SHA-512": (data) => createHash("sha512").update(data).digest("hex"),
  "SHA-1": (data) => createHash("sha1").update(data).digest("hex"),
  MD5: (data) => createHash("md5").update(data).digest("hex"),
  CRC32: (data) => crc32(data).toString(16).padStart(8, "0"),
};

export const DIGEST: CommandTable = {
  HASH: command((session, path) => {
    const { data } = existingFile(session, path);
    const { hash, range } = session.state;
    session.state.range = undefined;
    const end = Math.min(range?.end ?? data.length - 1, data.length - 1);
    const start = range?.start ?? 0;
    const digest = DIGESTS[hash]?.(seen(session, data.subarray(start, end + 1)));
    return session.reply(213, `${hash} ${start}-${Math.max(end, start)} ${digest} ${path}`);
  }, "hash"),
  /** Both ends are inclusive; `RANG 1 0` takes it back. */
  RANG: command((session, argument) => {
    const [, start, end] = (/^(\d+) (\d+)$/.exec(argument) ?? []).map(Number);
    if (start === undefined || end === undefined) throw new Refused(501, "Syntax error in parameters");
    session.state.range = start > end ? undefined : { start, end };
    const text = start > end ? "Range reset." : `Restarting at ${start}. End byte range at ${end}.`;
    return session.reply(350, text);
  }, "hash"),
  XCRC: oldDigest("CRC32"),
  XMD5: oldDigest("MD5"),
  XSHA1: oldDigest("SHA-1"),
  XSHA256: oldDigest("SHA-256"),
  XSHA512: oldDigest("SHA-512"),
};

/** `XMD5 name`, `XMD5 "a name" [start [end]]` → `250 D41D8C…`, as ProFTPD's mod_digest. */
function oldDigest(name: string) {
  return command((session: Session, argument: string) => {
    const range = /^"(.+)"(?: (\d+)(?: (\d+))?)?$/.exec(argument);
    const { data } = existingFile(session, range?.[1] ?? argument);
    const part = data.subarray(Number(range?.[2] ?? 0), Number(range?.[3] ?? data.length));
    return session.reply(250, DIGESTS[name]?.(seen(session, part)).toUpperCase() ?? "");
  }, "hash");
}

/** The bytes that are looked at. */
function seen({ shared }: Session, data: Buffer): Buffer {
  return shared.faults.wrongDigests ? Buffer.concat([data, Buffer.from("?")]) : data;
}
