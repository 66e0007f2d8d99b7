/** What is asked about files in more than one way: whether they are there, how large they are, when they were changed. */
import { ProtocolError, ReplyError } from "../client/errors.js";
import type { Call, Reply } from "../client/session.js";
import { pathArgument } from "./name.js";
import { parsePath, parseSize, parseTime } from "./parse-reply.js";
import type { FtpSession } from "./session.js";

/** True where the path is a file or a directory: by MLST, else by SIZE, else by entering it. */
export async function exists(session: FtpSession, path: string, call: Call): Promise<boolean> {
  const { timeout } = call;
  if (session.has("MLST")) return found(() => session.send(`MLST ${pathArgument(path)}`, { timeout }));
  const [file] = await stats(session, [pathArgument(path)], call);
  if (file) return true;
  return isDirectory(session, path, timeout);
}

async function found(ask: () => Promise<unknown>): Promise<boolean> {
  try {
    await ask();
    return true;
  } catch (error) {
    if (error instanceof ReplyError && error.code === "550") return false;
    throw error;
  }
}

/** What SIZE and MDTM say of a file. */
export interface RemoteStat {
  /** Octets. */
  readonly size: number;
  /** Undefined where the server has no MDTM, or it was not asked for. */
  readonly modified: Date | undefined;
}

/** Commands of one write: servers read them from buffers of their own. */
const PACK = 100;

/** Size and, where `times` is true, time of many files, in packs. */
export async function stats(
  session: FtpSession,
  paths: readonly string[],
  call: Call,
  times = true,
): Promise<(RemoteStat | undefined)[]> {
  const { timeout } = call;
  const found: (RemoteStat | undefined)[] = [];
  const timed = times && (session.has("MDTM") || session.capabilities.size === 0);
  const each = timed ? 2 : 1;
  for (let at = 0; at < paths.length; at += PACK / each) {
    const part = paths.slice(at, at + PACK / each);
    const type = session.type === "I" ? [] : ["TYPE I"];
    const commands = part.flatMap((path) => (timed ? [`SIZE ${path}`, `MDTM ${path}`] : [`SIZE ${path}`]));
    const asked = session.pack([...type, ...commands], { timeout });
    // All is said, and nothing depends on the answers.
    if (type.length === 0 && at + part.length === paths.length && session.pipelines) call.release?.();
    const replies = await asked;
    if (type.length > 0) session.accept(replies.shift() as Reply, "TYPE I");
    session.type = "I";
    for (const [i, path] of part.entries()) {
      found.push(remoteStat(session, path, replies[i * each] as Reply, timed ? replies[i * each + 1] : undefined));
    }
  }
  return found;
}

function remoteStat(session: FtpSession, path: string, size: Reply, time: Reply | undefined): RemoteStat | undefined {
  // 550: not there. Anything else (no SIZE, not logged in) is not an answer to the question.
  if (size.code === "550") return undefined;
  session.accept(size, `SIZE ${path}`);
  const octets = parseSize(size.text);
  if (octets === undefined) {
    throw new ProtocolError(`the answer to SIZE cannot be read: ${JSON.stringify(size.text)}`, { protocol: "ftp" });
  }
  return { size: octets, modified: time?.ok ? parseTime(time.text) : undefined };
}

/** Makes a directory, and those above it where that is refused; in the end it has to be there. */
export async function makePath(session: FtpSession, path: string, call: Call): Promise<void> {
  const { timeout } = call;
  const parts = path.split("/").filter((part) => part !== "");
  const steps = parts.map((_, i) => (path.startsWith("/") ? "/" : "") + parts.slice(0, i + 1).join("/"));
  const whole = steps.at(-1);
  if (whole === undefined) return;
  const replies = await session.pack(
    steps.map((step) => `MKD ${pathArgument(step)}`),
    { timeout },
  );
  const last = replies.at(-1) as Reply;
  if (last.ok || (await isDirectory(session, whole, timeout))) return;
  session.accept(last, `MKD ${whole}`);
}

async function isDirectory(session: FtpSession, path: string, timeout: number): Promise<boolean> {
  return visit(session, path, timeout, async () => true, false);
}

/**
 * The path of a directory as the server writes it, symbolic links resolved on most servers; undefined where it is none.
 */
export function whereIs(session: FtpSession, path: string, { timeout }: Call): Promise<string | undefined> {
  const ask = async () => parsePath((await session.line.send("PWD", { timeout })).text) ?? path;
  return visit(session, path, timeout, ask, undefined);
}

/** Enters a directory, asks something there, and comes back; `otherwise` where it cannot be entered. */
async function visit<T>(session: FtpSession, path: string, timeout: number, ask: () => Promise<T>, otherwise: T) {
  const before = parsePath((await session.send("PWD", { timeout })).text) ?? "/";
  if (!(await found(() => session.send(`CWD ${pathArgument(path)}`, { timeout })))) return otherwise;
  const answer = await ask();
  await session.send(`CWD ${pathArgument(before)}`, { timeout });
  return answer;
}
