/** What a command is: what it does, how many arguments it takes, and when it may be said. */
import type { NntpFeatures, ResolvedNntpServerOptions } from "../options.js";
import type { Session } from "../session.js";

/** Does a command; throws Refused to say no. A promise where it takes time: the next command waits for it. */
export type Run = (session: Session, words: string[]) => Promise<void> | undefined | void;

export interface Command {
  run(session: Session, words: string[]): Promise<void> | undefined;
  /** The fewest and the most arguments; others are 501. */
  arguments: readonly [number, number];
  /** What a client may be asked to log in for. */
  needs: "nothing" | "login" | "reading" | "posting";
  enabled(options: ResolvedNntpServerOptions): boolean;
}

export type CommandTable = Record<string, Command>;

interface CommandOptions {
  arguments?: readonly [number, number];
  feature?: BooleanFeature;
  enabled?(options: ResolvedNntpServerOptions): boolean;
}

type BooleanFeature = {
  [Name in keyof NntpFeatures]: NntpFeatures[Name] extends boolean ? Name : never;
}[keyof NntpFeatures];

/** A command, known where its feature is switched on. */
export function command(needs: Command["needs"], run: Run, options: CommandOptions = {}): Command {
  const { feature, enabled } = options;
  return {
    run: (session, words) => run(session, words) ?? undefined,
    arguments: options.arguments ?? [0, 0],
    needs,
    enabled: (all) => (feature === undefined || all.features[feature]) && (enabled?.(all) ?? true),
  };
}
