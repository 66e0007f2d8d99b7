/** What a command is: what it does, and when it may be said. */
import type { ResolvedPop3ServerOptions } from "../options.js";
import { Refused } from "../reply.js";
import type { Session } from "../session.js";

/** Does a command; throws Refused to say no. `rest`: the line behind the verb and a blank (latin1). */
export type Run = (session: Session, rest: string) => Promise<void> | undefined | void;

export interface Command {
  run(session: Session, rest: string): Promise<void> | undefined;
  /** The state it belongs to (RFC 1939 3). */
  state: "authorization" | "transaction" | "any";
  enabled(options: ResolvedPop3ServerOptions): boolean;
}

export type CommandTable = Record<string, Command>;

/** A command, known where `enabled` says so. */
export function command(state: Command["state"], run: Run, enabled: Command["enabled"] = () => true): Command {
  return { run: (session, rest) => run(session, rest) ?? undefined, state, enabled };
}

/** The words of an argument; refused where there are fewer or more than allowed. */
export function words(rest: string, fewest: number, most: number): string[] {
  const all = rest === "" ? [] : rest.split(/ +/);
  if (all.length < fewest || all.length > most) throw new Refused("Wrong number of arguments");
  return all;
}

/** Text, from the bytes of a line. */
export function utf8(line: string): string {
  return Buffer.from(line, "latin1").toString("utf8");
}
