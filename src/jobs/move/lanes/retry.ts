/** What a failure means for the file, the lane and the job, and how long to wait. Pure. */

/**
 * What to do after a failure:
 * - `retry`: the way failed, not the file: release it and try again after {@link delay}
 * - `fail`: this file is refused: FAILED once {@link isExhausted} says so; other files go on
 * - `pause`: no file will fare better (disk full, login refused): pause the whole job
 * - `cap`: the server takes no more connections: use fewer lanes, then try again
 */
export type Verdict = "retry" | "fail" | "pause" | "cap";

/** What is looked at in an error: those of polywire and of Node have it. */
export interface FailureLike {
  name?: string | undefined;
  /** The reply's code, or Node's (`ENOSPC`). */
  code?: string | undefined;
  message?: string | undefined;
  retryable?: boolean | undefined;
  transient?: boolean | undefined;
  cause?: unknown;
}

/** Milliseconds: the least and the most a file waits between two tries. */
export const MIN_DELAY = 500;
export const MAX_DELAY = 60_000;

/** How often a file is tried: after a refusal of its own, and when its connections fail. */
export const TRIES: Readonly<Record<"fail" | "retry", number>> = { fail: 3, retry: 10 };

/** Codes that mean the same whatever else is known. */
const BY_CODE: Readonly<Record<string, Verdict>> = {
  "452": "pause", // insufficient storage (RFC 959)
  "552": "pause", // exceeded storage allocation
  ENOSPC: "pause",
  EDQUOT: "pause",
  EROFS: "pause",
  EMFILE: "cap",
  ENFILE: "cap",
};

/**
 * Most servers say of a full disk only that a write failed: vsftpd (451 Failure writing to local file), Pure-FTPd (451 Error
 * during write to file); ProFTPD names it, with 452 or 451.
 */
const NO_ROOM =
  /no space left|disk (?:is )?full|quota exceeded|failure writing to local file|error during write to file/i;

const BY_NAME: Readonly<Record<string, Verdict>> = {
  // A certificate that is refused once is refused for every file.
  TlsError: "pause",
  LoginError: "pause",
  UsageError: "fail",
};

/**
 * What a failure means.
 *
 * @param context.others Other connections to the same server that are logged in. With some, a refused login or 421 is
 * a limit on connections; with none it concerns the account or the server. Default: 0.
 */
export function classify(error: FailureLike, context: { others?: number | undefined } = {}): Verdict {
  const others = context.others ?? 0;
  const code = error.code ?? codeOf(error.cause);
  if (code === "421") return others > 0 && !/time.?out|idle|inactiv/i.test(error.message ?? "") ? "cap" : "retry";
  if (code === "530" || error.name === "LoginError") return loginVerdict(error, others);
  if (isReply(code) && NO_ROOM.test(textOf(error, code))) return "pause";
  const known = (code === undefined ? undefined : BY_CODE[code]) ?? BY_NAME[error.name ?? ""];
  if (known) return known === "pause" && error.name === "TlsError" && error.retryable ? "retry" : known;
  if (isReply(code)) return code.startsWith("4") || error.transient ? "retry" : "fail";
  return error.transient || error.retryable ? "retry" : "fail";
}

function loginVerdict(error: FailureLike, others: number): Verdict {
  if (others > 0 || /too many|maximum|limit|connections/i.test(error.message ?? "")) return "cap";
  return error.transient ? "retry" : "pause";
}

/** True where a failure keeps every file back, and may pass by itself: a full disk, a locked account. */
export function holdsAll(error: unknown): boolean {
  return classify(error as FailureLike) === "pause" && (error as Error).name !== "TlsError";
}

/** True where this process has no room for one more connection or open file. */
export function isCramped(error: unknown): boolean {
  const { code, cause } = error as FailureLike;
  return ["EMFILE", "ENFILE"].includes(code ?? codeOf(cause) ?? "");
}

function isReply(code: string | undefined): code is string {
  return code !== undefined && /^[45]\d\d$/.test(code);
}

/** What the server said, without our command: a name may hold anything. */
function textOf({ message = "" }: FailureLike, code: string): string {
  return message.slice(Math.max(0, message.lastIndexOf(`": ${code} `)));
}

function codeOf(cause: unknown): string | undefined {
  const code = (cause as { code?: unknown } | undefined | null)?.code;
  return typeof code === "string" ? code : undefined;
}

/**
 * Milliseconds to wait before the next try: full jitter between 0.5 s and a ceiling that doubles from 1 s to 60 s, so
 * that lanes which failed together do not come back together.
 *
 * @param attempt Tries so far: 1, 2 …
 * @param random 0 (included) to 1. Default: `Math.random()`.
 */
export function delay(attempt: number, random: number = Math.random()): number {
  const ceiling = Math.min(MAX_DELAY, MIN_DELAY * 2 ** Math.max(1, attempt));
  return Math.round(MIN_DELAY + random * (ceiling - MIN_DELAY));
}

/** Whether a file has been tried often enough. A pause and a cap are not the file's fault: they never exhaust it. */
export function isExhausted(
  verdict: Verdict,
  tries: number,
  limits: Readonly<Record<"fail" | "retry", number>> = TRIES,
): boolean {
  return (verdict === "fail" || verdict === "retry") && tries >= limits[verdict];
}
