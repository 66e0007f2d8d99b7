/** What `polywire verify` found: rows, and what they come to. */
import { type MoveOptions, type VerifiedFile, type VerifyMoveOptions, verifyMove } from "../../jobs/index.js";
import type { Context } from "../context.js";
import { EXIT } from "../exit-codes.js";
import { counted, csvRow } from "../format.js";
import { note, printJson, write } from "../output.js";

type Problem = NonNullable<VerifiedFile["problem"]>;

const WORDS: Readonly<Record<Problem, string>> = {
  missing: "not there",
  size: "of another size",
  time: "with another time",
  bytes: "with other bytes",
  unreadable: "that could not be looked at",
};

/** Prints them. @returns 1 where something is missing or differs. */
export async function printVerified(
  context: Context,
  job: MoveOptions,
  look: VerifyMoveOptions,
  all: boolean,
): Promise<number> {
  const problems = new Map<Problem, number>();
  const sums = { files: 0, proven: 0 };
  if (!context.json) await write(csvRow(["problem", "name", "target", "expected", "found"]));
  for await (const file of verifyMove(job, look)) {
    const { problem, name, target, expected, found, proven } = file;
    sums.files++;
    if (proven) sums.proven++;
    if (problem !== undefined) problems.set(problem, (problems.get(problem) ?? 0) + 1);
    if (problem === undefined && !all) continue;
    if (context.json) await printJson(file);
    else await write(csvRow([problem ?? "ok", name, target, expected, found]));
  }
  const wrong = [...problems.values()].reduce((sum, files) => sum + files, 0);
  if (context.json) await printJson({ summary: { ...sums, problems: Object.fromEntries(problems) } });
  else note(summary(sums, problems, wrong, look.bytes ?? false));
  return wrong > 0 ? EXIT.refused : EXIT.done;
}

function summary(
  { files, proven }: { files: number; proven: number },
  problems: ReadonlyMap<Problem, number>,
  wrong: number,
  bytes: boolean,
): string {
  const fine = `${counted(files - wrong, "file")} of ${files} as moved`;
  const unproven = files - wrong - proven;
  return [
    `${fine}${bytes ? ` (${proven} compared by their bytes)` : ""}.`,
    ...[...problems].map(([problem, n]) => `${counted(n, "file")} ${WORDS[problem]}.`),
    ...(bytes && unproven > 0
      ? [`Of ${counted(unproven, "file")} only the size is known: the journal has no digest, and the source is gone.`]
      : []),
  ].join("\n");
}
