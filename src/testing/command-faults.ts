/** Faults that hit single commands, the same in every protocol: which line they mean, and how often they still do. */

/** A fault that hits one command, a number of times. */
export interface CommandFault {
  /** The verb (`"RNTO"`, `"POST"`), or the beginning of the line up to a blank (`"SITE CHMOD"`, `"LIST ACTIVE"`). Case does not matter. */
  command: string;
  /** How often it still happens; counted down in place. Default: 1. */
  times?: number | undefined;
}

/** An answer given in place of the real one. */
export interface ReplyFault {
  /** The whole reply without its last CRLF: `"503 No."`; with a body, the body and its dot as well. */
  reply: string;
  /** How often it is still given; counted down in place. Default: 1. */
  times?: number | undefined;
}

/** Faults of single commands, the same in every protocol. */
export interface CommandFaults {
  /** Replies given instead of doing the command, by verb: a text is given always, an object a number of times. */
  reply?: Record<string, string | ReplyFault> | undefined;
  /** These commands are never answered, and nothing after them on that connection. */
  hang?: string | undefined;
  /** The connection is closed when this command arrives; it is not done. */
  closeBeforeCommand?: CommandFault | undefined;
  /** The connection is closed behind the final reply to this command. */
  closeAfterCommand?: CommandFault | undefined;
  /** The command is done (what came with it is kept), but its final reply is never sent: the connection is closed in its place. */
  loseReply?: CommandFault | undefined;
}

/** Whether a fault written for `pattern` means this command line: same verb, or the line's beginning up to a blank. */
export function matchesCommand(pattern: string, line: string): boolean {
  const start = line.slice(0, pattern.length);
  if (start.toUpperCase() !== pattern.toUpperCase()) return false;
  return line.length === pattern.length || line[pattern.length] === " ";
}

/** Whether `fault` hits this line now; counts it down when it does. */
export function strikes(fault: CommandFault | undefined, line: string): boolean {
  if (!fault || !matchesCommand(fault.command, line)) return false;
  const left = fault.times ?? 1;
  if (left <= 0) return false;
  fault.times = left - 1;
  return true;
}

/** The reply to give in place of doing this line, if a fault says so; counts it down. */
export function replacedReply(faults: CommandFaults, line: string): string | undefined {
  for (const [pattern, given] of Object.entries(faults.reply ?? {})) {
    if (!matchesCommand(pattern, line)) continue;
    if (typeof given === "string") return given;
    const left = given.times ?? 1;
    if (left <= 0) continue;
    given.times = left - 1;
    return given.reply;
  }
  return undefined;
}

/** Whether a fault that is always on (`true`), or on a number of times, is on now; counts it down. */
export function isOn<Name extends string>(
  faults: { [name in Name]?: boolean | number | undefined },
  name: Name,
): boolean {
  const given = faults[name];
  if (typeof given !== "number") return given ?? false;
  if (given <= 0) return false;
  faults[name] = given - 1;
  return true;
}
