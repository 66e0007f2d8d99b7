/** What a command is: what it does, and when it may be said. */
import type { FtpFeatures, ResolvedFtpServerOptions } from "../options.js";
import type { Session } from "../session.js";

/** Does a command; throws Refused to say no. A promise where it takes time: the next command waits for it. */
export type Run = (session: Session, argument: string) => Promise<void> | undefined;

export interface Command {
  run: Run;
  /** Whether it needs a login. */
  login: boolean;
  enabled(options: ResolvedFtpServerOptions): boolean;
}

export type CommandTable = Record<string, Command>;

/** A command for clients that are logged in, known where `feature` is switched on. */
export function command(run: Run, feature?: keyof FtpFeatures): Command {
  return { run, login: true, enabled: (options) => feature === undefined || options.features[feature] };
}

/** A command that may be said before the login. */
export function early(run: Run, feature?: keyof FtpFeatures): Command {
  return { ...command(run, feature), login: false };
}

/** A command of servers with TLS. */
export function withTls(run: Run): Command {
  return { run, login: false, enabled: (options) => options.tls !== "none" };
}
