/** The options of a move, as its journal remembers them: to go on, to try again, to look after it. */
import { UsageError } from "../../../client/errors.js";
import type { JournalReader } from "../../journal/journal.js";
import type { MoveOptions } from "../options.js";

/**
 * The options of the last run of a journal, as far as they can be written down: passwords, files of TLS and functions
 * are not among them.
 *
 * @throws UsageError where `match` or `route` was a function.
 */
export function jobOfJournal(reader: JournalReader): MoveOptions {
  const { settings, options, path } = reader;
  const { from, to, match, route, source, archiveTo } = settings;
  for (const [name, value] of Object.entries({ match, route })) {
    if (typeof value === "string" && /^function /.test(value))
      throw new UsageError(`the journal ${path} remembers of its ${name} that it was a function, and no more`, {
        advice: "name the job file, which has it",
      });
  }
  const noted = options as Partial<MoveOptions>;
  return {
    ...noted,
    from: from as MoveOptions["from"],
    to: to as MoveOptions["to"],
    ...(typeof match === "string" && { match: pattern(match) }),
    ...(typeof route === "string" && { route }),
    ...((source === "keep" || source === "delete" || source === "archive") && { source }),
    ...(typeof archiveTo === "string" && { archiveTo }),
    journal: path,
  };
}

/** A RegExp was written down as `/…/flags`; no name of a file begins like that. */
function pattern(source: string): string | RegExp {
  const literal = /^\/(.*)\/([a-z]*)$/s.exec(source);
  return literal ? new RegExp(literal[1] as string, literal[2]) : source;
}
