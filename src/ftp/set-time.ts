/** Setting when a file was last changed: servers have four commands for it, and not all of them say so. */
import { UsageError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import { formatTime, parseTime } from "./parse-reply.js";
import type { FtpSession } from "./session.js";

/** One way to set a time. */
interface Rung {
  /** Whether the server announces it. */
  announced(session: FtpSession): boolean;
  command(time: string, path: string): string;
  /** True where a refusal may be about the command: it may have taken the time for a part of a name. */
  readonly doubtful?: boolean;
}

/**
 * From the best to the oldest. vsftpd announces MDTM and takes a time with it; to most servers that is a name. SITE UTIME
 * has two forms, which Pure-FTPd takes both: the one that names its time zone comes first.
 */
const LADDER: readonly Rung[] = [
  { announced: (session) => session.has("MFMT"), command: (time, path) => `MFMT ${time} ${path}` },
  { announced: canMff, command: (time, path) => `MFF Modify=${time}; ${path}` },
  { announced: (session) => session.has("MDTM"), command: (time, path) => `MDTM ${time} ${path}`, doubtful: true },
  { announced: hasSite, command: (time, path) => `SITE UTIME ${path} ${time} ${time} ${time} UTC`, doubtful: true },
  { announced: hasSite, command: (time, path) => `SITE UTIME ${time} ${path}`, doubtful: true },
];

/** MFF lists the facts that it sets. */
function canMff(session: FtpSession): boolean {
  const facts = session.capabilities.get("MFF");
  return facts !== undefined && (facts.length === 0 || facts.some((each) => /\bmodify\b/i.test(each)));
}

/** Few servers announce what is behind SITE: it is tried where nothing better is announced. */
function hasSite(session: FtpSession): boolean {
  return !session.has("MFMT") && !canMff(session);
}

/** What is known of a connection's server: the way that worked, and those that it does not have. */
interface Known {
  proven: Rung | undefined;
  readonly missing: Set<Rung>;
}

const KNOWN = new WeakMap<FtpSession, Known>();

function knownOf(session: FtpSession): Known {
  const known = KNOWN.get(session) ?? { proven: undefined, missing: new Set() };
  KNOWN.set(session, known);
  return known;
}

function rungs(session: FtpSession): Rung[] {
  const { proven, missing } = knownOf(session);
  return proven ? [proven] : LADDER.filter((rung) => !missing.has(rung) && rung.announced(session));
}

/** The command that sets a file's time on this server, as far as that is known; undefined where it has none. */
export function timeCommand(session: FtpSession, path: string, modified: Date): string | undefined {
  return rungs(session)[0]?.command(formatTime(modified), plain(path));
}

/** Pure-FTPd takes a blank in front of a name for one that ends the time. */
const plain = (path: string) => (path.startsWith(" ") ? `./${path}` : path);

/** A refusal, and of what. */
interface Refused {
  readonly reply: Reply;
  readonly command: string;
}

/**
 * Sets when a file was last changed, and remembers which way worked.
 *
 * @throws UsageError where the server has no such command; ReplyError where it refuses this file, or this time.
 */
export async function setModified(session: FtpSession, path: string, modified: Date, call: Call): Promise<void> {
  const { timeout } = call;
  const known = knownOf(session);
  const time = formatTime(modified);
  let refused: Refused | undefined;
  for (const rung of rungs(session)) {
    const command = rung.command(time, plain(path));
    const [reply] = (await session.pack([command], { timeout })) as [Reply];
    if (reply.ok && isSet(reply, rung, time)) {
      known.proven = rung;
      return;
    }
    if (/^50[0234]$/.test(reply.code)) known.missing.add(rung);
    else if (!rung.doubtful || reply.code.startsWith("4")) session.accept(reply, command);
    else refused ??= { reply, command };
  }
  if (refused && !(await isThere(session, path, timeout))) session.accept(refused.reply, refused.command);
  throw cannotSet(refused);
}

function cannotSet(refused: Refused | undefined): UsageError {
  const advice = refused
    ? `to ${refused.command} it says ${refused.reply.code} ${refused.reply.text}`
    : "it announces neither MFMT, MFF, MDTM nor SITE UTIME";
  return new UsageError("the server has no command that sets a file's time", { advice, protocol: "ftp" });
}

/** A server that took the time for a part of a name, and found such a file, tells that file's time. */
function isSet({ text }: Reply, { doubtful }: Rung, time: string): boolean {
  const told = doubtful ? parseTime(text) : undefined;
  return told === undefined || formatTime(told) === time;
}

/** Where the file is there, a refusal was about the command. */
async function isThere(session: FtpSession, path: string, timeout: number): Promise<boolean> {
  const [reply] = (await session.pack([`MDTM ${path}`], { timeout })) as [Reply];
  return reply.ok;
}
