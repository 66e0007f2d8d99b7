/** What a command is: what it does, and when it may be said. */
import type { ResolvedSmtpServerOptions } from "../options.js";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";

/** Does a command; throws Refused to say no. `rest`: the line behind the verb and a blank (latin1). */
export type Run = (session: Session, rest: string) => Promise<void> | undefined | void;

export interface Command {
  run(session: Session, rest: string): Promise<void> | undefined;
  /** It may be said before TLS where TLS is required. */
  beforeTls: boolean;
  enabled(options: ResolvedSmtpServerOptions): boolean;
}

export type CommandTable = Record<string, Command>;

interface CommandOptions {
  beforeTls?: boolean;
  enabled?: Command["enabled"];
}

/** A command, known where `enabled` says so. */
export function command(run: Run, { beforeTls = false, enabled = () => true }: CommandOptions = {}): Command {
  return { run: (session, rest) => run(session, rest) ?? undefined, beforeTls, enabled };
}

/** Refuses an argument where there must be none. */
export function nothingBehind(rest: string): void {
  if (rest.trim() !== "") throw new Refused(501, "5.5.4", "No argument is allowed here");
}

/** Text, from the bytes of a line. */
export function utf8(line: string): string {
  return Buffer.from(line, "latin1").toString("utf8");
}
